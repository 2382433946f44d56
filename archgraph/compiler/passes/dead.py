"""Steps whose outputs nobody reads any more are dropped."""

from archgraph.analysis.shaped import Value
from archgraph.compiler.passes.conditions import SOUND
from archgraph.compiler.passes.rewiring import Step, fed
from archgraph.compiler.plan import Condition, Pass, Plan


def drop_dead(plan: Plan) -> Plan:
    """Drop steps that reach no result of their scope."""
    alive = _alive(plan)
    if all(alive):
        return plan
    place: dict[int, int] = {}
    steps: list[Step] = []

    def moved(value: Value) -> Value:
        return Value(place.get(value.item, value.item), value.port)

    for index, step in enumerate(plan.steps):
        if alive[index]:
            place[index] = len(steps)
            steps.append(fed(step, tuple(None if feed is None else moved(feed) for feed in step.feeds)))
    return plan.replaced(steps, tuple(map(moved, plan.results)))


def _alive(plan: Plan) -> list[bool]:
    alive = [False] * len(plan.steps)
    for result in plan.results:
        if result.item >= 0:
            alive[result.item] = True
    for index in reversed(range(len(plan.steps))):
        if alive[index]:
            for feed in plan.steps[index].feeds:
                if feed is not None and feed.item >= 0:
                    alive[feed.item] = True
    return alive


def _dead(plan: Plan) -> str | None:
    names = (step.name for step, alive in zip(plan.steps, _alive(plan), strict=True) if not alive)
    return next((f"{name} reaches no result" for name in names), None)


NO_DEAD = Condition("every step reaches a result", _dead)

DROP_DEAD = Pass("drop-dead", "drop what reaches no output", drop_dead, requires=(SOUND,), ensures=(SOUND, NO_DEAD))
