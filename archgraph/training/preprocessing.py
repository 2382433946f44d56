"""Steps between the raw samples and the graph: what a step needs to know is learned from the training part alone."""

import abc
import inspect
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple, TypeVar, dataclass_transform

import numpy as np

from archgraph.diagnostics import Rejected, nearest
from archgraph.kinds import AnyOf, Choice, Integer, ListOf, Number, Text, optional
from archgraph.record import Record, param, record
from archgraph.training.data.base import Array, Column

T = TypeVar("T", bound="Step")

STEPS: dict[str, type["Step"]] = {}
"""Every preprocessing step by the name that an experiment uses."""

Learned = Mapping[str, Array]
"""What a step took from the training part: named arrays, empty for most steps."""


@record
class Step(Record, abc.ABC):
    """One change to some columns, sample by sample."""

    name: ClassVar[str]
    of_targets: ClassVar[bool] = False
    """Whether, left to itself, the step applies to the targets instead of the columns that feed the graph."""

    on: Any = param(
        optional(ListOf(Text(), shortest=1, longest=100)),
        "Columns to change. Default: those that feed the graph (one_hot: those that are learned).",
        default=None,
    )

    def learn(self, column: Column) -> Learned:
        """What `apply` needs from the training part. Default: nothing."""
        return {}

    @abc.abstractmethod
    def apply(self, column: Column, learned: Learned) -> Column:
        """The changed column, or `Rejected` AG703 where the step makes no sense for it."""

    @classmethod
    def doc(cls) -> str:
        """The class docstring: plain words."""
        return inspect.cleandoc(cls.__doc__ or "")


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(param,))
def step(cls: type[T]) -> type[T]:
    """Seal `cls` as a frozen record and list it under its name."""
    sealed = record(cls)
    if STEPS.setdefault(sealed.name, sealed) is not sealed:
        raise TypeError(f"the preprocessing step {sealed.name!r} is defined twice")
    return sealed


def _floats(column: Column) -> Array:
    return np.asarray(column.values, np.float32)


# ---- values


@step
class Rescale(Step):
    """Map one range of values linearly onto another: ``"from_range": [0, 255]`` gives 0 to 1."""

    name = "rescale"

    from_range: Any = param(ListOf(Number(), shortest=2, longest=2), "Lowest and highest raw value.")
    to_range: Any = param(ListOf(Number(), shortest=2, longest=2), "What they become.", default=(0.0, 1.0))

    def apply(self, column: Column, learned: Learned) -> Column:
        (low, high), (bottom, top) = self.from_range, self.to_range
        if high == low:
            raise Rejected("AG201", f"must hold two different values, got {low} twice", field="/from_range")
        return Column(
            (_floats(column) - np.float32(low)) * np.float32((top - bottom) / (high - low)) + np.float32(bottom)
        )


@step
class Standardize(Step):
    """Subtract the mean and divide by the standard deviation, both of the training part alone."""

    name = "standardize"

    per: str = param(
        Choice("feature", "channel", "all"),
        "One mean for each element of a sample, for each index of the last axis, or for everything.",
        default="feature",
    )
    epsilon: float = param(Number(above=0), "Smallest standard deviation to divide by.", default=1e-6)

    def learn(self, column: Column) -> Learned:
        values = column.values.astype(np.float64)
        axes = {"feature": (0,), "channel": tuple(range(values.ndim - 1)), "all": tuple(range(values.ndim))}[self.per]
        return {"mean": values.mean(axes), "deviation": np.maximum(values.std(axes), self.epsilon)}

    def apply(self, column: Column, learned: Learned) -> Column:
        centred = _floats(column) - learned["mean"].astype(np.float32)
        return Column(centred / learned["deviation"].astype(np.float32))


@step
class Binarize(Step):
    """1 where a value is above the threshold, else 0."""

    name = "binarize"

    threshold: float = param(Number(), "Values above it become 1.")

    def apply(self, column: Column, learned: Learned) -> Column:
        return Column((column.values > self.threshold).astype(np.float32))


@step
class OneHot(Step):
    """Class numbers become vectors with a 1 at the class's place and 0 elsewhere."""

    name = "one_hot"
    of_targets = True

    classes: int | None = param(
        optional(Integer(2, 1_000_000)),
        "Length of the vectors. Default: the number of classes in the data.",
        default=None,
    )

    def apply(self, column: Column, learned: Learned) -> Column:
        count = self.classes or len(column.classes)
        if not count:
            raise Rejected("AG703", "the data does not say how many classes there are", hint='give "classes"')
        values = column.values
        if values.dtype.kind not in "iu":
            raise Rejected("AG703", f"needs whole numbers, got {values.dtype} values")
        if values.size and not 0 <= int(values.min()) <= int(values.max()) < count:
            lowest, highest = int(values.min()), int(values.max())
            raise Rejected("AG703", f"class numbers go from {lowest} to {highest}, which {count} classes do not hold")
        return Column((values[..., None] == np.arange(count)).astype(np.float32), column.classes)


# ---- shape


def _need_image(column: Column, name: str) -> tuple[int, int]:
    if len(column.shape) < 2:
        raise Rejected("AG703", f"{name} needs samples of shape (height, width, …), got {column.shape}")
    return column.shape[0], column.shape[1]


SIZE = AnyOf(Integer(1, 65_536), ListOf(Integer(1, 65_536), shortest=2, longest=2))


def _pair(size: int | tuple[int, int]) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else size


@step
class Pad(Step):
    """Set pictures in the middle of a larger ground: 28x28 to 32x32 puts two pixels on every side."""

    name = "pad"

    size: Any = param(SIZE, "New height and width, or one number for both.", unit="pixels")
    value: float = param(Number(), "Value of the ground.", default=0.0)

    def apply(self, column: Column, learned: Learned) -> Column:
        have, want = _need_image(column, self.name), _pair(self.size)
        if any(w < h for h, w in zip(have, want, strict=True)):
            raise Rejected("AG703", f"cannot pad {have} to the smaller {want}", hint="use resize", field="/size")
        sides = [((w - h) // 2, w - h - (w - h) // 2) for h, w in zip(have, want, strict=True)]
        width = [(0, 0), *sides, *[(0, 0)] * (column.values.ndim - 3)]
        return Column(np.pad(column.values, width, constant_values=self.value), column.classes)


@step
class Resize(Step):
    """Scale pictures to another size; pixel centres as in Keras (half-pixel), without smoothing before shrinking."""

    name = "resize"

    size: Any = param(SIZE, "New height and width, or one number for both.", unit="pixels")
    interpolation: str = param(Choice("bilinear", "nearest"), "How values between pixels arise.", default="bilinear")

    def apply(self, column: Column, learned: Learned) -> Column:
        have, want = _need_image(column, self.name), _pair(self.size)
        if self.interpolation == "nearest":
            rows, columns = (
                np.floor((np.arange(w) + 0.5) * h / w).astype(int) for h, w in zip(have, want, strict=True)
            )
            return Column(column.values[:, rows][:, :, columns], column.classes)
        rows, columns = (_bilinear(h, w) for h, w in zip(have, want, strict=True))
        wide = np.tensordot(_floats(column), columns, axes=(2, 1))
        tall = np.tensordot(wide, rows, axes=(1, 1))
        return Column(np.ascontiguousarray(np.moveaxis(tall, (-1, -2), (1, 2))))


def _bilinear(have: int, want: int) -> Array:
    """Weights (want, have) of each old pixel in each new one."""
    centres = np.clip((np.arange(want) + 0.5) * have / want - 0.5, 0, have - 1)
    distance = np.abs(centres[:, None] - np.arange(have)[None, :])
    return np.asarray(np.maximum(0, 1 - distance), np.float32)


@step
class Flatten(Step):
    """Each sample becomes one vector."""

    name = "flatten"

    def apply(self, column: Column, learned: Learned) -> Column:
        return Column(column.values.reshape(len(column.values), -1))


@step
class Reshape(Step):
    """Each sample gets another shape with as many elements."""

    name = "reshape"

    shape: Any = param(ListOf(Integer(1), shortest=1, longest=8), "Shape of one sample.")

    def apply(self, column: Column, learned: Learned) -> Column:
        if np.prod(self.shape) != np.prod(column.shape):
            raise Rejected("AG703", f"cannot reshape {column.shape} to {self.shape}", field="/shape")
        return Column(column.values.reshape(-1, *self.shape), column.classes)


@step
class ExpandChannels(Step):
    """Give samples without a channel axis one channel, or repeat their one channel: grey to RGB with 3."""

    name = "expand_channels"

    channels: int = param(Integer(1, 1024), "How many equal channels.", default=1)
    new_axis: bool = param(Choice(True, False), "Whether the channels are a new last axis.", default=True)

    def apply(self, column: Column, learned: Learned) -> Column:
        values = column.values[..., None] if self.new_axis else column.values
        if values.shape[-1] != 1:
            raise Rejected("AG703", f"the last axis must have the size 1, got {values.shape[1:]}", field="/new_axis")
        return Column(np.repeat(values, self.channels, axis=-1))


# ---- the whole chain


class Fitted(NamedTuple):
    """A step that knows its columns and what it learned about each."""

    step: Step
    learned: Mapping[str, Learned]


def run(
    steps: tuple[Step, ...], columns: Mapping[str, Column], fed: tuple[str, ...], targets: tuple[str, ...]
) -> tuple[dict[str, Column], tuple[Fitted, ...]]:
    """The training part after all steps, and the steps with what they learned from it.

    Raises:
        Rejected: AG703, its field ``/NUMBER/…`` below the list of steps.
    """
    done, fitted = dict(columns), []
    for number, one in enumerate(steps):
        try:
            chosen = _chosen(one, done, fed, targets)
            learned = {name: one.learn(done[name]) for name in chosen}
            fitted.append(Fitted(one, learned))
            done = repeat((fitted[-1],), done)
        except Rejected as rejected:
            raise rejected.under(number) from None
    return done, tuple(fitted)


def repeat(fitted: tuple[Fitted, ...], columns: Mapping[str, Column]) -> dict[str, Column]:
    """The same steps on another part of the data; columns that are absent are left out."""
    done = dict(columns)
    for one, learned in fitted:
        done.update({name: one.apply(done[name], facts) for name, facts in learned.items() if name in done})
    return done


def _chosen(
    one: Step, columns: Mapping[str, Column], fed: tuple[str, ...], targets: tuple[str, ...]
) -> tuple[str, ...]:
    if one.on is None:
        return targets if one.of_targets else fed
    for position, name in enumerate(one.on):
        if name not in columns:
            hint = nearest(name, columns) or "it has: " + ", ".join(columns)
            raise Rejected("AG703", f"the data has no column {name!r}", hint=hint, field=f"/on/{position}")
    return tuple(one.on)


def plain(value: Any) -> Any:
    """A checked value as JSON has it."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def as_json(fitted: tuple[Fitted, ...]) -> list[dict[str, Any]]:
    """The steps and what they learned, to be kept beside the model."""
    return [
        {
            "step": {"name": one.name, **{key: plain(value) for key, value in one.given()}},
            "learned": {
                n: {k: [v.shape, v.ravel().tolist()] for k, v in facts.items()} for n, facts in learned.items()
            },
        }
        for one, learned in fitted
    ]


def from_json(value: list[dict[str, Any]]) -> tuple[Fitted, ...]:
    """The inverse of `as_json`."""
    fitted = []
    for entry in value:
        options = {key: item for key, item in entry["step"].items() if key != "name"}
        learned = {
            name: {key: np.asarray(numbers).reshape(shape) for key, (shape, numbers) in facts.items()}
            for name, facts in entry["learned"].items()
        }
        fitted.append(Fitted(STEPS[entry["step"]["name"]].make(options), learned))
    return tuple(fitted)
