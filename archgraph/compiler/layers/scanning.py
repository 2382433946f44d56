"""A model of one step, applied along sequences."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from archgraph.compiler.layers.registry import ours


@ours
class Scan(keras.layers.Layer):
    """Apply a model step by step along sequences, with one set of weights, and carry its states from step to step.

    With inputs x (sequences, cut along their first axis behind the batch), s (states) and c (constants, the same at
    every step), and the model f of one step::

        y_t, s_t = f(x_t, s_{t-1}, c)

    The outputs are those of the model: each y along a new first axis (of the last step alone without
    `return_sequences`), each s as it is in the end. It is the scan of Keras and JAX (`keras.ops.scan`) as a layer.

    Args:
        body: the model of one step: a list of inputs, a list of outputs.
        over: numbers of the inputs that are sequences.
        states: pairs of numbers: an input that is a state, and the output that it is after the step.
        shapes: of each output of the model, without the batch: a size, or the input and axis that have the same.
        fed: numbers of the inputs that the layer is called with, in order; states that are missing start with zeros.
        reverse: from the last step to the first. Outputs keep the order of the inputs.
        return_sequences: whether the outputs of all steps are returned.
    """

    def __init__(
        self,
        body: Any,
        over: Sequence[int],
        states: Sequence[Sequence[int]],
        shapes: Sequence[Sequence[Any]],
        fed: Sequence[int],
        reverse: bool = False,
        return_sequences: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.body = body
        self.over, self.fed, self.shapes = list(over), list(fed), [list(shape) for shape in shapes]
        self.states = [list(pair) for pair in states]
        self.reverse, self.return_sequences = reverse, return_sequences
        followed = {result for _, result in self.states}
        alike = {id(body.outputs[result]): result for result in followed}
        self._own = [number for number in range(len(body.outputs)) if number not in followed]
        # An output that is a state's next value besides need not be carried twice.
        self._same = {
            number: alike[id(body.outputs[number])] for number in self._own if id(body.outputs[number]) in alike
        }
        self._carried = [number for number in self._own if number not in self._same]

    def build(self, input_shape: Any) -> None:
        self.built = True  # the model of a step was, when it was made

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        given = dict(zip(self.fed, inputs if isinstance(inputs, list | tuple) else [inputs], strict=True))
        sequences = [ops.moveaxis(given[port], 1, 0) for port in self.over]
        batch = ops.shape(next(iter(given.values())))[0]
        followed = [*(result for _, result in self.states), *self._carried]
        start = [given[port] if port in given else self._zeros(result, given, batch) for port, result in self.states]
        start += [self._zeros(number, given, batch) for number in self._carried]

        def step(carry: Any, slices: Any) -> tuple[Any, Any]:
            values = {**given, **dict(zip(self.over, slices, strict=True))}
            values |= {port: value for (port, _), value in zip(self.states, carry, strict=False)}
            outputs = self.body([values[port] for port in range(len(self.body.inputs))], training=training)
            outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
            after = [ops.cast(outputs[number], old.dtype) for number, old in zip(followed, carry, strict=True)]
            return after, after

        last, along = ops.scan(step, start, sequences, reverse=self.reverse)
        whole = dict(zip(followed, along if self.return_sequences else last, strict=True))
        final = {result: value for (_, result), value in zip(self.states, last, strict=False)}
        results = []
        for number in range(len(self.body.outputs)):
            if number in final:
                results.append(final[number])
                continue
            value = whole[self._same.get(number, number)]
            results.append(ops.moveaxis(value, 0, 1) if self.return_sequences else value)
        return results

    def _zeros(self, number: int, given: dict[int, Any], batch: Any) -> Any:
        """Zeros of the shape and dtype of an output at one step."""

        def size(of: Any) -> Any:
            if isinstance(of, int):
                return of
            port, axis = of
            return ops.shape(given[port])[axis + (2 if port in self.over else 1)]

        return ops.zeros((batch, *map(size, self.shapes[number])), dtype=self.body.outputs[number].dtype)

    def compute_output_spec(self, inputs: Any, training: bool | None = None) -> Any:
        given = dict(zip(self.fed, inputs if isinstance(inputs, list | tuple) else [inputs], strict=True))
        batch, steps = given[self.over[0]].shape[:2]
        followed = {result for _, result in self.states}
        return [
            keras.KerasTensor(
                (batch, *output.shape[1:])
                if number in followed or not self.return_sequences
                else (batch, steps, *output.shape[1:]),
                dtype=output.dtype,
            )
            for number, output in enumerate(self.body.outputs)
        ]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "body": keras.saving.serialize_keras_object(self.body),
            "over": self.over,
            "states": self.states,
            "shapes": self.shapes,
            "fed": self.fed,
            "reverse": self.reverse,
            "return_sequences": self.return_sequences,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Scan":
        return cls(**{**config, "body": keras.saving.deserialize_keras_object(config["body"])})
