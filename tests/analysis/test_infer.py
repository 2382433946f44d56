"""What the rules of the format mean: which primitives a file expands to, with which shapes, counts and owners."""

import json
import random
from typing import Any

import pytest

from archgraph.analysis import Limits, infer
from archgraph.analysis.shaped import ShapedGraph
from archgraph.diagnostics import GraphError
from archgraph.document.load import load_text
from archgraph.shapes import symbol
from tests.analysis.texts import block, file, paths, shaped, shapes

DENSE = '{"op": "dense", "in": "x", "units": 4}'


def conv(name: str, source: str, rest: str = "") -> str:
    return f'"{name}": {{"op": "conv", "in": "{source}", "filters": 4, "kernel_size": 3{rest}}}'


def owners(graph: ShapedGraph) -> dict[str, str]:
    return {node.path: node.owner for node in graph.walk()}


# ---- shorthands


def test_norm_and_activation_become_nodes_below_the_record_and_drop_the_bias() -> None:
    graph = shaped(conv("a", "x", ', "norm": "batch", "activation": "relu"'))
    assert paths(graph) == ["a", "a/norm", "a/activation"]
    # 3*3*3*4 kernel weights without a bias; 4 scales, 4 shifts, 4 means, 4 variances
    assert (graph.parameters, graph.trainable) == (108 + 16, 108 + 8)


@pytest.mark.parametrize(("norm", "below", "parameters"), [("none", [], 112), ("batch", ["a/norm"], 108 + 16)])
def test_whether_there_is_a_norm_can_be_a_parameter(norm: str, below: list[str], parameters: int) -> None:
    record = '"a": {"op": "conv", "in": "x", "filters": 4, "kernel_size": 3, "norm": "=norm"}'
    graph = shaped(record, more=f'"params": {{"norm": "{norm}"}}')
    assert paths(graph) == ["a", *below]
    # the bias is there where the norm is not
    assert graph.parameters == parameters


def test_a_bias_stays_where_there_is_no_norm_and_where_it_is_asked_for() -> None:
    assert shaped(conv("a", "x")).parameters == 112
    assert shaped(conv("a", "x", ', "norm": "batch", "use_bias": true')).parameters == 112 + 16


def test_explicit_padding_keeps_the_path_of_the_node_for_its_weights() -> None:
    graph = shaped(conv("a", "x", ', "padding": 2'))
    assert paths(graph) == ["a/pad", "a"]
    assert shapes(graph) == {"y": (10, 10, 4)}


# ---- blocks

WIDEN = block(
    '"a": {"op": "conv", "in": "x", "filters": "=width", "kernel_size": 1, "strides": "=strides"}',
    more='"params": {"width": {"type": "int"}, "strides": 1}',
)


def test_a_repeat_chains_its_copies_and_numbers_them() -> None:
    graph = shaped('"a": {"block": "b", "in": "x", "width": 4, "repeat": 3}', more=f'"blocks": {{"b": {WIDEN}}}')
    assert paths(graph) == ["a/0/a", "a/1/a", "a/2/a"]
    # 3*4+4, then 4*4+4 twice
    assert graph.parameters == 16 + 20 + 20


def test_equal_copies_are_one_object() -> None:
    graph = shaped('"a": {"block": "b", "in": "x", "width": 4, "repeat": 30}', more=f'"blocks": {{"b": {WIDEN}}}')
    (call,) = graph.root.items
    assert len(set(map(id, call.copies))) == 2  # type: ignore[union-attr]  # the first reads 3 channels, the others 4


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ('"width": 4, "repeat": 3, "first": {"strides": 2}', (4, 4, 4)),
        ('"width": 4, "repeat": 3, "last": {"width": 9}', (8, 8, 9)),
        ('"width": 4, "repeat": 3, "first": {"strides": 2}, "last": {"strides": 2}', (2, 2, 4)),
        ('"width": 4, "repeat": 1, "first": {"strides": 2}, "last": {"width": 9}', (4, 4, 9)),
        ('"width": "=4*(i+1)", "repeat": 3', (8, 8, 12)),
        ('"width": 4, "repeat": 3, "last": {"width": "=i"}', (8, 8, 2)),
        ('"width": 4, "strides": "=2 if i > 0 else 1", "repeat": 3', (2, 2, 4)),
        ('"width": 4, "repeat": 0', (8, 8, 3)),
        ('"width": 4, "repeat": 1', (8, 8, 4)),
        ('"width": 4, "repeat": "=2*n - 3"', (8, 8, 4)),
    ],
)
def test_first_last_and_i_vary_the_copies(record: str, expected: tuple[int, ...]) -> None:
    more = f'"params": {{"n": 2}}, "blocks": {{"b": {WIDEN}}}'
    assert shapes(shaped(f'"a": {{"block": "b", "in": "x", {record}}}', more=more)) == {"y": expected}


def test_a_repeat_of_nothing_hands_on_its_input() -> None:
    graph = shaped('"a": {"block": "b", "in": "x", "width": 4, "repeat": 0}', more=f'"blocks": {{"b": {WIDEN}}}')
    assert (paths(graph), graph.parameters, graph.results()["y"].path) == ([], 0, "x")


def test_an_op_can_be_repeated() -> None:
    graph = shaped(conv("a", "x", ', "norm": "batch", "repeat": 2, "last": {"strides": 2}'))
    assert paths(graph) == ["a/0", "a/0/norm", "a/1", "a/1/norm"]
    assert shapes(graph) == {"y": (4, 4, 4)}


def test_an_op_can_grow_with_i() -> None:
    graph = shaped('"a": {"op": "dense", "in": "x", "units": "=10 - i", "repeat": 3}')
    assert shapes(graph) == {"y": (8, 8, 8)}


def test_a_block_of_several_inputs_carries_one_and_feeds_the_others_to_every_copy() -> None:
    mix = block('"a": {"op": "concat", "in": ["s", "x"]}', inputs='["x", "s"]', more='"carry": "s"')
    graph = shaped('"a": {"block": "b", "in": {"x": "x", "s": "x"}, "repeat": 4}', more=f'"blocks": {{"b": {mix}}}')
    # s grows by the 3 channels of x in every copy: 3 + 4*3
    assert shapes(graph) == {"y": (8, 8, 15)}


def test_the_first_input_is_carried_unless_the_block_names_another() -> None:
    mix = block('"a": {"op": "concat", "in": ["s", "x"]}', inputs='["x", "s"]')
    nodes = '"s": {"op": "dense", "in": "x", "units": 5}, "a": {"block": "b", "in": ["x", "s"], "repeat": 2}'
    # x is carried: 3 -> 5+3 = 8 -> 5+8 = 13
    assert shapes(shaped(nodes, more=f'"blocks": {{"b": {mix}}}')) == {"y": (8, 8, 13)}


def test_blocks_may_be_parameters() -> None:
    narrow = block('"a": {"op": "dense", "in": "x", "units": 2}')
    wide = block('"a": {"op": "dense", "in": "x", "units": 7}')
    around = block(
        '"a": {"block": "=unit", "in": "x"}', more='"params": {"unit": {"type": "block", "default": "narrow"}}'
    )
    more = (
        '"params": {"which": {"type": "block", "default": "narrow"}},'
        f'"blocks": {{"narrow": {narrow}, "wide": {wide}, "around": {around}}}'
    )
    nodes = '"a": {"block": "around", "in": "x"}, "b": {"block": "around", "in": "x", "unit": "wide"},'
    nodes += '"c": {"block": "around", "in": "x", "unit": "=which"}'
    graph = infer(load_text(file(nodes, more=more, outputs='{"a": "a", "b": "b", "c": "c"}')))
    assert [shape[-1] for shape in shapes(graph).values()] == [2, 7, 2]
    again = infer(load_text(file(nodes, more=more, outputs='{"a": "a", "b": "b", "c": "c"}'), {"which": "wide"}))
    assert [shape[-1] for shape in shapes(again).values()] == [2, 7, 7]


def test_a_default_of_a_block_may_follow_from_the_sizes_of_its_inputs_in_every_copy() -> None:
    fit = block(
        '"a": {"op": "conv", "in": "x", "when": "=project", "filters": 4, "kernel_size": 1}',
        more='"params": {"project": {"type": "bool", "default": "=dim(x, -1) != 4"}}',
    )
    graph = shaped('"a": {"block": "b", "in": "x", "repeat": 3}', more=f'"blocks": {{"b": {fit}}}')
    assert paths(graph) == ["a/0/a"]


def test_a_default_may_follow_from_the_parameters_before_it() -> None:
    inner = block('"a": {"op": "dense", "in": "x", "units": "=wide"}', more='"params": {"n": 3, "wide": "=4*n"}')
    assert shapes(shaped('"a": {"block": "b", "in": "x"}', more=f'"blocks": {{"b": {inner}}}')) == {"y": (8, 8, 12)}
    assert shapes(shaped('"a": {"block": "b", "in": "x", "n": 5}', more=f'"blocks": {{"b": {inner}}}')) == {
        "y": (8, 8, 20)
    }


def test_defaults_that_follow_from_a_wrong_parameter_are_not_complained_about() -> None:
    more = '"params": {"n": {"type": "int", "default": 3, "choices": [3, 5]}, "wide": "=4*n", "wider": "=2*wide"}'
    text = file('"a": {"op": "dense", "in": "x", "units": "=wider"}', more=more)
    with pytest.raises(GraphError) as caught:
        infer(load_text(text, {"n": 4}))
    assert [(found.code, found.pointer) for found in caught.value.diagnostics] == [("AG412", "/params/n")]


def test_dim_reads_the_shape_of_an_input_of_the_block() -> None:
    inner = block('"a": {"op": "dense", "in": "x", "units": "=dim(x, -1)*dim(x, 0)"}')
    assert shapes(shaped('"a": {"block": "b", "in": "x"}', more=f'"blocks": {{"b": {inner}}}')) == {"y": (8, 8, 24)}


def test_a_block_of_the_library_is_there_without_an_import() -> None:
    graph = shaped('"a": {"block": "bottleneck", "in": "x", "width": 4}')
    assert shapes(graph) == {"y": (8, 8, 16)}


# ---- when


def test_a_node_that_is_switched_off_hands_on_its_input() -> None:
    nodes = '"a": {"op": "dense", "in": "x", "units": 9, "when": "=wide"}'
    assert shapes(shaped(nodes, more='"params": {"wide": true}')) == {"y": (8, 8, 9)}
    graph = shaped(nodes, more='"params": {"wide": false}')
    assert (shapes(graph), paths(graph)) == ({"y": (8, 8, 3)}, [])


def test_a_block_that_is_switched_off_is_not_even_looked_at() -> None:
    bad = block('"a": {"op": "reshape", "in": "x", "target_shape": [7]}')
    graph = shaped('"a": {"block": "b", "in": "x", "when": false}', more=f'"blocks": {{"b": {bad}}}')
    assert shapes(graph) == {"y": (8, 8, 3)}


# ---- ports

LSTM = '"l": {"op": "lstm", "in": "x", "units": 5, "return_state": true}'


def test_outputs_have_names() -> None:
    nodes = LSTM + ', "a": {"op": "concat", "in": ["l.state_h", "l.state_c", "l"]}'
    graph = shaped(nodes, inputs='{"x": {"shape": [7, 2]}}', outputs='{"y": "a", "h": "l.state_h"}')
    assert shapes(graph) == {"y": (15,), "h": (5,)}


def test_a_block_names_its_outputs() -> None:
    inner = block(LSTM, output='"outputs": {"y": "l", "h": "l.state_h"}')
    graph = shaped(
        '"a": {"block": "b", "in": "x"}', more=f'"blocks": {{"b": {inner}}}', inputs='{"x": {"shape": [7, 2]}}',
        outputs='{"one": "a", "two": "a.h", "three": "a.y"}',
    )  # fmt: skip
    assert shapes(graph) == {"one": (5,), "two": (5,), "three": (5,)}
    assert graph.results()["two"] != graph.results()["one"] == graph.results()["three"]


def test_named_ports_are_told_apart() -> None:
    nodes = '"a": {"op": "attention", "in": {"value": "v", "query": "x"}, "num_heads": 2, "key_dim": 4}'
    graph = shaped(nodes, inputs='{"x": {"shape": [7, 6]}, "v": {"shape": [9, 5]}}')
    assert shapes(graph) == {"y": (7, 6)}


def test_an_output_may_be_an_input() -> None:
    graph = shaped(f'"a": {DENSE}', outputs='{"y": "a", "same": "x"}')
    assert shapes(graph) == {"y": (8, 8, 4), "same": (8, 8, 3)}


# ---- weights used twice


def test_a_reuse_applies_the_same_weights() -> None:
    nodes = conv("t", "x", ', "norm": "batch"') + ', "a": {"reuse": "t", "in": "z"}'
    inputs = '{"x": {"shape": [8, 8, 3]}, "z": {"shape": [5, 5, 3]}}'
    graph = shaped(nodes, inputs=inputs, outputs='{"y": "a", "t": "t"}')
    assert owners(graph) == {"t": "t", "t/norm": "t/norm", "a": "t", "a/norm": "t/norm"}
    assert graph.parameters == 108 + 16
    assert shapes(graph) == {"y": (5, 5, 4), "t": (8, 8, 4)}
    # 8*8*108 for one and 5*5*108 for the other
    assert graph.macs == 6912 + 2700


def test_a_reuse_of_a_reuse_has_the_first_owner() -> None:
    nodes = f'"t": {DENSE}, "u": {{"reuse": "t", "in": "x"}}, "a": {{"reuse": "u", "in": "x"}}'
    graph = shaped(nodes, outputs='{"y": "a", "t": "t", "u": "u"}')
    assert set(owners(graph).values()) == {"t"}
    assert graph.parameters == 16


def test_a_block_can_be_reused() -> None:
    nodes = '"t": {"block": "b", "in": "x", "width": 3, "repeat": 2}, "a": {"reuse": "t", "in": "t"}'
    graph = shaped(nodes, more=f'"blocks": {{"b": {WIDEN}}}')
    assert owners(graph) == {"t/0/a": "t/0/a", "t/1/a": "t/1/a", "a/0/a": "t/0/a", "a/1/a": "t/1/a"}
    assert graph.parameters == 2 * 12


def test_shared_copies_have_one_set_of_weights() -> None:
    nodes = '"a": {"block": "b", "in": "x", "width": 3, "repeat": 5, "share": true}'
    graph = shaped(nodes, more=f'"blocks": {{"b": {WIDEN}}}')
    assert set(owners(graph).values()) == {"a/0/a"}
    assert (graph.parameters, graph.count) == (12, 5)


def test_weights_that_only_a_dead_node_shares_are_not_counted() -> None:
    nodes = f'"t": {DENSE}, "u": {{"reuse": "t", "in": "x"}}, "a": {{"op": "flatten", "in": "x"}}'
    assert shaped(nodes).parameters == 0


def test_a_shared_block_owns_what_only_its_last_copy_gives_out() -> None:
    two = block(
        '"a": {"op": "dense", "in": "x", "units": 3}, "b": {"op": "dense", "in": "x", "units": 5}',
        output='"outputs": {"one": "a", "two": "b"}',
    )
    nodes = '"a": {"block": "b", "in": "x", "repeat": 2, "share": true}'
    graph = shaped(nodes, more=f'"blocks": {{"b": {two}}}', outputs='{"y": "a.two"}')
    # dense 3 -> 3 of the first copy, dense 3 -> 5 of the last, whose weights the first owns
    assert graph.parameters == 12 + 20


def test_a_reused_block_owns_what_only_the_reuse_gives_out() -> None:
    two = block(
        '"a": {"op": "dense", "in": "x", "units": 3}, "b": {"op": "dense", "in": "x", "units": 5}',
        output='"outputs": {"one": "a", "two": "b"}',
    )
    nodes = '"t": {"block": "b", "in": "x"}, "a": {"reuse": "t", "in": "x"}'
    graph = shaped(nodes, more=f'"blocks": {{"b": {two}}}', outputs='{"y": "a.two", "z": "t.one"}')
    assert graph.parameters == 12 + 20


# ---- what reaches no output


def test_dead_nodes_are_not_counted() -> None:
    graph = shaped(f'"a": {DENSE}, "b": {{"op": "dense", "in": "x", "units": 100}}')
    assert (paths(graph), graph.parameters) == (["a"], 16)


def test_what_a_block_computes_in_vain_is_not_counted() -> None:
    two = block(
        '"a": {"op": "dense", "in": "x", "units": 3}, "b": {"op": "dense", "in": "x", "units": 50}',
        output='"outputs": {"one": "a", "two": "b"}',
    )
    graph = shaped(
        '"a": {"block": "b", "in": "x", "repeat": 3}', more=f'"blocks": {{"b": {two}}}', outputs='{"y": "a.two"}'
    )
    assert paths(graph) == ["a/0/a", "a/1/a", "a/2/b"]


# ---- symbolic sizes


def test_sizes_stay_symbolic() -> None:
    graph = shaped(conv("a", "x", ', "strides": 2'), inputs='{"x": {"shape": ["H", "W", 3]}}')
    height, width = symbol("H"), symbol("W")
    assert shapes(graph) == {"y": (-(-height // 2), -(-width // 2), 4)}
    assert graph.parameters == 112


def test_a_stated_multiple_makes_a_sum_of_two_scales_provable() -> None:
    nodes = (
        '"down": {"op": "max_pool", "in": "x", "pool_size": 2, "strides": 2},'
        '"up": {"op": "upsample", "in": "down", "size": 2}, "a": {"op": "add", "in": ["x", "up"]}'
    )
    inputs = '{"x": {"shape": ["H", 8, 3]}}'
    graph = shaped(nodes, inputs=inputs, more='"dims": {"H": {"multiple_of": 2}}')
    assert shapes(graph) == {"y": (symbol("H", multiple_of=2), 8, 3)}
    with pytest.raises(GraphError, match="AG305"):
        shaped(nodes, inputs=inputs)


def test_equal_names_are_equal_sizes() -> None:
    nodes = '"a": {"op": "add", "in": ["x", "z"]}'
    assert shaped(nodes, inputs='{"x": {"shape": ["N", 3]}, "z": {"shape": ["N", 3]}}')
    with pytest.raises(GraphError, match="AG305"):
        shaped(nodes, inputs='{"x": {"shape": ["N", 3]}, "z": {"shape": ["M", 3]}}')


def test_a_dimension_with_one_possible_value_is_a_number() -> None:
    graph = shaped(
        f'"a": {DENSE}', inputs='{"x": {"shape": ["N", 3]}}', more='"dims": {"N": {"minimum": 5, "maximum": 5}}'
    )
    assert shapes(graph) == {"y": (5, 4)}


def test_an_input_may_be_as_large_as_a_parameter_says() -> None:
    text = file(f'"a": {DENSE}', inputs='{"x": {"shape": ["=n*n", 3]}}', more='"params": {"n": 3}')
    assert infer(load_text(text)).inputs["x"].shape == (9, 3)
    assert infer(load_text(text, {"n": 4})).inputs["x"].shape == (16, 3)


# ---- variants


VARIANTS = '"params": {"n": 2, "wide": false}, "variants": {"small": {"n": 1}, "large": {"n": 3, "wide": true}}'
STACK = '"a": {"op": "dense", "in": "x", "units": "=8 if wide else 4", "repeat": "=n"}'


def test_the_first_variant_is_the_default() -> None:
    graph = load_text(file(STACK, more=VARIANTS))
    assert infer(graph).count == 1
    assert infer(graph.variant("large")).count == 3
    assert infer(graph.variant("large").bind(n=2)).parameters == (3 * 8 + 8) + (8 * 8 + 8)


# ---- order


BUSY: dict[str, Any] = {
    "archgraph": 1,
    "name": "busy",
    "params": {"width": 4, "n": 2},
    "dims": {"H": {"multiple_of": 4, "minimum": 8}},
    "inputs": {"x": {"shape": ["H", 8, 3]}, "z": {"shape": [7]}},
    "variants": {"one": {"n": 1}, "two": {"n": 2, "width": 6}},
    "blocks": {
        "cell": {
            "params": {"width": {"type": "int"}, "strides": 1},
            "inputs": ["x", "s"],
            "carry": "x",
            "nodes": {
                "b": {"op": "conv", "in": "x", "filters": "=width", "kernel_size": 3, "strides": "=strides"},
                "a": {"op": "dense", "in": "s", "units": "=width"},
                "c": {"op": "add", "in": ["b", "b"]},
            },
            "outputs": {"main": "c", "side": "a"},
        }
    },
    "nodes": {
        "stage": {"block": "cell", "in": {"x": "x", "s": "z"}, "width": "=width", "repeat": "=n",
                  "first": {"strides": 2}},
        "again": {"reuse": "pool", "in": "stage"},
        "pool": {"op": "global_avg_pool", "in": "stage"},
        "y": {"op": "dense", "in": "both", "units": 3, "norm": "layer", "activation": "softmax"},
        "both": {"op": "concat", "in": ["pool", "stage.side", "again"]},
    },
    "outputs": {"y": "y", "side": "stage.side"},
    "expect": {"outputs": {"y": [3]}},
}  # fmt: skip


def shuffled(value: Any, chance: random.Random, *, keep: bool = False) -> Any:
    """`value` with the keys of every object in another order, but for those whose order the format gives a meaning."""
    if isinstance(value, list):
        return [shuffled(item, chance) for item in value]
    if not isinstance(value, dict):
        return value
    keys = list(value)
    if not keep:
        chance.shuffle(keys)
    # Order has a meaning in these: earlier parameters serve in defaults; the first variant and output are the default.
    return {key: shuffled(value[key], chance, keep=key in ("params", "variants", "outputs")) for key in keys}


@pytest.mark.parametrize("seed", range(30))
def test_the_order_of_keys_changes_nothing(seed: int) -> None:
    expected = infer(load_text(json.dumps(BUSY)))
    graph = infer(load_text(json.dumps(shuffled(BUSY, random.Random(seed)))))
    assert (graph.parameters, graph.trainable, graph.macs, graph.outputs, graph.inputs) == (
        expected.parameters, expected.trainable, expected.macs, expected.outputs, expected.inputs,
    )  # fmt: skip
    mine = {node.path: (node.feeds, node.leaf.primitive, node.leaf.outputs, node.owner) for node in graph.walk()}
    theirs = {node.path: (node.feeds, node.leaf.primitive, node.leaf.outputs, node.owner) for node in expected.walk()}
    assert mine == theirs


# ---- limits


def test_the_budget_of_nodes_can_be_raised() -> None:
    text = file('"a": {"op": "dense", "in": "x", "units": 3, "repeat": 30000}')
    with pytest.raises(GraphError, match="AG501"):
        infer(load_text(text))
    assert infer(load_text(text), limits=Limits(nodes=40_000)).count == 30_000
