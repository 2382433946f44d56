"""One network that learns targets from all data at once, by limited-memory BFGS."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from archgraph.compiler.backend import load_keras
from archgraph.training import state
from archgraph.training.data.dataset import Dataset
from archgraph.training.lbfgs import History, Vector, descend
from archgraph.training.optimizer import Lbfgs
from archgraph.training.planning import Plan
from archgraph.training.trainees.supervised import CompiledTrainee


class WholeBatchTrainee(CompiledTrainee):
    """A step is one of L-BFGS on the whole batch; what it remembers of the last steps is kept state.

    The random numbers of layers (dropout) and their moving statistics are the same at every point that a step tries, so
    that it goes down one function; the next step has others. The figures are those of the weights after the step.
    """

    def __init__(self, plan: Plan, dataset: Dataset, networks: Mapping[str, Any]) -> None:
        super().__init__(plan, dataset, networks)
        rule = self.experiment.rule(self.role)
        assert isinstance(rule, Lbfgs)  # `trainee` asks for no other
        self.rule, self.keras = rule, load_keras()
        self.moving = self.moved(self.role)
        self.fixed = list(self.trained.non_trainable_variables)
        size = sum(int(np.prod(weight.shape)) for weight in self.moving)

        def kept(name: str, shape: tuple[int, ...], dtype: str) -> Any:
            return self.keras.Variable(np.zeros(shape), dtype=dtype, trainable=False, name=name)

        self.steps = kept("steps", (rule.memory, size), "float64")
        self.changes = kept("changes", (rule.memory, size), "float64")
        self.pairs = kept("pairs", (), "int32")
        self._piece = self._traced()

    @property
    def variables(self) -> Sequence[Any]:
        return [*state.variables(self.trained), self.steps, self.changes, self.pairs]

    @property
    def optimizers(self) -> Mapping[str, Any]:
        return {}  # there is no rate to look at or to change

    def train(self, batches: Iterator[Any]) -> None:
        batch = next(batches)
        pieces = list(self._cut(batch))
        before = state.capture(self.fixed)

        def function(point: Vector) -> tuple[float, Vector]:
            state.restore(self.fixed, before)
            self._put(point)
            return self._judged(pieces)

        arrived = descend(function, self._point(), self._history(), self.rule)
        self._put(arrived.point)
        self._remember(arrived.history)
        for _, piece in pieces:
            self.trained.test_step(piece)

    # ---- the vector of all weights

    def _point(self) -> Vector:
        return np.concatenate([np.asarray(weight, np.float64).ravel() for weight in self.moving])

    def _put(self, point: Vector) -> None:
        sizes = np.cumsum([int(np.prod(weight.shape)) for weight in self.moving])[:-1]
        for weight, part in zip(self.moving, np.split(point, sizes), strict=True):
            weight.assign(part.reshape(weight.shape))

    # ---- the function and its gradient

    def _cut(self, batch: Any) -> Iterator[tuple[float, Any]]:
        """Pieces that are worked out one after the other, each with its share."""
        tree = self.keras.tree
        count = int(tree.flatten(batch)[0].shape[0])
        size = self.rule.samples_at_once if self._is_mean(batch) else count
        for start in range(0, count, size):
            piece = tree.map_structure(lambda values, start=start: values[start : start + size], batch)
            yield min(size, count - start) / count, piece

    def _is_mean(self, batch: Any) -> bool:
        """Whether the loss of the whole is the mean of those of the pieces."""
        losses = [self.experiment.loss(output) for output in self.dataset.train.targets]
        return len(batch) == 2 and not any(given and given[1].reduction for given in losses)

    def _judged(self, pieces: Sequence[tuple[float, Any]]) -> tuple[float, Vector]:
        loss, gradient = 0.0, np.zeros(sum(int(np.prod(weight.shape)) for weight in self.moving))
        for share, piece in pieces:
            value, slopes = self._piece(piece)
            loss += share * float(value)
            gradient += share * np.concatenate([np.asarray(slope, np.float64).ravel() for slope in slopes])
        return loss, gradient

    def _traced(self) -> Any:
        import tensorflow as tf

        def judge(batch: Any) -> Any:
            x, y, weight = self.keras.utils.unpack_x_y_sample_weight(batch)
            resources = [variable.value for variable in self.moving]
            with tf.GradientTape() as tape:
                given = self.trained(x, training=True)
                loss = self.trained.compute_loss(x, y, given, weight, training=True)
            slopes = tape.gradient(loss, resources, unconnected_gradients=tf.UnconnectedGradients.ZERO)
            return loss, [tf.convert_to_tensor(slope) for slope in slopes]

        return tf.function(judge, reduce_retracing=True, autograph=False)

    # ---- the history

    def _history(self) -> History:
        count = int(self.pairs)
        return History(np.array(self.steps)[:count], np.array(self.changes)[:count])

    def _remember(self, history: History) -> None:
        count = len(history.steps)
        for variable, rows in zip((self.steps, self.changes), history, strict=True):
            held = np.zeros(variable.shape)
            held[:count] = rows
            variable.assign(held)
        self.pairs.assign(count)
