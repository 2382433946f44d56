"""Experiment + Keras model -> a model ready to train: optimiser, losses and metrics made from their records."""

import importlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from archgraph.compiler.backend import load_keras
from archgraph.compiler.preparing import fused, prepare
from archgraph.diagnostics import Diagnostic, GraphError
from archgraph.training.data.dataset import Dataset
from archgraph.training.experiment import Experiment
from archgraph.training.feed import structure
from archgraph.training.losses import CLASS_NUMBER_LOSSES, ONE_HOT_LOSSES
from archgraph.training.optimizer import Optimizer, Sgd
from archgraph.training.schedules import OneCycle, Schedule, as_schedule

_OF_ONE_TYPE = ("float64", "bfloat16")
"""Policies under which weights and arithmetic have one type, which is not Keras's own."""


def assemble(experiment: Experiment, model: Any, dataset: Dataset) -> Any:
    """A model of the learned outputs of `model` (mostly itself), compiled, with all its state already built.

    Weights are shared with `model`. Building the state first lets the training step be traced once instead of twice.
    """
    keras, settings = load_keras(), experiment.settings
    outputs = tuple(dataset.train.targets)
    trained = _learned(keras, model, outputs)
    steps = -(-len(dataset.train) // settings.batch_size)
    metrics = {output: make_metrics(experiment, dataset, output) for output in outputs}
    losses = {output: _loss(keras, experiment, dataset, output) for output in outputs}
    single = len(outputs) == 1
    weights = settings.loss_weights
    trained.compile(
        optimizer=_mover(experiment, steps),
        loss=structure(losses, single=single),
        loss_weights=None if not weights or single else {name: weights.get(name, 1.0) for name in outputs},
        **{"weighted_metrics" if dataset.masked else "metrics": structure(metrics, single=single)},
        steps_per_execution=settings.steps_per_execution,
        jit_compile=False,  # XLA makes a first step three times, and a CPU step up to 1.6 times, slower
    )
    if settings.dtype_policy in _OF_ONE_TYPE and trained.losses:
        # Penalties have the type of the weights. Keras adds them to the loss only if that has their type, not float32.
        trained._compile_loss._dtype_policy = keras.dtype_policies.get(settings.dtype_policy)
        trained._compile_loss._dtype = settings.dtype_policy
    _build(trained, dataset)
    return trained


def _learned(keras: Any, model: Any, outputs: tuple[str, ...]) -> Any:
    every = model.output
    if not isinstance(every, Mapping) or set(every) == set(outputs):
        return model
    kept = {name: every[name] for name in outputs}
    return keras.Model(model.input, structure(kept, single=len(outputs) == 1), name=model.name)


def _build(model: Any, dataset: Dataset) -> None:
    train = dataset.train
    single = len(train.targets) == 1
    one = {name: np.asarray(array[:1]) for name, array in train.targets.items()}
    weights = {name: np.asarray(array[:1]) for name, array in train.weights.items()}
    x = structure({name: array[:1] for name, array in train.inputs.items()}, single=len(train.inputs) == 1)
    share = structure(weights, single=single) if weights else None
    batch = (x, structure(one, single=single), share)
    if model.distribute_strategy.num_replicas_in_sync > 1:
        model._symbolic_build(data_batch=batch)  # figures that several devices share cannot take in a sample here
    else:
        prepare(model, *batch)


# ---- records -> Keras objects


def _make(module: Any, name: str, arguments: Mapping[str, Any]) -> Any:
    cls = getattr(module, name, None)
    own = importlib.import_module("archgraph.compiler.layers").LAYERS
    cls = own.get(name, cls)  # ours go first: some stand in for what Keras gets wrong
    if cls is None:
        keras = load_keras()
        hint = "install a newer keras"
        raise GraphError([Diagnostic("AG802", "", f"keras {keras.__version__} has no {name}", hint)])
    return cls(**{key: list(value) if isinstance(value, tuple) else value for key, value in arguments.items()})


def make_losses(experiment: Experiment, dataset: Dataset) -> dict[str, Any]:
    """The Keras loss of every learned output."""
    keras = load_keras()
    return {output: _loss(keras, experiment, dataset, output) for output in dataset.train.targets}


def _loss(keras: Any, experiment: Experiment, dataset: Dataset, output: str) -> Any:
    given = experiment.loss(output)
    assert given is not None  # `plan` rejects a learned output without a loss
    default = "mean_with_sample_weight" if dataset.masked else "sum_over_batch_size"
    policy = experiment.settings.dtype_policy
    dtype = {"dtype": policy} if policy == "float64" else {}
    return _make(keras.losses, given[1].keras, {"reduction": default, **given[1].arguments(), **dtype})


def make_metrics(experiment: Experiment, dataset: Dataset, output: str) -> list[Any]:
    """The Keras metrics of a learned output."""
    keras, made = load_keras(), []
    for _, label, metric in experiment.metrics(output):
        cls, arguments = metric.keras, metric.arguments()
        if cls == "accuracy":
            cls, arguments = _accuracy(experiment, dataset, output)
        made.append(_make(keras.metrics, cls, {"name": label, **arguments}))
    return made


def _accuracy(experiment: Experiment, dataset: Dataset, output: str) -> tuple[str, dict[str, Any]]:
    """The accuracy that fits the loss: of class numbers, of one-hot vectors, or of yes/no answers."""
    given = experiment.loss(output)
    assert given is not None  # `plan` rejects a learned output without a loss
    name, loss = given
    if name in CLASS_NUMBER_LOSSES:
        return "SparseCategoricalAccuracy", {}
    if name in ONE_HOT_LOSSES:
        return "CategoricalAccuracy", {}
    target = dataset.train.targets[output]
    if target.dtype.kind in "iu":
        return "SparseCategoricalAccuracy", {}
    if not name.startswith("binary") and target.shape[-1] > 1 and output in dataset.classes:
        return "CategoricalAccuracy", {}
    return "BinaryAccuracy", {"threshold": 0.0 if getattr(loss, "from_logits", False) else 0.5}


def _mover(experiment: Experiment, steps: int) -> Any:
    """The optimiser; one that never moves anything where the weights are moved from outside of Keras."""
    rule = experiment.rule()
    if isinstance(rule, Optimizer):
        return make_optimizer(rule, experiment, steps)
    return load_keras().optimizers.SGD(0.0)


def make_optimizer(record: Optimizer, experiment: Experiment, steps: int) -> Any:
    """The Keras optimiser that a record of an experiment whose epochs have `steps` batches stands for."""
    keras = load_keras()
    total = steps * experiment.settings.epochs
    rate = make_rate(keras, as_schedule(record.learning_rate), steps, total)
    arguments = {**record.arguments(), "learning_rate": rate}
    schedule = as_schedule(record.learning_rate)
    if isinstance(record, Sgd) and isinstance(schedule, OneCycle):
        cycle = schedule.momentum(record.momentum, steps, total)
        if cycle:
            return _make(keras.optimizers, "CycledSGD", {**arguments, **cycle})
    return fused(_make(keras.optimizers, record.keras, arguments))


def make_rate(keras: Any, schedule: Schedule, steps: int, total: int) -> Any:
    """What Keras takes as learning rate where an epoch has `steps` batches and the training `total`."""
    arguments = schedule.in_steps(steps, total)
    if not schedule.keras:
        return float(arguments["learning_rate"])
    if "then" in arguments:
        arguments["then"] = make_rate(keras, *arguments["then"])
    return _make(keras.optimizers.schedules, schedule.keras, arguments)
