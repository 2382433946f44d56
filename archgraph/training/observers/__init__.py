"""Onlookers of a run: they look at the networks between epochs and write what they saw, and change nothing."""

from archgraph.training.observers.base import Observer
from archgraph.training.observers.samples import Samples
from archgraph.training.planning import Plan


def observers(plan: Plan) -> tuple[Observer, ...]:
    """Those that an experiment asks for."""
    every = plan.experiment.settings.show_every
    return (Samples(every),) if every else ()


__all__ = ["Observer", "observers"]
