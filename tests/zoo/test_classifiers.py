"""The fully connected, convolutional and residual classifiers of the zoo against the published counts and shapes."""

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
    depth: int | None = None
    """Layers with weights, without the projections of shortcuts, as the papers count."""


ROWS = (
    # LeCun et al. 1998, section III.C: 784-300-10 and 784-300-100-10; the latter is LeNet-300-100 of Han et al. 2016
    Row("mlp_classic#mlp_300", 238_510, macs=238_200, depth=2),
    Row("mlp_classic#mlp_300_100", 266_610, macs=266_200, depth=3),
    # Keras, examples/mnist_mlp.py: summary
    Row("mlp_classic#keras", 669_706, macs=668_672, depth=3),
    # Rumelhart et al. 1986: 2·2 + 2 + 2·1 + 1
    Row("mlp_classic#xor", 9, depth=2),
    # Hinton et al. 2015, section 3: 784-1200-1200-10 and 784-800-800-10
    Row("mlp_classic#teacher", 2_395_210, depth=3),
    Row("mlp_classic#student", 1_276_810, depth=3),
    # Ciresan et al. 2010, table 1, network 5, on 29x29 pixels: 12.11 million
    Row("mlp_classic#ciresan", 12_115_010, depth=6),
    # LeCun et al. 1998 with full C3: 156 + 2416 + 48120 + 10164 + 850
    Row("lenet5", 61_706, macs=416_520, depth=5),
    # LeCun et al. 1998, section II.B: 60,000 trainable, and 10 codes of 84 numbers that are not
    Row("lenet5_original", 60_000, 60_840),
    # Caffe, examples/mnist/lenet: 520 + 25050 + 400500 + 5010; Han et al. 2016, table 3: 431K
    Row("lenet_caffe", 431_080, macs=2_293_000, depth=4),
    # Krizhevsky et al. 2012: 60 million; Han et al. 2016, table 4, for the Caffe form: 61M
    Row("alexnet#two_tower", 60_965_224, macs=724_406_816, depth=8),
    Row("alexnet#caffenet", 60_965_224, macs=724_406_816, depth=8),
    # pytorchcv, model_metainfos.csv
    Row("alexnet#one_tower", 62_378_344, macs=1_135_256_096, depth=8),
    # torchvision, alexnet
    Row("alexnet#owt", 61_100_840, macs=714_188_480, depth=8),
    # Simonyan & Zisserman 2015, table 2: 133M, 133M, 134M, 138M, 144M; torchvision, vgg11 to vgg19, for A, B, D and E
    Row("vgg#A", 132_863_336, macs=7_609_090_048, depth=11),
    Row("vgg#A_LRN", 132_863_336, macs=7_609_090_048, depth=11),
    Row("vgg#B", 133_047_848, depth=13),
    Row("vgg#C", 133_638_952, depth=16),
    Row("vgg#D", 138_357_544, macs=15_470_264_320, depth=16),
    Row("vgg#E", 143_667_240, macs=19_632_062_464, depth=19),
    # torchvision, vgg11_bn to vgg19_bn: biases stay
    Row("vgg#A_BN", 132_868_840, 132_874_344, depth=11),
    Row("vgg#B_BN", 133_053_736, 133_059_624, depth=13),
    Row("vgg#D_BN", 138_365_992, 138_374_440, depth=16),
    Row("vgg#E_BN", 143_678_248, 143_689_256, depth=19),
    # He et al. 2015, table 1: 1.8, 3.6, 3.8 and 11.3 billion multiply-adds; torchvision for the counts with option B
    Row("resnet#resnet18", 11_689_512, 11_699_112, 1_814_073_344, 18),
    Row("resnet#resnet34", 21_797_672, 21_814_696, 3_663_761_408, 34),
    Row("resnet#resnet34_a", 21_623_848, 21_639_080, 3_644_493_824, 34),
    Row("resnet#plain34", 21_623_848, 21_639_080, 3_644_493_824, 34),
    Row("resnet#resnet50", 25_557_032, 25_610_152, 3_857_973_248, 50),
    Row("resnet#resnet101", 44_549_160, 44_654_504, None, 101),
    Row("resnet#resnet152", 60_192_808, 60_344_232, 11_282_415_616, 152),
    # torchvision, resnet50 (v1.5)
    Row("resnet#resnet50_torch", 25_557_032, 25_610_152, 4_089_184_256, 50),
    # keras.applications, ResNet50: biases stay
    Row("resnet#resnet50_keras", 25_583_592, 25_636_712, depth=50),
    # torchvision, wide_resnet50_2 and wide_resnet101_2; Zagoruyko & Komodakis 2016, table 8: 68.9M
    Row("resnet#wide_resnet50_2", 68_883_240, 68_951_464, 11_398_021_120, 50),
    Row("resnet#wide_resnet101_2", 126_886_696, 127_024_552, None, 101),
    # timm, resnetv2_50, 101 and 152; pytorchcv, preresnet200, without its second normalisation of the stem (128)
    Row("resnet_v2#resnet50", 25_549_352, 25_594_792, depth=50),
    Row("resnet_v2#resnet101", 44_541_480, 44_639_144, depth=101),
    Row("resnet_v2#resnet152", 60_185_128, 60_328_872, depth=152),
    Row("resnet_v2#resnet200", 64_666_280 - 128, 64_834_472, depth=200),
    # keras.applications, ResNet50V2, ResNet101V2 and ResNet152V2
    Row("resnet_v2#resnet50_keras", 25_568_360, 25_613_800, depth=50),
    Row("resnet_v2#resnet101_keras", 44_577_896, 44_675_560, depth=101),
    Row("resnet_v2#resnet152_keras", 60_236_904, 60_380_648, depth=152),
    # He et al. 2015, table 6: 0.27M, 0.46M, 0.66M, 0.85M, 1.7M, 19.4M; akamaster/pytorch_resnet_cifar10 exactly
    Row("resnet_cifar#resnet20", 269_722, 271_098, 40_551_040, 20),
    Row("resnet_cifar#plain20", 269_722, 271_098, 40_551_040, 20),
    Row("resnet_cifar#resnet32", 464_154, 466_426, None, 32),
    Row("resnet_cifar#resnet44", 658_586, 661_754, 97_174_144, 44),
    Row("resnet_cifar#resnet56", 853_018, 857_082, None, 56),
    Row("resnet_cifar#resnet110", 1_727_962, 1_736_058, 252_887_680, 110),
    Row("resnet_cifar#resnet1202", 19_421_274, 19_510_906, 2_829_238_912, 1202),
    # pytorchcv, resnet20_cifar10: option B
    Row("resnet_cifar#resnet20_b", 272_474, 274_042, 40_813_184, 20),
    # pytorchcv, preresnet164bn_cifar10 and preresnet1001_cifar10; He et al. 2016, table 4, prints 1.7M and 10.2M
    Row("preactivation_resnet#resnet164", 1_703_258, 1_727_482, None, 164),
    Row("preactivation_resnet#resnet1001", 10_327_706, 10_476_922, 1_487_849_984, 1001),
    # Zagoruyko & Komodakis 2016, table 4: 0.6M, 8.9M, 36.5M, 17.2M, 11.0M, 17.1M
    Row("wide_resnet#wrn_40_1", 563_930, 566_650, 83_280_512),
    Row("wide_resnet#wrn_40_4", 8_949_210, 8_959_994, 1_298_582_016),
    Row("wide_resnet#wrn_28_10", 36_479_194, 36_497_146, 5_243_328_768),
    Row("wide_resnet#wrn_28_10_dropout", 36_479_194, 36_497_146, 5_243_328_768),
    Row("wide_resnet#wrn_22_8", 17_158_106, 17_168_890, 2_454_115_328),
    Row("wide_resnet#wrn_16_8", 10_961_370, 10_968_570, 1_548_145_664),
    Row("wide_resnet#wrn_16_10", 17_116_634, 17_125_626, 2_412_173_568),
    # the same with 640·100 + 100 weights in the last layer
    Row("wide_resnet#wrn_28_10_cifar100", 36_536_884, 36_554_836),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_counts_are_those_published(row: Row) -> None:
    graph = shaped(row.name)
    assert (graph.trainable, graph.parameters) == (row.trainable, row.parameters or row.trainable)
    assert row.macs is None or graph.macs == row.macs


@pytest.mark.parametrize("row", [row for row in ROWS if row.depth is not None], ids=lambda row: row.name)
def test_the_depth_is_the_one_in_the_name(row: Row) -> None:
    weighted = [path for path, node in nodes(row.name).items() if node.leaf.primitive.op in ("conv", "dense")]
    assert sum("short" not in path for path in weighted) == row.depth


@pytest.mark.parametrize(
    ("name", "millions"),
    # Zagoruyko & Komodakis 2016, table 4, as printed
    [("wrn_40_2", 2.2), ("wrn_40_8", 35.7), ("wrn_28_12", 52.5), ("wrn_22_10", 26.8)],
)
def test_other_wide_residual_networks_round_to_the_printed_counts(name: str, millions: float) -> None:
    assert round(shaped(f"wide_resnet#{name}").trainable / 1e6, 1) == millions


# ---- layers: path -> shape, parameters, multiply-adds

FC = {"fc6": ((4096,), 37_752_832, 37_748_736), "fc7": ((4096,), 16_781_312, 16_777_216),
      "fc8": ((1000,), 4_097_000, 4_096_000)}  # fmt: skip

LAYERS: dict[str, dict[str, tuple[Shape, int, int]]] = {
    # LeCun et al. 1998, section III.C
    "mlp_classic#mlp_300": {"hidden1/dense": ((300,), 235_500, 235_200), "label": ((10,), 3_010, 3_000)},
    "mlp_classic#mlp_300_100": {"hidden1/dense": ((300,), 235_500, 235_200), "hidden2/dense": ((100,), 30_100, 30_000),
                                "label": ((10,), 1_010, 1_000)},
    # LeCun et al. 1998, section II.B, with full C3
    "lenet5": {"c1": ((28, 28, 6), 156, 117_600), "s2": ((14, 14, 6), 0, 0), "c3": ((10, 10, 16), 2_416, 240_000),
               "s4": ((5, 5, 16), 0, 0), "c5": ((1, 1, 120), 48_120, 48_000), "f6": ((84,), 10_164, 10_080),
               "digit": ((10,), 850, 840)},
    # LeCun et al. 1998, section II.B
    "lenet5_original": {"c1": ((28, 28, 6), 156, 117_600), "s2": ((14, 14, 6), 12, 0),
                        "c3": ((10, 10, 16), 1_516, 150_000), "s4": ((5, 5, 16), 32, 0),
                        "c5": ((1, 1, 120), 48_120, 48_000), "f6": ((84,), 10_164, 10_080),
                        "distance": ((10,), 840, 0)},
    # Caffe, examples/mnist/lenet
    "lenet_caffe": {"conv1": ((24, 24, 20), 520, 288_000), "pool1": ((12, 12, 20), 0, 0),
                    "conv2": ((8, 8, 50), 25_050, 1_600_000), "pool2": ((4, 4, 50), 0, 0),
                    "ip1": ((500,), 400_500, 400_000), "ip2": ((10,), 5_010, 5_000)},
    # Krizhevsky et al. 2012, figure 2, on the 227x227 pixels that the sizes need
    "alexnet#two_tower": {"conv1": ((55, 55, 96), 34_944, 105_415_200), "pool1/pool": ((27, 27, 96), 0, 0),
                          "conv2": ((27, 27, 256), 307_456, 223_948_800), "pool2/pool": ((13, 13, 256), 0, 0),
                          "conv3": ((13, 13, 384), 885_120, 149_520_384),
                          "conv4": ((13, 13, 384), 663_936, 112_140_288),
                          "conv5": ((13, 13, 256), 442_624, 74_760_192), "pool5": ((6, 6, 256), 0, 0), **FC},
    "alexnet#one_tower": {"conv1": ((55, 55, 96), 34_944, 105_415_200), "pool1/pool": ((27, 27, 96), 0, 0),
                          "conv2": ((27, 27, 256), 614_656, 447_897_600), "pool2/pool": ((13, 13, 256), 0, 0),
                          "conv3": ((13, 13, 384), 885_120, 149_520_384),
                          "conv4": ((13, 13, 384), 1_327_488, 224_280_576),
                          "conv5": ((13, 13, 256), 884_992, 149_520_384), "pool5": ((6, 6, 256), 0, 0), **FC},
    # Krizhevsky 2014; torchvision, alexnet
    "alexnet#owt": {"conv1": ((55, 55, 64), 23_296, 70_276_800), "pool1/pool": ((27, 27, 64), 0, 0),
                    "conv2": ((27, 27, 192), 307_392, 223_948_800), "pool2/pool": ((13, 13, 192), 0, 0),
                    "conv3": ((13, 13, 384), 663_936, 112_140_288), "conv4": ((13, 13, 256), 884_992, 149_520_384),
                    "conv5": ((13, 13, 256), 590_080, 99_680_256), "pool5": ((6, 6, 256), 0, 0), **FC},
}  # fmt: skip


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_has_the_published_shape_and_counts(name: str) -> None:
    leaves = {path: nodes(name)[path].leaf for path in LAYERS[name]}
    found = {path: (leaf.outputs[0].shape, leaf.parameters, leaf.macs) for path, leaf in leaves.items()}
    assert found == LAYERS[name]


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


VGG = {
    "conv1/0": ((224, 224, 64), 1_792, 86_704_128), "conv1/1": ((224, 224, 64), 36_928, 1_849_688_064),
    "conv2/0": ((112, 112, 128), 73_856, 924_844_032), "conv2/1": ((112, 112, 128), 147_584, 1_849_688_064),
    "conv3/0": ((56, 56, 256), 295_168, 924_844_032), "conv3/1": ((56, 56, 256), 590_080, 1_849_688_064),
    "conv3/2": ((56, 56, 256), 590_080, 1_849_688_064), "conv3/3": ((56, 56, 256), 590_080, 1_849_688_064),
    "conv4/0": ((28, 28, 512), 1_180_160, 924_844_032), "conv4/1": ((28, 28, 512), 2_359_808, 1_849_688_064),
    "conv4/2": ((28, 28, 512), 2_359_808, 1_849_688_064), "conv4/3": ((28, 28, 512), 2_359_808, 1_849_688_064),
    "conv5/0": ((14, 14, 512), 2_359_808, 462_422_016), "conv5/1": ((14, 14, 512), 2_359_808, 462_422_016),
    "conv5/2": ((14, 14, 512), 2_359_808, 462_422_016), "conv5/3": ((14, 14, 512), 2_359_808, 462_422_016),
}  # fmt: skip
"""Simonyan & Zisserman 2015, table 1: the convolutions of E; those of A and D are among them."""

VGG_REST = {
    "pool1": ((112, 112, 64), 0, 0), "pool2": ((56, 56, 128), 0, 0), "pool3": ((28, 28, 256), 0, 0),
    "pool4": ((14, 14, 512), 0, 0), "pool5": ((7, 7, 512), 0, 0), "fc6": ((4096,), 102_764_544, 102_760_448),
    "fc7": ((4096,), 16_781_312, 16_777_216), "fc8": ((1000,), 4_097_000, 4_096_000),
}  # fmt: skip


@pytest.mark.parametrize(("name", "convolutions"), [("A", 8), ("A_LRN", 8), ("D", 13), ("E", 16)])
def test_every_layer_of_vgg_has_the_published_shape_and_counts(name: str, convolutions: int) -> None:
    leaves = {path.removesuffix("/conv"): node.leaf for path, node in nodes(f"vgg#{name}").items()}
    found = {path: (leaf.outputs[0].shape, leaf.parameters, leaf.macs) for path, leaf in leaves.items()}
    here = {path: VGG[path] for path in found if path in VGG}
    assert len(here) == convolutions
    assert {path: found[path] for path in here} == here
    assert {path: found[path] for path in VGG_REST} == VGG_REST


# ---- stages: output shape of the last primitive of each

BASIC = ((112, 112, 64), (56, 56, 64), (28, 28, 128), (14, 14, 256), (7, 7, 512))
BOTTLENECK = ((112, 112, 64), (56, 56, 256), (28, 28, 512), (14, 14, 1024), (7, 7, 2048))
CIFAR = ((32, 32, 16), (32, 32, 16), (16, 16, 32), (8, 8, 64))
STAGES: dict[str, tuple[Shape, ...]] = {
    # He et al. 2015, table 1
    **dict.fromkeys(("resnet#resnet18", "resnet#resnet34_a", "resnet#plain34"), BASIC),
    **dict.fromkeys(("resnet#resnet50", "resnet#resnet50_torch", "resnet#resnet152"), BOTTLENECK),
    "resnet_v2#resnet50": BOTTLENECK,
    # keras.applications, ResNet50V2: the last unit of a stage halves
    "resnet_v2#resnet50_keras": ((112, 112, 64), (28, 28, 256), (14, 14, 512), (7, 7, 1024), (7, 7, 2048)),
    # He et al. 2015, section 4.2
    **{f"resnet_cifar#resnet{depth}": CIFAR for depth in (20, 44, 110, 1202)},
    # Zagoruyko & Komodakis 2016, table 1
    **{f"wide_resnet#wrn_{depth}_{k}": (CIFAR[0], (32, 32, 16 * k), (16, 16, 32 * k), (8, 8, 64 * k))
       for depth, k in ((40, 1), (40, 4), (28, 10), (22, 8), (16, 8), (16, 10))},
}  # fmt: skip


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
