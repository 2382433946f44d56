"""Checks that objectives with losses of their own share: what the graph has, what it ends in, what is set in vain."""

from collections.abc import Iterator, Mapping
from typing import Any

from archgraph.analysis.shaped import ShapedGraph
from archgraph.diagnostics import Rejected, nearest
from archgraph.shapes import Dim, Tensor, show
from archgraph.sizes import substitute
from archgraph.training.fit import Fit, last_function, misfed, unmeasured

_OF_SUPERVISED: Mapping[str, Any] = {"metrics": (), "loss_weights": None, "class_weights": None}
"""Settings that only the objective supervised reads, with their defaults."""


def set_in_vain(fit: Fit, *also: str) -> Iterator[Rejected]:
    """Settings that the objective would not read, and monitors of what it does not measure."""
    objective = fit.experiment.objective
    for name in (*_OF_SUPERVISED, *also):
        if getattr(fit.experiment.settings, name) != _OF_SUPERVISED.get(name):
            complaint = f"the objective {objective.name} measures and weighs by itself"
            yield Rejected("AG701", complaint, hint=f'leave out "{name}"', field=f"/{name}")
    yield from unmeasured(fit, objective.quantities(fit))


def fed(fit: Fit, *graphs: ShapedGraph) -> tuple[list[Rejected], dict[str, Dim]]:
    """Complaints about the columns that feed the graphs, and what the data says of symbolic sizes."""
    sizes: dict[str, Dim] = {}
    return [wrong for shaped in graphs for wrong in misfed(fit, shaped, sizes)], sizes


def validated(fit: Fit, names: tuple[str, ...], more: tuple[str, ...] = ()) -> tuple[str, ...]:
    """`names`, and those of the validation (with `more`), where there is one."""
    if not fit.experiment.settings.validation:
        return names
    return (*names, *(f"val_{name}" for name in (*names, *more)))


def need_output(shaped: ShapedGraph, name: str, field: str) -> Tensor:
    """The output of that name. Raises `Rejected`: the graph has none."""
    if name not in shaped.outputs:
        hint = nearest(name, shaped.outputs) or "it has: " + ", ".join(shaped.outputs)
        raise Rejected("AG701", f"the graph {shaped.name} has no output {name!r}", hint=hint, field=field)
    return shaped.outputs[name]


def need_input(shaped: ShapedGraph, name: str, field: str) -> Tensor:
    """The input of that name. Raises `Rejected`: the graph has none."""
    if name not in shaped.inputs:
        hint = nearest(name, shaped.inputs) or "it has: " + ", ".join(shaped.inputs)
        raise Rejected("AG701", f"the graph {shaped.name} has no input {name!r}", hint=hint, field=field)
    return shaped.inputs[name]


def need_shape(what: str, given: Tensor, wanted: tuple[Dim, ...], sizes: Mapping[str, Dim], why: str) -> None:
    """Raises `Rejected`: `what` has another shape than it needs."""
    shape = tuple(substitute(dim, sizes) for dim in given.shape)
    needed = tuple(substitute(dim, sizes) for dim in wanted)
    if shape != needed:
        complaint = f"{what} has the shape {show(shape)}, but {why} needs {show(needed)}"
        raise Rejected("AG701", complaint, field="/objective")


def ending(shaped: ShapedGraph, output: str, *accepted: str) -> str:
    """The function that an output ends in, empty for none, where it is clear. Raises `Rejected`: not an accepted one.

    Where it is not clear, the first that is accepted.
    """
    found = last_function(shaped, output)
    if found is None:
        return accepted[0]
    function, node = found
    if function not in accepted:
        ends = f"{function} at node {node!r}" if function else f"node {node!r} without an activation"
        wanted = " or ".join(f'"activation": "{name}"' if name else "no activation" for name in accepted)
        complaint = f"the output {output!r} of {shaped.name} ends in {ends}"
        raise Rejected("AG701", complaint, hint=f"end in {wanted}", field="/objective")
    return function


def gathered(*checks: Any) -> Iterator[Rejected]:
    """What checks, called in turn, complain of; those after a complaint are not asked."""
    for check in checks:
        try:
            check()
        except Rejected as rejected:
            yield rejected
            return
