"""The worst moment of a batch, against arithmetic done by hand: what is there, and when."""

import math

import pytest

from archgraph.analysis.cost import cost
from archgraph.analysis.memory import inference_peak, tensor_bytes, training_peak
from archgraph.analysis.shaped import ShapedGraph
from archgraph.vocabulary import REGISTRY
from tests.analysis.texts import block, shaped

FOUR = '{"x": {"shape": [4]}}'


def dense(name: str, feed: str, units: int) -> str:
    """A dense layer as text."""
    return f'"{name}": {{"op": "dense", "in": "{feed}", "units": {units}, "use_bias": false}}'


def net(*nodes: str, outputs: str = '{"y": "a"}', inputs: str = FOUR, more: str = "") -> ShapedGraph:
    """A graph of these records."""
    return shaped(", ".join(nodes), inputs=inputs, outputs=outputs, more=more)


@pytest.mark.parametrize(
    ("nodes", "outputs", "expected"),
    [
        # x has 4 numbers and stays
        ((dense("n", "x", 6), dense("a", "n", 3)), '{"y": "a"}', 4 + 6 + 3),
        ((dense("n", "x", 6), dense("m", "n", 5), dense("a", "m", 9)), '{"y": "a"}', 4 + 5 + 9),
        # a tensor lives until its last reader: x + n + m, and at last x + n + m + b
        (
            (dense("n", "x", 6), dense("m", "n", 4), dense("b", "m", 7), '"a": {"op": "concat", "in": ["n", "b"]}'),
            '{"y": "a"}', 4 + 6 + 7 + 13,
        ),
        # an output stays
        ((dense("n", "x", 6), dense("m", "n", 4), dense("a", "m", 5)), '{"y": "a", "n": "n"}', 4 + 6 + 4 + 5),
        # a function writes over its input, if nothing else reads that
        ((dense("n", "x", 9), '"a": {"op": "activation", "in": "n", "activation": "tanh"}'), '{"y": "a"}', 4 + 9),
        (
            (dense("n", "x", 9), '"a": {"op": "activation", "in": "n", "activation": "tanh"}'),
            '{"y": "a", "n": "n"}', 4 + 9 + 9,
        ),
        (('"a": {"op": "activation", "in": "x", "activation": "tanh"}',), '{"y": "a"}', 4 + 4),
        # a sum writes over whichever term it may
        (
            (dense("n", "x", 4), dense("m", "n", 4), '"a": {"op": "add", "in": ["x", "m"]}'), '{"y": "a"}', 4 + 4 + 4,
        ),
        # a tensor in another shape is the same tensor
        ((dense("n", "x", 6), '"a": {"op": "reshape", "in": "n", "target_shape": [2, 3]}'), '{"y": "a"}', 4 + 6),
        # dropout does nothing
        ((dense("n", "x", 6), '"a": {"op": "dropout", "in": "n", "rate": 0.5}'), '{"y": "a"}', 4 + 6),
        # what is handed on unchanged takes no memory of its own
        (('"a": {"op": "dense", "in": "x", "units": 6, "repeat": 0}',), '{"y": "a"}', 4),
    ],
)  # fmt: skip
def test_the_worst_moment_of_inference(nodes: tuple[str, ...], outputs: str, expected: int) -> None:
    graph = net(*nodes, outputs=outputs)
    assert inference_peak(graph) == 4 * expected
    assert cost(graph, batch_size=10).activation_bytes == 40 * expected


TANH = '"a": {"op": "activation", "in": "n", "activation": "tanh"}'
GELU = '"a": {"op": "activation", "in": "n", "activation": "gelu"}'


@pytest.mark.parametrize(
    ("nodes", "sample", "once"),
    [
        # x, the output, its gradient and what leads to that, twice
        ((dense("a", "x", 9),), 4 + 4 * 9, 0),
        # the way back of a dense layer needs its input, not its output: x, n and, at the end, a and its gradient
        ((dense("n", "x", 3), dense("a", "n", 90)), 4 + 3 + 4 * 90, 0),
        # … x, n, the gradients of a and of n; the kernel's gradient and its new value
        ((dense("n", "x", 90), dense("a", "n", 1)), 4 + 90 + 1 + 90, 2 * 90),
        # tanh needs its output, which is written over n
        ((dense("n", "x", 9), TANH), 4 + 4 * 9, 0),
        # gelu needs its input, and keeps two tensors in between: x, n, those, and a with its gradient
        ((dense("n", "x", 9), GELU), 4 + 3 * 9 + 4 * 9, 0),
    ],
)
def test_the_worst_moment_of_training(nodes: tuple[str, ...], sample: int, once: int) -> None:
    assert training_peak(net(*nodes), 1000) == 4 * (1000 * sample + once)


def test_the_gradient_of_a_weight_and_its_new_value_are_there_for_a_moment() -> None:
    # x, a's gradient, 4 x 1000 weights twice; and before, x, n, the gradients of a and of n, and 1000 x 1 weights twice
    graph = net(dense("n", "x", 1000), dense("a", "n", 1))
    assert training_peak(graph) == 4 * (4 + 1000 + 2 * 4 * 1000)


def test_the_memory_of_a_training_step() -> None:
    graph = shaped(
        '"c": {"op": "conv", "in": "x", "filters": 4, "kernel_size": 3, "norm": "batch", "activation": "relu"},'
        '"f": {"op": "flatten", "in": "c"}, "a": {"op": "dense", "in": "f", "units": 10}'
    )
    # x; c, which its normalisation reads again; relu's output, written over the normalisation's, which the dense layer
    # reads again in another shape; the gradients of a and of f
    sample = 8 * 8 * 3 + 2 * (8 * 8 * 4) + 10 + 8 * 8 * 4
    kernel = 2 * (8 * 8 * 4 * 10 + 10)  # its gradient and its new value
    weights = graph.parameters + 2 * graph.trainable  # the weights; two slots
    assert cost(graph).training_bytes == 4 * (weights + kernel + sample)
    assert cost(graph, batch_size=32, optimizer_slots=0).training_bytes == 4 * (graph.parameters + kernel + 32 * sample)


def test_what_no_weight_leads_to_has_no_gradient() -> None:
    one = net('"t": {"op": "activation", "in": "x", "activation": "gelu"}', dense("a", "t", 1))
    # x and t, which the kernel's gradient needs; a, its gradient and what leads to that; nothing of gelu's own, or of t
    assert training_peak(one, 1000) == 4 * 1000 * (4 + 4 + 4)


def test_a_gradient_with_several_parts_is_there_once_for_a_sum() -> None:
    wide = net(dense("n", "x", 50), dense("m", "n", 50), '"a": {"op": "add", "in": ["n", "m"]}')
    # x, n, and a; its gradient and what leads to it. The sum hands its gradient on as it is
    assert training_peak(wide, 1000) == 4 * 1000 * (4 + 50 + 50 + 3 * 50)


UNEQUAL = (
    '"a": {"block": "b", "in": ["x", "z"], "repeat": %d, "first": {"units": 9}}, "c": {"op": "add", "in": ["%s", "a"]}'
)


@pytest.mark.parametrize("times", [1, 2, 3, 4, 5, 50])
@pytest.mark.parametrize("also", ["x", "a"])
@pytest.mark.parametrize("function", ["relu", "gelu", "leaky_relu"])
def test_the_peaks_of_a_repeat_are_those_of_the_same_records_written_out(times: int, also: str, function: str) -> None:
    nodes = (
        '"d": {"op": "dense", "in": "x", "units": "=units"},'
        f'"e": {{"op": "dense", "in": "d", "units": 4, "activation": "{function}"}},'
    )
    inner = block(
        nodes + '"a": {"op": "add", "in": ["e", "x", "s"]}', inputs='["x", "s"]', more='"params": {"units": 6}'
    )
    inputs = '{"x": {"shape": [4]}, "z": {"shape": [4]}}'
    rolled = shaped(UNEQUAL % (times, also), more=f'"blocks": {{"b": {inner}}}', inputs=inputs, outputs='{"y": "c"}')
    flat, source = [], "x"
    for number in range(times):
        flat += [
            f'"d{number}": {{"op": "dense", "in": "{source}", "units": {9 if number == 0 else 6}}}',
            f'"e{number}": {{"op": "dense", "in": "d{number}", "units": 4, "activation": "{function}"}}',
            f'"s{number}": {{"op": "add", "in": ["e{number}", "{source}", "z"]}}',
        ]
        source = f"s{number}"
    flat.append(f'"c": {{"op": "add", "in": ["{"x" if also == "x" else source}", "{source}"]}}')
    written = shaped(", ".join(flat), inputs=inputs, outputs='{"y": "c"}')
    assert inference_peak(rolled) == inference_peak(written)
    assert training_peak(rolled, 100) == training_peak(written, 100)


@pytest.mark.parametrize(("outer", "inner"), [(5, 7), (4, 2), (2, 6)])
def test_repeats_inside_repeats_keep_what_all_their_copies_keep(outer: int, inner: int) -> None:
    one = block(dense("d", "x", 4) + ', "a": {"op": "activation", "in": "d", "activation": "silu"}')
    several = block(f'"a": {{"block": "one", "in": "x", "repeat": {inner}}}')
    rolled = net(
        f'"a": {{"block": "several", "in": "x", "repeat": {outer}}}',
        more=f'"blocks": {{"one": {one}, "several": {several}}}',
    )
    flat, source = [], "x"
    for number in range(outer * inner):
        flat += [
            dense(f"d{number}", source, 4),
            f'"a{number}": {{"op": "activation", "in": "d{number}", "activation": "silu"}}',
        ]
        source = f"a{number}"
    assert training_peak(rolled, 100) == training_peak(net(*flat, outputs=f'{{"y": "{source}"}}'), 100)


def test_a_scan_keeps_in_training_what_all_its_steps_keep() -> None:
    def peaks(steps: int) -> tuple[int, int]:
        cell = (
            '{"inputs": ["x", "h"], "states": {"h": {"next": "new", "shape": [4]}}, "nodes": {'
            '"both": {"op": "concat", "in": ["x", "h"]},'
            '"new": {"op": "dense", "in": "both", "units": 4, "activation": "tanh", "use_bias": false}},'
            '"output": "new"}'
        )
        graph = net(
            '"read": {"block": "cell", "in": {"x": "x"}, "scan": {"over": "x", "return_sequences": false}}',
            dense("a", "read", 1),
            inputs=f'{{"x": {{"shape": [{steps}, 3]}}}}',
            more=f'"blocks": {{"cell": {cell}}}',
        )
        found = inference_peak(graph), training_peak(graph, 1000)
        assert isinstance(found[0], int) and isinstance(found[1], int)
        return found[0], found[1]

    # with each step grows the input, which is there as it is and in order of time
    assert peaks(30)[0] - peaks(20)[0] == 10 * 4 * (3 + 3)
    # in training, also both (3 + 4 numbers) and what tanh gives
    assert peaks(30)[1] - peaks(20)[1] == 10 * 4 * 1000 * (3 + 7 + 4)


@pytest.mark.parametrize(("times", "kernels"), [(1, 2), (2, 3), (9, 10)])
def test_changed_kernels_of_all_layers_are_there_from_the_start(times: int, kernels: int) -> None:
    record = '"op": "dense", "units": 100, "use_bias": false, "spectral_norm": true'
    nodes = (f'"b": {{{record}, "in": "x", "repeat": {times}}}', f'"a": {{{record}, "in": "b"}}')
    graph = net(*nodes, inputs='{"x": {"shape": [100]}}')
    # x, what the first layer gives, and each kernel divided by its largest singular value
    assert inference_peak(graph) == 4 * (100 + 100 + kernels * 100 * 100)
    # in training also what the slope takes of each; at the last layer its kernel's gradient in two parts, a product on
    # the way to one of them, and the new value; the inputs of all layers, and the gradients of two tensors
    assert training_peak(graph, 1) == 4 * ((kernels + 2) * 100 + (2 * kernels + 4) * 100 * 100)


@pytest.mark.parametrize(
    ("inputs", "numbers"),
    [
        # x, h; the share that passes and the one that does not; the gradients of the result, x, h and both shares
        ('{"x": "n", "h": "m", "gate": "g"}, "kind": "highway"', 2 + 2 + 5),
        # x; the share; the gradients of the result, x and the share
        ('{"x": "n", "gate": "g"}', 1 + 1 + 3),
    ],
)
def test_a_gate_keeps_what_passes_and_its_shares_but_not_the_gate(inputs: str, numbers: int) -> None:
    layers = [dense(name, "x", 9) for name in ("n", "g", *(("m",) if '"m"' in inputs else ()))]
    graph = net(*layers, f'"e": {{"op": "gate", "in": {inputs}}}', dense("a", "e", 1))
    assert training_peak(graph, 1000) == 4 * 1000 * (4 + numbers * 9)


def test_the_peak_grows_with_the_batch_and_the_type() -> None:
    graph = shaped('"a": {"op": "embedding", "in": "x", "input_dim": 9, "output_dim": 5}',
                   inputs='{"x": {"shape": [3], "dtype": "uint8"}}')  # fmt: skip
    assert inference_peak(graph) == 3 + 3 * 5 * 4
    assert cost(graph, batch_size=10).activation_bytes == 630


def test_a_worst_moment_that_depends_on_a_symbol_is_not_guessed() -> None:
    nodes = '"n": {"op": "dense", "in": "z", "units": 90}, "a": {"op": "dense", "in": "n", "units": 1},'
    nodes += '"b": {"op": "flatten", "in": "x"}'
    inputs = '{"x": {"shape": ["H", 8, 3]}, "z": {"shape": [5]}}'
    graph = shaped(nodes, inputs=inputs, outputs='{"y": "a", "b": "b"}')
    assert inference_peak(graph) is not None
    nodes = '"n": {"op": "dense", "in": "z", "units": 90}, "a": {"op": "dense", "in": "n", "units": 1},'
    nodes += '"b": {"op": "dense", "in": "x", "units": 4}'
    assert inference_peak(shaped(nodes, inputs=inputs, outputs='{"y": "a", "b": "b"}')) is None


@pytest.mark.parametrize("op", sorted(REGISTRY))
def test_every_primitive_says_what_it_keeps(op: str) -> None:
    for example in REGISTRY[op].examples:
        made, inputs = REGISTRY[op](**example.params), example.input_tensors()
        if made.compose(*inputs) is not None:
            continue
        needs = made.memory(*inputs)
        assert needs.reads is None or set(needs.reads) <= set(range(len(inputs)))
        for tensor in (*needs.own, *needs.scratch, *needs.back):
            assert tensor_bytes(tensor) >= 0
        weights = sum(math.prod(weight.shape) for weight in made.weights(*inputs))  # type: ignore[misc]
        assert 0 <= needs.copies <= 2 * weights
        assert 0 <= needs.turned <= weights


def test_an_lstm_of_few_steps_is_written_out_and_a_longer_one_is_a_loop() -> None:
    def peak(steps: int, more: str = "") -> object:
        node = f'"a": {{"op": "lstm", "in": "x", "units": 5{more}}}'
        return inference_peak(net(node, inputs=f'{{"x": {{"shape": [{steps}, 3]}}}}'))

    # x, as it is and in order of time; all four gates of all steps; what one step works out; the result
    assert peak(10) == 4 * (2 * 10 * 3 + 4 * 10 * 5 + 7 * 5 + 5)
    # x, and that step by step; the gates of 32 steps at a time, which is more than x in order of time; the result
    assert peak(200) == 4 * (2 * 200 * 3 + 4 * 32 * 5 + 5)
    assert peak(10, ', "recurrent_dropout": 0.5') == 4 * (2 * 10 * 3 + 4 * 10 * 5 + 5)


def test_the_rows_of_a_table_are_moved_with_all_others() -> None:
    graph = net('"a": {"op": "embedding", "in": "x", "input_dim": 1000, "output_dim": 5}',
                inputs='{"x": {"shape": [3], "dtype": "int32"}}')  # fmt: skip
    # x, the result, which nothing needs, and its gradient; the table's gradient, new values and changes of both slots
    assert training_peak(graph) == 4 * (3 + 3 * 5 + 4 * 1000 * 5)


@pytest.mark.parametrize(("layer", "tensors"), [("conv", 1), ("max_pool", 2)])
def test_a_normalisation_is_one_with_the_convolution_before_it(layer: str, tensors: int) -> None:
    record = {"conv": '"filters": 3, "kernel_size": 1, "use_bias": false', "max_pool": '"pool_size": 1'}[layer]
    graph = net(f'"n": {{"op": "{layer}", "in": "x", {record}}}', '"a": {"op": "batch_norm", "in": "n"}',
                inputs='{"x": {"shape": [8, 8, 3]}}')  # fmt: skip
    assert inference_peak(graph) == 4 * (1 + tensors) * 8 * 8 * 3


def test_a_branch_that_gets_ready_last_is_run_first() -> None:
    branches = (dense("r", "x", 4), dense("n", "r", 60), dense("m", "n", 4), dense("v", "r", 50), dense("w", "v", 30))
    graph = net(*branches, '"a": {"op": "concat", "in": ["m", "w"]}')
    # x, r and w when n is made; in the order of the file it would be x, r, v and w: ten numbers less
    assert inference_peak(graph) == 4 * (4 + 4 + 30 + 60)


def test_a_growing_sum_is_there_for_every_number() -> None:
    graph = net('"a": {"op": "nade", "in": "x", "units": 50}', inputs='{"x": {"shape": [40]}}')
    assert inference_peak(graph) == 4 * (40 + 40 + 3 * 40 * 50)
