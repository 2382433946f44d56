"""What training is to reach, as records: one file for each family. Never imports Keras."""

from archgraph.record import Named
from archgraph.training.objectives.adversarial import Adversarial, SemiSupervised
from archgraph.training.objectives.autoregressive import Autoregressive
from archgraph.training.objectives.base import OBJECTIVES, Face, Objective, objective
from archgraph.training.objectives.distillation import Distillation
from archgraph.training.objectives.language import Language
from archgraph.training.objectives.supervised import Supervised
from archgraph.training.objectives.translation import Translation
from archgraph.training.objectives.variational import Variational

OBJECTIVE = Named("an objective", OBJECTIVES)

__all__ = [
    "OBJECTIVE",
    "OBJECTIVES",
    "Adversarial",
    "Autoregressive",
    "Distillation",
    "Face",
    "Language",
    "Objective",
    "SemiSupervised",
    "Supervised",
    "Translation",
    "Variational",
    "objective",
]
