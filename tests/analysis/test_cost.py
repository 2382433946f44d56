"""Totals and tables against arithmetic done by hand and against published counts."""

import json
import time

import pytest

from archgraph.analysis import infer
from archgraph.analysis.cost import Share, block_rows, cost, rows
from archgraph.document.load import load_text
from archgraph.shapes import symbol
from tests.analysis.resnet import preactivation_resnet
from tests.analysis.texts import block, findings, shaped

NET = (
    '"c": {"op": "conv", "in": "x", "filters": 4, "kernel_size": 3, "norm": "batch", "activation": "relu"},'
    '"f": {"op": "flatten", "in": "c"}, "a": {"op": "dense", "in": "f", "units": 10}'
)


def test_the_totals_of_a_small_network() -> None:
    total = cost(shaped(NET))
    conv, norm, dense = 3 * 3 * 3 * 4, 4 * 4, 8 * 8 * 4 * 10 + 10
    assert (total.parameters, total.trainable, total.non_trainable) == (conv + norm + dense, conv + 8 + dense, 8)
    assert (total.macs, total.flops) == (8 * 8 * conv + 2560, 2 * (8 * 8 * conv + 2560))
    assert total.weight_bytes == 4 * (conv + norm + dense)
    assert total.families == {
        "convolution": Share(1, conv, conv, 8 * 8 * conv),
        "normalisation": Share(1, norm, 8, 0),
        "activation": Share(1, 0, 0, 0),
        "shape": Share(1, 0, 0, 0),
        "dense and embedding": Share(1, dense, dense, 2560),
    }


def test_totals_that_depend_on_a_symbol_are_shown_as_such() -> None:
    height = symbol("H")
    graph = shaped(
        '"a": {"op": "conv", "in": "x", "filters": 4, "kernel_size": 3}', inputs='{"x": {"shape": ["H", 8, 3]}}'
    )
    total = cost(graph, batch_size=2)
    assert total.macs == height * 8 * 108
    kernel = 3 * 3 * 3 * 4  # laid out anew for more than one sample
    assert total.activation_bytes == 2 * (height * 8 * 3 + height * 8 * 4) * 4 + kernel * 4
    assert str(total.macs) == "864*H"


def test_a_sum_of_too_many_symbols_is_unknown_rather_than_an_error() -> None:
    nodes = {
        f"n{size}": {
            "op": "conv",
            "in": "x",
            "filters": 1,
            "kernel_size": size,
            "strides": size % 7 + 2,
            "padding": "valid",
        }
        for size in range(1, 121)
    }
    value = {
        "archgraph": 1, "name": "wild", "dims": {"H": {"minimum": 500}, "W": {"minimum": 500}},
        "inputs": {"x": {"shape": ["H", "W", 1]}}, "nodes": nodes, "outputs": {name: name for name in nodes},
        "expect": {"macs": "<= 5"},
    }  # fmt: skip
    graph = infer(load_text(json.dumps(value)))
    total = cost(graph)
    assert (total.macs, total.flops, total.training_bytes, total.activation_bytes) == (None, None, None, None)
    assert len(list(rows(graph))) == len(block_rows(graph)) == 120
    assert [one.code for one in findings(json.dumps(value))] == ["AG305"]


# ---- tables


def test_a_row_for_every_primitive() -> None:
    table = list(rows(shaped(NET)))
    assert [(row.path, row.op, row.output, row.parameters, row.macs, row.field) for row in table] == [
        ("c", "conv", (8, 8, 4), 108, 6912, (3, 3)),
        ("c/norm", "batch_norm", (8, 8, 4), 16, 0, (3, 3)),
        ("c/activation", "activation", (8, 8, 4), 0, 0, (3, 3)),
        ("f", "flatten", (256,), 0, 0, (3, 3)),
        ("a", "dense", (10,), 2570, 2560, (8, 8)),
    ]
    assert {row.pointer for row in table} == {"/nodes/c", "/nodes/f", "/nodes/a"}


CELL = block(
    '"d": {"op": "dense", "in": "x", "units": 3}, "a": {"block": "inner", "in": "d"}',
)
INNER = block('"a": {"op": "dense", "in": "x", "units": "=units"}', more='"params": {"units": 3}')
BLOCKS = f'"blocks": {{"cell": {CELL}, "inner": {INNER}}}'


def rolled(nodes: str, depth: int) -> list[tuple[str, int, str, int, int, int]]:
    table = block_rows(shaped(nodes, more=BLOCKS, outputs='{"y": "a"}'), depth)
    return [(row.path, row.level, row.what, row.times, row.total.nodes, row.total.parameters) for row in table]


STAGE = '"s": {"block": "cell", "in": "x", "repeat": 3}, "a": {"block": "inner", "in": "s", "units": 5}'


def test_the_rolled_view_has_one_row_for_each_record() -> None:
    # dense 3 -> 3 has 12 weights, dense 3 -> 5 has 20
    assert rolled(STAGE, 1) == [("s", 0, "cell", 3, 6, 72), ("a", 0, "inner", 1, 1, 20)]


def test_the_rolled_view_opens_blocks_level_by_level() -> None:
    assert rolled(STAGE, 4) == [
        ("s", 0, "cell", 3, 6, 72),
        ("s/0-2", 1, "cell", 3, 6, 72),
        ("s/0-2/d", 2, "dense", 1, 1, 12),
        ("s/0-2/a", 2, "inner", 1, 1, 12),
        ("s/0-2/a/a", 3, "dense", 1, 1, 12),
        ("a", 0, "inner", 1, 1, 20),
        ("a/a", 1, "dense", 1, 1, 20),
    ]


def test_runs_of_unequal_copies_have_rows_of_their_own() -> None:
    nodes = '"a": {"block": "inner", "in": "x", "units": 5, "repeat": 4, "last": {"units": 2}}'
    # 3 -> 5, 5 -> 5 twice, 5 -> 2
    assert rolled(nodes, 2) == [
        ("a", 0, "inner", 4, 4, 20 + 30 + 30 + 12),
        ("a/0", 1, "inner", 1, 1, 20),
        ("a/1-2", 1, "inner", 2, 2, 60),
        ("a/3", 1, "inner", 1, 1, 12),
    ]


def test_shared_weights_are_counted_once_in_every_view() -> None:
    nodes = '"s": {"block": "cell", "in": "x", "repeat": 3, "share": true}, "a": {"reuse": "s", "in": "s"}'
    graph = shaped(nodes, more=BLOCKS)
    assert graph.parameters == 24
    assert sum(row.parameters for row in rows(graph)) == 24
    assert sum(row.total.parameters for row in block_rows(graph)) == 24
    assert cost(graph).families == {"dense and embedding": Share(12, 24, 24, 12 * 9 * 64)}


@pytest.mark.parametrize("depth", [1, 2, 3, 9])
def test_each_level_of_the_rolled_view_adds_up(depth: int) -> None:
    graph = infer(load_text(json.dumps(preactivation_resnet(4))))
    top = [row for row in block_rows(graph, depth) if row.level == 0]
    assert sum(row.total.parameters for row in top) == graph.parameters
    assert sum(row.total.macs for row in top) == graph.macs  # type: ignore[misc]
    assert sum(row.total.nodes for row in top) == graph.count == len(list(rows(graph)))


# ---- a large network


def test_preactivation_resnet_1001_has_the_published_counts() -> None:
    graph = infer(load_text(json.dumps(preactivation_resnet(111))))
    total = cost(graph)
    # pytorchcv 0.0.74 prints 10,327,706 trainable weights; 1,487,849,984 multiply-adds by an independent counter
    assert (total.trainable, total.macs) == (10_327_706, 1_487_849_984)
    assert total.families["convolution"].nodes == 999 + 1 + 3  # three convolutions a unit, the stem, three shortcuts


def test_totals_of_equal_copies_are_reckoned_once() -> None:
    graph = infer(load_text(json.dumps(preactivation_resnet(111))))
    block_rows(graph, 2)
    best = min(_seconds(lambda: block_rows(graph, 2)) for _ in range(5))
    assert best < 0.05


def _seconds(work: object) -> float:
    start = time.process_time()
    work()  # type: ignore[operator]
    return time.process_time() - start
