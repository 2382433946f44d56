"""A plan as text: one line for each operation, loops rolled."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from archgraph.analysis.shaped import INPUT, ShapedGraph, Value
from archgraph.compiler.plan import Loop, Operation, Plan
from archgraph.kinds import shown
from archgraph.vocabulary.base import Layer

INDENT = "  "
IT = "it"
"""What stands for the op that is repeated itself: it has no path below its copy."""


def plan_text(plan: Plan, shaped: ShapedGraph) -> str:
    """The plan of a graph as lines: ``name  Layer(arguments) <- what feeds it``, and then what its outputs are."""
    return "\n".join(_scope(plan, tuple(shaped.inputs), tuple(shaped.outputs), ""))


def layer_text(layer: Layer) -> str:
    """A layer as one would write it in Python, without what is at its default."""
    given = ", ".join(f"{key}={_value(value)}" for key, value in layer.arguments.items() if value is not None)
    return f"{layer.name}({given})"


def _value(value: Any) -> str:
    if isinstance(value, Layer):
        return layer_text(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_value(item)}" for key, item in value.items()) + "}"
    return shown(value)


def _scope(plan: Plan, inputs: tuple[str, ...], outputs: tuple[str, ...], indent: str) -> Iterator[str]:
    def named(value: Value | None) -> str:
        if value is None:
            return "-"
        if value.item == INPUT:
            return inputs[value.port]
        step = plan.steps[value.item]
        return (step.name or IT) + (f".{value.port}" if step.outputs > 1 else "")

    width = max((len(step.name or IT) for step in plan.steps), default=0)
    for step in plan.steps:
        feeds = ", ".join(map(named, step.feeds))
        what = layer_text(step.layer) + _weights(step) if isinstance(step, Operation) else _kind(step)
        yield f"{indent}{step.name or IT:{width}}  {what} <- {feeds}"
        if isinstance(step, Loop):
            yield from _copies(step, tuple(map(named, step.feeds)), indent + INDENT)
    for name, result in zip(outputs, plan.results, strict=False):
        yield f"{indent}-> {name} = {named(result)}"


def _weights(step: Operation) -> str:
    if step.recipe is not None:
        return f" [weights: {step.recipe.text()}]"
    return f" [weights of {step.owner}]" if step.owner and step.leaf.weights else ""


def _kind(loop: Loop) -> str:
    block = loop.call.copies[0].block.name if loop.call.node.kind == "block" else loop.call.node.kind
    owner = f" [weights of {loop.owner}]" if loop.owner else ""
    if loop.scan is not None:
        return f"scan {block}{owner}"
    if not loop.indexed:
        return f"block {block}{owner}"
    return f"{len(loop.copies)} × {block}{' with one set of weights' if loop.share else ''}{owner}"


def _copies(loop: Loop, feeds: tuple[str, ...], indent: str) -> Iterator[str]:
    """The insides of a loop, equal ones once. What a repeated op reads has no names of its own: those of `feeds`."""
    number = 0
    for _, group in groupby(loop.copies, key=id):
        count = len(list(group))
        copy, block = loop.copies[number], loop.call.copies[number].block
        inside = indent
        if loop.indexed:
            yield f"{indent}{number}:" if count == 1 else f"{indent}{number} to {number + count - 1}:"
            inside += INDENT
        own = loop.call.node.kind == "block"
        names = (tuple(block.inputs), tuple(block.outputs)) if own else (feeds, ("output",))
        yield from _scope(copy, *names, inside)
        number += count
