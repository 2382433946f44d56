"""Sequence, attention, graph and generative networks of the zoo: what goes beyond the published rows."""

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


# Trainable parameters (None: in test_published_rows.py), and multiply-adds where they follow from the sizes by the sum.
COUNTS = [
    # 80 steps of 4·128·256, then 128
    ("lstm_imdb", {}, None, 80 * 4 * 128 * 256 + 128),
    # Zaremba et al. 2014, section 4.1, one bias; embedding and softmax untied
    ("lstm_ptb", {}, None, 35 * (2 * 4 * 650 * 1300 + 650 * 10_000)),
    ("lstm_ptb#small", {}, 4_651_600, 20 * (2 * 4 * 200 * 400 + 200 * 10_000)),
    ("lstm_ptb#large", {}, 66_022_000, 35 * (2 * 4 * 1500 * 3000 + 1500 * 10_000)),
    # Karpathy, char-rnn, with one bias: two LSTMs of 128, one-hot letters
    ("char_rnn#lstm", {}, 4 * 128 * (65 + 128 + 1) + 4 * 128 * (128 + 128 + 1) + 129 * 65, None),
    # Kipf & Welling 2017, table 1 for the sizes
    ("gcn", {}, None, 2708 * 1433 * 16 + 2708**2 * 16 + 2708 * 16 * 7 + 2708**2 * 7),
    ("gcn#citeseer", {}, 3703 * 16 + 16 * 6, None),
    ("gcn#karate", {}, None, 34 * 34 * 16 + 34 * 34 * 16 + 34 * 16 * 2 + 34 * 34 * 2),
    ("gcn#karate", {"use_bias": True}, 594, None),
    # Kipf & Welling 2017, appendix A: 34-4-4-2
    ("gcn#karate_appendix", {}, 160, None),
    # Kingma & Welling 2014, appendix C, 784-500-(20, 20)-500-784
    ("vae", {}, None, 784 * 500 + 2 * 500 * 20 + 20 * 500 + 500 * 784),
    # code 2 and 200: each number of the code costs 2·501 in the encoder and 500 in the decoder
    ("vae#code2", {}, 815_824 - 18 * 1502, None),
    ("vae#code200", {}, 815_824 + 180 * 1502, None),
    # Keras.io, generative/pixelcnn: 784 places of 305,408 products
    ("pixelcnn", {}, None, 784 * (49 * 128 + 5 * 53_248 + 2 * 128**2 + 128)),
    # Larochelle & Murray 2011: W and V for 784 pixels and 500 units; Germain et al. 2015: the same, masks aside
    ("nade", {}, None, 2 * 784 * 500),
    ("made", {}, None, 2 * 784 * 500),
    # Germain et al. 2015, section 6.2: two hidden layers of 8000
    ("made#deep", {}, 784 * 8000 + 8000 + 8000 * 8001 + 8000 * 784 + 784, None),
    # PyTorch's nn.TransformerEncoderLayer(512, 8, 2048) has 3,152,384; 37,000 shared word pieces
    ("transformer_encoder", {}, 6 * 3_152_384 + 37_000 * 512, None),
    # 4 C·C + 4 C, two C·4C with biases, two normalisations, for C = 1024
    ("transformer_encoder#big", {}, 6 * (12 * 1024**2 + 13 * 1024) + 37_000 * 1024, None),
    # Xu et al. 2015: W_a, W_d and u
    ("soft_attention", {}, None, 196 * 512 * 512 + 512 * 512 + 196 * 512 + 196 * 512),
    # as ports do: one gate for each of the 512 channels
    ("show_attend_tell", {"gate": 512}, 35_333_450 + 511 * 1801, None),
    # Goodfellow et al. 2014, the authors' mnist.yaml
    ("gan_mnist_generator", {}, None, 100 * 1200 + 1200 * 1200 + 1200 * 784),
    ("gan_mnist_discriminator", {}, None, 784 * 1200 + 240 * 1200 + 240),
    # the DCGAN tutorial of PyTorch
    ("dcgan_generator#pytorch", {}, 3_576_704, None),
    ("dcgan_discriminator#pytorch", {}, 2_765_568, None),
    # Odena 2016: K + 1 classes in the place of one output, without biases
    ("sgan_discriminator", {}, 17_232_768 + 10 * 16_384, None),
    # Mirza & Osindero 2014, section 4.1
    ("cgan_generator", {}, None, 100 * 200 + 10 * 1000 + 1200 * 1200 + 1200 * 784),
    ("cgan_discriminator", {}, None, 784 * 1200 + 10 * 250 + 290 * 960 + 240),
    # 48x48: the dense layers alone grow, from 4·4·512 numbers to 6·6·512
    ("sngan_cnn_generator#stl10", {}, 3_812_355 + 20 * 512 * 129, None),
    ("sngan_cnn_discriminator#stl10", {}, 2_935_873 + 20 * 512, None),
    # the conditional generator with one scale and offset in the place of 1000, for 4928 channels in ten layers
    ("sngan_resnet_generator#imagenet", {}, 41_996_931 - 999 * 2 * 4928, None),
    # Miyato & Koyama 2018; without its table of 1000 x 1024 it is the discriminator without classes
    ("sngan_resnet_discriminator#imagenet", {}, 30_041_857 - 1_024_000, None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "params", "trainable", "macs"), COUNTS)
def test_the_counts_are_met(name: str, params: dict[str, object], trainable: int | None, macs: int | None) -> None:
    graph = shaped(name, **params)
    assert trainable is None or graph.trainable == trainable
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
        for name in ("sagan_generator", "sagan_discriminator")
        for node in shaped(name).walk()
        if node.path == "look"
    }
    # Zhang et al. 2019, section 5 (feat32): 32x32, with 256 channels in the generator and 128 in the discriminator
    assert places == {"sagan_generator": (32, 32, 256), "sagan_discriminator": (32, 32, 128)}


@pytest.mark.parametrize(
    "name", sorted({name.partition("#")[0] for name in [*(name for name, *_ in COUNTS), *STATISTICS]})
)
def test_the_file_is_without_fault_or_warning(name: str) -> None:
    assert ag.check(EXAMPLES / f"{name}.graph.json") == []
