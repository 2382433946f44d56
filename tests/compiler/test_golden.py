"""Graphs written as text compute published and hand-made numbers.

The numbers come from the papers named, worked out in double precision apart from any framework.
"""

from typing import Any

import networkx
import numpy as np
import pytest
from numpy.testing import assert_allclose

from archgraph.analysis import infer
from archgraph.compiler import compile_model
from archgraph.document.load import load_text

CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def built(text: str) -> Any:
    """The model of a graph file without its first members."""
    return compile_model(infer(load_text('{"archgraph": 1, "name": "golden", ' + text + "}")), seed=1)


# Gates i, f, g, o in one kernel; forget bias 1; h = o·tanh(c); no peepholes. Zeros before the first step.
STEPS = [[1.0, 2.0], [-1.0, 0.5], [0.3, -0.7]]
LSTM = [
    [[-0.2, -0.1, 0.0, 0.1, 0.2, -0.2, -0.1, 0.0], [-0.1, 0.0, 0.1, 0.2, -0.2, -0.1, 0.0, 0.1]],
    [[-0.15, -0.1, -0.05, 0.0, 0.05, 0.1, 0.15, -0.15], [0.0, 0.05, 0.1, 0.15, -0.15, -0.1, -0.05, 0.0]],
    [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0],
]
LSTM_H = [[-0.03754750291, -0.09817239514], [-0.1081957306, -0.02577303393], [-0.02484525116, -0.01686314931]]
LSTM_C = [[-0.0792091516, -0.1804836648], [-0.2091639593, -0.05019352261], [-0.05087638603, -0.03467174853]]


def test_three_steps_of_an_lstm() -> None:
    """Hochreiter & Schmidhuber 1997 with the forget gate of Gers et al. 2000."""
    model = built("""
        "inputs": {"x": {"shape": ["T", 2]}},
        "nodes": {"lstm": {"op": "lstm", "in": "x", "units": 2, "return_sequences": true, "return_state": true}},
        "outputs": {"all": "lstm", "h": "lstm.state_h", "c": "lstm.state_c"}
    """)
    model.get_layer("lstm").set_weights([np.array(w) for w in LSTM])
    for count in (1, 2, 3):
        outputs = model(np.array([STEPS[:count]], "float32"))
        assert_allclose(outputs["all"][0], LSTM_H[:count], **CLOSE)
        assert_allclose(outputs["h"][0], LSTM_H[count - 1], **CLOSE)
        assert_allclose(outputs["c"][0], LSTM_C[count - 1], **CLOSE)


def test_three_steps_of_a_plain_recurrent_layer() -> None:
    """Elman 1990: h = tanh(x·W + h·U + b)."""
    model = built("""
        "inputs": {"x": {"shape": [3, 2]}},
        "nodes": {"rnn": {"op": "rnn", "in": "x", "units": 2, "return_sequences": true}},
        "outputs": {"h": "rnn"}
    """)
    weights = [[-0.2, -0.1], [-0.1, 0.0]], [[-0.15, -0.1], [0.0, 0.05]], [0.1, 0.1]
    model.get_layer("rnn").set_weights([np.array(w) for w in weights])
    expected = [[-0.2913126125, 0.0], [0.285533871, 0.2252038347], [0.0670690823, 0.05265805218]]
    assert_allclose(model(np.array([STEPS], "float32"))[0], expected, **CLOSE)


# Zachary 1977; without weight=None networkx gives the number of contexts, not friendships
KARATE = networkx.to_numpy_array(networkx.karate_club_graph(), weight=None).astype("float32")
SUMS = [1.870798213, 1.326770031, 1.297663625, 1.009562521, 0.8448746103]


@pytest.mark.parametrize("renormalize", [True, False])
def test_a_graph_convolution_over_the_karate_club(renormalize: bool) -> None:
    """Kipf & Welling 2017, equation 2: a kernel of 1 gives the row sums of the renormalised adjacency."""
    assert KARATE.sum() == 156
    model = built(f"""
        "inputs": {{"x": {{"shape": ["N", 1]}}, "a": {{"shape": ["N", "N"]}}}},
        "nodes": {{"g": {{"op": "graph_conv", "in": {{"x": "x", "adjacency": "a"}}, "units": 1, "use_bias": false,
                          "kernel_initializer": "ones", "renormalize": {str(renormalize).lower()}}}}},
        "outputs": {{"y": "g"}}
    """)
    looped = KARATE + np.eye(34, dtype="float32")
    scale = looped.sum(1) ** -0.5
    adjacency = KARATE if renormalize else scale[:, None] * looped * scale
    outputs = np.asarray(model({"x": np.ones((1, 34, 1), "float32"), "a": adjacency[None]}))[0, :, 0]
    assert_allclose(outputs[:5], SUMS, **CLOSE)
    assert outputs.sum() == pytest.approx(30.70205135, rel=1e-5)


def test_the_renormalised_karate_club() -> None:
    """Features that are the identity give the matrix itself, with its known corners and eigenvalues."""
    model = built("""
        "inputs": {"x": {"shape": ["N", 34]}, "a": {"shape": ["N", "N"]}},
        "nodes": {"g": {"op": "graph_conv", "in": {"x": "x", "adjacency": "a"}, "units": 34, "use_bias": false,
                        "renormalize": true}},
        "outputs": {"y": "g"}
    """)
    model.get_layer("g").set_weights([np.eye(34)])
    matrix = np.asarray(model({"x": np.eye(34, dtype="float32")[None], "a": KARATE[None]}))[0]
    assert_allclose(matrix[[0, 0, 33], [0, 1, 33]], [0.05882352941, 0.07669649888, 0.05555555556], **CLOSE)
    assert_allclose([matrix.trace(), np.linalg.norm(matrix)], [8.034592205, 2.423993001], **CLOSE)
    values = np.sort(np.linalg.eigvalsh(matrix.astype("float64")))
    assert_allclose(values[[-1, -2, 0]], [1.0, 0.8961420499, -0.4201102722], **CLOSE)


def test_soft_attention() -> None:
    """Xu et al. 2015, section 3.1.2: e = u·tanh(W_a·a + W_d·h), α = softmax(e), z = Σ α·a."""
    model = built("""
        "inputs": {"h": {"shape": [2]}, "a": {"shape": ["L", 2]}},
        "nodes": {"att": {"op": "additive_attention", "in": {"query": "h", "value": "a"}, "units": 2}},
        "outputs": {"z": "att", "alpha": "att.scores"}
    """)
    values = {
        "value_kernel": np.eye(2),
        "query_kernel": 0.5 * np.eye(2),
        "score_kernel": [[1.0], [2.0]],
        "bias": [0, 0],
    }
    for weight in model.get_layer("att").weights:
        weight.assign(values[weight.name])
    outputs = model({"h": np.array([[0.5, -0.5]], "float32"), "a": np.array([[[1, 0], [0, 1], [1, 1]]], "float32")})
    assert_allclose(outputs["alpha"][0], [0.1000713441, 0.3181915706, 0.5817370853], **CLOSE)
    assert_allclose(outputs["z"][0], [0.6818084294, 0.8999286559], **CLOSE)


def test_the_reparameterisation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kingma & Welling 2014, section 2.4: z = μ + exp(log σ²/2)·ε, here for ε = (1, -1)."""
    from archgraph.compiler.layers.generative import Noisy

    model = built("""
        "inputs": {"mean": {"shape": [2]}, "log_var": {"shape": [2]}},
        "nodes": {"z": {"op": "sampling", "in": {"mean": "mean", "log_var": "log_var"}},
                  "still": {"op": "sampling", "in": ["mean", "log_var"], "noise_at_inference": false}},
        "outputs": {"z": "z", "mean": "still"}
    """)
    feeds = {"mean": np.array([[0.5, -1.0]], "float32"), "log_var": np.array([[0.2, -0.3]], "float32")}
    monkeypatch.setattr(Noisy, "noise", lambda self, shape: np.array([[1.0, -1.0]], "float32"))
    for training, mean in ((False, [0.5, -1.0]), (True, [1.605170918, -1.860707976])):
        outputs = model(feeds, training=training)
        assert_allclose(outputs["z"][0], [1.605170918, -1.860707976], **CLOSE)
        assert_allclose(outputs["mean"][0], mean, **CLOSE)


MASKS = {"A": [[1, 1, 1], [1, 0, 0], [0, 0, 0]], "B": [[1, 1, 1], [1, 1, 0], [0, 0, 0]]}
# rows: output red, green, blue; columns: input red, green, blue
CENTRES = {"A": [[0, 0, 0], [1, 0, 0], [1, 1, 0]], "B": [[1, 0, 0], [1, 1, 0], [1, 1, 1]]}


def masked(kind: str, size: int, colors: int) -> Any:
    return built(f"""
        "inputs": {{"x": {{"shape": [{size}, {size}, {colors}]}}}},
        "nodes": {{"m": {{"op": "masked_conv", "in": "x", "filters": {colors}, "kernel_size": {size},
                          "colors": {colors}, "mask_type": "{kind}",
                          "kernel_initializer": "ones", "use_bias": false}}}},
        "outputs": {{"y": "m"}}
    """)


@pytest.mark.parametrize("kind", MASKS)
def test_the_masks_of_pixelcnn(kind: str) -> None:
    """van den Oord et al. 2016, figure 4: what the middle pixel of the output sees, one input pixel at a time."""
    model = masked(kind, 3, 1)
    seen = [float(model(np.eye(9, dtype="float32")[i].reshape(1, 3, 3, 1))[0, 1, 1, 0]) for i in range(9)]
    assert np.reshape(seen, (3, 3)).tolist() == MASKS[kind]


@pytest.mark.parametrize(("kind", "ones"), [("A", 24), ("B", 25)])
def test_the_first_mask_of_pixelcnn_has_its_ones(kind: str, ones: int) -> None:
    assert float(masked(kind, 7, 1)(np.ones((1, 7, 7, 1), "float32"))[0, 3, 3, 0]) == ones


@pytest.mark.parametrize("kind", CENTRES)
def test_the_colours_of_a_pixel_see_each_other_in_order(kind: str) -> None:
    model = masked(kind, 3, 3)
    seen = np.zeros((3, 3))
    for color in range(3):
        x = np.zeros((1, 3, 3, 3), "float32")
        x[0, 1, 1, color] = 1
        seen[:, color] = np.asarray(model(x))[0, 1, 1]
    assert seen.tolist() == CENTRES[kind]


def test_no_pixel_sees_itself_or_what_follows() -> None:
    """Mask A first, then B: changing a pixel changes nothing before it, nor itself."""
    model = built("""
        "inputs": {"x": {"shape": [5, 5, 1]}},
        "nodes": {"a": {"op": "masked_conv", "in": "x", "filters": 4, "kernel_size": 3, "mask_type": "A",
                        "activation": "tanh"},
                  "b": {"op": "masked_conv", "in": "a", "filters": 1, "kernel_size": 3, "mask_type": "B", "repeat": 2}},
        "outputs": {"y": "b"}
    """)
    x = np.random.default_rng(0).normal(size=(1, 5, 5, 1)).astype("float32")
    before = np.asarray(model(x)).ravel()
    for place in range(25):
        other = x.copy()
        other.reshape(-1)[place] += 1
        after = np.asarray(model(other)).ravel()
        assert (after[: place + 1] == before[: place + 1]).all()
        assert place >= 19 or (after != before).any()


@pytest.mark.parametrize("kind", ["dense", "conv"])
def test_spectral_normalisation(kind: str) -> None:
    """Miyato et al. 2018: after enough steps the kernel is divided by its largest singular value, √45."""
    shape, more = ("[2]", '"units": 2') if kind == "dense" else ("[1, 1, 2]", '"filters": 2, "kernel_size": 1')
    model = built(f"""
        "inputs": {{"x": {{"shape": {shape}}}}},
        "nodes": {{"n": {{"op": "{kind}", "in": "x", {more}, "use_bias": false, "spectral_norm": true}}}},
        "outputs": {{"y": "n"}}
    """)
    matrix = np.array([[3.0, 0.0], [4.0, 5.0]])
    kernel = next(w for w in model.trainable_weights)
    kernel.assign(np.reshape(matrix, kernel.shape))
    x = np.eye(2, dtype="float32").reshape(2, *model.input.shape[1:])
    for _ in range(30):
        model(x, training=True)
    expected = np.array([[0.4472135955, 0.0], [0.596284794, 0.7453559925]])
    assert_allclose(np.asarray(model(x)).reshape(2, 2), expected, **CLOSE)


SIX = [[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]
DIVIDED = ', "average": true'
LRN = {
    "": [0.5942915817, 1.187871011, 1.780140394, 2.370418559, 2.963465738, 3.55735442],
    DIVIDED: [0.5945411318, 1.188939614, 1.783075205, 2.376810064, 2.971101633, 3.565562431],
    ', "alpha": 1.0': [0.125, 0.1486508894, 0.1446155897, 0.1346539572, 0.1740235405, 0.2264284178],
    ', "alpha": 1.0' + DIVIDED: [0.3083678352, 0.4204482076, 0.4381912897, 0.4229485054, 0.5451224684, 0.704270203],
}  # fmt: skip


@pytest.mark.parametrize("form", LRN)
def test_local_response_normalisation_in_both_forms(form: str) -> None:
    """Krizhevsky et al. 2012, section 3.3 (k 2, n 5, β 0.75); divided by n as in Caffe and PyTorch."""
    model = built(f"""
        "inputs": {{"x": {{"shape": [1, 1, 6]}}}},
        "nodes": {{"n": {{"op": "lrn", "in": "x"{form}}}}}, "outputs": {{"y": "n"}}
    """)
    assert_allclose(np.asarray(model(np.array(SIX, "float32").reshape(1, 1, 1, 6))).ravel(), LRN[form], **CLOSE)


FOUR = np.array([1.0, 2.0, 3.0, 4.0], "float32")
BATCH = {
    "": [-1.341104452, -0.4470348173, 0.4470348173, 1.341104452],
    ', "epsilon": 1e-5': [-1.34163542, -0.4472118067, 0.4472118067, 1.34163542],
}


@pytest.mark.parametrize("more", BATCH)
def test_batch_normalisation_in_training(more: str) -> None:
    """Ioffe & Szegedy 2015, algorithm 1, with the biased variance; by Keras's ε = 1e-3 and by 1e-5."""
    model = built(f"""
        "inputs": {{"x": {{"shape": [1]}}}},
        "nodes": {{"n": {{"op": "batch_norm", "in": "x"{more}}}}}, "outputs": {{"y": "n"}}
    """)
    assert_allclose(np.asarray(model(FOUR[:, None], training=True)).ravel(), BATCH[more], **CLOSE)
    _, _, mean, variance = model.get_layer("n").get_weights()
    assert_allclose([mean, variance], [[0.01 * 2.5], [0.99 + 0.01 * 1.25]], **CLOSE)  # momentum 0.99


def test_pixel_normalisation() -> None:
    """Karras et al. 2018, section 4.2."""
    model = built("""
        "inputs": {"x": {"shape": [1, 1, 4]}}, "nodes": {"n": {"op": "pixel_norm", "in": "x"}}, "outputs": {"y": "n"}
    """)
    expected = [0.3651483714, 0.7302967429, 1.095445114, 1.460593486]
    assert_allclose(np.asarray(model(FOUR.reshape(1, 1, 1, 4))).ravel(), expected, **CLOSE)


def test_adaptive_instance_normalisation() -> None:
    """Karras et al. 2019 in the form of their code, n(x)·(s + 1) + b, for s = 0.5 and b = -1."""
    model = built("""
        "inputs": {"x": {"shape": [2, 2, 1]}, "w": {"shape": [1]}},
        "nodes": {"n": {"op": "adain", "in": {"x": "x", "style": "w"}}}, "outputs": {"y": "n"}
    """)
    kernel, bias = model.get_layer("n").weights
    kernel.assign([[0.5, -1.0]])
    bias.assign([0.0, 0.0])
    outputs = model({"x": FOUR.reshape(1, 2, 2, 1), "w": np.ones((1, 1), "float32")})
    expected = [-3.012461172, -1.670820391, -0.3291796094, 1.012461172]
    assert_allclose(np.asarray(outputs).ravel(), expected, **CLOSE)


def test_the_deviation_over_a_batch() -> None:
    """Karras et al. 2018, section 3: one feature that is 1 and 3 deviates by 1."""
    model = built("""
        "inputs": {"x": {"shape": [1, 1, 1]}},
        "nodes": {"n": {"op": "minibatch_stddev", "in": "x", "group_size": 2}}, "outputs": {"y": "n"}
    """)
    outputs = np.asarray(model(np.array([1.0, 3.0], "float32").reshape(2, 1, 1, 1)))
    assert_allclose(outputs[:, 0, 0, :], [[1, 1.000000005], [3, 1.000000005]], **CLOSE)
