"""Equal copies of a block as one layer: one model of the block, the weights of all copies in stacks, a loop."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from archgraph.compiler.layers.registry import ours

RANDOM_STATE = "seed_generator_state"
"""What Keras calls the state of a random generator."""


class Held:
    """What a layer uses and does not own: Keras looks into lists and tuples, but not in here."""

    def __init__(self, model: Any, shared: bool) -> None:
        self.model = model
        self.variables = list(model.variables)
        self.stacks: list[Any] = []
        own = {id(variable) for variable in unshared(model)} if shared else None
        self.stacked = [own is None or id(variable) in own for variable in self.variables]
        """For each variable, whether every copy has one of its own."""


def unshared(model: Any) -> list[Any]:
    """What copies with shared weights do not share: the random states of layers without weights."""
    return [variable for layer in model.layers if not layer.weights for variable in layer.variables]


class Seeds(keras.random.SeedGenerator):
    """The states of the random generators of all copies, kept as Keras keeps one: not among the weights."""

    def __init__(self, states: np.ndarray, **kwargs: Any) -> None:
        super().__init__(0, **kwargs)
        self.state = self.backend.Variable(
            states, dtype=self.backend.random_seed_dtype(), trainable=False, name=RANDOM_STATE
        )


@ours
class Repeated(keras.layers.Layer):
    """Apply a block `copies` times in a chain: y = block_n(… block_2(block_1(x)) …), as a loop over stacked weights.

    It computes what the copies one after the other compute, in training and inference: each copy has weights, running
    statistics and random numbers of its own (or, with `shared`, all use one set). The body is traced once, however many
    copies there are, as in `keras.ops.scan`. A weight w of the block is a stack (copies, …) called ``LAYER.w``.
    TensorFlow only.

    Args:
        body: the model of the block: a list of inputs, one output.
        copies: how many.
        carry: the number of the input that a copy's output replaces in the next; all other inputs are the same for all.
        start: the number of the first copy in the repeat, for the paths of its weights.
        place: the path of the repeat.
        shared: whether all copies use one set of weights.
    """

    def __init__(
        self,
        body: Any,
        copies: int,
        carry: int = 0,
        start: int = 0,
        place: str = "",
        shared: bool = False,
        values: Mapping[int, np.ndarray] | None = None,
        **kwargs: Any,
    ) -> None:
        """`values`: the first values in all copies, by the number of the body's variable; else those of the body."""
        super().__init__(**kwargs)
        self._held = Held(body, shared)
        self.copies, self.carry, self.start, self.place, self.shared = copies, carry, start, place, shared
        self._changing: dict[bool, list[int]] = {}
        for number, variable in enumerate(self.inner):
            self.stacks.append(self._stack(variable, (values or {}).get(number)))
            variable.regularizer = None  # the stack has it
        self.built = True

    def _stack(self, variable: Any, values: np.ndarray | None) -> Any:
        if values is None:
            one = np.asarray(variable)
            values = np.broadcast_to(one, (self.copies, *one.shape))
        if not self.stacked[len(self.stacks)]:
            values = values[0]
        if variable.path.endswith(RANDOM_STATE):
            seeds = Seeds(values)
            setattr(self, f"seeds{len(self.stacks)}", seeds)
            return seeds.state
        return self.add_weight(
            name=".".join(variable.path.split("/")[-2:]),
            shape=values.shape,
            dtype=variable.dtype,
            initializer=lambda shape, dtype=None: keras.ops.convert_to_tensor(values, dtype=dtype),
            trainable=variable.trainable,
            autocast=False,  # the body's own variables are cast where it says
            regularizer=variable.regularizer,
        )

    @property
    def body(self) -> Any:
        """The model of the block. Its own variables are not used: their values are lent to it, copy by copy."""
        return self._held.model

    @property
    def inner(self) -> list[Any]:
        """The body's variables."""
        return self._held.variables

    @property
    def stacked(self) -> list[bool]:
        """For each of them, whether every copy has values of its own."""
        return self._held.stacked

    @property
    def stacks(self) -> list[Any]:
        """For each of them, the variable that holds its values in all copies."""
        return self._held.stacks

    def call(self, *inputs: Any, training: bool | None = None) -> Any:
        import tensorflow as tf

        training = bool(training)
        self.body.trainable = self.trainable
        changing = self._changed_by(inputs, training)
        stacks = [keras.ops.convert_to_tensor(stack) for stack in self.stacks]
        count = self.copies

        def array(values: Any) -> Any:
            """One entry for each copy, to read from; without values, to write to."""
            return tf.TensorArray(values.dtype, count, element_shape=values.shape[1:], clear_after_read=False)

        own = self.stacked
        given = [array(value).unstack(value) if own[number] else value for number, value in enumerate(stacks)]
        made = [array(stacks[number]) if own[number] else stacks[number] for number in changing]

        def step(index: Any, x: Any, loss: Any, made: Any) -> Any:
            values = [one.read(index) if own[number] else one for number, one in enumerate(given)]
            for number, value in zip(changing, made, strict=True):
                values[number] = values[number] if own[number] else value
            y, after, losses = self._once(inputs, x, values, training)
            y.set_shape(x.shape)
            new = [keras.ops.cast(after[number], stacks[number].dtype) for number in changing]
            made = [
                one.write(index, value) if own[number] else value
                for number, one, value in zip(changing, made, new, strict=True)
            ]
            return index + 1, y, loss + losses, made

        start = (tf.constant(0), inputs[self.carry], tf.constant(0.0), made)
        _, y, loss, made = tf.while_loop(
            lambda index, *_: index < count, step, start, parallel_iterations=1, maximum_iterations=count
        )
        for number, value in zip(changing, made, strict=True):
            self.stacks[number].assign(value.stack() if own[number] else value)
        if self._has_losses:
            self.add_loss(loss)
        return y

    def _once(self, inputs: Sequence[Any], x: Any, values: Sequence[Any], training: bool) -> tuple[Any, list[Any], Any]:
        """One copy: its output, the values of all its variables afterwards, and what it adds to the loss."""
        lent = list(zip(self.inner, values, strict=True))
        fed = [x if port == self.carry else value for port, value in enumerate(inputs)]
        with keras.StatelessScope(state_mapping=lent, collect_losses=True) as scope:
            y = self.body(fed if len(fed) > 1 else fed[0], training=training)
            y = y[0] if isinstance(y, list | tuple) else y
        losses = sum((keras.ops.cast(loss, "float32") for loss in scope.losses), keras.ops.convert_to_tensor(0.0))
        self._has_losses = bool(scope.losses)
        return y, [scope.get_current_value(variable) for variable in self.inner], losses

    def _changed_by(self, inputs: Sequence[Any], training: bool) -> list[int]:
        """The numbers of the variables that a call changes: running statistics, random states. Found by a dry run."""
        if training not in self._changing:
            import tensorflow as tf

            changed: list[int] = []

            def probe(*inputs: Any) -> Any:
                values = [
                    tf.zeros(stack.shape[1:] if own else stack.shape, stack.dtype)
                    for own, stack in zip(self.stacked, self.stacks, strict=True)
                ]
                y, after, _ = self._once(inputs, inputs[self.carry], values, training)
                changed.extend(number for number, value in enumerate(after) if value is not values[number])
                return y

            with tf.init_scope():
                tf.function(probe, autograph=False).get_concrete_function(
                    *(tf.TensorSpec(value.shape, value.dtype) for value in inputs)
                )
            self._changing[training] = changed
        return self._changing[training]

    def compute_output_spec(self, *inputs: Any, training: bool | None = None) -> Any:
        x = inputs[self.carry]
        return keras.KerasTensor(x.shape, dtype=self.body.outputs[0].dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "body": keras.saving.serialize_keras_object(self.body),
            "copies": self.copies,
            "carry": self.carry,
            "start": self.start,
            "place": self.place,
            "shared": self.shared,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Repeated":
        return cls(**{**config, "body": keras.saving.deserialize_keras_object(config["body"])})
