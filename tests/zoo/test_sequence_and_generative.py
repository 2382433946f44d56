"""The sequence, attention, graph and generative networks of the zoo against the published counts and shapes."""

from pathlib import Path

import pytest

import archgraph as ag
from archgraph.analysis import infer
from archgraph.analysis.shaped import ShapedGraph
from archgraph.document.load import load_graph

EXAMPLES = Path(__file__).parents[2] / "examples"


def shaped(name: str, **params: object) -> ShapedGraph:
    """The example of that name, or its variant after `#`, for parameters."""
    file, mark, variant = name.partition("#")
    return infer(load_graph(f"{EXAMPLES / file}.graph.json{mark}{variant}", params))


# Trainable parameters, and multiply-adds where they are published or follow from the sizes by the sum beside them.
COUNTS = [
    # Keras, examples/imdb_lstm.py: 2,560,000 + 131,584 + 129; 80 steps of 4·128·256, then 128
    ("lstm_imdb", {}, 2_691_713, 80 * 4 * 128 * 256 + 128),
    # Zaremba et al. 2014, section 4.1, one bias; embedding and softmax untied
    ("lstm_ptb", {}, 19_775_200, 35 * (2 * 4 * 650 * 1300 + 650 * 10_000)),
    ("lstm_ptb#small", {}, 4_651_600, 20 * (2 * 4 * 200 * 400 + 200 * 10_000)),
    ("lstm_ptb#large", {}, 66_022_000, 35 * (2 * 4 * 1500 * 3000 + 1500 * 10_000)),
    # Karpathy, min-char-rnn: hV + hh + Vh + h + V, for V = 65 and 73
    ("char_rnn", {}, 23_165, None),
    ("char_rnn#bible", {}, 24_773, None),
    # Karpathy, char-rnn, with one bias: two LSTMs of 128, one-hot letters
    ("char_rnn#lstm", {}, 4 * 128 * (65 + 128 + 1) + 4 * 128 * (128 + 128 + 1) + 129 * 65, None),
    # Kipf & Welling 2017, table 1 for the sizes; without biases as the authors' code, with them as pygcn
    ("gcn", {}, 23_040, 2708 * 1433 * 16 + 2708**2 * 16 + 2708 * 16 * 7 + 2708**2 * 7),
    ("gcn", {"use_bias": True}, 23_063, None),
    ("gcn#citeseer", {}, 3703 * 16 + 16 * 6, None),
    ("gcn#pubmed", {}, 8_048, None),
    ("gcn#pubmed", {"use_bias": True}, 8_067, None),
    ("gcn#karate", {}, 576, 34 * 34 * 16 + 34 * 34 * 16 + 34 * 16 * 2 + 34 * 34 * 2),
    ("gcn#karate", {"use_bias": True}, 594, None),
    # Kipf & Welling 2017, appendix A: 34-4-4-2
    ("gcn#karate_appendix", {}, 160, None),
    # Kingma & Welling 2014, appendix C, 784-500-(20, 20)-500-784
    ("vae", {}, 815_824, 784 * 500 + 2 * 500 * 20 + 20 * 500 + 500 * 784),
    # code 2 and 200: each number of the code costs 2·501 in the encoder and 500 in the decoder
    ("vae#code2", {}, 815_824 - 18 * 1502, None),
    ("vae#code200", {}, 815_824 + 180 * 1502, None),
    # Keras.io, generative/vae: 69,076 + 65,089
    ("vae_conv", {}, 134_165, None),
    # Keras.io, generative/pixelcnn; van den Oord et al. 2016, table 1. 784 places of 305,408 products
    ("pixelcnn", {}, 307_073, 784 * (49 * 128 + 5 * 53_248 + 2 * 128**2 + 128)),
    # Larochelle & Murray 2011: W, V, b and c for 784 pixels and 500 units; Germain et al. 2015: the same, masks aside
    ("nade", {}, 785_284, 2 * 784 * 500),
    ("made", {}, 785_284, 2 * 784 * 500),
    # Germain et al. 2015, section 6.2: two hidden layers of 8000
    ("made#deep", {}, 784 * 8000 + 8000 + 8000 * 8001 + 8000 * 784 + 784, None),
    # PyTorch's nn.TransformerEncoderLayer(512, 8, 2048) has 3,152,384; 37,000 shared word pieces
    ("transformer_encoder", {}, 6 * 3_152_384 + 37_000 * 512, None),
    # 4 C·C + 4 C, two C·4C with biases, two normalisations, for C = 1024
    ("transformer_encoder#big", {}, 6 * (12 * 1024**2 + 13 * 1024) + 37_000 * 1024, None),
    # Bahdanau et al. 2015, appendix A.2: embeddings, three GRUs, first state, alignment, two dense layers
    ("seq2seq", {}, 37_200_000 + 9 * 1000 * 1621 + 1001 * 1000 + 1000 * 3002 + 3001 * 620 + 621 * 30_000, None),
    # Xu et al. 2015: W_a, W_d and u, each with a bias
    ("soft_attention", {}, 525_825, 196 * 512 * 512 + 512 * 512 + 196 * 512 + 196 * 512),
    # Xu et al. 2015, arctic-captions with the settings of evaluate_coco.py, without the encoder
    ("show_attend_tell", {}, 35_333_450, None),
    # as ports do: one gate for each of the 512 channels
    ("show_attend_tell", {"gate": 512}, 35_333_450 + 511 * 1801, None),
    # Goodfellow et al. 2014, the authors' mnist.yaml
    ("gan_mnist_generator", {}, 2_503_984, 100 * 1200 + 1200 * 1200 + 1200 * 784),
    ("gan_mnist_discriminator", {}, 1_231_441, 784 * 1200 + 240 * 1200 + 240),
    # Radford et al. 2016 and the authors' code: no biases
    ("dcgan_generator", {}, 18_855_040, 640_614_400),
    ("dcgan_discriminator", {}, 17_232_768, 638_992_384),
    # the DCGAN tutorial of PyTorch
    ("dcgan_generator#pytorch", {}, 3_576_704, None),
    ("dcgan_discriminator#pytorch", {}, 2_765_568, None),
    # Odena 2016: K + 1 classes in the place of one output, without biases
    ("dcgan_discriminator#semi_supervised", {}, 17_232_768 + 10 * 16_384, None),
    # Mirza & Osindero 2014, section 4.1
    ("cgan_generator", {}, 2_413_984, 100 * 200 + 10 * 1000 + 1200 * 1200 + 1200 * 784),
    ("cgan_discriminator", {}, 1_224_351, 784 * 1200 + 10 * 250 + 290 * 960 + 240),
    # Chen et al. 2016, table 1, and openai/InfoGAN
    ("infogan_generator", {}, 6_652_481, None),
    ("infogan_discriminator", {}, 6_692_431, None),
    # Odena et al. 2017, appendix A, table 2
    ("acgan_generator", {}, 2_994_051, None),
    ("acgan_discriminator", {}, 1_664_875, None),
    # Miyato et al. 2018, table 3
    ("sngan_cnn_generator", {}, 3_812_355, None),
    ("sngan_cnn_discriminator", {}, 2_935_873, None),
    # 48x48: the dense layers alone grow, from 4·4·512 numbers to 6·6·512
    ("sngan_cnn_generator#stl10", {}, 3_812_355 + 20 * 512 * 129, None),
    ("sngan_cnn_discriminator#stl10", {}, 2_935_873 + 20 * 512, None),
    # Miyato et al. 2018, tables 4 to 6; torch-mimicry; the authors' code leaves out the last bias
    ("sngan_resnet_generator", {}, 4_276_739, None),
    ("sngan_resnet_discriminator", {}, 1_053_825, None),
    ("sngan_resnet_discriminator", {"use_bias": False}, 1_053_824, None),
    # the conditional generator with one scale and offset in the place of 1000, for 4928 channels in ten layers
    ("sngan_resnet_generator#imagenet", {}, 41_996_931 - 999 * 2 * 4928, None),
    ("sngan_conditional_generator", {}, 41_996_931, None),
    ("sngan_concat_discriminator", {}, 30_538_625, None),
    # Miyato & Koyama 2018; without its table of 1000 x 1024 it is the discriminator without classes
    ("sngan_projection_discriminator", {}, 30_041_857, None),
    ("sngan_resnet_discriminator#imagenet", {}, 30_041_857 - 1_024_000, None),
    # Zhang et al. 2019; torch-mimicry: attention over 256 and 128 channels is C·(C/8 + C/8 + C/2) + C/2·C + 1
    ("sagan_generator", {}, 42_078_852, None),
    ("sngan_projection_discriminator#sagan", {}, 30_062_338, None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "params", "trainable", "macs"), COUNTS)
def test_the_published_counts_are_met(name: str, params: dict[str, object], trainable: int, macs: int | None) -> None:
    graph = shaped(name, **params)
    assert graph.trainable == trainable
    assert macs is None or graph.macs == macs


# Running means and variances of batch normalisation: twice the channels of every such layer.
STATISTICS = {
    "dcgan_generator": 2 * (1024 + 512 + 256 + 128),
    "dcgan_discriminator": 2 * (256 + 512 + 1024),
    "infogan_generator": 2 * (1024 + 6272 + 64),
    "infogan_discriminator": 2 * (128 + 1024 + 128),
    "acgan_generator": 2 * (192 + 96),
    "acgan_discriminator": 2 * (32 + 64 + 128 + 256 + 512),
    "sngan_cnn_generator": 2 * (256 + 128 + 64),
    "sngan_resnet_generator": 2 * 7 * 256,
    "sngan_conditional_generator": 2 * (2 * 1024 + 1024 + 512 + 512 + 256 + 256 + 128 + 128 + 64 + 64),
    "gan_mnist_discriminator": 0,
    "show_attend_tell": 0,
}


@pytest.mark.parametrize("name", STATISTICS)
def test_only_running_statistics_are_not_trained(name: str) -> None:
    graph = shaped(name)
    assert graph.parameters - graph.trainable == STATISTICS[name]


# Output shape, trainable parameters and multiply-adds of layers. Sources: see COUNTS; the tables of the papers give the
# sizes. Miyato et al. count nothing for looking up a class's scale and offset: None.
LAYERS: dict[str, dict[str, tuple[tuple[int, ...], int, int | None]]] = {
    "dcgan_generator": {
        "project": ((16384,), 1_638_400, 1_638_400),
        "up/0": ((8, 8, 512), 13_107_200, 209_715_200),
        "up/1": ((16, 16, 256), 3_276_800, 209_715_200),
        "up/2": ((32, 32, 128), 819_200, 209_715_200),
        "picture": ((64, 64, 3), 9_600, 9_830_400),
    },
    "dcgan_discriminator": {
        "first": ((32, 32, 128), 9_600, 9_830_400),
        "down/0": ((16, 16, 256), 819_200, 209_715_200),
        "down/1": ((8, 8, 512), 3_276_800, 209_715_200),
        "down/2": ((4, 4, 1024), 13_107_200, 209_715_200),
        "real": ((1,), 16_384, 16_384),
    },
    "infogan_generator": {
        "wide": ((1024,), 76_800, 75_776),
        "wider": ((6272,), 6_428_800, 6_422_528),
        "up": ((14, 14, 64), 131_136, 6_422_528),
        "picture": ((28, 28, 1), 1_025, 200_704),
    },
    "infogan_discriminator": {
        "conv1": ((14, 14, 64), 1_088, 200_704),
        "conv2": ((7, 7, 128), 131_200, 6_422_528),
        "trunk": ((1024,), 6_423_552, 6_422_528),
        "real": ((1,), 1_025, 1_024),
        "q": ((128,), 131_200, 131_072),
        "codes": ((14,), 1_806, 1_792),
    },
    "acgan_generator": {
        "wide": ((6144,), 681_984, 675_840),
        "up/0": ((8, 8, 192), 1_843_392, 29_491_200),
        "up/1": ((16, 16, 96), 460_896, 29_491_200),
        "picture": ((32, 32, 3), 7_203, 1_843_200),
    },
    "acgan_discriminator": {
        "first": ((16, 16, 16), 448, 110_592),
        "layers/0/conv": ((16, 16, 32), 4_640, 1_179_648),
        "layers/1/conv": ((8, 8, 64), 18_496, 1_179_648),
        "layers/2/conv": ((8, 8, 128), 73_856, 4_718_592),
        "layers/3/conv": ((4, 4, 256), 295_168, 4_718_592),
        "layers/4/conv": ((4, 4, 512), 1_180_160, 18_874_368),
        "head": ((11,), 90_123, 90_112),
    },
    "sngan_cnn_generator": {
        "project": ((8192,), 1_056_768, 1_048_576),
        "up/0": ((8, 8, 256), 2_097_408, 33_554_432),
        "up/1": ((16, 16, 128), 524_416, 33_554_432),
        "up/2": ((32, 32, 64), 131_136, 33_554_432),
        "picture": ((32, 32, 3), 1_731, 1_769_472),
    },
    "sngan_cnn_discriminator": {
        "stages/0/look": ((32, 32, 64), 1_792, 1_769_472),
        "stages/0/down": ((16, 16, 64), 65_600, 16_777_216),
        "stages/1/look": ((16, 16, 128), 73_856, 18_874_368),
        "stages/1/down": ((8, 8, 128), 262_272, 16_777_216),
        "stages/2/look": ((8, 8, 256), 295_168, 18_874_368),
        "stages/2/down": ((4, 4, 256), 1_048_832, 16_777_216),
        "last": ((4, 4, 512), 1_180_160, 18_874_368),
        "real": ((1,), 8_193, 8_192),
    },
    "sngan_resnet_generator": {
        "project": ((4096,), 528_384, 524_288),
        "up/0/up": ((8, 8, 256), 0, 0),
        "up/0/conv1": ((8, 8, 256), 590_080, 37_748_736),
        "up/0/conv2": ((8, 8, 256), 590_080, 37_748_736),
        "up/0/wide": ((8, 8, 256), 0, 0),
        "up/0/short": ((8, 8, 256), 65_792, 4_194_304),
        "up/1/up": ((16, 16, 256), 0, 0),
        "up/1/conv1": ((16, 16, 256), 590_080, 150_994_944),
        "up/1/conv2": ((16, 16, 256), 590_080, 150_994_944),
        "up/1/wide": ((16, 16, 256), 0, 0),
        "up/1/short": ((16, 16, 256), 65_792, 16_777_216),
        "up/2/up": ((32, 32, 256), 0, 0),
        "up/2/conv1": ((32, 32, 256), 590_080, 603_979_776),
        "up/2/conv2": ((32, 32, 256), 590_080, 603_979_776),
        "up/2/wide": ((32, 32, 256), 0, 0),
        "up/2/short": ((32, 32, 256), 65_792, 67_108_864),
        "picture": ((32, 32, 3), 6_915, 7_077_888),
    },
    "sngan_resnet_discriminator": {
        "entry/conv1": ((32, 32, 128), 3_584, 3_538_944),
        "entry/conv2": ((32, 32, 128), 147_584, 150_994_944),
        "entry/pool": ((16, 16, 128), 0, 0),
        "entry/narrow": ((16, 16, 3), 0, 0),
        "entry/short": ((16, 16, 128), 512, 98_304),
        "down/0/conv1": ((16, 16, 128), 147_584, 37_748_736),
        "down/0/conv2": ((16, 16, 128), 147_584, 37_748_736),
        "down/0/pool": ((8, 8, 128), 0, 0),
        "down/0/short": ((16, 16, 128), 16_512, 4_194_304),
        "down/0/narrow": ((8, 8, 128), 0, 0),
        "flat/0/conv1": ((8, 8, 128), 147_584, 9_437_184),
        "flat/0/conv2": ((8, 8, 128), 147_584, 9_437_184),
        "flat/1/conv1": ((8, 8, 128), 147_584, 9_437_184),
        "flat/1/conv2": ((8, 8, 128), 147_584, 9_437_184),
        "sum": ((128,), 0, 0),
        "real": ((1,), 129, 128),
    },
    "sngan_conditional_generator": {
        "project": ((16384,), 2_113_536, 2_097_152),
        "up/0/norm1": ((4, 4, 1024), 2_048_000, None),
        "up/0/up": ((8, 8, 1024), 0, 0),
        "up/0/conv1": ((8, 8, 1024), 9_438_208, 603_979_776),
        "up/0/norm2": ((8, 8, 1024), 2_048_000, None),
        "up/0/conv2": ((8, 8, 1024), 9_438_208, 603_979_776),
        "up/0/wide": ((8, 8, 1024), 0, 0),
        "up/0/short": ((8, 8, 1024), 1_049_600, 67_108_864),
        "up/1/norm1": ((8, 8, 1024), 2_048_000, None),
        "up/1/up": ((16, 16, 1024), 0, 0),
        "up/1/conv1": ((16, 16, 512), 4_719_104, 1_207_959_552),
        "up/1/norm2": ((16, 16, 512), 1_024_000, None),
        "up/1/conv2": ((16, 16, 512), 2_359_808, 603_979_776),
        "up/1/wide": ((16, 16, 1024), 0, 0),
        "up/1/short": ((16, 16, 512), 524_800, 134_217_728),
        "up/2/norm1": ((16, 16, 512), 1_024_000, None),
        "up/2/up": ((32, 32, 512), 0, 0),
        "up/2/conv1": ((32, 32, 256), 1_179_904, 1_207_959_552),
        "up/2/norm2": ((32, 32, 256), 512_000, None),
        "up/2/conv2": ((32, 32, 256), 590_080, 603_979_776),
        "up/2/wide": ((32, 32, 512), 0, 0),
        "up/2/short": ((32, 32, 256), 131_328, 134_217_728),
        "up/3/norm1": ((32, 32, 256), 512_000, None),
        "up/3/up": ((64, 64, 256), 0, 0),
        "up/3/conv1": ((64, 64, 128), 295_040, 1_207_959_552),
        "up/3/norm2": ((64, 64, 128), 256_000, None),
        "up/3/conv2": ((64, 64, 128), 147_584, 603_979_776),
        "up/3/wide": ((64, 64, 256), 0, 0),
        "up/3/short": ((64, 64, 128), 32_896, 134_217_728),
        "up/4/norm1": ((64, 64, 128), 256_000, None),
        "up/4/up": ((128, 128, 128), 0, 0),
        "up/4/conv1": ((128, 128, 64), 73_792, 1_207_959_552),
        "up/4/norm2": ((128, 128, 64), 128_000, None),
        "up/4/conv2": ((128, 128, 64), 36_928, 603_979_776),
        "up/4/wide": ((128, 128, 128), 0, 0),
        "up/4/short": ((128, 128, 64), 8_256, 134_217_728),
        "picture": ((128, 128, 3), 1_731, 28_311_552),
    },
    "sngan_concat_discriminator": {
        "entry/conv1": ((128, 128, 64), 1_792, 28_311_552),
        "entry/conv2": ((128, 128, 64), 36_928, 603_979_776),
        "entry/pool": ((64, 64, 64), 0, 0),
        "entry/narrow": ((64, 64, 3), 0, 0),
        "entry/short": ((64, 64, 64), 256, 786_432),
        "before/0/conv1": ((64, 64, 64), 36_928, 150_994_944),
        "before/0/conv2": ((64, 64, 128), 73_856, 301_989_888),
        "before/0/pool": ((32, 32, 128), 0, 0),
        "before/0/short": ((64, 64, 128), 8_320, 33_554_432),
        "before/0/narrow": ((32, 32, 128), 0, 0),
        "before/1/conv1": ((32, 32, 128), 147_584, 150_994_944),
        "before/1/conv2": ((32, 32, 256), 295_168, 301_989_888),
        "before/1/pool": ((16, 16, 256), 0, 0),
        "before/1/short": ((32, 32, 256), 33_024, 33_554_432),
        "before/1/narrow": ((16, 16, 256), 0, 0),
        "embed": ((128,), 128_000, 0),
        "tile": ((16, 16, 128), 0, 0),
        "after/0/conv1": ((16, 16, 384), 1_327_488, 339_738_624),
        "after/0/conv2": ((16, 16, 512), 1_769_984, 452_984_832),
        "after/0/pool": ((8, 8, 512), 0, 0),
        "after/0/short": ((16, 16, 512), 197_120, 50_331_648),
        "after/0/narrow": ((8, 8, 512), 0, 0),
        "after/1/conv1": ((8, 8, 512), 2_359_808, 150_994_944),
        "after/1/conv2": ((8, 8, 1024), 4_719_616, 301_989_888),
        "after/1/pool": ((4, 4, 1024), 0, 0),
        "after/1/short": ((8, 8, 1024), 525_312, 33_554_432),
        "after/1/narrow": ((4, 4, 1024), 0, 0),
        "last/conv1": ((4, 4, 1024), 9_438_208, 150_994_944),
        "last/conv2": ((4, 4, 1024), 9_438_208, 150_994_944),
        "sum": ((1024,), 0, 0),
        "real": ((1,), 1_025, 1_024),
    },
}  # fmt: skip


@pytest.mark.parametrize("name", LAYERS)
def test_the_published_layers_are_met(name: str) -> None:
    leaves = {node.path: node.leaf for node in shaped(name).walk()}
    found = {}
    for path, (_, _, macs) in LAYERS[name].items():
        leaf = leaves[path]
        found[path] = (leaf.outputs[0].shape, leaf.trainable, None if macs is None else leaf.macs)
    assert found == LAYERS[name]


@pytest.mark.parametrize("name", [name for name in LAYERS if name != "sngan_conditional_generator"])
def test_no_other_layer_costs_anything(name: str) -> None:
    assert shaped(name).macs == sum(macs or 0 for _, _, macs in LAYERS[name].values())


# Keras.io counts both halves of the VAE by themselves.
@pytest.mark.parametrize(("part", "parameters"), [("encoder", 69_076), ("decoder", 65_089)])
def test_the_halves_of_the_convolutional_vae_are_met(part: str, parameters: int) -> None:
    leaves = [node.leaf for node in shaped("vae_conv").walk() if node.path.startswith(f"{part}/")]
    assert sum(leaf.parameters for leaf in leaves) == parameters


@pytest.mark.parametrize(
    ("name", "outputs"),
    [
        ("gcn", {"label": (2708, 7)}),
        ("gcn#pubmed", {"label": (19_717, 3)}),
        ("lstm_ptb", {"next": (35, 10_000)}),
        ("dcgan_generator#size32", {"picture": (32, 32, 3)}),
        ("sngan_cnn_generator#stl10", {"picture": (48, 48, 3)}),
        ("sngan_resnet_generator#stl10", {"picture": (48, 48, 3)}),
        ("sngan_resnet_generator#imagenet", {"picture": (128, 128, 3)}),
        ("sagan_generator", {"picture": (128, 128, 3)}),
        ("infogan_discriminator", {"real": (1,), "category": (10,), "mean": (2,), "log_std": (2,)}),
        ("acgan_discriminator", {"real": (1,), "label": (10,)}),
        ("made", {"ink": (784,)}),
        ("soft_attention", {"context": (512,), "alpha": (196,)}),
    ],
)
def test_the_outputs_have_the_published_shapes(name: str, outputs: dict[str, tuple[int, ...]]) -> None:
    assert {key: x.shape for key, x in shaped(name).outputs.items()} == outputs


def test_attention_stands_at_32_pixels() -> None:
    places = {
        name: node.leaf.outputs[0].shape
        for name in ("sagan_generator", "sngan_projection_discriminator#sagan")
        for node in shaped(name).walk()
        if node.path == "look"
    }
    # Zhang et al. 2019, section 5 (feat32): 32x32, with 256 channels in the generator and 128 in the discriminator
    assert places == {"sagan_generator": (32, 32, 256), "sngan_projection_discriminator#sagan": (32, 32, 128)}


# Keras's formulas, and PyTorch's, which keeps a second bias: h (d + h + 1) for each gate; Elman 1990, Gers et al. 2000.
@pytest.mark.parametrize(("cell", "parameters"), [("elman", 620), ("long_short", 2480)])
def test_recurrent_layers_of_20_units_over_10_numbers_have_one_bias(cell: str, parameters: int) -> None:
    graph = shaped("char_rnn", cell=cell, letters=10, units=20)
    assert graph.trainable - 21 * 10 == parameters


@pytest.mark.parametrize("name", sorted({name.partition("#")[0] for name, *_ in COUNTS}))
def test_the_file_is_without_fault_or_warning(name: str) -> None:
    assert ag.check(EXAMPLES / f"{name}.graph.json") == []
