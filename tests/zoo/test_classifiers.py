"""Classifiers of the zoo: variants beside the published rows, depths, and where strides and shortcuts are."""

import math
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from archgraph.analysis import infer
from archgraph.analysis.shaped import FlatNode, ShapedGraph
from archgraph.document.load import load_graph
from archgraph.shapes import Shape

EXAMPLES = Path(__file__).parents[2] / "examples"


@cache
def shaped(name: str) -> ShapedGraph:
    """The example of that name, or its variant after `#`."""
    file, mark, variant = name.partition("#")
    return infer(load_graph(f"{EXAMPLES / file}.graph.json{mark}{variant}"))


@cache
def nodes(name: str) -> dict[str, FlatNode]:
    """Every primitive of the example by its path."""
    return {node.path: node for node in shaped(name).walk()}


class Row(NamedTuple):
    """Published figures; multiply-adds are those of convolutions and dense layers. None: not published."""

    name: str
    trainable: int
    parameters: int | None = None
    """With the moving statistics of batch normalisation; None: the same as `trainable`."""
    macs: int | None = None


# Variants beside those of test_published_rows.py.
ROWS = (
    # Ciresan et al. 2010, table 1, network 5, on 29x29 pixels: 12.11 million
    Row("mlp_classic#ciresan", 12_115_010),
    # Krizhevsky et al. 2012: pooling before or after normalisation costs the same
    Row("alexnet#caffenet", 60_965_224, macs=724_406_816),
    # Simonyan & Zisserman 2015, table 2: 133M and 134M; torchvision, vgg13, for B
    Row("vgg#B", 133_047_848),
    Row("vgg#C", 133_638_952),
    # torchvision, vgg11_bn to vgg19_bn: biases stay
    Row("vgg#A_BN", 132_868_840, 132_874_344),
    Row("vgg#B_BN", 133_053_736, 133_059_624),
    Row("vgg#E_BN", 143_678_248, 143_689_256),
    # He et al. 2015, table 1; torchvision for the counts with option B
    Row("resnet#resnet34", 21_797_672, 21_814_696, 3_663_761_408),
    Row("resnet#resnet101", 44_549_160, 44_654_504),
    # torchvision, wide_resnet101_2
    Row("resnet#wide_resnet101_2", 126_886_696, 127_024_552),
    # timm, resnetv2_50, 101 and 152; pytorchcv, preresnet200, without its second normalisation of the stem (128)
    Row("resnet_v2#resnet50", 25_549_352, 25_594_792),
    Row("resnet_v2#resnet101", 44_541_480, 44_639_144),
    Row("resnet_v2#resnet152", 60_185_128, 60_328_872),
    Row("resnet_v2#resnet200", 64_666_280 - 128, 64_834_472),
    # keras.applications, ResNet101V2
    Row("resnet_v2#resnet101_keras", 44_577_896, 44_675_560),
    # He et al. 2015, table 6: 0.46M and 0.85M; akamaster/pytorch_resnet_cifar10 exactly; plain as with option A
    Row("resnet_cifar#plain20", 269_722, 271_098, 40_551_040),
    Row("resnet_cifar#resnet32", 464_154, 466_426),
    Row("resnet_cifar#resnet56", 853_018, 857_082),
    # pytorchcv, preresnet164bn_cifar10; He et al. 2016, table 4, prints 1.7M
    Row("preactivation_resnet#resnet164", 1_703_258, 1_727_482),
    # Zagoruyko & Komodakis 2016: dropout has no parameters
    Row("wide_resnet#wrn_28_10_dropout", 36_479_194, 36_497_146, 5_243_328_768),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_counts_are_those_published(row: Row) -> None:
    graph = shaped(row.name)
    assert (graph.trainable, graph.parameters) == (row.trainable, row.parameters or row.trainable)
    assert row.macs is None or graph.macs == row.macs


# Running means and variances: twice the channels of every batch normalisation. He et al. 2015, section 4.2: 2n + 1 of
# 16, 2n of 32 and of 64 channels; with option B one more of 32 and of 64.
@pytest.mark.parametrize(
    ("name", "numbers"),
    [*((f"resnet_cifar#resnet{6 * n + 2}", 2 * (16 * (2 * n + 1) + (32 + 64) * 2 * n)) for n in (3, 7, 18, 200)),
     ("resnet_cifar#resnet20_b", 1_376 + 2 * (32 + 64)), ("resnet#wide_resnet50_2", 68_224)],
)  # fmt: skip
def test_only_running_statistics_are_not_trained(name: str, numbers: int) -> None:
    assert shaped(name).parameters - shaped(name).trainable == numbers


DEPTHS = {
    "mlp_classic#mlp_300": 2, "mlp_classic#mlp_300_100": 3, "mlp_classic#keras": 3, "mlp_classic#xor": 2,
    "mlp_classic#teacher": 3, "mlp_classic#student": 3, "mlp_classic#ciresan": 6, "lenet5": 5, "lenet_caffe": 4,
    "alexnet#two_tower": 8, "alexnet#caffenet": 8, "alexnet#one_tower": 8, "alexnet#owt": 8, "vgg#A": 11,
    "vgg#A_LRN": 11, "vgg#B": 13, "vgg#C": 16, "vgg#D": 16, "vgg#E": 19, "vgg#A_BN": 11, "vgg#B_BN": 13, "vgg#D_BN":
    16, "vgg#E_BN": 19, "resnet#resnet18": 18, "resnet#resnet34": 34, "resnet#resnet34_a": 34, "resnet#plain34": 34,
    "resnet#resnet50": 50, "resnet#resnet101": 101, "resnet#resnet152": 152, "resnet#resnet50_torch": 50,
    "resnet#resnet50_keras": 50, "resnet#wide_resnet50_2": 50, "resnet#wide_resnet101_2": 101, "resnet_v2#resnet50":
    50, "resnet_v2#resnet101": 101, "resnet_v2#resnet152": 152, "resnet_v2#resnet200": 200,
    "resnet_v2#resnet50_keras": 50, "resnet_v2#resnet101_keras": 101, "resnet_v2#resnet152_keras": 152,
    "resnet_cifar#resnet20": 20, "resnet_cifar#plain20": 20, "resnet_cifar#resnet32": 32, "resnet_cifar#resnet44":
    44, "resnet_cifar#resnet56": 56, "resnet_cifar#resnet110": 110, "resnet_cifar#resnet1202": 1202,
    "resnet_cifar#resnet20_b": 20, "preactivation_resnet#resnet164": 164, "preactivation_resnet#resnet1001": 1001,
}  # fmt: skip
"""Layers with weights, without the projections of shortcuts, as the papers count."""


@pytest.mark.parametrize("name", DEPTHS)
def test_the_depth_is_the_one_in_the_name(name: str) -> None:
    weighted = [path for path, node in nodes(name).items() if node.leaf.primitive.op in ("conv", "dense")]
    assert sum("short" not in path for path in weighted) == DEPTHS[name]


@pytest.mark.parametrize(
    ("name", "millions"),
    # Zagoruyko & Komodakis 2016, table 4, as printed
    [("wrn_40_2", 2.2), ("wrn_40_8", 35.7), ("wrn_28_12", 52.5), ("wrn_22_10", 26.8)],
)
def test_other_wide_residual_networks_round_to_the_printed_counts(name: str, millions: float) -> None:
    assert round(shaped(f"wide_resnet#{name}").trainable / 1e6, 1) == millions


def test_the_original_lenet_has_the_published_number_of_connections() -> None:
    # LeCun et al. 1998, section II.B: 340,908. Every unit counts its inputs and its bias: the unit's place times the
    # weights that it uses, and in subsampling 4 inputs and a bias.
    leaves = {path: node.leaf for path, node in nodes("lenet5_original").items()}
    units = {path: math.prod(map(int, leaf.outputs[0].shape)) for path, leaf in leaves.items()}
    connections = {path: int(leaves[path].macs) + units[path] for path in ("c1", "c3", "c5", "f6")}
    connections |= {path: 5 * units[path] for path in ("s2", "s4")} | {"distance": leaves["distance"].parameters}
    assert connections == {
        "c1": 122_304, "s2": 5_880, "c3": 151_600, "s4": 2_000, "c5": 48_120, "f6": 10_164, "distance": 840,
    }  # fmt: skip
    assert sum(connections.values()) == 340_908


# ---- stages: output shape of the last primitive of each

STAGES: dict[str, tuple[Shape, ...]] = {
    # He et al. 2015, table 1
    "resnet_v2#resnet50": ((112, 112, 64), (56, 56, 256), (28, 28, 512), (14, 14, 1024), (7, 7, 2048)),
    # keras.applications, ResNet50V2: the last unit of a stage halves
    "resnet_v2#resnet50_keras": ((112, 112, 64), (28, 28, 256), (14, 14, 512), (7, 7, 1024), (7, 7, 2048)),
}


@pytest.mark.parametrize("name", STAGES)
def test_every_stage_has_the_published_shape(name: str) -> None:
    last = {path.split("/")[0]: node.leaf.outputs[0].shape for path, node in nodes(name).items()}
    assert tuple(last[stage] for stage in last if stage.startswith(("stem", "stage"))) == STAGES[name]


@pytest.mark.parametrize(
    ("name", "sizes"),
    # Where the stride is: He et al. 2015 have it in the first 1x1, torchvision in the 3x3. The counts are the same.
    [("resnet#resnet50", (28, 28)), ("resnet#resnet50_torch", (56, 28)), ("resnet#resnet50_keras", (28, 28))],
)
def test_the_forms_of_a_bottleneck_differ_in_where_the_stride_is(name: str, sizes: tuple[int, ...]) -> None:
    places = ("stage2/0/reduce/conv", "stage2/0/conv/conv")
    assert tuple(nodes(name)[place].leaf.outputs[0].shape[0] for place in places) == sizes


@pytest.mark.parametrize("name", ["resnet#resnet50", "resnet_cifar#resnet20_b", "wide_resnet#wrn_40_1"])
def test_projections_are_only_where_the_shape_changes(name: str) -> None:
    found = [path.split("/")[:2] for path, node in nodes(name).items() if "short" in path and node.leaf.macs]
    stages = ["stage2", "stage3"] if "resnet50" not in name else ["stage1", "stage2", "stage3", "stage4"]
    assert found == [[stage, "0"] for stage in stages]


def test_plain_networks_have_no_shortcuts() -> None:
    assert not [path for path, node in nodes("resnet#plain34").items() if node.leaf.primitive.op == "add"]
    assert len([path for path, node in nodes("resnet#resnet34_a").items() if node.leaf.primitive.op == "add"]) == 16


def test_responses_are_normalised_before_pooling_in_the_paper_and_after_it_in_caffe() -> None:
    order = [path for path in nodes("alexnet") if path.startswith("pool1")]
    assert order == ["pool1/before", "pool1/pool"]
    assert [path for path in nodes("alexnet#caffenet") if path.startswith("pool1")] == ["pool1/pool", "pool1/after"]
