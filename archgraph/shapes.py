"""Static shapes, possibly symbolic, and dtypes. The batch axis is never part of a shape."""

from typing import NamedTuple

from archgraph.diagnostics import Rejected

Dim = int
Shape = tuple[Dim, ...]

DTYPES = ("float32", "float16", "bfloat16", "float64", "int8", "int16", "int32", "int64", "uint8", "bool")


class Tensor(NamedTuple):
    """What is known of a value that flows along an edge."""

    shape: Shape
    dtype: str = "float32"


def show(shape: Shape) -> str:
    """A shape as people write it: ``(28, 28, 1)``, ``(H//2, W, 3)``."""
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"


def need_rank(tensor: Tensor, *ranks: int, what: str = "input") -> None:
    """Reject `tensor` unless it has one of `ranks` axes."""
    if len(tensor.shape) not in ranks:
        wanted = " or ".join(map(str, ranks))
        raise Rejected("AG301", f"the {what} must have {wanted} axes without the batch, got {show(tensor.shape)}")


def prod(shape: Shape) -> Dim:
    """Number of elements."""
    count: Dim = 1
    for dim in shape:
        count = count * dim
    return count
