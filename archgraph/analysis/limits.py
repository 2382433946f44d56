"""Budgets of the walk over a graph, and how it ends when one is exceeded."""

from typing import NamedTuple

from archgraph.diagnostics import Rejected


class Limits(NamedTuple):
    """Budgets, checked with integer arithmetic before anything is built."""

    nodes: int = 20_000
    """Primitives after expansion."""
    parameters: int = 10_000_000_000
    """Numbers in all weights."""
    elements: int = 2**31 - 1
    """Numbers in one tensor of one sample."""
    depth: int = 64
    """Blocks inside blocks."""


class TooLarge(Exception):  # noqa: N818 - it ends the walk, it is not an error of the program
    """A budget is exceeded: nothing more is looked at."""

    def __init__(self, rejected: Rejected) -> None:
        super().__init__(str(rejected))
        self.rejected = rejected
