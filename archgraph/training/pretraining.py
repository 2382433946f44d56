"""Greedy layer-wise pre-training as a record, and the layers of a graph that it can be done to. Never imports Keras."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from archgraph.analysis.shaped import FlatNode, ShapedGraph
from archgraph.diagnostics import Rejected
from archgraph.kinds import Choice, Flag, FrozenMap, Integer, Kind, Number, optional
from archgraph.record import Record, param, record
from archgraph.training.data.base import Column
from archgraph.training.data.dataset import Binding

if TYPE_CHECKING:
    from archgraph.training.experiment import Experiment

_SHAPES = frozenset({"flatten", "reshape", "permute"})
_POOLS = frozenset({"max_pool", "avg_pool", "global_max_pool", "global_avg_pool"})
_DROPS = frozenset({
    "dropout", "spatial_dropout", "gaussian_dropout", "alpha_dropout", "gaussian_noise", "masking_noise",
})  # fmt: skip
_NORMS = frozenset({"batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm"})
_PASSED = _SHAPES | _POOLS | _DROPS
"""Operations between layers that a chain may hold."""
_BOUNDED = frozenset({"sigmoid", "softmax", "hard_sigmoid"})
"""Activations that give numbers from 0 to 1."""


@record
class Pretraining(Record):
    """Before training, each layer in turn learns to rebuild what feeds it, and then stays so until training begins.

    An auto-encoder for each layer, of the layer and a decoder that is thrown away (Hinton & Salakhutdinov 2006;
    Bengio et al. 2007). With `corruption` it must rebuild what was clean from what is damaged (Vincent et al. 2008).
    """

    epochs: int = param(Integer(1, 1_000_000), "How often each layer goes through the training samples.")
    layers: int | None = param(
        optional(Integer(1, 10_000)), "How many layers, from the input on. Default: all but the last.", default=None
    )
    learning_rate: float = param(Number(above=0, maximum=1000), "Step size of Adam.", default=0.001)
    corruption: float = param(
        Number(0, below=1), "Share of the numbers that are set to 0 before a layer sees them.", default=0.0
    )
    reconstruction: str = param(
        Choice("mean_squared_error", "binary_crossentropy"),
        "How far off a reconstruction is; the latter takes numbers from 0 to 1, as sigmoid layers give them.",
        default="mean_squared_error",
    )
    tied: bool = param(Flag(), "The decoder uses the layer's own kernel, transposed.", default=True)
    unroll: bool = param(
        Flag(),
        "For auto-encoders: the first half is pre-trained, and the decoders become the second half, mirrored.",
        default=False,
    )


class Stack(NamedTuple):
    """A layer that can be pre-trained, with what belongs to it."""

    path: str
    parts: tuple[str, ...]
    """Paths of the layer, its normalisation and its activation, in order."""
    units: int
    activation: str
    """The function that its output ends in; empty: none."""


def stacks(shaped: ShapedGraph) -> tuple[Stack, ...]:
    """The dense and convolutional layers that follow each other from the input on, the last one included."""
    nodes = list(shaped.walk())
    readers: dict[str, list[FlatNode]] = {}
    for node in nodes:
        for feed in node.feeds:
            if feed is not None:
                readers.setdefault(feed.path, []).append(node)
    found: list[Stack] = []
    path = next(iter(shaped.inputs)) if len(shaped.inputs) == 1 else ""
    while len(readers.get(path, ())) == 1:
        node = readers[path][0]
        taken = _taken(found, node)
        if taken is None:
            break
        found, path = taken, node.path
    return tuple(found)


def _taken(found: list[Stack], node: FlatNode) -> list[Stack] | None:
    """The stacks with one more node; None where the chain ends before it."""
    op = node.leaf.primitive.op
    if node.owner != node.path or len(node.feeds) != 1 or node.steps != 1:
        return None
    if op in _PASSED:
        return found
    if found and (op == "activation" or op in _NORMS):
        last = found[-1]
        function = str(getattr(node.leaf.primitive, "activation", "")) if op == "activation" else last.activation
        return [*found[:-1], last._replace(parts=(*last.parts, node.path), activation=function)]
    if _learnable(node):
        units = node.leaf.outputs[0].shape[-1]
        return [*found, Stack(node.path, (node.path,), units if isinstance(units, int) else 0, "")]
    return None


def _learnable(node: FlatNode) -> bool:
    """Whether a decoder can rebuild what feeds the layer: dense, or a convolution that keeps the size."""
    primitive = node.leaf.primitive
    if getattr(primitive, "spectral_norm", False) or getattr(primitive, "equalized", False):
        return False
    if primitive.op == "dense":
        return True
    if primitive.op != "conv" or getattr(primitive, "connections", None) is not None:
        return False
    options = (getattr(primitive, name) for name in ("strides", "dilation_rate", "groups"))
    plain = all(set(np.atleast_1d(value)) == {1} for value in options)
    return plain and getattr(primitive, "padding", "") in ("same", "valid")


def chosen(pretraining: Pretraining, shaped: ShapedGraph) -> tuple[Stack, ...]:
    """The layers that are pre-trained."""
    every = stacks(shaped)
    if pretraining.unroll:
        return every[: len(every) // 2]
    return every[: len(every) - 1 if pretraining.layers is None else pretraining.layers]


def misfits(
    experiment: "Experiment", networks: Mapping[str, ShapedGraph], binding: Binding, columns: Mapping[str, Column]
) -> Iterator[Rejected]:
    """Every complaint about pre-training, its field below the experiment."""
    pretraining = experiment.pretraining
    if pretraining is None:
        return
    at = "/pretraining"
    if len(networks) > 1:
        yield Rejected("AG210", "pre-training is for objectives of one graph", hint="leave it out", field=at)
        return
    if experiment.hardware.spread:
        yield Rejected("AG210", "pre-training is done on one device", hint="leave out one of the two", field=at)
        return
    (shaped,) = networks.values()
    every = stacks(shaped)
    if len(every) < 2:
        hint = "it begins at the only input, and ends before a branch, a stride or another kind of layer"
        complaint = f"needs at least two dense or convolutional layers one after another, got {len(every)}"
        yield Rejected("AG701", complaint, hint=hint, field=at)
        return
    if pretraining.layers is not None and pretraining.layers >= len(every):
        complaint = f"must be at most {len(every) - 1}: the last layer is not pre-trained, got {pretraining.layers}"
        yield Rejected("AG701", complaint, field=f"{at}/layers")
    if pretraining.unroll:
        yield from _mirrored(shaped, every, at)
    if pretraining.reconstruction == "binary_crossentropy":
        yield from _bounded(chosen(pretraining, shaped), binding, columns, at)


def _mirrored(shaped: ShapedGraph, every: tuple[Stack, ...], at: str) -> Iterator[Rejected]:
    weights = {node.path: node.leaf.weights[0].shape for node in shaped.walk() if node.leaf.weights}
    for one, other in zip(every[: len(every) // 2], reversed(every), strict=False):
        if len(every) % 2 or len(weights[one.path]) != 2 or weights[one.path] != weights[other.path][::-1]:
            complaint = f"the layers {one.path!r} and {other.path!r} do not mirror each other"
            hint = "unroll is for auto-encoders of dense layers whose second half is the first in reverse"
            yield Rejected("AG701", complaint, hint=hint, field=f"{at}/unroll")
            return


def _bounded(layers: tuple[Stack, ...], binding: Binding, columns: Mapping[str, Column], at: str) -> Iterator[Rejected]:
    hint = 'set "reconstruction": "mean_squared_error"'
    (column,) = binding.fed
    values = columns[column].values
    if values.size and not 0 <= float(values.min()) <= float(values.max()) <= 1:
        low, high = float(values.min()), float(values.max())
        complaint = f"binary_crossentropy needs inputs from 0 to 1, but {column!r} goes from {low:g} to {high:g}"
        yield Rejected("AG701", complaint, hint=hint, field=f"{at}/reconstruction")
    for one in layers[:-1]:
        if one.activation not in _BOUNDED:
            ends = f"ends in {one.activation}" if one.activation else "has no activation"
            complaint = f"binary_crossentropy needs layers that give numbers from 0 to 1, but {one.path!r} {ends}"
            yield Rejected("AG701", complaint, hint=hint, field=f"{at}/reconstruction")
            return


class _Options(Kind):
    """The record, from an object."""

    def parse(self, value: Any, open: bool) -> Any:
        """`value`, checked."""
        if not isinstance(value, Mapping):
            raise self.wrong(value)
        taken, found = Pretraining.check(value)
        if found:
            raise found[0]
        return FrozenMap(taken)

    def rule(self, open: bool) -> dict[str, Any]:
        """JSON Schema."""
        return Pretraining.schema()

    def make(self, value: Mapping[str, Any]) -> Pretraining:
        """The record that a checked value stands for."""
        return Pretraining.make(value)

    def __str__(self) -> str:
        return '{"epochs": …, …}'


PRETRAINING = _Options()
