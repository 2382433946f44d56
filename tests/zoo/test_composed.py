"""Networks that are written or found by others, and graphs filtered by frequency: counts by hand, numbers in NumPy."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import archgraph as ag
from archgraph.analysis.published import rounds_to
from archgraph.analysis.shaped import ShapedGraph
from tests.zoo.golden import weigh

EXAMPLES = Path(__file__).parents[2] / "examples"
Array = np.ndarray


def shaped(name: str, **params: object) -> ShapedGraph:
    """The example of that name, or variant of it, analysed."""
    file, _, variant = name.partition("#")
    return ag.infer(ag.load(f"{EXAMPLES / file}.graph.json" + (f"#{variant}" if variant else ""), **params))


def compiled(name: str, **params: object) -> Any:
    """Its Keras model."""
    return ag.compile_model(shaped(name, **params), seed=1)


def randomized(model: Any, scale: float = 0.5) -> dict[str, list[Array]]:
    """Give all weights normal numbers; the arrays of every layer by its path."""
    random = np.random.default_rng(5)
    for layer in model.layers:
        layer.set_weights([scale * random.normal(size=weight.shape) for weight in layer.weights])
    return {layer.name.replace(".", "/"): layer.get_weights() for layer in model.layers}


def inside(model: Any, *paths: str) -> Any:
    """A function from inputs to what the layers at these paths give."""
    import keras

    outputs = [model.get_layer(path.replace("/", ".")).output for path in paths]
    inner = keras.Model(model.inputs, outputs)
    return lambda *inputs: [np.asarray(y) for y in inner(list(inputs))]


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def relu(x: Array) -> Array:
    return np.maximum(x, 0)


def softmax(x: Array) -> Array:
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


# ---- neural architecture search: the network found

# Zoph & Le 2017, figure 7: height, width, filters and inputs of each layer (0 is the picture), as two public readings
# have it, nutszebra/neural_architecture_search_with_reinforcement_learning_appendix_a and a NASCNN15 in PyTorch. They
# differ in one skip: the first leaves out 6 among the inputs of layer 15.
FIGURE_7 = (
    (3, 3, 36, (0,)), (3, 3, 48, (1,)), (3, 3, 36, (1, 2)), (5, 5, 36, (1, 2, 3)), (3, 7, 48, (3, 4)),
    (7, 7, 48, (2, 3, 4, 5)), (7, 7, 48, (2, 3, 4, 5, 6)), (7, 3, 36, (1, 6, 7)), (7, 1, 36, (1, 5, 6, 8)),
    (7, 7, 36, (1, 3, 4, 5, 6, 7, 8, 9)), (5, 7, 36, (1, 2, 5, 6, 7, 8, 9, 10)), (7, 7, 48, (1, 2, 3, 4, 6, 11)),
    (7, 5, 48, (1, 3, 6, 7, 8, 9, 10, 11, 12)), (7, 5, 48, (3, 7, 12, 13)), (7, 5, 48, (6, 7, 11, 12, 13, 14)),
)  # fmt: skip


def weights_of_figure_7(figure: tuple[Any, ...]) -> list[int]:
    """Weights of each layer's kernel."""
    channels = [3, *(filters for _, _, filters, _ in figure)]
    return [height * width * sum(channels[i] for i in read) * filters for height, width, filters, read in figure]


def test_the_found_network_has_the_published_count() -> None:
    kernels, graph = weights_of_figure_7(FIGURE_7), shaped("nas_cnn")
    leaves = {node.path: node.leaf for node in graph.walk()}
    assert [leaves[f"c{number}"].parameters for number in range(1, 16)] == kernels
    filters = sum(layer[2] for layer in FIGURE_7)
    assert graph.trainable == sum(kernels) + 2 * filters + 48 * 10 + 10 == 4_201_630
    assert graph.macs == 32 * 32 * sum(kernels) + 480
    # table 1; a scale and an offset of each filter more or less does not matter
    assert rounds_to(graph.trainable, "4.2M") and rounds_to(sum(kernels), "4.2M")


def test_the_count_tells_which_reading_of_the_figure_is_right() -> None:
    (*others, (height, width, filters, read)) = FIGURE_7
    other = sum(weights_of_figure_7((*others, (height, width, filters, tuple(i for i in read if i != 6)))))
    assert not rounds_to(other, "4.2M") and not rounds_to(other + 2 * 636 + 490, "4.2M")


def test_the_skips_are_those_of_the_figure() -> None:
    nodes = json.loads((EXAMPLES / "nas_cnn.graph.json").read_text())["nodes"]
    for number, (*_, read) in enumerate(FIGURE_7, 1):
        source = nodes[f"c{number}"]["in"]
        names = nodes[source]["in"] if source == f"r{number}" else [source]
        assert names == ["image" if i == 0 else f"c{i}" for i in read]


# ---- neural architecture search: the controller


def test_the_controller_has_the_published_count() -> None:
    graph = shaped("nas_controller")
    lstms = sum(node.leaf.parameters for node in graph.walk() if node.path.startswith("memory"))
    assert lstms == 2 * 4 * 35 * (35 + 35 + 1) == 19_880
    # a row for each of 4 + 4 heights and widths, 3 + 3 strides, 4 numbers of filters, and the start; five softmaxes;
    # W_prev, W_curr and v
    heads = 3 * 36 * 4 + 2 * 36 * 3
    assert graph.parameters == 19_880 + 19 * 35 + heads + 2 * 35 * 35 + 35


def test_the_controller_starts_between_minus_and_plus_0_08() -> None:
    weights = [w for w in compiled("nas_controller").weights if "bias" not in w.path]
    assert len(weights) == 1 + 4 + 5 + 3
    for weight in weights:
        values = np.asarray(weight)
        assert np.abs(values).max() <= 0.08
        assert np.abs(values).max() > 0.06


def lstm(x: Array, kernel: Array, recurrent: Array, bias: Array) -> Array:
    """Every state of an LSTM, gates in Keras's order: input, forget, candidate, output."""
    h = c = np.zeros(len(recurrent))
    states = []
    for step in x:
        i, f, g, o = np.split(step @ kernel + h @ recurrent + bias, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        states.append(h)
    return np.stack(states)


def test_the_controller_computes_what_the_paper_says() -> None:
    layers = 3
    model = compiled("nas_controller", layers=layers, units=5)
    weights = randomized(model)
    before = np.random.default_rng(0).integers(0, 19, (1, 6 * layers))
    outputs = {name: np.asarray(y)[0] for name, y in model(before).items()}
    memory = weights["embed"][0][before[0]]
    for number in range(2):
        memory = lstm(memory, *weights[f"memory/{number}"])
    for step, name in enumerate(("height", "width", "stride_height", "stride_width", "filters")):
        kernel, bias = weights[f"{name}/logits/sum"]
        assert_allclose(outputs[name], softmax(memory[step::6] @ kernel + bias), atol=1e-5)
    anchors = memory[5::6]
    (v,), (previous,), (current,) = (weights[f"{name}/sum"] for name in ("score", "previous", "current"))
    for i in range(layers):
        for j in range(i):  # section 3.3, equation 2
            chance = sigmoid(np.tanh(anchors[j] @ previous + anchors[i] @ current) @ v)
            assert_allclose(outputs["skips"][i, j], chance[0], atol=1e-5)


def test_the_controller_knows_no_later_choice() -> None:
    model = compiled("nas_controller", layers=3, units=5)
    randomized(model)
    before = np.zeros((1, 18), int)
    changed = before.copy()
    changed[0, 8] = 3  # what the strides of the second layer's rows are chosen after
    first, second = model(before), model(changed)
    for step, name in enumerate(("height", "width", "stride_height", "stride_width", "filters")):
        differ = np.any(np.asarray(first[name])[0] != np.asarray(second[name])[0], axis=-1)
        assert differ.tolist() == [6 * layer + step >= 8 for layer in range(3)], name


# ---- neural architecture search: the cell


def one_step(units: int, features: int, bias: bool = False) -> Any:
    """A model of one step of the example's cell."""
    cell = json.loads((EXAMPLES / "nas_cell.graph.json").read_text())["blocks"]["nas_cell"]
    value = {
        "archgraph": 1,
        "name": "step",
        "inputs": {"x": {"shape": [features]}, "c": {"shape": [units]}, "m": {"shape": [units]}},
        "blocks": {"nas_cell": cell},
        "nodes": {"cell": {"block": "nas_cell", "in": ["x", "c", "m"], "units": units, "bias": bias}},
        "outputs": {"y": "cell", "c": "cell.c", "m": "cell.m"},
    }
    return ag.compile_model(ag.infer(ag.loads(json.dumps(value))), seed=1)


# tensorflow/addons, tensorflow_addons/rnn/tests/nas_cell_test.py, test_base: six units over four equal features, all
# weights 0.5, both states 0.1.
STEPS = [(1.0, 0.7157977, 0.5767508), (2.0, 0.7804162, 0.6189357), (3.0, 0.7945764, 0.6273934)]


@pytest.mark.parametrize(("x", "c", "m"), STEPS)
def test_the_cell_gives_the_numbers_of_tensorflow(x: float, c: float, m: float) -> None:
    model = one_step(6, 4)
    weigh(model, "cell/kernel", np.full((4, 48), 0.5))
    weigh(model, "cell/recurrent", np.full((6, 48), 0.5))
    state = np.full((1, 6), 0.1, "float32")
    outputs = model({"x": np.full((1, 4), x, "float32"), "c": state, "m": state})
    assert_allclose(outputs["c"], np.full((1, 6), c), atol=1e-6)
    assert_allclose(outputs["m"], np.full((1, 6), m), atol=1e-6)
    assert_allclose(outputs["y"], outputs["m"])


def nas_step(x: Array, m: Array, c: Array) -> tuple[Array, Array]:
    """The cell of figure 8 for what the input and the last output say, eight parts each."""
    x0, x1, x2, x3, x4, x5, x6, x7 = np.split(x, 8)
    m0, m1, m2, m3, m4, m5, m6, m7 = np.split(m, 8)
    left = np.tanh(np.tanh(sigmoid(x0 + m0) * relu(x1 + m1)) + c)
    memory = left * np.tanh(sigmoid(x2 + m2) + relu(x3 * m3))
    right = np.tanh(np.tanh(np.tanh(x4 + m4) * sigmoid(x5 + m5)) + sigmoid(np.tanh(x6 + m6) + sigmoid(x7 + m7)))
    return np.tanh(memory * right), memory


@pytest.mark.parametrize("bias", [False, True])
def test_the_language_model_applies_the_cell_at_every_word(bias: bool) -> None:
    words, units, steps = 7, 3, 5
    model = compiled("nas_cell", words=words, units=units, layers=1, steps=steps, dropout=0, bias=bias)
    weights = randomized(model, scale=1)
    kernel, recurrent, *rest = weights["layers/0/read"]
    text = np.array([[1, 6, 0, 3, 3]])
    m = c = np.zeros(units)
    outputs = []
    for x in weights["embed"][0][text[0]]:
        m, c = nas_step(x @ kernel, m @ recurrent + (rest[0] if bias else 0), c)
        outputs.append(m)
    into, offset = weights["next"]
    assert_allclose(model(text)[0], softmax(np.stack(outputs) @ into + offset), atol=1e-5)


@pytest.mark.parametrize(("units", "bias"), [(200, False), (735, False), (735, True)])
def test_the_cell_has_the_weights_of_tensorflow(units: int, bias: bool) -> None:
    graph = shaped("nas_cell", units=units, bias=bias, dropout=0)
    # NASCell: a kernel (features, 8 units), a recurrent one (units, 8 units), perhaps a bias
    cell = 8 * units * (units + units + bias)
    layers = [sum(n.leaf.parameters for n in graph.walk() if n.path.startswith(f"layers/{i}/")) for i in range(2)]
    assert layers == [cell, cell]
    assert graph.parameters == 2 * cell + 10_000 * (2 * units + 1)


def test_the_language_model_has_the_published_count() -> None:
    assert rounds_to(shaped("nas_cell").parameters, "32M")  # Zoph & Le 2017, table 2: base 8


# ---- SMASH

SMASH = {
    "smash": {"reads": 4, "writes": 2},
    "smash#gated": {"reads": 4, "writes": 2, "gated": True},
    "smash#dense": {"reads": 8, "writes": 1},
}


def weights_of_smash(
    reads: int, writes: int, gated: bool = False, banks: int = 8, width: int = 16, depth: int = 4
) -> int:
    """Trainable weights, operation by operation: ajbrock/SMASH, layers.py, Layer with normalisation "sandwich"."""
    channels = banks * width // 2
    total = 7 * 7 * 3 * channels
    for stage in range(3):
        read, write = reads * width * 2**stage, writes * width * 2**stage
        mixed = min(max(read // write, 1), 4) * write
        for operation in range(depth):
            kernel = (3, 5, 7)[operation % 3] ** 2 + 3**2
            first = 2 * write if gated else write
            total += 2 * read + read * mixed + 2 * mixed + kernel * (mixed * first + write * write)
        channels *= 2
        total += 2 * channels + (channels * channels if stage < 2 else 0)
    return total + channels * 10 + 10


@pytest.mark.parametrize("name", SMASH)
def test_smash_networks_have_the_weights_of_their_operations(name: str) -> None:
    assert shaped(name).trainable == weights_of_smash(**SMASH[name])


@pytest.mark.parametrize(
    "params", [{"banks": 4, "reads": 3, "writes": 1, "depth": 5}, {"banks": 4, "reads": 1, "writes": 3, "width": 4}]
)
def test_smash_networks_can_have_other_banks_and_depths(params: dict[str, int]) -> None:
    assert shaped("smash", **params).outputs["label"].shape == (10,)
    if params["reads"] >= params["writes"]:
        assert shaped("smash", **params).trainable == weights_of_smash(**params)


def test_an_operation_adds_to_the_oldest_banks_and_puts_them_in_front() -> None:
    model = compiled("smash", size=8, width=2, depth=2)
    randomized(model)
    first, second = "stages/0/operations/0", "stages/0/operations/1"
    paths = ["stages/0/memory", f"{first}/paths/sum", f"{first}/written", f"{second}/paths/sum", f"{second}/written"]
    picture = np.random.default_rng(1).normal(size=(1, 8, 8, 3)).astype("float32")
    memory, news, written, more, last = inside(
        model,
        *paths,
    )(picture)
    assert memory.shape[-1] == 16 and not memory[..., 8:].any()  # half of the banks begin empty
    assert_allclose(written, np.concatenate([news, memory[..., :-4]], -1), atol=1e-5)
    assert_allclose(last, np.concatenate([more, written[..., :-4]], -1), atol=1e-5)


def test_the_last_operation_of_a_long_block_adds_to_what_is_there() -> None:
    model = compiled("smash", size=8, width=2, depth=4)
    randomized(model)
    operation = "stages/0/operations/3"
    paths = ["stages/0/operations/2/written", f"{operation}/paths/sum", f"{operation}/written"]
    picture = np.random.default_rng(1).normal(size=(1, 8, 8, 3)).astype("float32")
    memory, news, written = inside(model, *paths)(picture)
    assert memory[..., -4:].any()
    assert_allclose(written[..., :4], memory[..., -4:] + news, atol=1e-4)


def test_gated_paths_multiply_tanh_and_sigmoid() -> None:
    model = compiled("smash", size=8, width=2, depth=1, paths="gated")
    randomized(model)
    where = "stages/0/operations/0/paths"
    picture = np.random.default_rng(1).normal(size=(1, 8, 8, 3)).astype("float32")
    a, b, gate = inside(model, f"{where}/a1", f"{where}/b1", f"{where}/gate")(picture)
    value, chance = np.split(a + b, 2, axis=-1)
    assert_allclose(gate, np.tanh(value) * sigmoid(chance), atol=1e-5)


def test_a_hypernetwork_writes_the_kernels_of_every_sample() -> None:
    model = compiled("smash_hypernet", width=2)
    weights = randomized(model)
    where = "operations/1"
    random = np.random.default_rng(3)
    picture, code = random.normal(size=(2, 32, 32, 3)), random.normal(size=(2, 64))
    order = {"image": picture.astype("float32"), "code": code.astype("float32")}
    names = [tensor.name for tensor in model.inputs]
    hyper, read, mix = inside(model, "hyper/1", f"{where}/read", f"{where}/mix/activation")(
        *(order[name] for name in names)
    )
    flat = hyper @ weights[f"{where}/flat"][0]
    kernels = (flat / np.linalg.norm(flat, axis=-1, keepdims=True)).reshape(2, read.shape[-1], -1)
    assert_allclose(mix, relu(np.einsum("bhwc,bcf->bhwf", read, kernels)), atol=1e-4)
    assert np.abs(kernels[0] - kernels[1]).max() > 0.01


def test_a_hypernetwork_owns_the_weights_that_it_writes() -> None:
    graph = shaped("smash_hypernet")  # 8 banks of 8 channels: reads 32, mixes to 32, writes 16
    codes = 2 * (64 * 64 + 64) + 4 * 64 * 32 * 32
    convolutions = sum((k * k + 9) * (32 * 16 + 16 * 16) for k in (3, 5, 7, 3))
    assert graph.parameters == codes + 7 * 7 * 3 * 32 + convolutions + 64 * 10 + 10


# ---- graphs filtered by frequency


@pytest.mark.parametrize(
    ("variant", "filters", "weights"), [("sp1600", 4, 32), ("sp1600_free", 4, 300), ("sp4800", 12, 20)]
)
def test_a_smooth_filter_has_as_many_weights_as_control_points(variant: str, filters: int, weights: int) -> None:
    # Bruna et al. 2014, section 5.1: 400 pixels, 300 frequencies, 4 or 12 filters (1600 or 4800 numbers)
    graph = shaped(f"spectral_gcn#{variant}")
    leaves = {node.path: node.leaf for node in graph.walk()}
    assert leaves["layers/0"].parameters == filters * weights + filters
    assert leaves["layers/0"].outputs[0].shape == (400, filters)
    assert graph.parameters == filters * weights + filters + 400 * filters * 10 + 10


def test_full_connections_over_the_same_pixels_have_the_published_count() -> None:
    # the same table: 400-FC800-FC50-10, 3.6e5
    graph = shaped("mlp_classic", features=400, hidden1=800, hidden2=50)
    assert graph.macs == 400 * 800 + 800 * 50 + 50 * 10 == 360_500
    assert rounds_to(graph.macs, "3.6e5") and rounds_to(graph.parameters, "3.6e5")


def test_a_spectral_network_computes_its_formula() -> None:
    model = compiled("spectral_gcn", pixels=9, frequencies=6, filters=2, points=0, layers=2)
    weights = randomized(model)
    random = np.random.default_rng(2)
    basis = np.linalg.qr(random.normal(size=(9, 9)))[0][:, :6]
    x = picture = random.normal(size=(9, 1))
    for number in range(2):
        kernel, bias = weights[f"layers/{number}"]
        mixed = [[basis @ np.diag(kernel[:, i, j]) @ basis.T @ x[:, i] for i in range(x.shape[1])] for j in range(2)]
        x = relu(np.sum(mixed, axis=1).T + bias)
    kernel, bias = weights["label"]
    found = model({"pixels": picture[None].astype("float32"), "basis": basis[None].astype("float32")})
    assert_allclose(found[0], softmax(x.reshape(-1) @ kernel + bias), atol=1e-5)


@pytest.mark.parametrize("name", ["nas_controller", "nas_cnn", "nas_cell", "smash", "smash_hypernet", "spectral_gcn"])
def test_the_file_is_without_fault_or_warning(name: str) -> None:
    assert ag.check(EXAMPLES / f"{name}.graph.json") == []


# Measured: 0.9638 (a linear classifier of the same pixels 0.952), 0.9749, 0.9833; 1.904 nats for a letter, where no
# model of pairs of letters can get below 2.456 on that text, nor one of single letters below 3.245.
TRAINED = [
    ("spectral_gcn", "accuracy", 0.95),
    ("smash", "accuracy", 0.96),
    ("nas_cnn", "accuracy", 0.97),
    ("nas_cell", "loss", 2.1),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "score", "bound"), TRAINED)
def test_the_narrow_form_learns(name: str, score: str, bound: float, tmp_path: Path) -> None:
    run = ag.train(EXAMPLES / f"{name}.train.json", run_dir=tmp_path / "run", progress=False)
    reached = run.test[score]
    assert reached <= bound if score == "loss" else reached >= bound
