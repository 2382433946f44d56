"""The weights of a compiled graph by the paths of its nodes, whether its repeats were rolled or not."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from archgraph.diagnostics import Diagnostic, GraphError, nearest

RANDOM_STATE = "seed_generator"
"""What the paths of random generators' states hold."""


class Slot(NamedTuple):
    """Where a weight of one node lies: a variable, or one copy's part of a stack."""

    variable: Any
    place: tuple[int, ...] = ()
    """Its number in the stack; in a stack of stacks, both numbers."""

    def value(self) -> np.ndarray:
        """What it holds."""
        held: np.ndarray = np.array(self.variable)[self.place]
        return held

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""
        return tuple(self.variable.shape[len(self.place) :])


def get_weights(model: Any) -> dict[str, np.ndarray]:
    """Every weight of a compiled graph by its node's path and its name (``stage2/0/conv/kernel``).

    The names do not depend on how the graph was compiled, so that weights move between rolled and unrolled models.
    """
    return {path: slot.value() for path, slot in _slots(model).items()}


def set_weights(model: Any, values: Mapping[str, Any]) -> None:
    """Give a compiled graph the weights that `get_weights` read, from it or from the same graph compiled otherwise.

    Raises:
        GraphError: a weight is missing, too many, or of another shape (AG803); then nothing is changed.
    """
    slots = _slots(model)
    found = [_problem(path, slot, values) for path, slot in slots.items()]
    found += [
        f"there is no weight {path!r}; {nearest(path, slots)}".rstrip("; ") for path in values if path not in slots
    ]
    wrong = [complaint for complaint in found if complaint]
    if wrong:
        raise GraphError([Diagnostic("AG803", "", complaint) for complaint in wrong[:20]])
    _fill(slots, values)


def hand_on_states(model: Any, trained: Any) -> None:
    """Let what draws random numbers in `model` go on where the same node of `trained` stands, however both are rolled.

    A node with more random generators, or fewer, than in `trained` keeps its own.
    """
    ours, theirs = (dict(_walk(one, lambda path: path, Slot, _states)) for one in (model, trained))
    nodes = [Counter(path.rpartition("/")[0] for path in slots) for slots in (ours, theirs)]
    same = {node for node, count in nodes[0].items() if nodes[1][node] == count}
    slots = {path: slot for path, slot in ours.items() if path.rpartition("/")[0] in same}
    _fill(slots, {path: theirs[path].value() for path in slots})


def _fill(slots: Mapping[str, Slot], values: Mapping[str, Any]) -> None:
    filled: dict[int, tuple[Any, np.ndarray]] = {}
    for path, slot in slots.items():
        _, array = filled.setdefault(id(slot.variable), (slot.variable, np.array(slot.variable)))
        array[slot.place] = values[path]
    for variable, array in filled.values():
        variable.assign(array)


def _problem(path: str, slot: Slot, values: Mapping[str, Any]) -> str:
    if path not in values:
        return f"the weight {path!r} is missing"
    shape = tuple(np.shape(values[path]))
    return "" if shape == slot.shape else f"the weight {path!r} must be of shape {slot.shape}, got {shape}"


def _slots(model: Any) -> dict[str, Slot]:
    return dict(_walk(model, lambda path: path, Slot, _weights))


Place = Callable[[Any], Slot | None]
Held = Callable[[Any], Iterable[tuple[str, Any]]]


def _weights(layer: Any) -> Iterable[tuple[str, Any]]:
    """The weights of a layer by their names."""
    return ((variable_name(layer, variable), variable) for variable in layer.weights)


def _states(layer: Any) -> Iterable[tuple[str, Any]]:
    """The states of a layer's random generators by their numbers: Keras counts their names on from model to model."""
    states = (variable for variable in layer.variables if RANDOM_STATE in variable.path)
    return ((str(number), variable) for number, variable in enumerate(states))


def _walk(model: Any, named: Callable[[str], str], place: Place, held: Held) -> Iterator[tuple[str, Slot]]:
    """The slots below a model.

    `named` completes the path of a layer; `place` says where one of its variables lies, None if that was said already;
    `held` gives the variables that are asked for.
    """
    for layer in model.layers:
        kind = type(layer).__name__
        if kind == "Scan":
            yield from _walk(layer.body, named, place, held)
        elif kind == "Repeated":
            yield from _rolled(layer, named, place, held)
        else:
            path = named(layer.name.replace(".", "/"))
            for name, variable in held(layer):
                slot = place(variable)
                if slot is not None:
                    yield f"{path}/{name}", slot


def _rolled(layer: Any, named: Callable[[str], str], place: Place, held: Held) -> Iterator[tuple[str, Slot]]:
    stacks = {id(one): (stack, own) for one, stack, own in zip(layer.inner, layer.stacks, layer.stacked, strict=True)}
    first = f"{layer.place}/{layer.start}"
    for number in range(layer.copies):

        def here(path: str, number: int = number) -> str:
            return named(f"{layer.place}/{layer.start + number}{path.removeprefix(first)}")

        def slot(variable: Any, number: int = number) -> Slot | None:
            stack, own = stacks[id(variable)]
            whole = place(stack) if own or number == 0 else None
            return Slot(whole.variable, (*whole.place, number)) if own and whole is not None else whole

        yield from _walk(layer.body, here, slot, held)


def variable_name(layer: Any, variable: Any) -> str:
    """The name of a layer's weight, with those of layers inside it: ``kernel``, ``forward_lstm/lstm_cell/kernel``."""
    path = variable.path.split("/")
    below = path[path.index(layer.name) + 1 :] if layer.name in path else path
    return "/".join(part for part in below if part != layer.name)  # what is wrapped has the name of its wrapper
