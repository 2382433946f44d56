"""A generator at work after training: pictures from its inputs, in pieces that fit into memory, always the same."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from archgraph.training.data.base import Array

_PIECE = 250


def random_states(network: Any) -> list[Any]:
    """The states of the random generators of a network's layers."""
    weights = {id(weight) for weight in network.weights}
    return [variable for variable in network.variables if id(variable) not in weights]


@contextmanager
def undisturbed(network: Any, seed: int = 0) -> Iterator[None]:
    """Inside, the layers' random generators start from `seed`; afterwards they are as they were."""
    states = random_states(network)
    before = [np.array(state.numpy()) for state in states]
    try:
        for number, state in enumerate(states):
            state.assign(np.array([seed, number], dtype=before[number].dtype).reshape(before[number].shape))
        yield
    finally:
        for state, value in zip(states, before, strict=True):
            state.assign(value)


class Drawer:
    """Draws with one output of a network."""

    def __init__(self, network: Any, inputs: Sequence[str], output: str) -> None:
        import tensorflow as tf

        self.network, self.inputs, self.output = network, tuple(inputs), output
        self._call = tf.function(self._called, reduce_retracing=True)

    def _called(self, fed: Any) -> Any:
        given = self.network(fed, training=False)
        return given[self.output] if isinstance(given, Mapping) else given

    def draw(self, inputs: Mapping[str, Array], seed: int = 0) -> Array:
        """What the network makes of `inputs`, which are given by name; layers that draw noise start from `seed`."""
        count = len(next(iter(inputs.values())))
        with undisturbed(self.network, seed):
            pieces = [self._piece(inputs, start, min(_PIECE, count - start)) for start in range(0, count, _PIECE)]
        return np.concatenate(pieces)

    def _piece(self, inputs: Mapping[str, Array], start: int, count: int) -> Array:
        # Always as many at once, the last piece filled up by repetition: one trace, and one result for one latent.
        chosen = start + np.arange(_PIECE if len(next(iter(inputs.values()))) > _PIECE else count) % count
        fed = {name: np.asarray(inputs[name])[chosen] for name in self.inputs}
        given = self._call(fed if isinstance(self.network.input, Mapping) else next(iter(fed.values())))
        return np.asarray(given, np.float32)[:count]
