"""A block that is applied once becomes part of the scope that applies it, so that passes see across its border."""

from archgraph.analysis.shaped import INPUT, Value, join
from archgraph.compiler.passes.conditions import SOUND, TRAINED_WEIGHTS
from archgraph.compiler.passes.rewiring import Step, fed
from archgraph.compiler.plan import Condition, Loop, Operation, Pass, Plan, place, source


def inline_calls(plan: Plan) -> Plan:
    """Put the steps of blocks that are applied once in the place of their calls. Repeats and scans stay."""
    if not any(_once(plan, step) for step in plan.steps):
        return plan
    steps: list[Step] = []
    given: list[tuple[Value | None, ...]] = []
    """For each old step, where its outputs are now."""

    def moved(value: Value | None) -> Value | None:
        return value if value is None or value.item == INPUT else given[value.item][value.port]

    for step in plan.steps:
        feeds = tuple(moved(feed) for feed in step.feeds)
        if isinstance(step, Loop) and _once(plan, step):
            start, copy = len(steps), step.copies[0]
            for inner in copy.steps:
                inside = tuple(_outside(feed, start, feeds) for feed in inner.feeds)
                steps.append(fed(_renamed(inner, step), inside))
            given.append(tuple(_outside(result, start, feeds) for result in copy.results))
        else:
            given.append(tuple(Value(len(steps), port) for port in range(step.outputs)))
            steps.append(fed(step, feeds))
    return plan.replaced(steps, tuple(result for result in map(moved, plan.results) if result is not None))


def _once(plan: Plan, step: Step) -> bool:
    single = isinstance(step, Loop) and len(step.copies) == 1 and step.scan is None
    if not single or not isinstance(step, Loop) or None in step.feeds:
        return False
    # Weights that are applied elsewhere too must stay apart from those that are not.
    inside = step.copies[0]
    return (inside.shared, inside.mixed) == (plan.shared, plan.mixed)


def _outside(value: Value | None, start: int, feeds: tuple[Value | None, ...]) -> Value | None:
    """A value of the block as one of the scope around it."""
    if value is None:
        return None
    return feeds[value.port] if value.item == INPUT else Value(start + value.item, value.port)


def _renamed(step: Step, call: Loop) -> Step:
    """The step under its path below the scope around the call."""
    name = join(call.name + place(call, 0), step.name)
    held = join((call.owner or call.name) + source(call, 0), step.owner or step.name)
    owner = "" if held == name else held
    if isinstance(step, Operation):
        return step._replace(name=name, owner=owner)
    return Loop(name, step.feeds, step.copies, step.carry, step.indexed, step.share, owner, step.outputs, step.call)


def _called(plan: Plan) -> str | None:
    return next((f"{step.name} is a block that is applied once" for step in plan.steps if _once(plan, step)), None)


NO_CALLS = Condition("blocks that are applied once are part of the scope around them", _called)

INLINE_CALLS = Pass(
    "inline-calls",
    "make blocks that are applied once part of the scope around them",
    inline_calls,
    requires=(SOUND, TRAINED_WEIGHTS),
    ensures=(SOUND, NO_CALLS),
)
