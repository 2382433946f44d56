"""Onlookers of a run: they look at the networks between epochs and write what they saw, and change nothing."""

from archgraph.training.observers.augmented import Augmented
from archgraph.training.observers.base import Observer
from archgraph.training.observers.diagnosing import Diagnosing
from archgraph.training.observers.events import Events
from archgraph.training.observers.held_out import HeldOut
from archgraph.training.observers.nodes import NodeFigures
from archgraph.training.observers.pictures import Pictures
from archgraph.training.observers.rates import Rates
from archgraph.training.observers.samples import Samples
from archgraph.training.planning import Plan
from archgraph.training.watching import Nodes, Tensorboard


def observers(plan: Plan) -> tuple[Observer, ...]:
    """Those that an experiment asks for, and those of every run; what reads the others' files comes later."""
    every = plan.experiment.settings.show_every
    asked = plan.experiment.onlookers
    return (
        *((Augmented(),) if plan.experiment.augmentation else ()),
        *((Samples(every),) if every else ()),
        *(NodeFigures(one) for one in asked if isinstance(one, Nodes)),
        HeldOut(),
        Pictures(),
        Rates(),
        Diagnosing(),
        *(Events(one) for one in asked if isinstance(one, Tensorboard)),
    )


__all__ = ["Observer", "observers"]
