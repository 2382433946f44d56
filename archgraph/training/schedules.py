"""Learning rates that change from step to step, as records: what Keras is to be given, and the formula itself.

Durations count batches or, with ``"per": "epoch"``, epochs. Each record also tells its rate in plain arithmetic, so
that a schedule can be drawn and checked without Keras.
"""

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from archgraph.diagnostics import Rejected
from archgraph.kinds import AnyOf, Choice, Flag, Integer, Kind, ListOf, Number, Shared, optional, shown
from archgraph.record import Named, param, record
from archgraph.training.losses import KerasObject

RATE = Number(above=0, maximum=1000)
_WHOLE_TRAINING = "Default: the whole training."


@record
class Schedule(KerasObject):
    """A learning rate that changes with the step."""

    per: str = param(Choice("step", "epoch"), "What durations count: batches, or epochs.", default="step")

    durations: ClassVar[tuple[str, ...]] = ("decay_steps", "first_decay_steps", "warmup_steps")
    """Fields that count batches or epochs."""

    def in_steps(self, steps: int, total: int) -> dict[str, Any]:
        """What Keras's constructor is given, durations in batches: `steps` in an epoch, `total` in the training."""
        arguments = self.arguments()
        factor = steps if arguments.pop("per", "step") == "epoch" else 1
        for name in self.durations:
            if name in arguments:
                arguments[name] = max(1 if name != "warmup_steps" else 0, round(arguments[name] * factor))
        if "decay_steps" in self.fields():
            arguments.setdefault("decay_steps", max(1, total - arguments.get("warmup_steps", 0)))
        return arguments

    def rate(self, step: float, steps: int, total: int) -> float:
        """The rate of a step, from 0, by the formula."""
        return self.formula(step, self.in_steps(steps, total))

    def formula(self, step: float, given: Mapping[str, Any]) -> float:
        """The rate of a step for the arguments that `in_steps` gives."""
        raise NotImplementedError

    def contradictions(self) -> Iterator[Rejected]:
        """What is wrong between the fields, each complaint's field below the schedule."""
        return iter(())


SCHEDULES: dict[str, type[Schedule]] = {}
"""Every schedule by the name that an experiment uses."""


class Stated(Shared):
    """A kind that the schema of experiments states once, under ``$defs``."""

    def __init__(self, name: str, kind: Kind) -> None:
        # Not Shared's own: graph files have nothing to do with it.
        self.name, self.kind = name, kind


def _initial() -> Any:
    return param(RATE, "Learning rate at the start.")


def _decay_steps(doc: str = "After how long the decay is done (or has acted once).") -> Any:
    return param(optional(Number(above=0)), f"{doc} {_WHOLE_TRAINING}", default=None)


def _schedule(name: str, keras: str) -> Any:
    def list_it(cls: type[Schedule]) -> type[Schedule]:
        sealed = record(cls)
        sealed.keras = keras
        SCHEDULES[name] = sealed
        return sealed

    return list_it


@_schedule("constant", "")
class ConstantRate(Schedule):
    """The same rate throughout."""

    learning_rate: float = param(RATE, "The rate.")

    def formula(self, step: float, given: Mapping[str, Any]) -> float:
        """r."""
        return float(given["learning_rate"])


@_schedule("exponential_decay", "ExponentialDecay")
class ExponentialDecay(Schedule):
    """initial * decay_rate ^ (step / decay_steps)."""

    initial_learning_rate: float = _initial()
    decay_steps: float | None = _decay_steps()
    decay_rate: float = param(Number(above=0, maximum=1), "Factor over decay_steps.")
    staircase: bool = param(Flag(), "Only whole multiples of decay_steps count.", default=False)

    def formula(self, step: float, given: Mapping[str, Any]) -> float:
        """Multiplied again and again."""
        return float(given["initial_learning_rate"] * given["decay_rate"] ** _multiples(step, given))


@_schedule("step_decay", "ExponentialDecay")
class StepDecay(Schedule):
    """The rate is multiplied by a factor, such as a half, each time that decay_steps have passed."""

    initial_learning_rate: float = _initial()
    decay_steps: float = param(Number(above=0), "How long each rate is kept.")
    decay_rate: float = param(Number(above=0, maximum=1), "What the rate is multiplied by.", default=0.5)

    def in_steps(self, steps: int, total: int) -> dict[str, Any]:
        """Keras has it as an exponential decay in a staircase."""
        return {**super().in_steps(steps, total), "staircase": True}

    def formula(self, step: float, given: Mapping[str, Any]) -> float:
        """Multiplied at once."""
        return float(given["initial_learning_rate"] * given["decay_rate"] ** (step // given["decay_steps"]))


@_schedule("inverse_time_decay", "InverseTimeDecay")
class InverseTimeDecay(Schedule):
    """The 1/t rule: initial / (1 + decay_rate * step / decay_steps) (Robbins & Monro 1951)."""

    initial_learning_rate: float = _initial()
    decay_steps: float | None = _decay_steps()
    decay_rate: float = param(Number(above=0), "How fast it falls.")
    staircase: bool = param(Flag(), "Only whole multiples of decay_steps count.", default=False)

    def formula(self, step: float, given: Mapping[str, Any]) -> float:
        """Divided by what grows with the time."""
        return float(given["initial_learning_rate"] / (1 + given["decay_rate"] * _multiples(step, given)))


@_schedule("polynomial_decay", "PolynomialDecay")
class PolynomialDecay(Schedule):
    """From the initial rate to the end rate along a power of the remaining time."""

    initial_learning_rate: float = _initial()
    decay_steps: float | None = _decay_steps()
    end_learning_rate: float = param(Number(0), "Rate at the end.", default=0.0001)
    power: float = param(Number(above=0), "1 is a straight line.", default=1.0)
    cycle: bool = param(Flag(), "Begin again after decay_steps, over a time that is longer by as much.", default=False)

    def formula(self, step: float, given: Mapping[str, Any]) -> float:
        """A power of what is left."""
        last, length = given["end_learning_rate"], given["decay_steps"]
        if given["cycle"]:
            length *= max(1, math.ceil(step / length))
        left = 1 - min(step, length) / length
        return float((given["initial_learning_rate"] - last) * left ** given["power"] + last)


@_schedule("cosine_decay", "CosineDecay")
class CosineDecay(Schedule):
    """Half a cosine from the initial rate to alpha times it, perhaps after a warm-up (Loshchilov & Hutter 2017)."""

    initial_learning_rate: float = _initial()
    decay_steps: float | None = _decay_steps()
    alpha: float = param(Number(0, 1), "Share of the rate that is left at the end.", default=0.0)
    warmup_target: float | None = param(optional(RATE), "Rate that the warm-up climbs to.", default=None)
    warmup_steps: int = param(Integer(0), "Length of the warm-up, counted like decay_steps.", default=0)

    def formula(self, step: float, given: Mapping[str, Any]) -> float:
        """A straight climb, then half a cosine."""
        first, top, warm = given["initial_learning_rate"], given.get("warmup_target"), given["warmup_steps"]
        if top is None:
            return float(first * _falling(min(step / given["decay_steps"], 1), given["alpha"]))
        if step < warm:
            return float(first + (top - first) * step / warm)
        return float(top * _falling(min((step - warm) / given["decay_steps"], 1), given["alpha"]))


@_schedule("cosine_restarts", "CosineDecayRestarts")
class CosineRestarts(Schedule):
    """Cosine decay with warm restarts: it begins again, each time for longer (SGDR, Loshchilov & Hutter 2017)."""

    initial_learning_rate: float = _initial()
    first_decay_steps: float = param(Number(above=0), "Length of the first decay.")
    t_mul: float = param(Number(1), "How much longer each decay is than the one before.", default=2.0)
    m_mul: float = param(Number(above=0, maximum=1), "How much lower each begins.", default=1.0)
    alpha: float = param(Number(0, 1), "Share of the rate that is left at the end of each.", default=0.0)

    def formula(self, step: float, given: Mapping[str, Any]) -> float:
        """One decay after the other is taken off the time."""
        length, top = given["first_decay_steps"], 1.0
        while step >= length:
            step, length, top = step - length, length * given["t_mul"], top * given["m_mul"]
        falling = top * (1 + math.cos(math.pi * step / length)) / 2
        return float(given["initial_learning_rate"] * ((1 - given["alpha"]) * falling + given["alpha"]))


@_schedule("piecewise_constant", "PiecewiseConstantDecay")
class PiecewiseConstant(Schedule):
    """One rate until the first boundary, another until the second, and so on."""

    boundaries: Any = param(ListOf(Integer(1), shortest=1, longest=1000), "Where the rate changes, rising.")
    values: Any = param(ListOf(RATE, shortest=2, longest=1001), "The rates: one more than there are boundaries.")

    def in_steps(self, steps: int, total: int) -> dict[str, Any]:
        """Boundaries in batches."""
        factor = steps if self.per == "epoch" else 1
        return {**super().in_steps(steps, total), "boundaries": tuple(one * factor for one in self.boundaries)}

    def formula(self, step: float, given: Mapping[str, Any]) -> float:
        """The rate of the first boundary that has not been passed; one that is reached has not."""
        return float(given["values"][sum(step > boundary for boundary in given["boundaries"])])

    def contradictions(self) -> Iterator[Rejected]:
        """Numbers of boundaries and values, and their order."""
        bounds, values = self.boundaries, self.values
        if len(values) != len(bounds) + 1:
            complaint = f"{len(bounds)} boundaries need {len(bounds) + 1} values, got {len(values)}"
            yield Rejected("AG210", complaint, field="/values")
        if any(later <= earlier for earlier, later in itertools.pairwise(bounds)):
            yield Rejected("AG210", f"boundaries must rise, got {shown(bounds)}", field="/boundaries")


@_schedule("cyclical", "Cyclical")
class Cyclical(Schedule):
    """Up and down between two rates, again and again (Smith 2017): find them with ``archgraph find-rate``."""

    lowest: float = param(RATE, "Rate at which each cycle begins and ends.")
    highest: float = param(RATE, "Rate in the middle of the first cycle.")
    step_size: float = param(Number(above=0), "Length of half a cycle; Smith recommends 2 to 10 epochs.")
    mode: str = param(
        Choice("triangular", "triangular2", "exp_range"),
        "Whether the height of the triangles stays, halves from cycle to cycle, or falls with gamma ^ step.",
        default="triangular",
    )
    gamma: float = param(Number(above=0, maximum=1), "For exp_range: factor of the height at each step.", default=1.0)

    durations = ("step_size",)

    def formula(self, step: float, given: Mapping[str, Any]) -> float:
        """Smith's own lines, section 3.1 and its listing."""
        cycle = math.floor(1 + step / (2 * given["step_size"]))
        height = max(0.0, 1 - abs(step / given["step_size"] - 2 * cycle + 1))
        scale = {"triangular": 1.0, "triangular2": 0.5 ** (cycle - 1), "exp_range": given["gamma"] ** step}
        return float(given["lowest"] + (given["highest"] - given["lowest"]) * height * scale[given["mode"]])

    def contradictions(self) -> Iterator[Rejected]:
        """Two rates in their order."""
        yield from _rising(self.lowest, self.highest)


@_schedule("one_cycle", "OneCycle")
class OneCycle(Schedule):
    """One climb to a high rate and one long fall far below the start (1cycle, Smith & Topin 2018).

    With `lowest_momentum`, momentum falls while the rate climbs and rises again while it falls, along the same shape
    (Smith 2018, section 4.3).
    """

    highest: float = param(RATE, "The highest rate.")
    decay_steps: float | None = _decay_steps("Length of the whole cycle.")
    rising: float = param(Number(above=0, below=1), "Share of the cycle in which the rate climbs.", default=0.3)
    start_divisor: float = param(Number(1), "The rate begins at highest / start_divisor.", default=25.0)
    end_divisor: float = param(Number(1), "It ends at the first rate / end_divisor.", default=10_000.0)
    shape: str = param(Choice("cosine", "linear"), "Along half a cosine, or a straight line.", default="cosine")
    lowest_momentum: float | None = param(
        optional(Number(0, below=1)),
        "Momentum where the rate is highest; that of the optimiser, sgd, is the highest. Default: it does not change.",
        default=None,
    )

    def in_steps(self, steps: int, total: int) -> dict[str, Any]:
        """The momentum is no matter of the rate."""
        return {name: value for name, value in super().in_steps(steps, total).items() if name != "lowest_momentum"}

    def momentum(self, highest: float, steps: int, total: int) -> dict[str, Any]:
        """What an optimiser is given whose momentum cycles; empty where it stays."""
        if self.lowest_momentum is None:
            return {}
        given = self.in_steps(steps, total)
        names = ("decay_steps", "rising", "shape")
        return {"momentum": highest, "lowest_momentum": self.lowest_momentum, **{name: given[name] for name in names}}

    def momentum_at(self, step: float, highest: float, steps: int, total: int) -> float:
        """The momentum of a step, from 0, by the formula."""
        given = self.momentum(highest, steps, total)
        if not given:
            return highest
        share = min(step / given["decay_steps"], 1)
        fallen = share / given["rising"] if share < given["rising"] else (1 - share) / (1 - given["rising"])
        return _between(highest, given["lowest_momentum"], fallen, given["shape"])

    def formula(self, step: float, given: Mapping[str, Any]) -> float:
        """Two pieces; afterwards the last rate stays."""
        top, share = given["highest"], min(step / given["decay_steps"], 1)
        first = top / given["start_divisor"]
        last = first / given["end_divisor"]
        if share < given["rising"]:
            return float(_between(first, top, share / given["rising"], given["shape"]))
        return float(_between(top, last, (share - given["rising"]) / (1 - given["rising"]), given["shape"]))


FOLLOWING = Named("a schedule", lambda: {name: kind for name, kind in SCHEDULES.items() if name != "warmup"})
"""What may come after a warm-up."""


@_schedule("warmup", "Warmup")
class Warmup(Schedule):
    """A straight climb to the rate, or to the start of the schedule, that comes afterwards (Goyal et al. 2017)."""

    steps: float = param(Number(above=0), "Length of the warm-up.")
    start: float = param(Number(0, 1000), "Rate from which it climbs.", default=0.0)
    then: Any = param(AnyOf(RATE, Stated("following-schedule", FOLLOWING)), "What follows: a rate, or a schedule.")

    durations = ("steps",)

    @property
    def following(self) -> Schedule:
        """What follows, as a schedule."""
        return as_schedule(self.then)

    def in_steps(self, steps: int, total: int) -> dict[str, Any]:
        """`then` is the schedule itself, with the numbers that it needs."""
        given = super().in_steps(steps, total)
        return {**given, "then": (self.following, steps, max(1, total - given["steps"]))}

    def formula(self, step: float, given: Mapping[str, Any]) -> float:
        """The last step of the warm-up has the rate with which the rest begins."""
        schedule, steps, total = given["then"]
        if step >= given["steps"]:
            return float(schedule.rate(step - given["steps"], steps, total))
        top = schedule.rate(0, steps, total)
        return float(given["start"] + (top - given["start"]) * (step + 1) / given["steps"])

    def contradictions(self) -> Iterator[Rejected]:
        """Those of what follows."""
        yield from (one.under("then") for one in self.following.contradictions())


SCHEDULE = Named("a schedule", SCHEDULES)
LEARNING_RATE = AnyOf(RATE, Stated("schedule", SCHEDULE))


def as_schedule(value: Any) -> Schedule:
    """The schedule that a learning rate stands for; a number stays as it is."""
    if isinstance(value, int | float):
        return ConstantRate.make({"learning_rate": value})
    return SCHEDULE.make(value)  # type: ignore[return-value]


def definitions() -> dict[str, Any]:
    """What the schema of experiments has under ``$defs``."""
    return {"schedule": SCHEDULE.rule(open=False), "following-schedule": FOLLOWING.rule(open=False)}


def _multiples(step: float, given: Mapping[str, Any]) -> float:
    share = step / given["decay_steps"]
    return float(math.floor(share) if given["staircase"] else share)


def _falling(share: float, alpha: float) -> float:
    return (1 - alpha) * (1 + math.cos(math.pi * share)) / 2 + alpha


def _between(first: float, last: float, share: float, shape: str) -> float:
    return first + (last - first) * (share if shape == "linear" else (1 - math.cos(math.pi * share)) / 2)


def _rising(lowest: float, highest: float) -> Iterator[Rejected]:
    if highest <= lowest:
        complaint = f"highest must be above lowest, which is {lowest:g}, got {highest:g}"
        yield Rejected("AG210", complaint, field="/highest")


__all__ = ["LEARNING_RATE", "RATE", "SCHEDULE", "SCHEDULES", "Schedule", "as_schedule", "definitions"]
