"""Every variant of a family is a name or a parameter or two away, and exact: against arithmetic, and against print."""

from pathlib import Path
from typing import Any

import pytest

from archgraph.analysis import infer
from archgraph.analysis.shaped import ShapedGraph
from archgraph.document.load import load_graph
from tests.zoo import tally
from tests.zoo.tally import Tally

EXAMPLES = Path(__file__).parents[2] / "examples"


def shaped(name: str, **settings: object) -> ShapedGraph:
    """The example of that name, or its variant after `#`, as ``--set`` would make it."""
    file, mark, variant = name.partition("#")
    return infer(load_graph(f"{EXAMPLES / file}.graph.json{mark}{variant}", settings))


Variant = tuple[str, dict[str, Any], Tally]

RESIDUAL: list[Variant] = [
    *(("resnet", {"depth": depth, "shortcut": option}, tally.resnet(depth, option))
      for depth in (18, 34, 50, 101, 152) for option in ("A", "B", "C", "none")),
    *(("resnet", {"depth": depth, "form": form}, tally.resnet(depth, bias=form == "keras"))
      for depth in (18, 34, 50, 101, 152) for form in ("torch", "keras")),
    *((f"resnet#resnet{depth}", {"classes": 10}, tally.resnet(depth, classes=10)) for depth in (18, 34, 50, 101, 152)),
    *((f"resnet#plain{depth}", {}, tally.resnet(depth, "none")) for depth in (18, 34)),
    # Zagoruyko & Komodakis 2016, tables 7 and 8
    *(("resnet", {"depth": depth, "wide": wide}, tally.resnet(depth, wide=wide))
      for depth in (18, 34) for wide in (1.5, 2, 3)),
    ("resnet#wide_resnet50_2", {}, tally.resnet(50, wide=2)),
    ("resnet#wide_resnet101_2", {}, tally.resnet(101, wide=2)),
    *(("resnet_v2", {"depth": depth}, tally.resnet_v2(depth)) for depth in tally.UNITS),
    ("resnet_v2#resnet200", {"classes": 100}, tally.resnet_v2(200, 100)),
    *(("resnet_cifar", {"depth": depth, "shortcut": option}, tally.resnet_cifar(depth, option))
      for depth in (20, 32, 44, 56, 110) for option in ("A", "B", "C", "none")),
    ("resnet_cifar#resnet1202", {"shortcut": "B"}, tally.resnet_cifar(1202, "B")),
    *((f"resnet_cifar#resnet{depth}", {"classes": 100}, tally.resnet_cifar(depth, classes=100))
      for depth in (20, 32, 44, 56, 110, 1202)),
    ("resnet_cifar#se_resnet20", {}, tally.resnet_cifar(20, "B", ratio=16)),
    ("resnet_cifar#resnet110", {"ratio": 8}, tally.resnet_cifar(110, ratio=8)),
    *(("preactivation_resnet", {"depth": depth, "classes": classes}, tally.preactivation_resnet(depth, classes=classes))
      for depth in (164, 272, 542, 1001) for classes in (10, 100)),
    *(("preactivation_resnet", {"depth": depth, "deep": False}, tally.preactivation_resnet(depth, deep=False))
      for depth in (20, 56, 110)),
    *(("wide_resnet", {"depth": depth, "k": k, "classes": classes}, tally.wide_resnet(depth, k, classes))
      for depth in (10, 16, 22, 28, 40) for k in (1, 2, 4, 8, 10, 12) for classes in (10, 100)),
    ("wide_resnet", {"depth": 16, "k": 4, "dropout": 0.4}, tally.wide_resnet(16, 4)),
    *((f"squeeze_excite_resnet#se_resnet{depth}", {"classes": classes}, tally.resnet(depth, ratio=16, classes=classes))
      for depth in (18, 34, 50, 101, 152) for classes in (1000, 365)),
    *(("squeeze_excite_resnet", {"ratio": ratio}, tally.resnet(50, ratio=ratio)) for ratio in (2, 4, 8, 32)),
]  # fmt: skip

BLOCKS = {"121": (6, 12, 24, 16), "169": (6, 12, 32, 32), "201": (6, 12, 48, 32), "264": (6, 12, 64, 48),
          "161": (6, 12, 36, 24)}  # fmt: skip
"""Huang et al. 2017, table 1; the last grows by 48."""

PLAIN: list[Variant] = [
    *((f"densenet#densenet{name}", {"classes": classes}, tally.densenet(layers, 48 if name == "161" else 32, classes))
      for name, layers in BLOCKS.items() for classes in (1000, 10)),
    ("densenet", {"growth": 24, "n3": 12}, tally.densenet((6, 12, 12, 16), 24)),
    *(("densenet_cifar", {"depth": depth, "growth": growth, "classes": classes},
       tally.densenet_cifar(depth, growth, classes=classes))
      for depth, growth in ((40, 12), (100, 12), (100, 24)) for classes in (10, 100)),
    *(("densenet_cifar", {"depth": depth, "growth": growth, "bc": True, "classes": classes},
       tally.densenet_cifar(depth, growth, narrow=True, compress=True, classes=classes))
      for depth, growth in ((100, 12), (250, 24), (190, 40)) for classes in (10, 100)),
    ("densenet_cifar#densenet_100_12", {"bottleneck": 4}, tally.densenet_cifar(100, 12, narrow=True)),
    ("densenet_cifar#densenet_100_12", {"compression": 0.5}, tally.densenet_cifar(100, 12, compress=True)),
    *(("mobilenet", {"alpha": alpha, "resolution": resolution}, tally.mobilenet(alpha))
      for alpha in (1, 0.75, 0.5, 0.25) for resolution in (224, 192, 160, 128)),
    *(("mobilenet#shallow", {"alpha": alpha}, tally.mobilenet(alpha, 0)) for alpha in (1, 0.75)),
    ("mobilenet", {"classes": 100}, tally.mobilenet(classes=100)),
    ("xception", {"classes": 10}, tally.xception(10)),
    # Chollet 2017, section 4: 17,000 classes, with and without two hidden layers of 4096
    ("xception#jft", {}, tally.xception(17_000)),
    ("xception#jft", {"hidden": 2}, tally.xception(17_000, 2)),
    *((f"vgg#{name}", {"classes": classes}, tally.vgg(early, late, norm=norm, last=last, classes=classes))
      for name, early, late, norm, last in
      (("A", 1, 2, False, 3), ("A_LRN", 1, 2, False, 3), ("B", 2, 2, False, 3), ("C", 2, 3, False, 1),
       ("D", 2, 3, False, 3), ("E", 2, 4, False, 3), ("A_BN", 1, 2, True, 3), ("B_BN", 2, 2, True, 3),
       ("D_BN", 2, 3, True, 3), ("E_BN", 2, 4, True, 3)) for classes in (1000, 10)),
    ("vgg#C", {"norm": True}, tally.vgg(2, 3, last=1, norm=True)),
    ("vgg", {"size": 32, "classes": 10}, tally.vgg(2, 3, side=1, classes=10)),
    ("alexnet", {"classes": 100}, tally.alexnet((96, 256, 384, 384, 256), 2, 6, 100)),
    ("alexnet#caffenet", {}, tally.alexnet((96, 256, 384, 384, 256), 2, 6, 1000)),
    ("alexnet#one_tower", {"classes": 10}, tally.alexnet((96, 256, 384, 384, 256), 1, 6, 10)),
    ("alexnet#owt", {"classes": 10}, tally.alexnet((64, 192, 384, 256, 256), 1, 6, 10)),
    # 224 pixels with padding: (224 + 2·2 - 11)/4 + 1 = 55 as well
    ("alexnet", {"size": 224, "padding": 2}, tally.alexnet((96, 256, 384, 384, 256), 2, 6, 1000)),
    ("inception_v1", {"classes": 10}, tally.googlenet(classes=10)),
    ("inception_v1_heads", {}, tally.googlenet(heads=True)),
    ("lenet_caffe", {"classes": 26},
     Tally().conv(1, 20, 5, bias=True).conv(20, 50, 5, bias=True).dense(4 * 4 * 50, 500, 26)),
    ("highway_mlp", {}, tally.highway(64, 48, 8, 10)),
    # Srivastava et al. 2015, section 3: 28x28 pixels, 50 units, up to 100 layers
    ("highway_mlp", {"size": 28, "width": 50, "depth": 100}, tally.highway(784, 50, 100, 10)),
    *((f"mlp_classic#{name}", {}, tally.mlp(*sizes)) for name, sizes in
      {"mlp_1000": (784, 1000, 10), "mlp_500_150": (784, 500, 150, 10), "simard": (784, 800, 10)}.items()),
    ("mlp_classic#mlp_300", {"hidden1": 30}, tally.mlp(784, 30, 10)),
    ("perceptron", {"features": 9}, tally.mlp(9, 1)),
]  # fmt: skip

DENSE: list[Variant] = [
    # Long et al. 2015: 21 classes of PASCAL VOC, 60 of PASCAL-Context, 40 of NYUDv2, 33 of SIFT Flow
    *(("fcn", {"stride": stride, "classes": classes}, tally.fcn(stride, classes))
      for stride in (32, 16, 8) for classes in (21, 60, 40, 33)),
    ("fcn#fcn_8s", {"height": 375, "width": 1242, "classes": 2}, tally.fcn(8, 2)),
    *(("fcn_alexnet", {"classes": classes}, tally.fcn_alexnet(classes)) for classes in (21, 60)),
    *(("unet_paper", {"width": width, "channels": channels, "classes": classes}, tally.unet(width, channels, classes))
      for width in (16, 32, 64) for channels in (1, 3) for classes in (2, 21)),
    ("unet_paper#same", {"size": 256, "channels": 3}, tally.unet(64, 3, 2)),
    ("unet_paper#milesial", {"classes": 21, "width": 32}, tally.unet(32, 3, 21, norm=True)),
    ("unet_paper#milesial_bilinear", {"classes": 21}, tally.unet(64, 3, 21, norm=True, bilinear=True)),
    *(("dilated_context", {"classes": classes, "large": large}, tally.context(classes, large=large))
      for classes in (11, 19, 21, 60) for large in (False, True)),
    *(("dilated_frontend", {"classes": classes}, tally.trunk(Tally()).conv(4096, classes, 1, bias=True))
      for classes in (11, 19, 60)),
    ("autoencoder_hinton#mnist2", {}, tally.mlp(784, 1000, 500, 250, 2, 250, 500, 1000, 784)),
    ("autoencoder_hinton#faces", {}, tally.mlp(625, 2000, 1000, 500, 30, 500, 1000, 2000, 625)),
    ("autoencoder_hinton#documents", {}, tally.mlp(2000, 500, 250, 125, 10, 125, 250, 500, 2000)),
    ("autoencoder_deep#simple", {"code": 64}, tally.mlp(784, 64, 784)),
    ("autoencoder_deep", {"code": 16}, tally.mlp(784, 128, 64, 16, 64, 128, 784)),
    # Vincent et al. 2008: tied weights and two biases
    ("denoising_autoencoder", {"hidden": 2000}, Tally().numbers(784 * 2000 + 2000 + 784)),
    ("denoising_autoencoder_conv", {"width": 16},
     Tally().conv(1, 16, 3, bias=True).numbers(3 * (9 * 16 * 16 + 16)).conv(16, 1, 3, bias=True)),
]  # fmt: skip

SEQUENCES: list[Variant] = [
    # Kingma & Welling 2014, section 5: codes of 3 to 200 numbers; Frey faces have 560 pixels, and 200 hidden units
    *(("vae", {"code": code}, tally.vae(784, 500, code)) for code in (3, 5, 10, 20, 200)),
    ("vae", {"pixels": 560, "hidden": 200, "code": 10}, tally.vae(560, 200, 10)),
    # Germain et al. 2015, and Larochelle & Murray 2011; binarised UCI sets have 100 to 500 inputs
    *(("made", {"units": units, "layers": layers}, tally.mlp(784, *[units] * layers, 784))
      for units in (500, 8000) for layers in (1, 2)),
    *(("nade", {"pixels": pixels, "units": units}, tally.mlp(pixels, units, pixels))
      for pixels, units in ((784, 500), (123, 100), (500, 50))),
    *(("pixelcnn", {"width": width, "blocks": blocks}, tally.pixelcnn(width, blocks))
      for width, blocks in ((16, 7), (32, 1), (64, 5), (128, 15))),
    *((f"lstm_ptb#{size}", {"words": words}, tally.language_model(words, units, 2))
      for size, units in (("small", 200), ("medium", 650), ("large", 1500)) for words in (10_000, 33_278)),
    ("lstm_ptb", {"units": 512, "layers": 3}, tally.language_model(10_000, 512, 3)),
    *(("char_rnn", {"letters": v, "units": h}, Tally().numbers(h * (v + h + 1) + v * (h + 1)))
      for v, h in ((65, 100), (96, 256))),
    ("char_rnn#lstm", {"letters": 96, "units": 512, "layers": 3},
     Tally().numbers(4 * 512 * (96 + 512 + 1) + 2 * 4 * 512 * 1025 + 96 * 513)),
    ("lstm_imdb", {"words": 10_000, "units": 64}, Tally().numbers(640_000 + 4 * 64 * 129 + 65)),
    ("transformer_encoder", {}, tally.transformer(37_000, 512, 4, 6)),
    ("transformer_encoder#big", {}, tally.transformer(37_000, 1024, 4, 6)),
    # Vaswani et al. 2017, table 3, rows C
    *(("transformer_encoder", {"layers": layers}, tally.transformer(37_000, 512, 4, layers)) for layers in (2, 4, 8)),
    ("transformer_encoder", {"width": 256, "expansion": 4}, tally.transformer(37_000, 256, 4, 6)),
    ("transformer_encoder", {"expansion": 8}, tally.transformer(37_000, 512, 8, 6)),
    # Kipf & Welling 2017, table 1; appendix B: up to ten layers
    *((f"gcn#{name}", {"use_bias": bias}, tally.gcn(features, 16, classes, bias=bias)) for name, features, classes in
      (("cora", 1433, 7), ("citeseer", 3703, 6), ("pubmed", 500, 3), ("karate", 34, 2)) for bias in (False, True)),
    ("gcn", {"hidden": 32, "layers": 4}, tally.gcn(1433, 32, 32, 32, 7)),
    *((f"dcgan_generator#{name}", settings, tally.dcgan_generator(*sizes, base=base, channels=channels))
      for name, settings, sizes, base, channels in (
          ("size32", {}, (128, 3, 5), 4, 3), ("paper", {"channels": 1}, (128, 4, 5), 4, 1),
          ("pytorch", {"stages": 5}, (64, 5, 4), 4, 3), ("mnist", {}, (64, 2, 5), 7, 1))),
    *((f"dcgan_discriminator#{name}", settings, tally.dcgan_discriminator(*sizes, base=base, channels=channels))
      for name, settings, sizes, base, channels in (
          ("size32", {}, (128, 3, 5), 4, 3), ("paper", {"channels": 1}, (128, 4, 5), 4, 1),
          ("pytorch", {"stages": 5}, (64, 5, 4), 4, 3), ("mnist", {}, (64, 2, 5), 7, 1))),
    ("gan_mnist_generator", {"noise": 64}, tally.mlp(64, 1200, 1200, 784)),
    # maxout: so many pieces for each unit
    ("gan_mnist_discriminator", {"units": 100, "pieces": 2},
     Tally().dense(784, 200).dense(100, 200).dense(100, 1)),
]  # fmt: skip


def name_of(value: object) -> str | None:
    """The test id of a variant: its settings."""
    if isinstance(value, dict):
        return ",".join(f"{key}={item}" for key, item in value.items())
    return value if isinstance(value, str) else ""


@pytest.mark.parametrize(("name", "settings", "expected"), [*RESIDUAL, *PLAIN, *DENSE, *SEQUENCES], ids=name_of)
def test_a_variant_counts_as_its_layers_do(name: str, settings: dict[str, Any], expected: Tally) -> None:
    graph = shaped(name, **settings)
    assert (graph.trainable, graph.parameters) == expected.counts


# ---- against what others count


# Trainable parameters.
EXACT = [
    # torchvision
    ("resnet#resnet18", {}, 11_689_512), ("resnet#resnet34", {}, 21_797_672), ("resnet#resnet101", {}, 44_549_160),
    ("resnet#wide_resnet101_2", {}, 126_886_696), ("densenet#densenet169", {}, 14_149_480),
    ("vgg#B", {}, 133_047_848), ("vgg#B_BN", {}, 133_053_736), ("alexnet#owt", {}, 61_100_840),
    # pytorchcv; its PreResNets for ImageNet normalise the stem twice (128)
    ("resnet_cifar#resnet56", {"shortcut": "B"}, 855_770), ("resnet_cifar#resnet110", {"shortcut": "B"}, 1_730_714),
    ("resnet_cifar#se_resnet20", {}, 274_847), ("resnet_v2#resnet18", {}, 11_687_848 - 128),
    ("resnet_v2#resnet34", {}, 21_796_008 - 128), ("preactivation_resnet", {"depth": 20, "deep": False}, 272_282),
    ("preactivation_resnet#resnet110", {}, 1_730_522), ("preactivation_resnet#resnet164", {}, 1_703_258),
    ("squeeze_excite_resnet#se_resnet18", {}, 11_778_592), ("squeeze_excite_resnet#se_resnet34", {}, 21_958_868),
    # Caffe, bvlc_googlenet: with and without the heads
    ("inception_v1_heads", {}, 13_378_280), ("inception_v1", {}, 6_998_552),
    # keras.applications
    ("mobilenet", {"alpha": 0.25}, 470_072), ("xception", {}, 22_855_952),
    # Chollet 2017, section 4.2, by 2048·17,000 + 17,000 weights in the place of 2,049,000
    ("xception#jft", {}, 22_855_952 - 2_049_000 + 2049 * 17_000),
]  # fmt: skip


@pytest.mark.parametrize(("name", "settings", "trainable"), EXACT, ids=name_of)
def test_a_variant_counts_as_others_count_it(name: str, settings: dict[str, Any], trainable: int) -> None:
    assert shaped(name, **settings).trainable == trainable


# Millions of parameters and billions of multiply-adds, as printed.
PRINTED = [
    # He et al. 2015, table 6
    *((f"resnet_cifar#resnet{depth}", {}, millions, 2) for depth, millions in
      ((20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85))),
    ("resnet_cifar#resnet110", {}, 1.7, 1), ("resnet_cifar#resnet1202", {}, 19.4, 1),
    # Zagoruyko & Komodakis 2016, tables 4, 7 and 8
    *(("wide_resnet", {"depth": depth, "k": k}, millions, 1) for depth, k, millions in
      ((40, 1, 0.6), (40, 2, 2.2), (40, 4, 8.9), (40, 8, 35.7), (28, 10, 36.5), (28, 12, 52.5), (22, 8, 17.2),
       (22, 10, 26.8), (16, 8, 11.0), (16, 10, 17.1))),
    *(("resnet", {"depth": depth, "wide": wide}, millions, 1) for depth, wide, millions in
      ((18, 1, 11.7), (18, 1.5, 25.9), (18, 2, 45.6), (18, 3, 101.8), (34, 1, 21.8), (34, 1.5, 48.6), (34, 2, 86.0))),
    ("resnet#wide_resnet50_2", {}, 68.9, 1),
    # Huang et al. 2017, table 2
    ("densenet_cifar#densenet_40_12", {}, 1.0, 1), ("densenet_cifar#densenet_100_12", {}, 7.0, 1),
    ("densenet_cifar#densenet_100_24", {}, 27.2, 1), ("densenet_cifar#densenet_bc_100_12", {}, 0.8, 1),
    ("densenet_cifar#densenet_bc_250_24", {}, 15.3, 1), ("densenet_cifar#densenet_bc_190_40", {}, 25.6, 1),
    # Hu et al. 2018, table 2
    *((f"squeeze_excite_resnet#se_resnet{depth}", {}, millions, 1)
      for depth, millions in ((50, 28.1), (101, 49.3), (152, 66.8))),
    # Howard et al. 2017, tables 5 to 7
    *(("mobilenet", {"alpha": alpha}, millions, 1)
      for alpha, millions in ((1, 4.2), (0.75, 2.6), (0.5, 1.3), (0.25, 0.5))),
    ("mobilenet#shallow", {}, 2.9, 1),
    # Simonyan & Zisserman 2015, table 2
    *((f"vgg#{name}", {}, millions, 0)
      for name, millions in (("A", 133), ("B", 133), ("C", 134), ("D", 138), ("E", 144))),
]  # fmt: skip


@pytest.mark.parametrize(("name", "settings", "millions", "digits"), PRINTED, ids=name_of)
def test_a_variant_rounds_to_the_printed_count(
    name: str, settings: dict[str, Any], millions: float, digits: int
) -> None:
    assert round(shaped(name, **settings).trainable / 1e6, digits) == millions


# He et al. 2015, table 1: multiply-adds. The paper cuts 3.86 to 3.8 and 3.66 to 3.6.
@pytest.mark.parametrize(
    ("depth", "billions"), [(18, 1.8), (34, 3.6), (50, 3.8), (101, 7.6), (152, 11.3)], ids=lambda value: str(value)
)
def test_a_resnet_costs_the_printed_multiply_adds(depth: int, billions: float) -> None:
    assert abs(int(shaped("resnet", depth=depth).macs) / 1e9 - billions) < 0.07  # type: ignore[call-overload]


# Howard et al. 2017, section 3.4: cost falls with the square of the resolution, but for the last layer's C·1000.
@pytest.mark.parametrize("alpha", [1, 0.75, 0.5, 0.25])
@pytest.mark.parametrize("resolution", [192, 160, 128])
def test_a_mobilenet_costs_less_on_smaller_pictures(alpha: float, resolution: int) -> None:
    last = int(1024 * alpha) * 1000
    full, small = (int(shaped("mobilenet", alpha=alpha, resolution=size).macs) - last for size in (224, resolution))  # type: ignore[call-overload]
    assert small * 224**2 == full * resolution**2
