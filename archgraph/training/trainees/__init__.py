"""Objectives at work, on Keras: what one step does to the networks, and everything that a run must keep of them."""

from collections.abc import Callable, Mapping
from typing import Any

from archgraph.training.data.dataset import Dataset
from archgraph.training.objectives import (
    Adversarial,
    Autoregressive,
    Distillation,
    Language,
    Objective,
    SemiSupervised,
    Supervised,
    Translation,
    Variational,
)
from archgraph.training.optimizer import Lbfgs
from archgraph.training.planning import Plan
from archgraph.training.spreading import Place
from archgraph.training.trainees.adversarial import AdversarialTrainee
from archgraph.training.trainees.autoregressive import AutoregressiveTrainee
from archgraph.training.trainees.base import Trainee
from archgraph.training.trainees.distillation import DistillationTrainee
from archgraph.training.trainees.language import LanguageTrainee
from archgraph.training.trainees.spread import SpreadTrainee
from archgraph.training.trainees.supervised import SupervisedTrainee
from archgraph.training.trainees.translation import TranslationTrainee
from archgraph.training.trainees.variational import VariationalTrainee
from archgraph.training.trainees.whole_batch import WholeBatchTrainee

TRAINEES: Mapping[type[Objective], Callable[..., Trainee]] = {
    Supervised: SupervisedTrainee,
    Adversarial: AdversarialTrainee,
    SemiSupervised: AdversarialTrainee,
    Autoregressive: AutoregressiveTrainee,
    Distillation: DistillationTrainee,
    Language: LanguageTrainee,
    Translation: TranslationTrainee,
    Variational: VariationalTrainee,
}
"""Who carries out which objective."""


def trainee(plan: Plan, dataset: Dataset, networks: Mapping[str, Any], place: Place | None = None) -> Trainee:
    """The networks of a plan, as Keras models by role, ready for their first step."""
    if isinstance(plan.experiment.rule(next(iter(networks))), Lbfgs):
        return WholeBatchTrainee(plan, dataset, networks)
    if place is not None and place.strategy is not None:
        return SpreadTrainee(plan, dataset, networks, place)
    return TRAINEES[type(plan.experiment.objective)](plan, dataset, networks)


__all__ = ["TRAINEES", "Trainee", "trainee"]
