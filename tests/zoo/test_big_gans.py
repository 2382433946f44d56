"""SAGAN, BigGAN, AutoGAN, the semi-supervised GAN and the larger forms of AC-GAN and SN-GAN, by the papers' tables."""

import itertools
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import archgraph as ag
from archgraph.analysis import infer
from archgraph.analysis.shaped import Leaf, ShapedGraph
from archgraph.compiler import compile_model
from archgraph.document.load import load_graph

EXAMPLES = Path(__file__).parents[2] / "examples"
Layers = dict[str, tuple[tuple[int, ...], int, int]]


def shaped(name: str, **params: Any) -> ShapedGraph:
    """The example of that name, or its variant after `#`, for parameters."""
    file, mark, variant = name.partition("#")
    return infer(load_graph(f"{EXAMPLES / file}.graph.json{mark}{variant}", params))


@cache
def leaves(name: str) -> dict[str, Leaf]:
    """The primitives of an example by path."""
    return {node.path: node.leaf for node in shaped(name).walk()}


# Trainable parameters.
COUNTS = {
    # Zhang et al. 2019: ch 64; attention over 128 maps of 32x32; a table of 1000 x 1024
    "sagan_generator": 42_078_852,
    "sagan_discriminator": 30_062_338,
    # Brock et al. 2019, appendix B; ajbrock/BigGAN-PyTorch. Below, `test_table_1…` holds them to the printed sums.
    "biggan_generator": 70_433_988,
    "biggan_generator#baseline": 85_556_164,
    "biggan_discriminator": 87_982_370,
    # Gong et al. 2019; TAMU-VITA/AutoGAN. At 48x48 the first layer alone grows: 20 more cells of 256 maps
    "autogan_generator": 4_405_251,
    "autogan_generator#stl10": 4_405_251 + 20 * 256 * 129,
    "autogan_discriminator": 1_053_824,
    "autogan_discriminator#stl10": 1_053_824,
    # Odena 2016: DCGAN's discriminator, K + 1 outputs without biases in the place of one
    "sgan_discriminator": 17_232_768 + 10 * 16_384,
    "sgan_discriminator#mnist": 25 * 64 + 25 * 64 * 128 + 2 * 128 + 7 * 7 * 128 * 11,
    # Odena et al. 2017, table 1: 768 maps of 4x4, then 384, 256, 192, 64 and 3; normalisation but for the last
    "acgan_generator#imagenet": 111 * 12_288
    + 25 * (768 * 384 + 384 * 256 + 256 * 192 + 192 * 64 + 64 * 3) + 3 * (384 + 256 + 192 + 64) + 3,
    # as for CIFAR-10, but that the head sees 16x16 places of 512 maps in the place of 4x4
    "acgan_discriminator#imagenet": 1_664_875 + (256 - 16) * 512 * 11,
    # Miyato et al. 2018, table 3 at 48x48 (M = 6 in the generator)
    "sngan_cnn_generator#stl10": 3_812_355 + 20 * 512 * 129,
    "sngan_cnn_discriminator#stl10": 2_935_873 + 20 * 512,
    # table 5: blocks 512-256-128-64, each a 3x3 of both widths, a 3x3 of the new, a 1x1, and two normalisations
    "sngan_resnet_generator#stl10": 129 * 36 * 512
    + sum(10 * a * b + 9 * b * b + 3 * b + 2 * (a + b) for a, b in ((512, 256), (256, 128), (128, 64)))
    + 2 * 64 + 27 * 64 + 3,
    # blocks 3-64-128-256-512-1024, the first convolution of the width that comes in, but for the first block
    "sngan_resnet_discriminator#stl10": (27 * 64 + 9 * 64 * 64 + 3 * 64 + 3 * 64)
    + sum(9 * a * a + 10 * a * b + a + 2 * b for a, b in ((64, 128), (128, 256), (256, 512), (512, 1024))) + 1025,
}  # fmt: skip


@pytest.mark.parametrize("name", COUNTS)
def test_the_published_counts_are_met(name: str) -> None:
    assert shaped(name).trainable == COUNTS[name]


def compiled() -> Iterator[Any]:
    """The examples; those with more than 30 million parameters are marked slow."""
    for name, count in COUNTS.items():
        yield pytest.param(name, marks=[pytest.mark.slow] if count > 30_000_000 else [])


@pytest.mark.parametrize("name", list(compiled()))
def test_keras_has_the_published_counts_and_shapes(name: str) -> None:
    graph = shaped(name)
    model = compile_model(graph, seed=0)
    assert sum(int(np.prod(weight.shape)) for weight in model.trainable_weights) == COUNTS[name]
    assert model.count_params() == graph.parameters
    outputs = model.output if isinstance(model.output, dict) else dict.fromkeys(graph.outputs, model.output)
    assert {key: tuple(y.shape[1:]) for key, y in outputs.items()} == {key: x.shape for key, x in graph.outputs.items()}


# Brock et al. 2019, table 1, column "Param (M)": both networks, without the shared vectors of classes (128,000).
@pytest.mark.parametrize(
    ("params", "width", "millions"),
    [
        ({"shared": 0, "piece": 0, "noise": 128}, 64, 81.5),
        ({"shared": 0, "piece": 0, "noise": 128}, 96, 173.5),
        ({"piece": 0, "noise": 128}, 96, 160.6),
        ({}, 96, 158.3),
    ],
)
def test_table_1_of_biggan_is_met(params: dict[str, int], width: int, millions: float) -> None:
    generator, discriminator = shaped("biggan_generator", ch=width, **params), shaped("biggan_discriminator", ch=width)
    vectors = 0 if params.get("shared") == 0 else 128_000
    assert round((generator.trainable + discriminator.trainable - vectors) / 1e6, 1) == millions


# huggingface/pytorch-pretrained-BigGAN, README: sizes of the authors' generators, whose last layer has ch maps, not 3.
@pytest.mark.parametrize(("size", "millions"), [(128, 50.4), (256, 55.9), (512, 56.2)])
def test_the_deep_generators_have_the_size_of_the_authors_own(size: int, millions: float) -> None:
    graph = shaped(f"biggan_deep_generator#size{size}")
    assert round((graph.trainable + (128 - 3) * (9 * 128 + 1)) / 1e6, 1) == millions


# ---- layer by layer


def conv(kernel: int, size: int, maps: int, filters: int) -> tuple[tuple[int, ...], int, int]:
    """Shape, parameters and multiply-adds of a convolution with bias that keeps the size."""
    weights = kernel * kernel * maps * filters
    return (size, size, filters), weights + filters, size * size * weights


def attention(size: int, maps: int) -> tuple[tuple[int, ...], int, int]:
    """The same of a non-local block: maps/8 for queries and keys, maps/2 for values; a quarter of the cells is seen."""
    cells, small, middle = size * size, maps // 8, maps // 2
    weights = 2 * maps * small + 2 * maps * middle
    return (size, size, maps), weights + 1, cells * weights + cells * (cells // 4) * (small + middle)


# Brock et al. 2019, tables 4 to 6: multiples of ch, block by block; attention stands at 64x64.
GENERATORS = {128: [16, 16, 8, 4, 2, 1], 256: [16, 16, 8, 8, 4, 2, 1], 512: [16, 16, 8, 8, 4, 2, 1, 1]}
DISCRIMINATORS = {128: [1, 2, 4, 8, 16, 16], 256: [1, 2, 4, 8, 8, 16, 16], 512: [1, 1, 2, 4, 8, 8, 16, 16]}
CH, CONDITION = 96, 20 + 128


def drawn(image: int) -> Layers:
    """Table 4a (5a, 6a)."""
    found: Layers = {"project": ((16 * 16 * CH,), 21 * 256 * CH, 20 * 256 * CH)}
    size, widths = 4, [CH * multiple for multiple in GENERATORS[image]]
    for number, (before, after) in enumerate(itertools.pairwise(widths)):
        path = f"before/{number}" if number < 4 else f"after/{number - 4}"
        for place, edge, maps in (("norm1", size, before), ("norm2", 2 * size, after)):
            maps_of_class = 2 * CONDITION * maps
            found[f"{path}/up/{place}"] = ((edge, edge, maps), maps_of_class, maps_of_class)
        size *= 2
        found[f"{path}/up/conv1"] = conv(3, size, before, after)
        found[f"{path}/up/conv2"] = conv(3, size, after, after)
        found[f"{path}/up/short"] = conv(1, size, before, after)
        if size == 64:
            found["look"] = attention(64, after)
    found["picture"] = conv(3, image, CH, 3)
    return found


def judged(image: int) -> Layers:
    """Table 4b (5b, 6b): both convolutions of a block have its width."""
    size, last = image, 3
    found: Layers = {}
    halvings = len(DISCRIMINATORS[image]) - 1
    early = halvings - 5
    paths = ["entry", *(f"before/{n}" for n in range(early)), *(f"after/{n}" for n in range(4)), "last"]
    for path, multiple in zip(paths, DISCRIMINATORS[image], strict=True):
        width = CH * multiple
        found[f"{path}/conv1"] = conv(3, size, last, width)
        found[f"{path}/conv2"] = conv(3, size, width, width)
        if path != "last":
            found[f"{path}/short"] = conv(1, size // 2 if path == "entry" else size, last, width)
            size //= 2
        if size == 64 and "look" not in found:
            found["look"] = attention(64, width)
        last = width
    found["real/score"] = ((1,), last + 1, last)
    found["real/embed"] = ((last,), 1000 * last, 0)
    found["real/agree"] = ((1,), 0, last)
    return found


# Tables 7 to 9: for each size of a picture, the widths after the pairs of blocks that begin or end at one size.
DEEP = {128: [2, 4, 8, 16, 16], 256: [2, 4, 8, 8, 16, 16], 512: [1, 2, 4, 8, 8, 16, 16]}
DEEP_CH, DEEP_CONDITION = 128, 128 + 128


def bottleneck(path: str, sizes: tuple[int, int], maps: int, hidden: int, width: int) -> Layers:
    """The four convolutions between 1x1 ones; the sizes are those before and after the change."""
    before, after = sizes
    wide = max(before, after)
    return {
        f"{path}narrow": conv(1, before, maps, hidden),
        f"{path}conv1": conv(3, wide, hidden, hidden),
        f"{path}conv2": conv(3, wide, hidden, hidden),
        f"{path}widen": conv(1, after, hidden, width),
    }


def deeply_drawn(image: int) -> Layers:
    """Table 7a (8a, 9a)."""
    found: Layers = {"project": ((16 * 16 * DEEP_CH,), 257 * 256 * DEEP_CH, 256 * 256 * DEEP_CH)}
    widths = [DEEP_CH * multiple for multiple in (*reversed(DEEP[image]), 1)]
    size = 4
    for number, (maps, width) in enumerate(itertools.pairwise(widths)):
        path = f"before/{number}" if number < 4 else f"after/{number - 4}"
        for part, after, out in (("same", size, maps), ("up", 2 * size, width)):
            layers = bottleneck(f"{path}/{part}/", (size, after), maps, maps // 4, out)
            found |= {f"{name}/conv": layer for name, layer in layers.items()}
            for name, edge, seen in zip(layers, (size, size, after, after), (maps, *3 * [maps // 4]), strict=True):
                found[f"{name}/norm"] = ((edge, edge, seen), *2 * [2 * DEEP_CONDITION * seen])
        size *= 2
        if size == 64:
            found["look"] = attention(64, width)
    found["picture"] = conv(3, image, DEEP_CH, 3)
    return found


def deeply_judged(image: int) -> Layers:
    """Table 7b (8b, 9b)."""
    found: Layers = {"first": conv(3, image, 3, DEEP_CH)}
    size, maps, early = image, DEEP_CH, len(DEEP[image]) - 4
    for number, multiple in enumerate(DEEP[image]):
        width = DEEP_CH * multiple
        path = f"before/{number}" if number < early else f"after/{number - early}"
        found |= bottleneck(f"{path}/down/", (size, size // 2), maps, width // 4, width)
        size //= 2
        if width > maps:
            found[f"{path}/down/more"] = conv(1, size, maps, width - maps)
        found |= bottleneck(f"{path}/same/", (size, size), width, width // 4, width)
        maps = width
        if size == 64:
            found["look"] = attention(64, width)
    found["real/score"] = ((1,), maps + 1, maps)
    found["real/agree"] = ((1,), 0, maps)
    return found


# Gong et al. 2019, figure 3, in the sizes of the authors' code.
AUTOGAN: Layers = {
    "project": ((4096,), 528_384, 524_288),
    "grow1/conv": ((8, 8, 256), 590_080, 37_748_736),
    "conv1": ((8, 8, 256), 590_080, 37_748_736),
    "short1/conv": ((8, 8, 256), 65_792, 4_194_304),
    "grow2/conv": ((16, 16, 256), 590_080, 150_994_944),
    "skip12/conv": ((16, 16, 256), 65_792, 16_777_216),
    "conv2": ((16, 16, 256), 590_080, 150_994_944),
    "short2/conv": ((16, 16, 256), 65_792, 16_777_216),
    "grow3/conv": ((32, 32, 256), 590_080, 603_979_776),
    "skip13/conv": ((32, 32, 256), 65_792, 67_108_864),
    "skip23/conv": ((32, 32, 256), 65_792, 67_108_864),
    "cell3": ((32, 32, 256), 590_080, 603_979_776),
    "picture": ((32, 32, 3), 6_915, 7_077_888),
}

# Odena et al. 2017, table 1.
ACGAN: Layers = {
    "wide": ((12_288,), 111 * 12_288, 110 * 12_288),
    "up/0": ((8, 8, 384), 25 * 768 * 384 + 384, 16 * 25 * 768 * 384),
    "up/1": ((16, 16, 256), 25 * 384 * 256 + 256, 64 * 25 * 384 * 256),
    "up/2": ((32, 32, 192), 25 * 256 * 192 + 192, 256 * 25 * 256 * 192),
    "up/3": ((64, 64, 64), 25 * 192 * 64 + 64, 1024 * 25 * 192 * 64),
    "picture": ((128, 128, 3), 25 * 64 * 3 + 3, 4096 * 25 * 64 * 3),
}

LAYERS: dict[str, Layers] = {
    **{f"biggan_generator#size{size}": drawn(size) for size in GENERATORS},
    **{f"biggan_discriminator#size{size}": judged(size) for size in DISCRIMINATORS},
    **{f"biggan_deep_generator#size{size}": deeply_drawn(size) for size in DEEP},
    **{f"biggan_deep_discriminator#size{size}": deeply_judged(size) for size in DEEP},
    "autogan_generator": AUTOGAN,
    "acgan_generator#imagenet": ACGAN,
}


@pytest.mark.parametrize("name", LAYERS)
def test_the_layers_of_the_tables_are_met(name: str) -> None:
    found = leaves(name)
    ours = {path: (found[path].outputs[0].shape, found[path].trainable, found[path].macs) for path in LAYERS[name]}
    assert ours == LAYERS[name]


@pytest.mark.parametrize("name", LAYERS)
def test_no_other_layer_multiplies(name: str) -> None:
    assert shaped(name).macs == sum(macs for _, _, macs in LAYERS[name].values())


# ---- what is easily got wrong


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("sagan_generator", {"one_hot"}),
        ("sagan_discriminator", set()),
        # The generator's table of classes is not normalised (the authors of BigGAN-PyTorch say why).
        ("biggan_generator", {"vector"}),
        ("biggan_discriminator", set()),
        ("biggan_deep_generator", {"class"}),
        ("biggan_deep_discriminator", set()),
        ("autogan_discriminator", set()),
        ("sngan_resnet_discriminator#stl10", set()),
    ],
)
def test_every_matrix_is_spectrally_normalised(name: str, plain: set[str]) -> None:
    batch = {"batch_norm", "conditional_batch_norm"} if name == "sagan_generator" else {"batch_norm"}
    weighted = {path: leaf for path, leaf in leaves(name).items() if leaf.trainable and leaf.primitive.op not in batch}
    divided = {path for path, leaf in weighted.items() if any("vector_u" in weight.name for weight in leaf.weights)}
    assert divided == weighted.keys() - plain


def test_the_first_layer_of_biggan_takes_a_sixth_of_the_noise_and_no_class() -> None:
    assert leaves("biggan_generator")["first"].inputs[0].shape == (120,)
    assert leaves("biggan_generator")["project"].inputs[0].shape == (20,)
    seen = {leaf.inputs[1].shape for path, leaf in leaves("biggan_generator").items() if "/norm" in path}
    assert seen == {(20 + 128,)}


@pytest.mark.parametrize(("size", "noise"), [(128, 120), (256, 140), (512, 160)])
def test_every_block_of_biggan_has_a_piece_of_the_noise_of_its_own(size: int, noise: int) -> None:
    found = leaves(f"biggan_generator#size{size}")
    cuts = [leaf.primitive for path, leaf in found.items() if path == "first" or path.endswith("/part")]
    taken = [place for cut in cuts for place in range(noise)[slice(cut.start, cut.stop)]]  # type: ignore[attr-defined]
    assert taken == list(range(noise))


def test_the_scales_of_biggan_are_linear_and_without_bias() -> None:
    leaf = leaves("biggan_generator")["before/1/up/norm1"]
    assert [(weight.name, weight.shape) for weight in leaf.weights if weight.trainable] == [
        ("gamma", (148, 1536)),
        ("beta", (148, 1536)),
    ]


@pytest.mark.parametrize("name", ["sagan_generator", "sagan_discriminator", "biggan_generator", "biggan_discriminator"])
def test_attention_starts_as_nothing_and_pools_what_it_looks_at(name: str) -> None:
    leaf = leaves(name)["look"]
    size, _, maps = leaf.outputs[0].shape
    assert size == (64 if "big" in name else 32)
    assert (leaf.trainable, leaf.macs) == attention(size, maps)[1:]  # type: ignore[arg-type]


def test_the_deep_blocks_keep_what_they_do_not_change() -> None:
    """Brock et al. 2019, section 4 and figure 16: the shortcut has no weights where maps are dropped or kept."""
    trained = {path for path, leaf in leaves("biggan_deep_generator").items() if leaf.trainable and "/short" in path}
    assert trained == set()
    more = {path for path in leaves("biggan_deep_discriminator") if path.endswith("/more")}
    assert more == {"before/0/down/more", "after/0/down/more", "after/1/down/more", "after/2/down/more"}


TINY = {"ch": 4, "classes": 3, "shared": 5, "piece": 2}


@pytest.fixture(scope="module")
def tiny() -> Any:
    """BigGAN's generator for 128x128 with few maps."""
    return compile_model(shaped("biggan_generator", **TINY), seed=1)


def test_gamma_starts_at_zero_and_so_attention_as_the_identity(tiny: Any) -> None:
    look = tiny.get_layer("look")
    x = np.random.default_rng(0).normal(size=(1, 8, 8, 8)).astype("float32")
    assert float(look.gamma) == 0
    np.testing.assert_array_equal(look(x), x)


def test_every_piece_of_the_noise_and_the_class_change_the_picture(tiny: Any) -> None:
    z, label = np.random.default_rng(0).normal(size=(1, 12)).astype("float32"), np.array([1], "int32")
    picture = np.asarray(tiny({"z": z, "label": label}))
    assert picture.shape == (1, 128, 128, 3) and np.abs(picture).max() < 1
    for piece in range(6):
        other = z.copy()
        other[:, 2 * piece : 2 * piece + 2] += 1
        assert np.abs(np.asarray(tiny({"z": other, "label": label})) - picture).max() > 1e-6, piece
    assert np.abs(np.asarray(tiny({"z": z, "label": np.array([2], "int32")})) - picture).max() > 1e-6


def test_the_cells_of_autogan_normalise_nothing() -> None:
    found = [path for path, leaf in leaves("autogan_generator").items() if leaf.primitive.op == "batch_norm"]
    assert found == ["norm"]


def test_the_second_cell_of_autogan_interpolates_and_the_others_repeat() -> None:
    ups = {path: leaf.primitive for path, leaf in leaves("autogan_generator").items() if path.endswith("/up")}
    bilinear = {path for path, up in ups.items() if up.interpolation == "bilinear"}  # type: ignore[attr-defined]
    assert bilinear == {"grow2/up", "skip12/up", "short2/up"}
    assert ups.keys() - bilinear == {"grow1/up", "short1/up", "grow3/up", "skip13/up", "skip23/up"}


def test_the_skips_of_autogan_carry_what_the_first_convolutions_give() -> None:
    feeds = {
        node.path: [feed.path for feed in node.feeds if feed is not None]
        for node in shaped("autogan_generator").walk()
        if node.path in ("skip12/up", "skip13/up", "skip23/up", "sum2", "sum3")
    }
    assert feeds == {
        "skip12/up": ["grow1/conv"],
        "skip13/up": ["grow1/conv"],
        "skip23/up": ["grow2/conv"],
        "sum2": ["grow2/conv", "skip12/conv"],
        "sum3": ["grow3/conv", "skip13/conv", "skip23/conv"],
    }


def test_what_is_drawn_is_one_more_class() -> None:
    assert shaped("sgan_discriminator", classes=7).outputs["label"].shape == (8,)
    assert shaped("sgan_discriminator#mnist").inputs["picture"].shape == (28, 28, 1)


def test_the_generator_of_mnist_fits_its_discriminators() -> None:
    drawn_for = shaped("dcgan_generator#mnist").outputs["picture"].shape
    assert {
        shaped(f"{name}#mnist").inputs["picture"].shape for name in ("dcgan_discriminator", "sgan_discriminator")
    } == {drawn_for}


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("acgan_generator#imagenet", (128, 128, 3)),
        ("sngan_cnn_generator#stl10", (48, 48, 3)),
        ("sngan_resnet_generator#stl10", (48, 48, 3)),
        ("autogan_generator#stl10", (48, 48, 3)),
        ("biggan_generator#size256", (256, 256, 3)),
        ("biggan_generator#size512", (512, 512, 3)),
        ("biggan_deep_generator#size256", (256, 256, 3)),
        ("biggan_deep_generator#size512", (512, 512, 3)),
    ],
)
def test_the_pictures_have_the_published_sizes(name: str, shape: tuple[int, ...]) -> None:
    assert shaped(name).outputs["picture"].shape == shape


@pytest.mark.parametrize("name", sorted({name.partition("#")[0] for name in (*COUNTS, *LAYERS)}))
def test_the_file_is_without_fault_or_warning(name: str) -> None:
    assert ag.check(EXAMPLES / f"{name}.graph.json") == []
