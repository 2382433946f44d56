"""One network that learns targets on several devices: each has a part of the batch, and they move as one."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from archgraph.compiler.backend import load_keras
from archgraph.training import state
from archgraph.training.data.dataset import Dataset
from archgraph.training.feed import Feed
from archgraph.training.planning import Plan
from archgraph.training.spreading import Place
from archgraph.training.trainees.supervised import CompiledTrainee


class SpreadTrainee(CompiledTrainee):
    """Each device works out the gradient of its part; their sum, weighted by the parts' sizes, is that of the batch."""

    def __init__(self, plan: Plan, dataset: Dataset, networks: Mapping[str, Any], place: Place) -> None:
        super().__init__(plan, dataset, networks)
        import tensorflow as tf

        self.place, self._tf, self._keras = place, tf, load_keras()
        for network in networks.values():
            _synchronize(network)
        # Gradients are added up before they are clipped, as on one device; Keras would clip the parts, and add after.
        self.trained.optimizer._all_reduce_sum_gradients = list
        self._step = tf.function(lambda batches: place.strategy.run(self._learn, args=(next(batches),)))
        self._test = tf.function(lambda batches: place.strategy.run(self._judge, args=(next(batches),)))

    @property
    def variables(self) -> Sequence[Any]:
        return state.variables(self.trained)

    @property
    def optimizers(self) -> Mapping[str, Any]:
        return {self.role: self.trained.optimizer}

    def train(self, batches: Iterator[Any]) -> None:
        for _ in range(self.settings.steps_per_execution):
            try:
                self._step(batches)
            except (self._tf.errors.OutOfRangeError, StopIteration):
                return

    def evaluate(self, feed: Feed) -> dict[str, float]:
        self.reset()
        batches = feed.batches()
        for _ in range(feed.steps):
            self._test(batches)
        scores = self.measured()
        self.reset()
        return scores

    # ---- on one of the devices

    def _learn(self, batch: Any) -> None:
        tf, model = self._tf, self.trained
        x, y, weights = self._keras.utils.unpack_x_y_sample_weight(batch)
        together = tf.distribute.get_replica_context()
        with tf.GradientTape() as tape:
            loss = self._loss(model(x, training=True), x, y, weights, training=True)
        variables = model.trainable_variables
        parts = tape.gradient(loss, [variable.value for variable in variables])
        gradients = [
            tf.zeros_like(variable.value) if part is None else tf.convert_to_tensor(part)
            for part, variable in zip(parts, variables, strict=True)
        ]
        model.optimizer.apply(together.all_reduce(tf.distribute.ReduceOp.SUM, gradients), variables)

    def _judge(self, batch: Any) -> None:
        x, y, weights = self._keras.utils.unpack_x_y_sample_weight(batch)
        self._loss(self.trained(x, training=False), x, y, weights, training=False)

    def _loss(self, predicted: Any, x: Any, y: Any, weights: Any, *, training: bool) -> Any:
        """This part's share of the batch's loss; the figures of the epoch take it in."""
        tf, model, count = self._tf, self.trained, self.place.count
        samples = tf.shape(self._keras.tree.flatten(x)[0])[0]
        mean = model.compute_loss(x, y, predicted, weights, training) * count  # Keras gives 1/count of this part's mean
        size = tf.cast(samples, mean.dtype)
        of_all = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, size)
        model.metrics[0].update_state(mean, sample_weight=samples)
        model.compute_metrics(x, y, predicted, weights)
        return mean * (size / of_all)


def _synchronize(network: Any) -> None:
    """Let batch normalisation see the whole batch, not the part of its own device."""
    for layer in network._flatten_layers():
        if isinstance(layer, load_keras().layers.BatchNormalization):
            layer.synchronized = True
