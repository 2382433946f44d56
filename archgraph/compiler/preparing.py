"""Everything that a model needs to learn, made before its first step: then Keras traces that step once, not twice."""

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
