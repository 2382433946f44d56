"""From an experiment file to a trained model in a run folder. Keras is imported only when training begins.

`load_experiment` and `check_experiment` never import it. The names below are loaded on first use, so that a command
that only checks a file pays for nothing else.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archgraph.training.diagnosis import diagnose
    from archgraph.training.experiment import Experiment, experiment_schema, load_experiment, make_experiment
    from archgraph.training.explaining.run import explain
    from archgraph.training.generation.sampling import Sampled, sample
    from archgraph.training.loop import train
    from archgraph.training.planning import Plan, check_experiment, plan
    from archgraph.training.prediction import Prediction, predict
    from archgraph.training.range_finder import RateRange, find_rate
    from archgraph.training.report import Reporter
    from archgraph.training.run import Run, open_run

__all__ = [
    "Experiment",
    "Plan",
    "Prediction",
    "RateRange",
    "Reporter",
    "Run",
    "Sampled",
    "check_experiment",
    "diagnose",
    "experiment_schema",
    "explain",
    "find_rate",
    "load_experiment",
    "make_experiment",
    "open_run",
    "plan",
    "predict",
    "sample",
    "train",
]

_PLACES = {
    "diagnosis": ("diagnose",),
    "explaining.run": ("explain",),
    "experiment": ("Experiment", "experiment_schema", "load_experiment", "make_experiment"),
    "planning": ("Plan", "check_experiment", "plan"),
    "prediction": ("Prediction", "predict"),
    "range_finder": ("RateRange", "find_rate"),
    "report": ("Reporter",),
    "run": ("Run", "open_run"),
    "generation.sampling": ("Sampled", "sample"),
    "loop": ("train",),
}


def __getattr__(name: str) -> Any:
    for module, names in _PLACES.items():
        if name in names:
            return getattr(importlib.import_module(f"archgraph.training.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
