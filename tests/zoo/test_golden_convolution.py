"""Sizes, receptive fields and masks of convolutions as compiled, against the papers' and those worked out by hand."""

from typing import Any

import numpy as np
import pytest

from archgraph.analysis import infer
from archgraph.analysis.receptive import node_fields
from archgraph.document.load import load_graph
from tests.zoo.golden import analysed, compiled, single, told, weigh
from tests.zoo.test_classifiers import EXAMPLES

# ---- sizes: input, kernel, stride, padding, output


SIZES = [
    ("conv", 227, 11, 4, "valid", 55),
    ("conv", 224, 11, 4, 2, 55),
    ("conv", 224, 7, 2, 3, 112),
    ("conv", 224, 7, 2, "same", 112),
    ("max_pool", 112, 3, 2, 1, 56),
    ("max_pool", 112, 3, 2, "valid", 55),
    ("conv", 572, 3, 1, "valid", 570),
    ("conv", 299, 3, 2, "valid", 149),
    ("conv", 60, 7, 1, "valid", 54),
    ("avg_pool", 54, 2, 2, "valid", 27),
    ("conv", 27, 6, 1, "valid", 22),
    # n·s and (n - 1)·s + k
    ("conv_transpose", 28, 2, 2, "same", 56),
    ("conv_transpose", 7, 5, 3, "same", 21),
    ("conv_transpose", 16, 64, 32, "valid", 544),
    ("conv_transpose", 22, 4, 2, "valid", 46),
]


@pytest.mark.parametrize(("op", "size", "window", "strides", "padding", "expected"), SIZES)
def test_a_window_leaves_the_size_of_its_formula(
    op: str, size: int, window: int, strides: int, padding: Any, expected: int
) -> None:
    record = {"pool_size": window} if "pool" in op else {"kernel_size": window, "filters": 1}
    settings = {"op": op, "in": "x", "strides": strides, "padding": padding, **record}
    graph = analysed({"y": settings}, {"y": "y"}, x=[size, size, 1])
    assert graph.outputs["y"].shape == (expected, expected, 1)
    assert compiled({"y": settings}, {"y": "y"}, x=[size, size, 1]).output_shape == (None, expected, expected, 1)


def test_dilation_spreads_the_kernel() -> None:
    # floor((n - ((k - 1)·d + 1))/s) + 1: Yu & Koltun 2016, front end, fc6
    record = {"op": "conv", "in": "x", "filters": 1, "kernel_size": 7, "dilation_rate": 4, "padding": "valid"}
    assert compiled({"y": record}, {"y": "y"}, x=[90, 90, 1]).output_shape == (None, 66, 66, 1)


def test_same_padding_and_padding_of_one_agree_in_size_and_not_in_numbers() -> None:
    # TensorFlow pads 0 before and 1 after an even size, Caffe and PyTorch 1 before and 1 after, of which 0 is used
    picture = np.arange(16).reshape(4, 4, 1)
    found = {}
    for padding in ("same", 1):
        model = single(picture, op="conv", filters=1, kernel_size=3, strides=2, padding=padding, use_bias=False)
        weigh(model, "y", np.ones((3, 3, 1, 1)))
        found[padding] = told(model, picture)[..., 0].tolist()
    # sums of rows and columns 0..2 and 2..3 of 0..15; of 0..1 and 1..3
    assert found == {"same": [[45, 39], [66, 50]], 1: [[10, 24], [51, 90]]}


# ---- receptive fields: extent and stride


FIELDS = [
    # Long et al. 2015, table 1, prints 404 for FCN-VGG16, and 355 for FCN-AlexNet
    ("vgg#D", {"pool5": (212, 32)}),
    ("fcn", {"fc6": (404, 32), "score": (404, 32)}),
    ("fcn_alexnet", {"fc6": (355, 32), "score": (355, 32)}),
    # LeCun et al. 1998: C5 sees the picture
    ("lenet5", {"c5": (32, 4)}),
    # Yu & Koltun 2016, table 1
    ("dilated_context", {f"layer{number}/conv": (extent, 1)
                         for number, extent in enumerate((3, 5, 9, 17, 33, 65, 67), 1)} | {"layer8": (67, 1)}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "fields"), FIELDS, ids=[name for name, _ in FIELDS])
def test_a_cell_sees_as_far_as_published(name: str, fields: dict[str, tuple[int, int]]) -> None:
    file, mark, variant = name.partition("#")
    graph = infer(load_graph(f"{EXAMPLES / file}.graph.json{mark}{variant}"))
    seen = {node.path: field for node, field in zip(graph.walk(), node_fields(graph), strict=True)}
    axes = {path: next(iter(seen[path].values())) for path in fields}
    assert {path: (axis[0].extent, axis[0].stride) for path, axis in axes.items()} == fields


def test_what_a_cell_sees_is_what_reaches_it() -> None:
    # the context module with kernels of ones: light 33 cells away reaches the middle, 34 away it does not
    records = {
        f"n{place}": {"op": "conv", "in": f"n{place - 1}" if place else "x", "filters": 1, "kernel_size": 3,
                      "dilation_rate": rate, "use_bias": False}
        for place, rate in enumerate((1, 1, 2, 4, 8, 16, 1))
    }  # fmt: skip
    model = compiled(records, {"y": "n6"}, x=[101, 101, 1])
    model.set_weights([np.ones(weight.shape) for weight in model.get_weights()])
    picture = np.zeros((101, 101, 1))
    picture[50, 50] = 1
    lit = np.flatnonzero(told(model, picture)[:, 50, 0] > 0.5)
    assert (lit.min(), lit.max()) == (50 - 33, 50 + 33)


# ---- the masks of PixelCNN (van den Oord et al. 2016, section 3.4)


def mask(size: int, kind: str) -> list[list[int]]:
    """What the middle cell sees: its answers to a picture with one cell lit, kernel of ones."""
    model = single(np.zeros((size, size, 1)), op="masked_conv", filters=1, kernel_size=size, mask_type=kind)
    weigh(model, "y", np.ones((size, size, 1, 1)), [0])
    lit = np.eye(size * size, dtype="float32").reshape(-1, size, size, 1)
    return model.predict_on_batch(lit)[:, size // 2, size // 2, 0].reshape(size, size).astype(int).tolist()


def test_the_masks_show_what_was_drawn_before() -> None:
    assert mask(3, "A") == [[1, 1, 1], [1, 0, 0], [0, 0, 0]]
    assert mask(3, "B") == [[1, 1, 1], [1, 1, 0], [0, 0, 0]]
    assert (np.sum(mask(7, "A")), np.sum(mask(7, "B"))) == (24, 25)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("A", [[0, 0, 0], [1, 0, 0], [1, 1, 0]]), ("B", [[1, 0, 0], [1, 1, 0], [1, 1, 1]])],
)
def test_colours_of_one_pixel_come_one_after_the_other(kind: str, expected: list[list[int]]) -> None:
    model = single([[[0, 0, 0]]], op="masked_conv", filters=3, kernel_size=1, mask_type=kind, colors=3)
    weigh(model, "y", np.ones((1, 1, 3, 3)), np.zeros(3))
    lit = np.eye(3, dtype="float32").reshape(3, 1, 1, 3)
    # rows: red, green and blue that come out; columns: those that go in
    assert model.predict_on_batch(lit)[:, 0, 0].T.astype(int).tolist() == expected


@pytest.mark.parametrize(("kinds", "itself"), [("AB", False), ("BB", True), ("ABB", False)])
def test_a_lit_pixel_changes_only_what_is_drawn_after_it(kinds: str, itself: bool) -> None:
    nodes = {
        f"n{place}": {"op": "masked_conv", "in": f"n{place - 1}" if place else "x", "filters": 1, "kernel_size": 3,
                      "mask_type": kind}
        for place, kind in enumerate(kinds)
    }  # fmt: skip
    model = compiled(nodes, {"y": f"n{len(kinds) - 1}"}, x=[5, 5, 1])
    model.set_weights([np.ones(weight.shape) for weight in model.get_weights()])
    dark = told(model, np.zeros((5, 5, 1))).reshape(-1)
    for place in range(25):
        picture = np.zeros((5, 5, 1))
        picture.reshape(-1)[place] = 1
        changed = np.flatnonzero(told(model, picture).reshape(-1) != dark)
        assert changed.min(initial=25) >= place + (not itself)
        assert (place in changed) is itself
