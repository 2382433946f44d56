"""The first values of all copies of a block of which one was built: what each would start from, built on its own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np

from archgraph.compiler.filling import Filler

Values = list[np.ndarray]
"""The first values of a layer's variables, in the order of ``layer.variables``."""


Draw = Callable[[str], np.ndarray]
"""The first value of a variable, for a path under which its layer might be made."""


@dataclass(frozen=True)
class Made:
    """A layer that was built, and how it would be built under another path."""

    owner: str
    layer: Any
    fillers: Mapping[str, Filler]
    """What drew its first values, as far as we did."""
    again: Callable[[str], Any]
    """The layer built anew, under the path that is given."""
    seed: Callable[[str], int | None]
    """The seed of what stands at a path; None: Keras draws it."""
    fill_seed: Callable[[str], int]

    def values(self, owner: str) -> Values:
        """What its variables would start from under `owner`."""
        draws = [draw for draw in self._draws if draw is not None]
        if len(draws) == len(self._draws):
            return [draw(owner) for draw in draws]
        return [np.asarray(variable) for variable in self.again(owner).variables]

    @cached_property
    def _draws(self) -> list[Draw | None]:
        return [self._draw(variable) for variable in self.layer.variables]

    def _draw(self, variable: Any) -> Draw | None:
        """How the value follows from the path, where it is known without building the layer again."""
        now = np.array(variable)
        if "seed_generator" in variable.path:
            if now.tolist() != [self.seed(self.owner), 0]:
                return None
            return lambda owner: np.array([self.seed(owner), 0], now.dtype)
        for filler in self.fillers.values():
            for call, numbers in enumerate(filler.kept or ()):
                if numbers.shape == now.shape and np.array_equal(numbers, now):
                    if filler.constant:
                        return lambda owner: now
                    draw = partial(filler.drawn, call, now.shape)
                    return lambda owner: draw(self.fill_seed(owner))
        return None


class Rolled(NamedTuple):
    """A rolled run of copies: for another path, the same of what is inside."""

    owner: str
    layer: Any
    inside: Sequence["Made | Rolled"]
    prefixes: Callable[[str], Sequence[str]]
    """Of each copy, for the path of the repeat."""

    def values(self, owner: str) -> Values:
        """What its stacks would start from under `owner`."""
        values = stacked(self.layer.inner, self.inside, self.prefixes(self.owner)[0], self.prefixes(owner))
        of = {id(stack): value for stack, value in zip(self.layer.stacks, values, strict=True)}
        return [of[id(variable)] for variable in self.layer.variables]


def stacked(variables: Sequence[Any], inside: Sequence[Made | Rolled], first: str, prefixes: Sequence[str]) -> Values:
    """The first values of `variables` in every copy, stacked.

    Args:
        variables: of the model of the block.
        inside: the layers of that model, as they were made for the copy whose path is `first`.
        first: the path under which they were made.
        prefixes: the paths of the copies.
    """
    place = {id(variable): number for number, variable in enumerate(variables)}
    found: list[list[np.ndarray]] = [[] for _ in variables]
    for prefix in prefixes:
        for made in inside:
            values = made.values(prefix + made.owner[len(first) :])
            for variable, value in zip(made.layer.variables, values, strict=True):
                if id(variable) in place:
                    found[place[id(variable)]].append(value)
    return [np.stack(values) for values in found]
