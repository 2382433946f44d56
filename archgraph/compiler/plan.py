"""What is to be built, as data: layers in scopes, repeats still rolled. Passes rewrite it, the emitter builds it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from archgraph.analysis.shaped import Call, Leaf, Scope, Value
from archgraph.vocabulary.base import Layer


class Operation(NamedTuple):
    """One Keras layer at work. `name` is its path below the scope."""

    name: str
    layer: Layer
    feeds: tuple[Value | None, ...]
    outputs: int
    owner: str
    leaf: Leaf


@dataclass(frozen=True, eq=False)
class Loop:
    """A chain of scopes, each fed by the one before; equal copies are one object, so a pass sees each body once."""

    name: str
    feeds: tuple[Value, ...]
    copies: tuple["Plan", ...]
    carry: int
    indexed: bool
    share: bool
    owner: str
    outputs: int


@dataclass(frozen=True, eq=False)
class Plan:
    """The inside of a scope: operations and loops, each after what feeds it, and the values that leave it."""

    steps: tuple[Operation | Loop, ...]
    results: tuple[Value, ...]


@dataclass(frozen=True)
class Pass:
    """A named rewriting of one scope's own operations. The driver applies it to every distinct scope once."""

    name: str
    doc: str
    rewrite: Callable[[Plan], Plan] = field(compare=False)


def lowered(scope: Scope) -> Plan:
    """The plan that mirrors a shaped scope, one layer for each primitive."""
    return _lowered(scope, {})


def _lowered(scope: Scope, memo: dict[Scope, Plan]) -> Plan:
    if scope not in memo:
        steps = tuple(_operation(item) if isinstance(item, Leaf) else _loop(item, memo) for item in scope.items)
        memo[scope] = Plan(steps, scope.results)
    return memo[scope]


def _operation(leaf: Leaf) -> Operation:
    layer = leaf.primitive.lower(*leaf.inputs)
    return Operation(leaf.name, layer, leaf.feeds, len(leaf.outputs), leaf.owner, leaf)


def _loop(call: Call, memo: dict[Scope, Plan]) -> Loop:
    copies = tuple(_lowered(copy, memo) for copy in call.copies)
    return Loop(call.name, call.feeds, copies, call.carry, call.indexed, call.share, call.owner, len(call.outputs))


def run(passes: tuple[Pass, ...], plan: Plan) -> Plan:
    """`plan` after every pass, in order, innermost scopes first."""
    for each in passes:
        plan = _applied(each, plan, {})
    return plan


def _applied(each: Pass, plan: Plan, memo: dict[Plan, Plan]) -> Plan:
    if plan not in memo:
        steps = tuple(_inside(each, step, memo) for step in plan.steps)
        memo[plan] = each.rewrite(Plan(steps, plan.results))
    return memo[plan]


def _inside(each: Pass, step: Operation | Loop, memo: dict[Plan, Plan]) -> Operation | Loop:
    if isinstance(step, Operation):
        return step
    copies = tuple(_applied(each, copy, memo) for copy in step.copies)
    return Loop(step.name, step.feeds, copies, step.carry, step.indexed, step.share, step.owner, step.outputs)
