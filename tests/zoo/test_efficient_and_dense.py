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
    Totals("densenet#densenet121", "tv, keras", 7_978_856, 8_062_504, 2_834_161_664),
    Totals("densenet#densenet169", "tv, keras", 14_149_480, 14_307_880, 3_359_843_328),
    Totals("densenet#densenet201", "tv, keras", 20_013_928, 20_242_984, 4_291_365_888),
    Totals("densenet#densenet161", "tv", 28_681_000, 28_900_936, 7_727_907_072),
    Totals("densenet#densenet264", "documentation of lucid", 33_337_704),
    # Huang et al. 2017, table 2: 1.0 M, 7.0 M, 27.2 M; BC: 0.8 M, 15.3 M, 25.6 M
    Totals("densenet_cifar#densenet_40_12", "layer list", 1_019_722, 1_037_818, 264_812_928),
    Totals("densenet_cifar#densenet_100_12", "layer list", 6_979_642),
    Totals("densenet_cifar#densenet_100_24", "layer list", 27_249_082, 27_480_346, 6_889_347_744),
    Totals("densenet_cifar#densenet_bc_100_12", "cv", 769_162, 793_150, 287_929_692),
    Totals("densenet_cifar#densenet_bc_250_24", "cv", 15_324_406),
    Totals("densenet_cifar#densenet_bc_190_40", "cv", 25_624_430, 25_881_390, 9_301_945_740),
    Totals("xception", "Chollet 2017, table 3; keras", 22_855_952, 22_910_480, 8_357_403_496),
    # Howard et al. 2017, tables 5 to 7: 569, 418, 290, 186, 149, 76 and 307 million multiply-adds; keras
    Totals("mobilenet", "keras", 4_231_976, 4_253_864, 568_740_352),
    Totals("mobilenet", "layer list", 4_231_976, 4_253_864, 418_121_728, mobile(1, 192)),
    Totals("mobilenet", "layer list", 4_231_976, 4_253_864, 290_675_200, mobile(1, 160)),
    Totals("mobilenet", "layer list", 4_231_976, 4_253_864, 186_400_768, mobile(1, 128)),
    Totals("mobilenet", "keras", 2_585_560, 2_601_976, None, alpha(0.75)),
    Totals("mobilenet", "keras", 1_331_592, 1_342_536, 149_497_088, alpha(0.5)),
    Totals("mobilenet", "layer list", 1_331_592, 1_342_536, 76_524_800, mobile(0.5, 160)),
    Totals("mobilenet", "keras", 470_072, 475_544, None, alpha(0.25)),
    Totals("mobilenet#shallow", "layer list", 2_887_976, None, 307_323_392),
    Totals("mobilenet#keras", "keras", 4_231_976, 4_253_864, 568_740_352),
    # Szegedy et al. 2015, table 1, with biases; the stages are counted below
    Totals("inception_v1", "layer list", 6_998_552, 6_998_552),
    # ResNet's own count and, for each unit of C maps, 2·C²/16 + C/16 + C in the gate (Hu et al. 2018, equation 5)
    Totals("squeeze_excite_resnet#se_resnet50", "cv; table 2: 28.1 M", 28_088_024),
    Totals("squeeze_excite_resnet#se_resnet101", "cv; table 2: 49.3 M", 49_326_872),
    Totals("squeeze_excite_resnet#se_resnet152", "cv; table 2: 66.8 M", 66_821_848),
    Totals("squeeze_excite_resnet#se_resnet18", "cv", 11_778_592),
    Totals("squeeze_excite_resnet#se_resnet34", "cv", 21_958_868),
    Totals("cnn3d_ji", "Ji et al. 2013, section 2.2", 295_458, 295_458),
    # Long et al. 2017: 134 M in the paper, with the authors' deconvolutions (dense over classes, no bias) as here
    Totals("fcn#fcn_32s", "layer list", 136_152_917, 136_152_917, 181_365_854_976),
    # the front end's 134,346,581, two scores, and deconvolutions of 4x4 and 32x32 over 21·21 classes
    Totals("fcn#fcn_16s", "layer list", 134_346_581 + 10_773 + 441 * (16 + 1024)),
    Totals("fcn#fcn_8s", "layer list", 134_489_759, 134_489_759, 181_529_034_048),
    Totals("unet_paper#paper", "layer list", 31_030_658, 31_030_658, 150_428_424_448),
    Totals("unet_paper#same", "layer list", 31_030_658, 31_030_658),
    Totals("unet_paper#milesial", "milesial/Pytorch-UNet", 31_037_698),
    Totals("unet_paper#milesial_bilinear", "milesial/Pytorch-UNet, bilinear", 17_263_042),
    # Yu & Koltun 2016, table 1: 64·C² weights and 8·C biases
    Totals("dilated_context#basic", "table 1", 64 * 21**2 + 8 * 21, 28_392),
    Totals("dilated_context#large", "table 1", LARGE_CONTEXT),
    Totals("dilated_frontend", "layer list", 134_346_581, 134_346_581),
    Totals("autoencoder_hinton", "layer list", 2_837_314, 2_837_314, 2_833_000),
    Totals("autoencoder_deep#deep", "Keras blog", 222_384),
    Totals("autoencoder_deep#simple", "Keras blog", 50_992),
    # Vincent et al. 2008: 784·h + h + 784 with tied weights
    Totals("denoising_autoencoder", "section 2.2", 785_784, 785_784),
    Totals("denoising_autoencoder", "section 2.2", 393_284, 393_284, None, (("hidden", 500),)),
    Totals("denoising_autoencoder_conv", "Keras blog", 28_353, 28_353),
)  # fmt: skip


@pytest.mark.parametrize("row", TOTALS, ids=str)
def test_the_counts_are_the_published_ones(row: Totals) -> None:
    shaped = analysed(row.reference, *row.settings)
    found = (shaped.trainable, shaped.parameters, shaped.macs)
    stated = (row.trainable, row.total, row.macs)
    assert [one if other is not None else None for one, other in zip(found, stated, strict=True)] == list(stated)


# Howard et al. 2017, tables 6 and 7: millions of multiply-adds, as printed
@pytest.mark.parametrize(
    ("width", "resolution", "millions"),
    [(1, 224, 569), (0.75, 224, 325), (0.5, 224, 149), (0.25, 224, 41), (1, 192, 418), (1, 160, 290), (1, 128, 186)],
)
def test_mobilenet_costs_what_is_printed(width: float, resolution: int, millions: int) -> None:
    macs = analysed("mobilenet", *mobile(width, resolution)).macs
    assert isinstance(macs, int)
    assert abs(macs / 1e6 - millions) < 0.7


# ---- layers: path, output, parameters (without normalisation), multiply-adds

LAYERS: dict[str, tuple[tuple[str, tuple[int, ...], int, int], ...]] = {
    # Howard et al. 2017, table 1 (its last depthwise convolution has stride 1); Hinton & Salakhutdinov 2006, figure 1;
    # the Keras blog; the prototxts of Long et al. and of Yu & Koltun; Ronneberger et al. 2015, figure 1
    "mobilenet": (
        ("stem", (112, 112, 32), 864, 10_838_016),
        ("sep1/depthwise", (112, 112, 32), 288, 3_612_672),
        ("sep1/pointwise", (112, 112, 64), 2_048, 25_690_112),
        ("sep2/0/depthwise", (56, 56, 64), 576, 1_806_336),
        ("sep2/0/pointwise", (56, 56, 128), 8_192, 25_690_112),
        ("sep2/1/depthwise", (56, 56, 128), 1_152, 3_612_672),
        ("sep2/1/pointwise", (56, 56, 128), 16_384, 51_380_224),
        ("sep3/0/depthwise", (28, 28, 128), 1_152, 903_168),
        ("sep3/0/pointwise", (28, 28, 256), 32_768, 25_690_112),
        ("sep3/1/depthwise", (28, 28, 256), 2_304, 1_806_336),
        ("sep3/1/pointwise", (28, 28, 256), 65_536, 51_380_224),
        ("sep4/depthwise", (14, 14, 256), 2_304, 451_584),
        ("sep4/pointwise", (14, 14, 512), 131_072, 25_690_112),
        ("middle/0/depthwise", (14, 14, 512), 4_608, 903_168),
        ("middle/0/pointwise", (14, 14, 512), 262_144, 51_380_224),
        ("middle/1/depthwise", (14, 14, 512), 4_608, 903_168),
        ("middle/1/pointwise", (14, 14, 512), 262_144, 51_380_224),
        ("middle/2/depthwise", (14, 14, 512), 4_608, 903_168),
        ("middle/2/pointwise", (14, 14, 512), 262_144, 51_380_224),
        ("middle/3/depthwise", (14, 14, 512), 4_608, 903_168),
        ("middle/3/pointwise", (14, 14, 512), 262_144, 51_380_224),
        ("middle/4/depthwise", (14, 14, 512), 4_608, 903_168),
        ("middle/4/pointwise", (14, 14, 512), 262_144, 51_380_224),
        ("sep5/0/depthwise", (7, 7, 512), 4_608, 225_792),
        ("sep5/0/pointwise", (7, 7, 1024), 524_288, 25_690_112),
        ("sep5/1/depthwise", (7, 7, 1024), 9_216, 451_584),
        ("sep5/1/pointwise", (7, 7, 1024), 1_048_576, 51_380_224),
        ("gap", (1024,), 0, 0),
        ("label", (1000,), 1_025_000, 1_024_000),
    ),
    "autoencoder_hinton": (
        ("fc1", (1000,), 785_000, 784_000),
        ("fc2", (500,), 500_500, 500_000),
        ("fc3", (250,), 125_250, 125_000),
        ("code", (30,), 7_530, 7_500),
        ("fc5", (250,), 7_750, 7_500),
        ("fc6", (500,), 125_500, 125_000),
        ("fc7", (1000,), 501_000, 500_000),
        ("picture", (784,), 784_784, 784_000),
    ),
    "autoencoder_deep#simple": (
        ("code", (32,), 25_120, 25_088),
        ("picture", (784,), 25_872, 25_088),
    ),
    "autoencoder_deep#deep": (
        ("fc1", (128,), 100_480, 100_352),
        ("fc2", (64,), 8_256, 8_192),
        ("code", (32,), 2_080, 2_048),
        ("fc4", (64,), 2_112, 2_048),
        ("fc5", (128,), 8_320, 8_192),
        ("picture", (784,), 101_136, 100_352),
    ),
    "denoising_autoencoder_conv": (
        ("conv1", (28, 28, 32), 320, 225_792),
        ("pool1", (14, 14, 32), 0, 0),
        ("conv2", (14, 14, 32), 9_248, 1_806_336),
        ("code", (7, 7, 32), 0, 0),
        ("conv3", (7, 7, 32), 9_248, 451_584),
        ("up3", (14, 14, 32), 0, 0),
        ("conv4", (14, 14, 32), 9_248, 1_806_336),
        ("up4", (28, 28, 32), 0, 0),
        ("picture", (28, 28, 1), 289, 225_792),
    ),
    "fcn#fcn_32s": (
        ("conv1/0", (698, 698, 64), 1_792, 841_888_512),
        ("conv1/1", (698, 698, 64), 36_928, 17_960_288_256),
        ("pool1", (349, 349, 64), 0, 0),
        ("conv2/0", (349, 349, 128), 73_856, 8_980_144_128),
        ("conv2/1", (349, 349, 128), 147_584, 17_960_288_256),
        ("pool2", (175, 175, 128), 0, 0),
        ("conv3/0", (175, 175, 256), 295_168, 9_031_680_000),
        ("conv3/1", (175, 175, 256), 590_080, 18_063_360_000),
        ("conv3/2", (175, 175, 256), 590_080, 18_063_360_000),
        ("pool3", (88, 88, 256), 0, 0),
        ("conv4/0", (88, 88, 512), 1_180_160, 9_135_194_112),
        ("conv4/1", (88, 88, 512), 2_359_808, 18_270_388_224),
        ("conv4/2", (88, 88, 512), 2_359_808, 18_270_388_224),
        ("pool4", (44, 44, 512), 0, 0),
        ("conv5/0", (44, 44, 512), 2_359_808, 4_567_597_056),
        ("conv5/1", (44, 44, 512), 2_359_808, 4_567_597_056),
        ("conv5/2", (44, 44, 512), 2_359_808, 4_567_597_056),
        ("pool5", (22, 22, 512), 0, 0),
        ("fc6", (16, 16, 4096), 102_764_544, 26_306_674_688),
        ("fc7", (16, 16, 4096), 16_781_312, 4_294_967_296),
        ("score", (16, 16, 21), 86_037, 22_020_096),
        ("up", (544, 544, 21), 1_806_336, 462_422_016),
        ("crop", (500, 500, 21), 0, 0),
    ),
    "fcn#fcn_8s": (
        ("conv1/0", (698, 698, 64), 1_792, 841_888_512),
        ("conv1/1", (698, 698, 64), 36_928, 17_960_288_256),
        ("pool1", (349, 349, 64), 0, 0),
        ("conv2/0", (349, 349, 128), 73_856, 8_980_144_128),
        ("conv2/1", (349, 349, 128), 147_584, 17_960_288_256),
        ("pool2", (175, 175, 128), 0, 0),
        ("conv3/0", (175, 175, 256), 295_168, 9_031_680_000),
        ("conv3/1", (175, 175, 256), 590_080, 18_063_360_000),
        ("conv3/2", (175, 175, 256), 590_080, 18_063_360_000),
        ("pool3", (88, 88, 256), 0, 0),
        ("conv4/0", (88, 88, 512), 1_180_160, 9_135_194_112),
        ("conv4/1", (88, 88, 512), 2_359_808, 18_270_388_224),
        ("conv4/2", (88, 88, 512), 2_359_808, 18_270_388_224),
        ("pool4", (44, 44, 512), 0, 0),
        ("conv5/0", (44, 44, 512), 2_359_808, 4_567_597_056),
        ("conv5/1", (44, 44, 512), 2_359_808, 4_567_597_056),
        ("conv5/2", (44, 44, 512), 2_359_808, 4_567_597_056),
        ("pool5", (22, 22, 512), 0, 0),
        ("fc6", (16, 16, 4096), 102_764_544, 26_306_674_688),
        ("fc7", (16, 16, 4096), 16_781_312, 4_294_967_296),
        ("score", (16, 16, 21), 86_037, 22_020_096),
        ("fuse4/0/up", (34, 34, 21), 7_056, 1_806_336),
        ("fuse4/0/score", (44, 44, 21), 10_773, 20_815_872),
        ("fuse4/0/crop", (34, 34, 21), 0, 0),
        ("fuse3/0/up", (70, 70, 21), 7_056, 8_156_736),
        ("fuse3/0/score", (88, 88, 21), 5_397, 41_631_744),
        ("fuse3/0/crop", (70, 70, 21), 0, 0),
        ("up", (568, 568, 21), 112_896, 553_190_400),
        ("crop", (500, 500, 21), 0, 0),
    ),
    "unet_paper#paper": (
        ("down1/0/conv", (570, 570, 64), 640, 187_142_400),
        ("down1/1/conv", (568, 568, 64), 36_928, 11_893_211_136),
        ("pool1", (284, 284, 64), 0, 0),
        ("down2/0/conv", (282, 282, 128), 73_856, 5_863_145_472),
        ("down2/1/conv", (280, 280, 128), 147_584, 11_560_550_400),
        ("pool2", (140, 140, 128), 0, 0),
        ("down3/0/conv", (138, 138, 256), 295_168, 5_616_304_128),
        ("down3/1/conv", (136, 136, 256), 590_080, 10_909_384_704),
        ("pool3", (68, 68, 256), 0, 0),
        ("down4/0/conv", (66, 66, 512), 1_180_160, 5_138_546_688),
        ("down4/1/conv", (64, 64, 512), 2_359_808, 9_663_676_416),
        ("pool4", (32, 32, 512), 0, 0),
        ("bottom/0/conv", (30, 30, 1024), 4_719_616, 4_246_732_800),
        ("bottom/1/conv", (28, 28, 1024), 9_438_208, 7_398_752_256),
        ("up4/grow", (56, 56, 512), 2_097_664, 1_644_167_168),
        ("up4/crop", (56, 56, 512), 0, 0),
        ("up4/double/0/conv", (54, 54, 512), 4_719_104, 13_759_414_272),
        ("up4/double/1/conv", (52, 52, 512), 2_359_808, 6_379_536_384),
        ("up3/grow", (104, 104, 256), 524_544, 1_417_674_752),
        ("up3/crop", (104, 104, 256), 0, 0),
        ("up3/double/0/conv", (102, 102, 256), 1_179_904, 12_273_057_792),
        ("up3/double/1/conv", (100, 100, 256), 590_080, 5_898_240_000),
        ("up2/grow", (200, 200, 128), 131_200, 1_310_720_000),
        ("up2/crop", (200, 200, 128), 0, 0),
        ("up2/double/0/conv", (198, 198, 128), 295_040, 11_561_730_048),
        ("up2/double/1/conv", (196, 196, 128), 147_584, 5_664_669_696),
        ("up1/grow", (392, 392, 64), 32_832, 1_258_815_488),
        ("up1/crop", (392, 392, 64), 0, 0),
        ("up1/double/0/conv", (390, 390, 64), 73_792, 11_214_028_800),
        ("up1/double/1/conv", (388, 388, 64), 36_928, 5_549_654_016),
        ("score", (388, 388, 2), 130, 19_269_632),
    ),
    "dilated_context#basic": (
        ("layer1/conv", (64, 64, 21), 3_990, 16_257_024),
        ("layer2/conv", (64, 64, 21), 3_990, 16_257_024),
        ("layer3/conv", (64, 64, 21), 3_990, 16_257_024),
        ("layer4/conv", (64, 64, 21), 3_990, 16_257_024),
        ("layer5/conv", (64, 64, 21), 3_990, 16_257_024),
        ("layer6/conv", (64, 64, 21), 3_990, 16_257_024),
        ("layer7/conv", (64, 64, 21), 3_990, 16_257_024),
        ("layer8", (64, 64, 21), 462, 1_806_336),
    ),
    "dilated_frontend": (
        ("conv1/0", (898, 898, 64), 1_792, 1_393_466_112),
        ("conv1/1", (896, 896, 64), 36_928, 29_595_009_024),
        ("pool1", (448, 448, 64), 0, 0),
        ("conv2/0", (446, 446, 128), 73_856, 14_665_678_848),
        ("conv2/1", (444, 444, 128), 147_584, 29_068_886_016),
        ("pool2", (222, 222, 128), 0, 0),
        ("conv3/0", (220, 220, 256), 295_168, 14_273_740_800),
        ("conv3/1", (218, 218, 256), 590_080, 28_030_795_776),
        ("conv3/2", (216, 216, 256), 590_080, 27_518_828_544),
        ("pool3", (108, 108, 256), 0, 0),
        ("conv4/0", (106, 106, 512), 1_180_160, 13_254_524_928),
        ("conv4/1", (104, 104, 512), 2_359_808, 25_518_145_536),
        ("conv4/2", (102, 102, 512), 2_359_808, 24_546_115_584),
        ("conv5/0", (98, 98, 512), 2_359_808, 22_658_678_784),
        ("conv5/1", (94, 94, 512), 2_359_808, 20_846_739_456),
        ("conv5/2", (90, 90, 512), 2_359_808, 19_110_297_600),
        ("fc6", (66, 66, 4096), 102_764_544, 447_624_511_488),
        ("fc7", (66, 66, 4096), 16_781_312, 73_081_552_896),
        ("score", (66, 66, 21), 86_037, 374_685_696),
    ),
}


@pytest.mark.parametrize("reference", LAYERS)
def test_every_layer_has_its_published_shape_and_cost(reference: str) -> None:
    leaf = leaves(analysed(reference))
    paths = [path for path, *_ in LAYERS[reference]]
    found = [(path, leaf[path].outputs[0].shape, leaf[path].parameters, leaf[path].macs) for path in paths]
    assert found == list(LAYERS[reference])


# ---- stages: path and output

DENSENET_STAGES = {
    "densenet#densenet121": ((6, 256, 128), (12, 512, 256), (24, 1024, 512), (16, 1024)),
    "densenet#densenet201": ((6, 256, 128), (12, 512, 256), (48, 1792, 896), (32, 1920)),
    "densenet#densenet161": ((6, 384, 192), (12, 768, 384), (36, 2112, 1056), (24, 2208)),
    "densenet_cifar#densenet_40_12": ((12, 160, 160), (12, 304, 304), (12, 448)),
    "densenet_cifar#densenet_100_24": ((32, 784, 784), (32, 1552, 1552), (32, 2320)),
    "densenet_cifar#densenet_bc_100_12": ((16, 216, 108), (16, 300, 150), (16, 342)),
    "densenet_cifar#densenet_bc_190_40": ((31, 1320, 660), (31, 1900, 950), (31, 2190)),
}
"""Layers of each block, maps after it and after the transition (Huang et al. 2017, tables 1 and 2)."""

STEMS = {
    "densenet#densenet121": 64, "densenet#densenet201": 64, "densenet#densenet161": 96,
    "densenet_cifar#densenet_40_12": 16, "densenet_cifar#densenet_100_24": 16,
    "densenet_cifar#densenet_bc_100_12": 24, "densenet_cifar#densenet_bc_190_40": 80,
}  # fmt: skip
"""Maps of the first convolution."""


@pytest.mark.parametrize("reference", DENSENET_STAGES)
def test_the_stages_of_densenet_have_their_published_shapes(reference: str) -> None:
    found = leaves(analysed(reference))
    size = 32 if "cifar" in reference else 56
    expected = {"stem": (size, size, STEMS[reference])}
    if size == 56:
        expected = {"stem": (112, 112, STEMS[reference]), "pool": (56, 56, STEMS[reference])}
    for number, (count, maps, *squeezed) in enumerate(DENSENET_STAGES[reference], 1):
        expected[f"dense{number}/{count - 1}/join"] = (size, size, maps)
        assert f"dense{number}/{count}/join" not in found
        size //= 2
        expected.update({f"trans{number}/pool": (size, size, after) for after in squeezed})
    assert {path: found[path].outputs[0].shape for path in expected} == expected


STAGES: dict[str, dict[str, tuple[int, ...]]] = {
    # Chollet 2017, figure 5; the two first convolutions are not padded
    "xception": {
        "conv1": (149, 149, 32), "conv2": (147, 147, 64), "entry1/sum": (74, 74, 128), "entry2/sum": (37, 37, 256),
        "entry3/sum": (19, 19, 728), "middle/7/sum": (19, 19, 728), "exit1/sum": (10, 10, 1024),
        "exit3": (10, 10, 2048),
    },
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
    # Ji et al. 2013, figure 3: 23·2 maps of 54x34 and of 27x17, 13·6 of 21x12 and of 7x4, and 128
    "cnn3d_ji": {
        **{f"maps{n}/c2": (5 if n < 4 else 4, 54, 34, 2) for n in range(1, 6)},
        **{f"maps{n}/s3/mean": (5 if n < 4 else 4, 27, 17, 2) for n in range(1, 6)},
        **{f"maps{n}/c4": (3 if n < 4 else 2, 21, 12, 6) for n in range(1, 6)},
        **{f"maps{n}/s5/mean": (3 if n < 4 else 2, 7, 4, 6) for n in range(1, 6)},
        "join": (13, 7, 4, 6), "c6": (128,), "action": (3,),
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
    "denoising_autoencoder": {"tied": (784,), "picture": (784,)},
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


# Ji et al. 2013, section 2.2: C2 2·5·(7·7·3 + 1), S3 46·2, C4 3·2·5·(7·6·3 + 1), S5 78·2, C6 128·78·(7·4 + 1), 128·3
@pytest.mark.parametrize(
    ("layer", "parameters", "macs"),
    [
        ("/c2", 1_480, 12_415_032),
        ("/s3/affine", 92, 0),
        ("/c4", 3_810, 2_476_656),
        ("/s5/affine", 156, 0),
        ("pairs", 289_536, 279_552),
        ("action", 384, 384),
    ],
)
def test_the_layers_of_the_3d_cnn_have_their_published_parameters(layer: str, parameters: int, macs: int) -> None:
    assert summed(analysed("cnn3d_ji"), layer) == (parameters, macs)


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


@pytest.mark.parametrize("name", sorted({row.reference.partition("#")[0] for row in TOTALS}))
def test_the_file_is_short(name: str) -> None:
    text = (EXAMPLES / f"{name}.graph.json").read_text("utf-8")
    assert sum(bool(line.strip()) for line in text.splitlines()) <= 75
