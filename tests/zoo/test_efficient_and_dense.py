"""Efficient, dense-prediction and autoencoder networks of the zoo: the published numbers, by analysis alone.

Sources. Parameters: the paper's table where it prints exact numbers; else torchvision (tv), keras.applications (keras),
pytorchcv (cv) or the layer list of the paper, counted by hand. Multiply-adds: of convolutions and dense layers for one
sample; biases, normalisation and pooling do not count.
"""

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from archgraph.analysis import infer
from archgraph.analysis.receptive import node_fields
from archgraph.analysis.shaped import Leaf, ShapedGraph
from archgraph.document.load import load_graph

EXAMPLES = Path(__file__).parents[2] / "examples"


@cache
def analysed(reference: str, *settings: tuple[str, Any]) -> ShapedGraph:
    """The graph that ``NAME#VARIANT`` names among the examples, analysed with these parameters."""
    name, _, variant = reference.partition("#")
    path = f"{EXAMPLES / name}.graph.json"
    return infer(load_graph(f"{path}#{variant}" if variant else path, dict(settings)))


def leaves(shaped: ShapedGraph) -> dict[str, Leaf]:
    """Every primitive, by path."""
    return {node.path: node.leaf for node in shaped.walk()}


class Totals(NamedTuple):
    """Counts of one network; what no source states is None."""

    reference: str
    source: str
    trainable: int
    total: int | None = None
    macs: int | None = None
    settings: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        return "-".join([self.reference, *(f"{name}={value}" for name, value in self.settings)])


def alpha(value: float) -> tuple[tuple[str, Any], ...]:
    """MobileNet's width multiplier."""
    return (("alpha", value),)


def mobile(value: float, resolution: int) -> tuple[tuple[str, Any], ...]:
    """MobileNet's width multiplier and resolution."""
    return (*alpha(value), ("resolution", resolution))


LARGE_CONTEXT = (9 * (2 + 4 + 8 + 32 + 128 + 512 + 1024) + 32) * 21**2 + (2 + 2 + 4 + 8 + 16 + 32 + 32 + 1) * 21
"""Yu & Koltun 2016, table 1: 3x3 from C to 2, 2, 4, 8, 16, 32 and 32 times C, 1x1 to C, a bias for each map; C = 21."""

TOTALS = (
    # Huang et al. 2017, table 1. DenseNet-264 is in the paper alone: 33.3 M
    Totals("densenet#densenet169", "tv, keras", 14_149_480, 14_307_880, 3_359_843_328),
    Totals("densenet#densenet264", "documentation of lucid", 33_337_704),
    # Huang et al. 2017, table 2: 7.0 M; BC: 15.3 M
    Totals("densenet_cifar#densenet_100_12", "layer list", 6_979_642),
    Totals("densenet_cifar#densenet_bc_250_24", "cv", 15_324_406),
    Totals("mobilenet", "keras", 2_585_560, 2_601_976, None, alpha(0.75)),
    Totals("mobilenet", "keras", 470_072, 475_544, None, alpha(0.25)),
    Totals("mobilenet#keras", "keras", 4_231_976, 4_253_864, 568_740_352),
    # Szegedy et al. 2015, table 1, with biases; the stages are counted below
    Totals("inception_v1", "layer list", 6_998_552, 6_998_552),
    # ResNet's own count and, for each unit of C maps, 2·C²/16 + C/16 + C in the gate (Hu et al. 2018, equation 5)
    Totals("squeeze_excite_resnet#se_resnet50", "cv; table 2: 28.1 M", 28_088_024),
    Totals("squeeze_excite_resnet#se_resnet101", "cv; table 2: 49.3 M", 49_326_872),
    Totals("squeeze_excite_resnet#se_resnet152", "cv; table 2: 66.8 M", 66_821_848),
    Totals("squeeze_excite_resnet#se_resnet18", "cv", 11_778_592),
    Totals("squeeze_excite_resnet#se_resnet34", "cv", 21_958_868),
    # the front end's 134,346,581, two scores, and deconvolutions of 4x4 and 32x32 over 21·21 classes
    Totals("fcn#fcn_16s", "layer list", 134_346_581 + 10_773 + 441 * (16 + 1024)),
    Totals("unet_paper#same", "layer list", 31_030_658, 31_030_658),
    Totals("dilated_context#large", "table 1", LARGE_CONTEXT),
)
"""Variants beside those of test_published_rows.py."""


@pytest.mark.parametrize("row", TOTALS, ids=str)
def test_the_counts_are_the_published_ones(row: Totals) -> None:
    shaped = analysed(row.reference, *row.settings)
    found = (shaped.trainable, shaped.parameters, shaped.macs)
    stated = (row.trainable, row.total, row.macs)
    assert [one if other is not None else None for one, other in zip(found, stated, strict=True)] == list(stated)


# Howard et al. 2017, tables 6 and 7: millions of multiply-adds, as printed
@pytest.mark.parametrize(
    ("width", "resolution", "millions"),
    [(0.75, 224, 325), (0.25, 224, 41)],
)
def test_mobilenet_costs_what_is_printed(width: float, resolution: int, millions: int) -> None:
    macs = analysed("mobilenet", *mobile(width, resolution)).macs
    assert isinstance(macs, int)
    assert abs(macs / 1e6 - millions) < 0.7


# ---- stages: path and output

STAGES: dict[str, dict[str, tuple[int, ...]]] = {
    # Szegedy et al. 2015, table 1
    "inception_v1": {
        "conv1": (112, 112, 64), "pool1": (56, 56, 64), "conv2": (56, 56, 192), "pool2": (28, 28, 192),
        "mix3a/join": (28, 28, 256), "mix3b/join": (28, 28, 480), "pool3": (14, 14, 480),
        "mix4a/join": (14, 14, 512), "mix4b/join": (14, 14, 512), "mix4c/join": (14, 14, 512),
        "mix4d/join": (14, 14, 528), "mix4e/join": (14, 14, 832), "pool4": (7, 7, 832),
        "mix5a/join": (7, 7, 832), "mix5b/join": (7, 7, 1024), "gap": (1024,), "label": (1000,),
    },
    # Hu et al. 2018, table 1; its gates have 16, 32, 64 and 128 units
    "squeeze_excite_resnet#se_resnet50": {
        "stem": (112, 112, 64), "pool": (56, 56, 64), "stage1/2/sum": (56, 56, 256), "stage2/3/sum": (28, 28, 512),
        "stage3/5/sum": (14, 14, 1024), "stage4/2/sum": (7, 7, 2048), "stage1/0/weigh/reduce": (1, 1, 16),
        "stage2/0/weigh/reduce": (1, 1, 32), "stage3/0/weigh/reduce": (1, 1, 64), "stage4/0/weigh/reduce": (1, 1, 128),
    },
    # Long et al. 2017: score maps of stride 16 in the authors' file for FCN-16s
    "fcn#fcn_16s": {
        "score": (16, 16, 21), "fuse4/0/up": (34, 34, 21), "fuse4/0/crop": (34, 34, 21), "up": (560, 560, 21),
        "crop": (500, 500, 21),
    },
    "unet_paper#same": {"bottom/1/conv": (32, 32, 1024), "up4/grow": (64, 64, 512), "score": (512, 512, 2)},
    # milesial/Pytorch-UNet, bilinear: the way up is half as wide
    "unet_paper#milesial_bilinear": {
        "bottom/1/conv": (32, 32, 512), "up4/double/0/conv": (64, 64, 512), "up4/double/1/conv": (64, 64, 256),
        "up2/double/1/conv": (256, 256, 64), "up1/double/0/conv": (512, 512, 64), "score": (512, 512, 2),
    },
    "dilated_context#large": {
        **{f"layer{n}/conv": (64, 64, 21 * times) for n, times in enumerate((2, 2, 4, 8, 16, 32, 32), 1)},
        "layer8": (64, 64, 21),
    },
}  # fmt: skip


@pytest.mark.parametrize("reference", STAGES)
def test_the_stages_have_their_published_shapes(reference: str) -> None:
    found = leaves(analysed(reference))
    assert {path: found[path].outputs[0].shape for path in STAGES[reference]} == STAGES[reference]


def summed(shaped: ShapedGraph, *endings: str) -> tuple[int, int]:
    """Parameters and multiply-adds of all primitives whose path ends so."""
    chosen = [leaf for path, leaf in leaves(shaped).items() if path.endswith(endings)]
    macs = [leaf.macs for leaf in chosen]
    assert chosen and all(isinstance(one, int) for one in macs)
    return sum(leaf.parameters for leaf in chosen), sum(one for one in macs if isinstance(one, int))


# Szegedy et al. 2015, table 1, millions of operations; 5a is printed as 54 and has 51
@pytest.mark.parametrize(
    ("module", "millions"),
    [("3a", 128), ("3b", 304), ("4a", 73), ("4b", 88), ("4c", 100), ("4d", 119), ("4e", 170), ("5a", 51), ("5b", 71)],
)
def test_the_inception_modules_cost_what_is_printed(module: str, millions: int) -> None:
    prefix = f"mix{module}/"
    macs = [leaf.macs for path, leaf in leaves(analysed("inception_v1")).items() if path.startswith(prefix)]
    assert abs(sum(one for one in macs if isinstance(one, int)) / 1e6 - millions) < 0.7


def test_the_gates_of_se_resnet50_add_what_the_paper_says() -> None:
    # Hu et al. 2018, section 3.3: about 2.5 million, a tenth, on top of ResNet-50's 25,557,032
    weights, _ = summed(analysed("squeeze_excite_resnet#se_resnet50"), "/weigh/reduce", "/weigh/excite")
    biases = sum(count * (maps + maps // 16) for count, maps in ((3, 256), (4, 512), (6, 1024), (3, 2048)))
    assert (weights - biases, 28_088_024 - weights) == (2_514_944, 25_557_032)


# ---- sizes, crops and receptive fields


def test_the_papers_u_net_has_the_sizes_of_its_figure() -> None:
    found = leaves(analysed("unet_paper#paper"))
    sizes = [leaf.outputs[0].shape[0] for path, leaf in found.items() if leaf.primitive.op != "activation"]
    drawn = [570, 568, 284, 282, 280, 140, 138, 136, 68, 66, 64, 32, 30, 28, 56, 54, 52, 104, 102, 100, 200, 198, 196,
             392, 390, 388]  # fmt: skip
    assert list(dict.fromkeys(sizes)) == drawn


# Shelhamer's prototxts: the first cell that each crop keeps
@pytest.mark.parametrize(
    ("reference", "offsets"),
    [("fcn#fcn_32s", [19]), ("fcn#fcn_16s", [5, 27]), ("fcn#fcn_8s", [5, 9, 31])],
)
def test_fcn_crops_where_its_authors_do(reference: str, offsets: list[int]) -> None:
    crops = [leaf.primitive for leaf in leaves(analysed(reference)).values() if leaf.primitive.op == "crop"]
    assert [dict(crop.given())["offset"] for crop in crops] == offsets


def fields(reference: str) -> dict[str, tuple[Any, Any]]:
    """What each primitive sees along the rows of its input: cells, and cells between neighbours."""
    shaped = analysed(reference)
    seen = {node.path: list(sight.values()) for node, sight in zip(shaped.walk(), node_fields(shaped), strict=True)}
    return {path: tuple(sight[0][0]) for path, sight in seen.items()}  # type: ignore[misc]


# Long et al. 2017, table 1
@pytest.mark.parametrize(("path", "field"), [("pool5", (212, 32)), ("fc6", (404, 32)), ("score", (404, 32))])
def test_fcn_sees_what_the_paper_says(path: str, field: tuple[int, int]) -> None:
    assert fields("fcn#fcn_32s")[path] == field


@pytest.mark.parametrize("variant", ["basic", "large"])
def test_the_context_module_sees_what_the_paper_says(variant: str) -> None:
    found = fields(f"dilated_context#{variant}")
    # Yu & Koltun 2016, table 1
    assert [found[f"layer{n}/conv" if n < 8 else "layer8"] for n in range(1, 9)] == [
        (n, 1) for n in (3, 5, 9, 17, 33, 65, 67, 67)
    ]


@pytest.mark.parametrize(
    "name",
    ["autoencoder_deep", "autoencoder_hinton", "cnn3d_ji", "denoising_autoencoder", "denoising_autoencoder_conv",
     "densenet", "densenet_cifar", "dilated_context", "dilated_frontend", "fcn", "inception_v1", "mobilenet",
     "squeeze_excite_resnet", "unet_paper", "xception"],
)  # fmt: skip
def test_the_file_is_short(name: str) -> None:
    text = (EXAMPLES / f"{name}.graph.json").read_text("utf-8")
    assert sum(bool(line.strip()) for line in text.splitlines()) <= 75
