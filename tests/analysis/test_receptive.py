"""Receptive fields against those of the papers, and against fields counted by hand."""

import json

import pytest

from archgraph.analysis.cost import rows
from archgraph.analysis.receptive import Axis, receptive_fields
from archgraph.shapes import symbol
from tests.analysis.texts import block, shaped


def chain(*records: str) -> str:
    """Records in a row, called n0, n1, … and, the last, a."""
    names = [f"n{number}" for number in range(len(records) - 1)] + ["a"]
    sources = ["x", *names]
    return ",".join(
        f'"{name}": {{{record}, "in": "{source}"}}'
        for name, source, record in zip(names, sources, records, strict=False)
    )


def conv(size: int, strides: int = 1, padding: str = "valid", dilation: int = 1) -> str:
    return (
        f'"op": "conv", "filters": 2, "kernel_size": {size}, "strides": {strides}, "padding": "{padding}",'
        f' "dilation_rate": {dilation}'
    )


POOL = '"op": "max_pool", "pool_size": 2, "strides": 2, "padding": "valid"'

VGG16 = [one for count in (2, 2, 3, 3, 3) for one in [*[conv(3, padding="same")] * count, POOL]]
LENET5 = [conv(5), POOL, conv(5), POOL, conv(5)]
CONTEXT = [conv(3, dilation=dilation, padding="same") for dilation in (1, 1, 2, 4, 8, 16, 1)]
ALEXNET = '"op": "max_pool", "pool_size": 3, "strides": 2, "padding": "valid"'
FCN_ALEXNET = [conv(11, 4), ALEXNET, conv(5), ALEXNET, conv(3), conv(3), conv(3), ALEXNET, conv(6)]


def field(*records: str, size: int = 500) -> Axis:
    graph = shaped(chain(*records), inputs=f'{{"x": {{"shape": [{size}, {size}, 3]}}}}')
    height, width = receptive_fields(graph)["y"]["x"]
    assert height == width
    return height


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        pytest.param(LENET5, (32, 4), id="LeNet-5, C5 (LeCun et al. 1998: it sees the whole 32x32 picture)"),
        pytest.param(VGG16, (212, 32), id="VGG-16, pool5"),
        pytest.param([*VGG16, conv(7)], (404, 32), id="FCN-VGG16, fc6 (Long et al. 2015, table 1)"),
        pytest.param(FCN_ALEXNET, (355, 32), id="FCN-AlexNet, fc6 (Long et al. 2015, table 1)"),
    ],
)
def test_the_fields_of_published_networks(records: list[str], expected: tuple[int, int]) -> None:
    assert field(*records) == expected


def test_the_context_module_of_yu_and_koltun_table_1() -> None:
    assert [field(*CONTEXT[: depth + 1]).extent for depth in range(7)] == [3, 5, 9, 17, 33, 65, 67]


RESNET50 = """
    "stem": {"op": "conv", "in": "x", "filters": 2, "kernel_size": 7, "strides": 2},
    "pool": {"op": "max_pool", "in": "stem", "pool_size": 3, "strides": 2},
    "s1": {"block": "cell", "in": "pool", "repeat": 3},
    "s2": {"block": "cell", "in": "s1", "repeat": 4, "first": {"strides": 2}},
    "s3": {"block": "cell", "in": "s2", "repeat": 6, "first": {"strides": 2}},
    "a": {"block": "cell", "in": "s3", "repeat": 3, "first": {"strides": 2}}"""


@pytest.mark.parametrize(
    ("reduce", "middle", "expected"),
    [
        # stem 7 and pool +4: 11 in steps of 4. Three cells more in each unit, at the step before its 3x3 convolution:
        # +3*8 = 35; +16 +3*16 = 99; +32 +5*32 = 291; +64 +2*64 = 483
        ("=strides", 1, 483),
        # +3*8 = 35; +8 +3*16 = 91; +16 +5*32 = 267; +32 +2*64 = 427
        (1, "=strides", 427),
    ],
)
def test_resnet_50_sees_less_where_strides_come_later(reduce: object, middle: object, expected: int) -> None:
    inner = block(
        f'"r": {{"op": "conv", "in": "x", "filters": 2, "kernel_size": 1, "strides": {json.dumps(reduce)}}},'
        f'"c": {{"op": "conv", "in": "r", "filters": 2, "kernel_size": 3, "strides": {json.dumps(middle)}}},'
        '"p": {"op": "conv", "in": "x", "filters": 2, "kernel_size": 1, "strides": "=strides"},'
        '"a": {"op": "add", "in": ["c", "p"]}',
        more='"params": {"strides": 1}',
    )
    graph = shaped(RESNET50, more=f'"blocks": {{"cell": {inner}}}', inputs='{"x": {"shape": [224, 224, 3]}}')
    assert receptive_fields(graph)["y"]["x"] == ((expected, 32), (expected, 32))


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        # extent + (k - 1) * stride so far
        ([conv(3), conv(3)], (5, 1)),
        ([conv(3, 2), conv(3)], (7, 2)),
        (['"op": "conv", "filters": 2, "kernel_size": 1, "strides": 3'], (1, 3)),
        (['"op": "dense", "units": 3', '"op": "activation", "activation": "relu"'], (1, 1)),
        # twice as large, three cells then cover two
        (['"op": "upsample", "size": 2', conv(3)], (2, "1/2")),
        (['"op": "upsample", "size": 3', conv(2)], (2, "1/3")),
        ([conv(2, 2), '"op": "upsample", "size": 2'], (2, 1)),
        ([conv(3, 2), '"op": "conv_transpose", "filters": 2, "kernel_size": 4, "strides": 2'], (5, 1)),
        (['"op": "global_avg_pool", "keepdims": true'], (500, None)),
        (['"op": "flatten"'], (1, None)),
        (['"op": "flatten"', '"op": "dense", "units": 2'], (500, None)),
        ([conv(3), '"op": "permute", "dims": [2, 1, 3]'], (3, None)),
        ([conv(3), '"op": "permute", "dims": [2, 1, 3]', conv(1)], (3, None)),
        # after rows and columns have changed places, an upper bound
        ([conv(3), '"op": "permute", "dims": [2, 1, 3]', conv(3)], (500, None)),
    ],
)
def test_fields_counted_by_hand(records: list[str], expected: tuple[int, object]) -> None:
    extent, stride = field(*records)
    assert (extent, str(stride)) == (expected[0], str(expected[1]))


def test_axes_are_told_apart() -> None:
    graph = shaped('"a": {"op": "conv", "in": "x", "filters": 2, "kernel_size": [3, 5], "strides": [1, 2]}')
    assert receptive_fields(graph)["y"]["x"] == ((3, 1), (5, 2))


def test_the_widest_branch_counts_where_branches_meet() -> None:
    nodes = (
        '"n": {"op": "conv", "in": "x", "filters": 3, "kernel_size": 7},'
        '"m": {"op": "conv", "in": "x", "filters": 3, "kernel_size": 3},'
        '"a": {"op": "add", "in": ["n", "x", "m"]}'
    )
    assert receptive_fields(shaped(nodes))["y"]["x"][0] == (7, 1)


def test_inputs_are_told_apart() -> None:
    nodes = '"n": {"op": "conv", "in": "x", "filters": 3, "kernel_size": 3},"a": {"op": "concat", "in": ["n", "z"]}'
    graph = shaped(nodes, inputs='{"x": {"shape": [8, 8, 3]}, "z": {"shape": [8, 8, 1]}, "w": {"shape": [8, 8, 1]}}')
    assert receptive_fields(graph) == {"y": {"x": ((3, 1), (3, 1)), "z": ((1, 1), (1, 1))}}


def test_repeats_count_every_copy() -> None:
    nodes = '"a": {"op": "conv", "in": "x", "filters": 3, "kernel_size": 3, "repeat": 100}'
    assert receptive_fields(shaped(nodes))["y"]["x"][0] == (201, 1)
    assert [row.field[0] for row in rows(shaped(nodes))][:4] == [3, 5, 7, 9]


def test_a_whole_input_of_symbolic_size_has_that_size() -> None:
    graph = shaped('"a": {"op": "global_avg_pool", "in": "x"}', inputs='{"x": {"shape": ["H", 8, 3]}}')
    assert receptive_fields(graph)["y"]["x"] == ((symbol("H"), None), (8, None))


def test_strides_beyond_reason_are_taken_as_everything() -> None:
    nodes = '"a": {"op": "conv", "in": "x", "filters": 3, "kernel_size": 3, "strides": 2, "repeat": 5000}'
    assert receptive_fields(shaped(nodes))["y"]["x"][0] == (8, None)
