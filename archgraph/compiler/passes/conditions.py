"""What may be relied on between passes, each as something that can be checked."""

from archgraph.analysis.shaped import INPUT, Value
from archgraph.compiler.plan import Condition, Operation, Plan


def _unsound(plan: Plan) -> str | None:
    names = [step.name for step in plan.steps]
    if len(set(names)) < len(names):
        return f"two steps are called {next(name for name in names if names.count(name) > 1)!r}"
    for index, step in enumerate(plan.steps):
        for feed in step.feeds:
            if feed is not None and not _given(plan, feed, index):
                return f"{step.name} reads output {feed.port} of step {feed.item}, which is not there before it"
    for number, result in enumerate(plan.results):
        if not _given(plan, result, len(plan.steps)):
            return f"result {number} is output {result.port} of step {result.item}, which does not exist"
    return None


def _given(plan: Plan, value: Value, before: int) -> bool:
    if value.item == INPUT:
        return value.port >= 0
    return 0 <= value.item < before and 0 <= value.port < plan.steps[value.item].outputs


SOUND = Condition("every step has a name of its own and reads what stands before it", _unsound)


def _derived(plan: Plan) -> str | None:
    return next((step.name for step in plan.steps if isinstance(step, Operation) and step.recipe is not None), None)


TRAINED_WEIGHTS = Condition("all weights are those that the graph was trained with", _derived)
