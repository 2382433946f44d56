"""Everything that a model needs to learn, made before its first step: then that step is traced once, not twice."""

from collections.abc import Callable
from typing import Any

from archgraph.compiler.backend import load_keras


def fused(optimizer: Any) -> Any:
    """The same optimiser with each weight's update in one kernel of TensorFlow, where there is one; else itself.

    There is for Keras's SGD, Adam and AdamW. The formulas are Keras's.
    """
    load_keras()
    from archgraph.compiler.layers.fused import FUSED

    better = FUSED.get(type(optimizer).__name__)
    return optimizer if better is None else better.from_config(optimizer.get_config())


def prepare(model: Any, x: Any, y: Any, sample_weight: Any = None) -> None:
    """Make the state of a compiled model's optimiser, losses and metrics, which Keras makes in the first step.

    On TensorFlow and one device the step itself is prepared too: as one function, where Keras makes one within another.

    Args:
        model: on which ``compile`` was called.
        x: a few samples, as for ``fit``.
        y: their targets.
        sample_weight: their weights, if there are any.
    """
    keras = load_keras()
    model.optimizer.build(model.trainable_variables)
    tensors = keras.tree.map_structure(keras.ops.convert_to_tensor, (x, y))
    share = None if sample_weight is None else keras.tree.map_structure(keras.ops.convert_to_tensor, sample_weight)
    predicted = _predicted(keras, model, *tensors)
    model.compute_loss(*tensors, predicted, share)
    model.compute_metrics(*tensors, predicted, share)
    model.reset_metrics()
    if _is_plain(keras, model):
        model.train_function = _step(model)


def _is_plain(keras: Any, model: Any) -> bool:
    """Whether a step is one batch on one device, as a graph of TensorFlow that XLA leaves alone."""
    if keras.backend.backend() != "tensorflow" or model.run_eagerly or model.jit_compile:
        return False
    import tensorflow as tf

    return model.steps_per_execution == 1 and not tf.distribute.has_strategy()


def _step(model: Any) -> Callable[[Any], Any]:
    import tensorflow as tf

    @tf.function(reduce_retracing=True, autograph=False)
    def of_iterator(iterator: Any) -> Any:
        return model.train_step(iterator.get_next())

    @tf.function(reduce_retracing=True, autograph=False)
    def of_batch(batch: Any) -> Any:
        return model.train_step(batch)

    def function(iterator: Any) -> Any:
        if not isinstance(iterator, tf.data.Iterator):
            return of_batch(next(iterator))
        try:
            return of_iterator(iterator)
        except tf.errors.OutOfRangeError:
            raise StopIteration from None

    return function


def _predicted(keras: Any, model: Any, x: Any, y: Any) -> Any:
    """Something of the shape of the outputs: a distribution over the last axis, so that no metric objects."""
    count = len(keras.tree.flatten(x)[0])
    outputs = keras.tree.flatten(model.output)
    if any(None in tensor.shape[1:] for tensor in outputs):
        return model(x, training=False)
    filled = [
        keras.ops.full((count, *tensor.shape[1:]), 1 / max(tensor.shape[-1], 1), dtype=tensor.dtype)
        for tensor in outputs
    ]
    return keras.tree.pack_sequence_as(model.output, filled)
