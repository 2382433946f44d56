"""A block applied step by step: the tensors of one step, those of the whole sequence, and what is carried between."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from archgraph.analysis.resolve import Environment, ReadDim, dim_reader, resolved
from archgraph.analysis.shaped import Scanned, Scope
from archgraph.diagnostics import Rejected, nearest
from archgraph.graph import Block, Scan
from archgraph.shapes import Dim, Tensor, equal, need_equal, show


class Sequences(NamedTuple):
    """What a scan is fed, looked at as one step sees it."""

    over: tuple[int, ...]
    steps: Dim
    tensors: tuple[Tensor | None, ...]
    """Each input of the block at one step; None for a state that is not fed."""

    def dim(self, block: Block) -> ReadDim:
        """The ``dim`` function of a step, for what is known before the states are."""
        known = [(name, x) for name, x in zip(block.inputs, self.tensors, strict=True) if x is not None]
        return dim_reader([name for name, _ in known], [tensor for _, tensor in known])


def cut(block: Block, scan: Scan, fed: Sequence[Tensor | None]) -> Sequences:
    """The inputs of `block` at one step.

    Raises:
        Rejected: `scan` names no input, or a state, or inputs of unequal length or without an axis to cut along.
    """
    over = tuple(_port(block, name, position, len(scan.over)) for position, name in enumerate(scan.over))
    tensors = list(fed)
    steps: Dim | None = None
    for port in over:
        tensor = fed[port]
        if tensor is None:
            raise Rejected("AG403", f"block {block.name!r} needs the input {block.inputs[port]!r}", field="/in")
        if not tensor.shape:
            complaint = f"{block.inputs[port]!r} has no axis to go along, its shape is {show(tensor.shape)}"
            raise Rejected("AG301", complaint, field="/in")
        if steps is not None:
            need_equal(steps, tensor.shape[0], "the lengths of the sequences that are scanned")
        steps = tensor.shape[0]
        tensors[port] = Tensor(tensor.shape[1:], tensor.dtype)
    assert steps is not None, "the form wants at least one"
    return Sequences(over, steps, tuple(tensors))


def _port(block: Block, name: str, position: int, count: int) -> int:
    place = "/scan" if count == 1 else f"/scan/{position}"
    if name not in block.inputs:
        complaint = f"{name!r} is not an input of block {block.name!r}; its inputs: {', '.join(block.inputs)}"
        raise Rejected("AG403", complaint, hint=nearest(name, block.inputs), field=place)
    if name in block.states:
        complaint = f"{name!r} is a state of block {block.name!r}: it is carried from step to step, not cut"
        raise Rejected("AG403", complaint, hint="name the inputs that are sequences", field=place)
    return block.inputs.index(name)


def starting(block: Block, tensors: Sequence[Tensor | None], values: Environment, dim: ReadDim) -> tuple[Tensor, ...]:
    """The inputs of a step with the zeros that states start from, where nothing feeds them."""
    return tuple(
        _zeros(block, name, values, dim) if tensor is None else tensor
        for name, tensor in zip(block.inputs, tensors, strict=True)
    )


def _zeros(block: Block, name: str, values: Environment, dim: ReadDim) -> Tensor:
    state = block.states[name]
    shape = tuple(_size(resolved(size, values, dim), name) for size in state.shape or ())
    return Tensor(shape, state.dtype)


def _size(size: Any, name: str) -> int:
    if isinstance(size, float) and size.is_integer():
        size = int(size)
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        hint = "feed the state, or give its shape in numbers"
        raise Rejected(
            "AG302", f"the shape of the state {name!r} must be of known, positive sizes, got {size}", hint=hint
        )
    return size


def carried(block: Block, scope: Scope) -> tuple[tuple[int, int], ...]:
    """Each state's input and the result that follows it; a state must come back as it went in.

    Raises:
        Rejected: it does not.
    """
    results = list(block.outputs)
    states = tuple((block.inputs.index(name), results.index(name)) for name in block.states)
    for port, result in states:
        before, after = scope.inputs[port], scope.outputs[result]
        name = block.inputs[port]
        alike = len(before.shape) == len(after.shape) and all(
            equal(one, other) for one, other in zip(before.shape, after.shape, strict=True)
        )
        if not alike:
            complaint = f"the state {name!r} starts as {show(before.shape)} and is {show(after.shape)} after a step"
            raise Rejected("AG303", complaint, hint="a state keeps its shape from step to step", field="/in")
        if before.dtype != after.dtype:
            complaint = f"the state {name!r} starts as {before.dtype} and is {after.dtype} after a step"
            raise Rejected("AG306", complaint, hint="a state keeps its dtype from step to step", field="/in")
    return states


def stacked(block: Block, scope: Scope, scanned: Scanned) -> tuple[Tensor, ...]:
    """What leaves a scan: outputs along the steps, or of the last one; states as they are after it."""
    along = (scanned.steps,) if scanned.return_sequences else ()
    return tuple(
        tensor if name in block.states else Tensor((*along, *tensor.shape), tensor.dtype)
        for name, tensor in zip(block.outputs, scope.outputs, strict=True)
    )
