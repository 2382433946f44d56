"""What is to be built, as data: layers in scopes, repeats still rolled. Passes rewrite it, the emitter builds it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from archgraph.analysis.shaped import INPUT, Call, Leaf, Scanned, Scope, Value, join
from archgraph.compiler.recipes import Recipe
from archgraph.graph import Block
from archgraph.vocabulary.base import Layer


class Operation(NamedTuple):
    """One Keras layer at work. `name` is its path below the scope."""

    name: str
    layer: Layer
    feeds: tuple[Value | None, ...]
    outputs: int
    owner: str
    leaf: Leaf
    block: Block
    """The block (or main graph) whose record it comes from."""
    recipe: Recipe | None = None
    """How its weights follow from those that the graph was trained with; None: they are the same."""


@dataclass(frozen=True, eq=False)
class Loop:
    """A chain of scopes, each fed by the one before; equal copies are one object, so a pass sees each body once."""

    name: str
    feeds: tuple[Value | None, ...]
    copies: tuple["Plan", ...]
    carry: int
    indexed: bool
    share: bool
    owner: str
    outputs: int
    call: Call

    @property
    def scan(self) -> Scanned | None:
        """How its one copy is applied step by step, if it is."""
        return self.call.scan


@dataclass(frozen=True, eq=False)
class Plan:
    """The inside of a scope: operations and loops, each after what feeds it, and the values that leave it."""

    steps: tuple[Operation | Loop, ...]
    results: tuple[Value, ...]
    shared: bool = False
    """Whether its weights are applied from elsewhere too: then its layers are not only its own to change."""
    mixed: bool = False
    """Whether they are applied in several ways: to other shapes, or with random numbers of each place's own."""

    def replaced(self, steps: Iterable[Operation | Loop], results: tuple[Value, ...] | None = None) -> "Plan":
        """The same plan with other steps, and perhaps other results."""
        return replace(self, steps=tuple(steps), results=self.results if results is None else results)


class Condition(NamedTuple):
    """What holds for the plan of every scope before or after a pass."""

    name: str
    broken: Callable[[Plan], str | None]
    """What contradicts it among a scope's own operations; None: it holds."""


class PassError(Exception):
    """A pass was run where it must not be, or has broken what it promised: a defect of archgraph."""


@dataclass(frozen=True)
class Pass:
    """A named rewriting of one scope's own operations. The driver applies it to every distinct scope once."""

    name: str
    doc: str
    rewrite: Callable[[Plan], Plan] = field(compare=False)
    requires: tuple[Condition, ...] = ()
    """What must hold before it, or it does not do what it says."""
    ensures: tuple[Condition, ...] = ()
    """What holds after it."""


def lowered(scope: Scope) -> Plan:
    """The plan that mirrors a shaped scope, one layer for each primitive."""
    return _Lowering().plan(scope, shared=False, mixed=False)


class _Lowering:
    """One walk over the distinct scopes of a graph."""

    def __init__(self) -> None:
        self.plans: dict[tuple[Scope, bool, bool], Plan] = {}
        self.drawing: dict[Scope, bool] = {}

    def plan(self, scope: Scope, *, shared: bool, mixed: bool) -> Plan:
        """The plan of a scope, one for all its equal copies."""
        key = (scope, shared, mixed)
        if key not in self.plans:
            steps = tuple(
                _operation(item, scope.block) if isinstance(item, Leaf) else self.loop(item, scope, shared, mixed)
                for item in scope.items
            )
            self.plans[key] = Plan(steps, scope.results, shared, mixed)
        return self.plans[key]

    def loop(self, call: Call, scope: Scope, shared: bool, mixed: bool) -> Loop:
        """A call in `scope`, and whether what is inside is applied elsewhere too."""
        held = call.owner or call.name
        users = [item for item in scope.items if isinstance(item, Call) and (item.owner or item.name) == held]
        again = call.share or bool(call.owner) or len(users) > 1
        mixed = mixed or (again and not self.alike(users))
        copies = tuple(self.plan(copy, shared=shared or again, mixed=mixed) for copy in call.copies)
        return Loop(
            call.name, call.feeds, copies, call.carry, call.indexed, call.share, call.owner, len(call.outputs), call
        )

    def alike(self, users: list[Call]) -> bool:
        """Whether calls that apply the same weights do the same with them."""
        first = users[0].copies
        one = not users[0].share or len(set(first)) < 2
        return one and all(user.copies == first for user in users) and not any(map(self.draws, set(first)))

    def draws(self, scope: Scope) -> bool:
        """Whether something without weights draws random numbers: each place that applies it has numbers of its own."""
        if scope not in self.drawing:
            self.drawing[scope] = any(
                item.primitive.stochastic and not item.weights
                if isinstance(item, Leaf)
                else any(map(self.draws, set(item.copies)))
                for item in scope.items
            )
        return self.drawing[scope]


def _operation(leaf: Leaf, block: Block) -> Operation:
    layer = leaf.primitive.lower(*leaf.inputs)
    return Operation(leaf.name, layer, leaf.feeds, len(leaf.outputs), leaf.owner, leaf, block)


def place(loop: Loop, number: int) -> str:
    """What a copy of a loop adds to the loop's path."""
    return f"/{number}" if loop.indexed else ""


def source(loop: Loop, number: int) -> str:
    """What the copy adds to the path under which its weights are made."""
    return "/0" if loop.share else place(loop, number)


def home(step: Operation, path: str, owner: str) -> str:
    """The path under which a step's layer is made: its owner's, or its own where there are no weights to share."""
    return owner if step.leaf.weights else path


def run(passes: tuple[Pass, ...], plan: Plan, watch: Callable[[Pass, Plan], None] | None = None) -> Plan:
    """`plan` after every pass, in order, innermost scopes first. `watch` is shown the plan after each pass.

    Conditions are checked on every distinct scope, always: copies are one object, so that costs next to nothing.

    Raises:
        PassError: a condition does not hold.
    """
    for each in passes:
        _check(each.requires, plan, f"the pass {each.name} needs", "")
        results = len(plan.results)
        plan = _applied(each, plan, {})
        if len(plan.results) != results:
            raise PassError(f"the pass {each.name} has changed the number of results from {results}")
        _check(each.ensures, plan, f"the pass {each.name} promises", "")
        if watch is not None:
            watch(each, plan)
    return plan


def _check(conditions: tuple[Condition, ...], plan: Plan, who: str, where: str) -> None:
    for one in conditions:
        complaint = one.broken(plan)
        if complaint is not None:
            raise PassError(f"{who}: {one.name}; in {where or 'the graph'}: {complaint}")
    for step in plan.steps if conditions else ():
        if isinstance(step, Loop):
            for copy in dict.fromkeys(step.copies):
                _check(conditions, copy, who, join(where, step.name))


def _applied(each: Pass, plan: Plan, memo: dict[Plan, Plan]) -> Plan:
    if plan not in memo:
        memo[plan] = each.rewrite(plan.replaced(_inside(each, step, memo) for step in plan.steps))
    return memo[plan]


def _inside(each: Pass, step: Operation | Loop, memo: dict[Plan, Plan]) -> Operation | Loop:
    if isinstance(step, Operation):
        return step
    return replace(step, copies=tuple(_applied(each, copy, memo) for copy in step.copies))


def producers(plan: Plan) -> frozenset[str]:
    """Paths under which the layers that give the plan's results are made."""
    found = (_producer(plan, result, "", "") for result in plan.results)
    return frozenset(one for one in found if isinstance(one, str))


def _producer(plan: Plan, value: Value | None, prefix: str, owner: str) -> str | int:
    """The path of the layer that gives `value`, or the number of the input that it is."""
    if value is None:  # the zeros that a state starts with
        return -1
    if value.item == INPUT:
        return value.port
    step = plan.steps[value.item]
    path, held = join(prefix, step.name), join(owner, step.owner or step.name)
    if isinstance(step, Operation):
        return home(step, path, held)
    port = value.port
    for number in reversed(range(len(step.copies))):
        copy = step.copies[number]
        found = _producer(copy, copy.results[port], path + place(step, number), held + source(step, number))
        if isinstance(found, str):
            return found
        if found != step.carry:
            return _producer(plan, step.feeds[found], prefix, owner)
        port = 0  # what the copy before hands on
    return _producer(plan, step.feeds[step.carry], prefix, owner)
