"""The recurrent primitives compute the published formulas. The oracle is NumPy and hand arithmetic."""

from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose

from archgraph.compiler.instantiate import apply, instantiate
from archgraph.diagnostics import Rejected
from archgraph.shapes import Tensor, symbol
from archgraph.vocabulary import REGISTRY
from archgraph.vocabulary.recurrent import KERAS_ACTIVATIONS
from tests.compiler.layers.single import again, draws, run, single

# Three steps worked out by hand (figures.json, golden_numeric_checks.lstm_3_steps and simple_rnn_3_steps).
X = [[1.0, 2.0], [-1.0, 0.5], [0.3, -0.7]]
LSTM_KERNEL = [[-0.2, -0.1, 0.0, 0.1, 0.2, -0.2, -0.1, 0.0], [-0.1, 0.0, 0.1, 0.2, -0.2, -0.1, 0.0, 0.1]]
LSTM_RECURRENT = [[-0.15, -0.1, -0.05, 0.0, 0.05, 0.1, 0.15, -0.15], [0.0, 0.05, 0.1, 0.15, -0.15, -0.1, -0.05, 0.0]]
LSTM_BIAS = [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]
LSTM_H = [[-0.03754750291, -0.09817239514], [-0.1081957306, -0.02577303393], [-0.02484525116, -0.01686314931]]
LSTM_C = [-0.05087638603, -0.03467174853]
RNN_WEIGHTS = [[[-0.2, -0.1], [-0.1, 0.0]], [[-0.15, -0.1], [0.0, 0.05]], [0.1, 0.1]]
RNN_H = [[-0.2913126125, 0.0], [0.285533871, 0.2252038347], [0.0670690823, 0.05265805218]]


def sigma(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def test_lstm_gives_the_golden_numbers() -> None:
    model = single("lstm", {"units": 2, "return_sequences": True, "return_state": True}, (3, 2))
    assert_allclose(model.get_weights()[2], LSTM_BIAS)  # unit_forget_bias
    model.set_weights([np.array(LSTM_KERNEL), np.array(LSTM_RECURRENT), np.array(LSTM_BIAS)])
    h, last_h, last_c = run(model, [X])
    assert_allclose(h[0], LSTM_H, atol=1e-6)
    assert_allclose(last_h[0], LSTM_H[-1], atol=1e-6)
    assert_allclose(last_c[0], LSTM_C, atol=1e-6)


def test_rnn_gives_the_golden_numbers() -> None:
    model = single("rnn", {"units": 2, "return_sequences": True}, (3, 2))
    model.set_weights([np.array(w) for w in RNN_WEIGHTS])
    assert_allclose(run(model, [X])[0][0], RNN_H, atol=1e-6)


@pytest.mark.parametrize("reset_after", [True, False])
def test_gru_is_the_formula_of_cho(reset_after: bool) -> None:
    model = single("gru", {"units": 3, "reset_after": reset_after, "bias_initializer": "random_normal"}, (4, 2), (3,))
    w, u, b = model.get_weights()
    of_input, of_state = b if reset_after else (b, np.zeros(9))
    x, h = draws((1, 4, 2), (1, 3))
    wanted = h[0]
    for step in x[0]:
        z, r, g = np.split(step @ w + of_input, 3)
        uz, ur, ug = np.split(u, 3, axis=1)
        bz, br, bg = np.split(of_state, 3)
        z, r = sigma(z + wanted @ uz + bz), sigma(r + wanted @ ur + br)
        g = np.tanh(g + (r * (wanted @ ug + bg) if reset_after else (r * wanted) @ ug))
        wanted = z * wanted + (1 - z) * g
    assert_allclose(run(model, x, h)[0][0], wanted, atol=1e-5)


@pytest.mark.parametrize(("merge_mode", "join"), [("sum", np.add), ("mul", np.multiply), ("concat", None)])
def test_a_bidirectional_layer_joins_a_forward_and_a_backward_reading(merge_mode: str, join: np.ufunc | None) -> None:
    model = single("lstm", {"units": 3, "bidirectional": True, "merge_mode": merge_mode}, (4, 2))
    (x,), weights = draws((2, 4, 2)), model.get_weights()
    readings = []
    for sequence, own in ((x, weights[:3]), (x[:, ::-1], weights[3:])):
        one_way = single("lstm", {"units": 3}, (4, 2))
        one_way.set_weights(own)
        readings.append(run(one_way, sequence)[0])
    wanted = np.concatenate(readings, axis=-1) if join is None else join(*readings)
    assert_allclose(run(model, x)[0], wanted, atol=1e-6)


def test_states_come_out_where_they_can_go_in(tmp_path: Path) -> None:
    params = {"units": 3, "bidirectional": True, "return_state": True}
    lstm = REGISTRY["lstm"].make(params)
    assert lstm.outputs() == ("output", "state_h", "state_c", "backward_h", "backward_c")
    assert [port.name for port in lstm.inputs] == ["x", *lstm.outputs()[1:]]
    model = single("lstm", params, (4, 2), *[(3,)] * 4)
    arrays = draws((2, 4, 2), *[(2, 3)] * 4)
    forward = single("lstm", {"units": 3, "return_state": True}, (4, 2), (3,), (3,))
    forward.set_weights(model.get_weights()[:3])
    for got, wanted in zip(run(model, *arrays)[1:3], run(forward, *arrays[:3])[1:], strict=True):
        assert_allclose(got, wanted, atol=1e-6)
    for got, wanted in zip(run(again(model, tmp_path), *arrays), run(model, *arrays), strict=True):
        assert_allclose(got, wanted, atol=0)


@pytest.mark.parametrize("steps", [1, 3])
def test_conv_lstm_is_the_formula_of_shi(steps: int) -> None:
    params = {"filters": 2, "kernel_size": 3, "bias_initializer": "random_normal", "return_state": True}
    model = single("conv_lstm", params, (steps, 5, 2))
    w, u, b = model.get_weights()
    (x,) = draws((1, steps, 5, 2))

    def convolved(line: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        wide = np.pad(line, ((1, 1), (0, 0)))
        return np.stack([np.einsum("kc,kcf->f", wide[i : i + 3], kernel) for i in range(5)])

    h = c = np.zeros((5, 2))
    for frame in x[0]:
        i, f, g, o = np.split(convolved(frame, w) + b + convolved(h, u), 4, axis=-1)
        c = sigma(f) * c + sigma(i) * np.tanh(g)
        h = sigma(o) * np.tanh(c)
    output, last_h, last_c = run(model, x)
    assert_allclose(output[0], h, atol=1e-5)
    assert_allclose(last_h, output, atol=0)
    assert_allclose(last_c[0], c, atol=1e-5)


MACS = [
    ("rnn", {"units": 5}, (7, 3), 7 * (3 * 5 + 5 * 5)),
    ("lstm", {"units": 5}, (7, 3), 7 * 4 * (3 * 5 + 5 * 5)),
    ("gru", {"units": 5, "bidirectional": True}, (7, 3), 2 * 7 * 3 * (3 * 5 + 5 * 5)),
    ("conv_lstm", {"filters": 5, "kernel_size": 3, "strides": 2}, (7, 9, 8, 3), 7 * (5 * 4) * 9 * 4 * (3 + 5) * 5),
    ("time_distributed", {"layer": {"op": "dense", "units": 4}}, (7, 3), 7 * 12),
]


@pytest.mark.parametrize(("op", "params", "shape", "by_hand"), MACS, ids=[case[0] for case in MACS])
def test_multiply_adds_are_those_counted_by_hand(op: str, params: dict, shape: tuple, by_hand: int) -> None:
    assert REGISTRY[op].make(params).macs(Tensor(shape)) == by_hand


@pytest.mark.parametrize("op", ["rnn", "lstm", "gru"])
def test_the_number_of_steps_may_be_symbolic(op: str) -> None:
    time = symbol("T")
    layer = REGISTRY[op].make({"units": 4, "return_sequences": True})
    assert layer.infer(Tensor((time, 3))).shape == (time, 4)
    assert layer.macs(Tensor((time, 3))) == {"rnn": 1, "lstm": 4, "gru": 3}[op] * 28 * time


def test_the_same_seed_drops_the_same_inputs() -> None:
    params = {"units": 3, "dropout": 0.5, "recurrent_dropout": 0.5, "bidirectional": True}
    (x,) = draws((4, 6, 3))
    models = [single("lstm", params, (6, 3), seed=seed) for seed in (1, 1, 2)]
    for model in models[1:]:
        model.set_weights(models[0].get_weights())
    first, same, other = (run(model, x, training=True)[0] for model in models)
    assert_allclose(first, same, atol=0)
    assert np.abs(first - other).max() > 1e-3


SPREAD = [
    ({"op": "conv", "filters": 2, "kernel_size": 3}, (5, 8, 8, 3), (5, 8, 8, 2)),
    ({"op": "batch_norm"}, (5, 3), (5, 3)),
    ("global_avg_pool", (5, 8, 8, 3), (5, 3)),
    ({"op": "gru", "units": 2, "return_sequences": True}, (5, 7, 3), (5, 7, 2)),
]


@pytest.mark.parametrize(("layer", "shape", "expected"), SPREAD)
def test_one_layer_serves_every_step(layer: object, shape: tuple, expected: tuple, tmp_path: Path) -> None:
    model = single("time_distributed", {"layer": layer}, shape)
    assert REGISTRY["time_distributed"].make({"layer": layer}).infer(Tensor(shape)).shape == expected
    record = {"op": layer} if isinstance(layer, str) else dict(layer)
    frame = single(record.pop("op"), record, shape[1:])
    frame.set_weights(model.get_weights())
    (x,) = draws((2, *shape))
    wanted = np.stack([run(frame, x[:, step])[0] for step in range(shape[0])], axis=1)
    assert_allclose(run(model, x)[0], wanted, atol=1e-5)
    assert_allclose(run(again(model, tmp_path), x)[0], run(model, x)[0], atol=0)


def test_the_shorthands_of_a_spread_layer_are_spread_too() -> None:
    record = {"op": "conv", "filters": 2, "kernel_size": 3, "norm": "batch", "activation": "relu"}
    spread, x = REGISTRY["time_distributed"].make({"layer": record}), Tensor((5, 8, 3))
    composition = spread.compose(x)
    assert [(step.name, step.feeds) for step in composition.steps] == [
        ("", (0,)),
        ("norm", ("",)),
        ("activation", ("norm",)),
    ]
    tensor = first = keras.Input(x.shape)
    for step in composition.steps:
        layer = step.primitive.lower(x)
        tensor = apply(layer, instantiate(layer, step.name or "node"), [tensor])
        x = step.primitive.infer(x)
    model = keras.Model(first, tensor)
    assert spread.infer(Tensor((5, 8, 3))).shape == model.output_shape[1:] == (5, 8, 2)
    assert [w.shape for w in spread.weights(Tensor((5, 8, 3)))] == [(3, 3, 2), (2,), (2,), (2,), (2,)]
    assert sum(np.prod(w.shape) for w in spread.weights(Tensor((5, 8, 3)))) == model.count_params()
    assert spread.macs(Tensor((5, 8, 3))) == 5 * 8 * 3 * 3 * 2


def test_a_chain_of_layers_is_spread_layer_by_layer() -> None:
    record = {"op": "conv", "filters": 2, "kernel_size": 3, "padding": 2}
    spread, x = REGISTRY["time_distributed"].make({"layer": record}), Tensor((5, 8, 3))
    steps = spread.compose(x).steps
    assert [step.primitive.layer["op"] for step in steps] == ["pad", "conv"]
    assert steps[-1].name == ""
    assert spread.infer(x).shape == (5, 10, 2)


@pytest.mark.parametrize("name", KERAS_ACTIVATIONS)
def test_keras_computes_every_function_that_a_cell_may_have(name: str) -> None:
    model = single("lstm", {"units": 3, "activation": name, "recurrent_activation": name}, (1, 4))
    assert np.isfinite(run(model, *draws((2, 1, 4)))[0]).all()


LSTM_WITH_STATE = {"op": "lstm", "units": 1, "return_state": True}
ATTENTION = {"op": "attention", "num_heads": 1, "key_dim": 1}
REFUSED = [
    ("lstm", {"units": 2}, [(5,)], "AG301", "2 axes", ""),
    ("lstm", {"units": 2}, [(5, 3), (2,)], "AG403", "state_h and state_c", ""),
    ("lstm", {"units": 2}, [(5, 3), (2,), (3,)], "AG303", "state_c", ""),
    ("gru", {"units": 2}, [(5, 3), (2,), (2,)], "AG403", "state_h", ""),
    ("gru", {"units": 2, "bidirectional": True}, [(5, 3), (2,)], "AG403", "backward_h", ""),
    ("rnn", {"units": 2, "bidirectional": True, "go_backwards": True}, [(5, 3)], "AG210", "both ways", "/go_backwards"),
    ("rnn", {"units": 2, "merge_mode": "sum"}, [(5, 3)], "AG210", "two directions", "/merge_mode"),
    ("rnn", {"units": 2}, [(5, symbol("F"))], "AG302", "F", ""),
    ("conv_lstm", {"filters": 2, "kernel_size": 3}, [(5, 3)], "AG301", "axes", ""),
    ("conv_lstm", {"filters": 2, "kernel_size": 3}, [(5, symbol("W"), 3)], "AG302", "W", ""),
    ("conv_lstm", {"filters": 2, "kernel_size": [3, 3]}, [(5, 9, 3)], "AG301", "kernel_size", "/kernel_size"),
    ("conv_lstm", {"filters": 2, "kernel_size": 3, "padding": "valid"}, [(5, 2, 3)], "AG304", "3", ""),
    (
        "conv_lstm",
        {"filters": 2, "kernel_size": 3, "strides": 2, "dilation_rate": 2},
        [(5, 9, 3)],
        "AG802",
        "both above 1",
        "/dilation_rate",
    ),
    ("time_distributed", {"layer": "flatten"}, [(5,)], "AG301", "time axis", ""),
    ("time_distributed", {"layer": {"op": "conv", "filters": 1, "kernel_size": 3}}, [(5, 3)], "AG301", "", "/layer"),
    ("time_distributed", {"layer": LSTM_WITH_STATE}, [(5, 4, 3)], "AG403", "3 outputs", "/layer"),
    ("time_distributed", {"layer": ATTENTION}, [(5, 4, 3)], "AG802", "attention", "/layer"),
]  # fmt: skip


@pytest.mark.parametrize(("op", "params", "shapes", "code", "words", "field"), REFUSED)
def test_what_keras_would_refuse_is_refused_before(
    op: str, params: dict, shapes: list, code: str, words: str, field: str
) -> None:
    with pytest.raises(Rejected) as caught:
        REGISTRY[op].make(params).infer(*map(Tensor, shapes))
    assert (caught.value.code, caught.value.field) == (code, field) and words in caught.value.message


@pytest.mark.parametrize("layer", ["add", "time_distributed", {"op": "concat"}, {"op": "dense"}, "dense", 3])
def test_what_cannot_be_spread_over_time_is_no_layer(layer: object) -> None:
    with pytest.raises(Rejected) as caught:
        REGISTRY["time_distributed"].make({"layer": layer})
    assert caught.value.field.startswith("/layer")


def test_a_spread_layer_must_give_floating_point_numbers() -> None:
    spread = REGISTRY["time_distributed"]
    with pytest.raises(Rejected, match="int32"):
        spread.make({"layer": "flatten"}).infer(Tensor((5, 4, 3), "int32"))
    embedded = spread.make({"layer": {"op": "embedding", "input_dim": 9, "output_dim": 2}})
    assert embedded.infer(Tensor((5, 4), "int32")) == Tensor((5, 4, 2))


def test_labels_are_refused_with_the_advice_to_embed_them() -> None:
    with pytest.raises(Rejected, match="int32") as caught:
        REGISTRY["lstm"].make({"units": 2}).infer(Tensor((5, 3), "int32"))
    assert "embedding" in caught.value.hint
