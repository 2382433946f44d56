"""Changes of shape that Keras lacks, or offers for some ranks and types only."""

from typing import Any

import keras
from keras import ops

from archgraph.compiler.layers.registry import ours

Sizes = tuple[int | None, ...]
Sides = tuple[tuple[int, int], ...]


class OfAnyType(keras.layers.Layer):
    """A layer whose output has its input's dtype, which Keras assumes only of real numbers."""

    def compute_output_spec(self, inputs: Any, *others: Any) -> Any:
        shapes = [tensor.shape for tensor in (inputs, *others)]
        return keras.KerasTensor(self.compute_output_shape(*shapes), dtype=inputs.dtype)


def _pairs(sides: Any) -> Sides:
    return tuple((before, after) for before, after in sides)


@ours
class Pad(OfAnyType):
    """Add `padding` = ((before, after), …) cells to the spatial axes of (batch, space…, channels).

    `mode` ``constant`` fills in `value` (``"lowest"``: the least finite number of the input's type), ``reflect``
    mirrors without the border cell, ``symmetric`` with it. Source: keras.ops.pad.
    """

    def __init__(self, padding: Sides, mode: str = "constant", value: float | str = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.padding, self.mode, self.value = _pairs(padding), mode, value

    def call(self, inputs: Any) -> Any:
        widths = ((0, 0), *self.padding, (0, 0))
        if self.mode != "constant":
            return ops.pad(inputs, widths, mode=self.mode)
        return ops.pad(inputs, widths, constant_values=self._fill(keras.backend.standardize_dtype(inputs.dtype)))

    def _fill(self, dtype: str) -> float | int | bool:
        if dtype == "bool":
            return bool(self.value)
        lowest = {"float16": -65504.0, "bfloat16": -3.3895313892515355e38, "float32": -3.4028234663852886e38}
        if self.value == "lowest":
            return lowest.get(dtype, -1.7976931348623157e308)
        return float(self.value) if "float" in dtype else int(self.value)

    def compute_output_shape(self, input_shape: Sizes) -> Sizes:
        space = zip(input_shape[1:-1], self.padding, strict=True)
        return (input_shape[0], *(None if n is None else n + sum(sides) for n, sides in space), input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "padding": self.padding, "mode": self.mode, "value": self.value}


@ours
class Crop(OfAnyType):
    """Take `cropping` = ((before, after), …) cells off the spatial axes of (batch, space…, channels), for any dtype.

    Source: keras.layers.Cropping2D.
    """

    def __init__(self, cropping: Sides, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cropping = _pairs(cropping)

    def call(self, inputs: Any) -> Any:
        kept = (slice(before, -after if after else None) for before, after in self.cropping)
        return inputs[(slice(None), *kept, slice(None))]

    def compute_output_shape(self, input_shape: Sizes) -> Sizes:
        space = zip(input_shape[1:-1], self.cropping, strict=True)
        return (input_shape[0], *(None if n is None else n - sum(sides) for n, sides in space), input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "cropping": self.cropping}


@ours
class CropLike(OfAnyType):
    """Cut the first input to the spatial size of the second: its middle, or what begins at `offset`.

    Inputs (batch, space…, channels) and (batch, smaller space…, any); the middle begins at (size - wanted) // 2.
    Source: Ronneberger, Fischer & Brox 2015 (U-Net), section 2.
    """

    def __init__(self, offset: tuple[int, ...] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.offset = None if offset is None else tuple(offset)

    def call(self, inputs: Any, like: Any) -> Any:
        sizes, wanted = ops.shape(inputs)[1:-1], ops.shape(like)[1:-1]
        middle = tuple((size - part) // 2 for size, part in zip(sizes, wanted, strict=True))
        first = middle if self.offset is None else self.offset
        kept = (slice(start, start + part) for start, part in zip(first, wanted, strict=True))
        return inputs[(slice(None), *kept, slice(None))]

    def compute_output_shape(self, inputs_shape: Sizes, like_shape: Sizes) -> Sizes:
        return (inputs_shape[0], *like_shape[1:-1], inputs_shape[-1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "offset": self.offset}


@ours
class Slice(OfAnyType):
    """Keep ``start:stop:step`` of one `axis`, numbered with the batch as 0, as Python slices do. Source: keras.ops."""

    def __init__(
        self, axis: int, start: int | None = None, stop: int | None = None, step: int = 1, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.axis, self.start, self.stop, self.step = axis, start, stop, step

    def call(self, inputs: Any) -> Any:
        before = (slice(None),) * (self.axis % len(inputs.shape))
        return inputs[(*before, slice(self.start, self.stop, self.step))]

    def compute_output_shape(self, input_shape: Sizes) -> Sizes:
        axis = self.axis % len(input_shape)
        size = input_shape[axis]
        kept = None if size is None else len(range(size)[self.start : self.stop : self.step])
        return (*input_shape[:axis], kept, *input_shape[axis + 1 :])

    def get_config(self) -> dict[str, Any]:
        own = {"axis": self.axis, "start": self.start, "stop": self.stop, "step": self.step}
        return {**super().get_config(), **own}


@ours
class Split(keras.layers.Layer):
    """Cut one `axis`, numbered with the batch as 0, into parts: a number of equal ones, or their sizes.

    The output is a list of tensors of the input's dtype. Source: keras.ops.split.
    """

    def __init__(self, sections: int | tuple[int, ...], axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sections = sections if isinstance(sections, int) else tuple(sections)
        self.axis = axis

    def call(self, inputs: Any) -> Any:
        if isinstance(self.sections, int):
            return list(ops.split(inputs, self.sections, axis=self.axis))
        ends = [sum(self.sections[: number + 1]) for number in range(len(self.sections) - 1)]
        return list(ops.split(inputs, ends, axis=self.axis))

    def compute_output_shape(self, input_shape: Sizes) -> list[Sizes]:
        axis = self.axis % len(input_shape)
        parts: tuple[int | None, ...]
        if isinstance(self.sections, int):
            size = input_shape[axis]
            parts = (None if size is None else size // self.sections,) * self.sections
        else:
            parts = self.sections
        return [(*input_shape[:axis], part, *input_shape[axis + 1 :]) for part in parts]

    def compute_output_spec(self, inputs: Any) -> list[Any]:
        return [keras.KerasTensor(shape, dtype=inputs.dtype) for shape in self.compute_output_shape(inputs.shape)]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "sections": self.sections, "axis": self.axis}
