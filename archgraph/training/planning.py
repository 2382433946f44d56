"""Experiment + graph + data -> Plan: what can be wrong is found here, before TensorFlow is imported."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from archgraph.analysis.infer import infer
from archgraph.analysis.shaped import ShapedGraph
from archgraph.analysis.starting import unlearnable
from archgraph.diagnostics import Diagnostic, GraphError, Rejected
from archgraph.training import initial, pretraining
from archgraph.training.augmentation.checks import augmentation_doubts, augmentation_misfits
from archgraph.training.data.base import Samples
from archgraph.training.data.dataset import Binding, Dataset, bind, fit_steps, prepare, with_constants
from archgraph.training.data.splits import Parts, split
from archgraph.training.experiment import Experiment, Network, load_experiment
from archgraph.training.fit import Fit, doubts, unfinished, unlisted, unmoved
from archgraph.training.graphs import graph_of
from archgraph.training.hardware import undealt
from archgraph.training.memory import oversized

_LOOKED_AT = 8
"""Samples that are preprocessed to learn the shapes."""


@dataclass(frozen=True)
class Plan:
    """An experiment whose graph, data, objective and metrics fit each other. Only `plan` makes one."""

    experiment: Experiment
    networks: Mapping[str, ShapedGraph]
    """The graphs by role."""
    samples: Samples
    parts: Parts
    binding: Binding
    quantities: tuple[str, ...]
    """Names of what an epoch measures, as in metrics.csv."""
    warnings: tuple[Diagnostic, ...] = ()
    """What is allowed but surely not meant."""

    @property
    def shaped(self) -> ShapedGraph:
        """The first of the graphs, mostly the only one."""
        return next(iter(self.networks.values()))

    @property
    def parameters(self) -> int:
        """Weights of all graphs."""
        return sum(shaped.parameters for shaped in self.networks.values())

    def dataset(self) -> Dataset:
        """All the data, preprocessed and bound to the names that the objective asks for."""
        settings, face = self.experiment.settings, self.experiment.objective.face(self.networks)
        try:
            return prepare(
                self.samples,
                self.parts,
                self.experiment.steps,
                self.binding,
                face.inputs,
                face.outputs,
                validated=settings.validation > 0,
            )
        except Rejected as rejected:
            raise GraphError(self.experiment.document.place([rejected.at("")])) from None


def plan(experiment: Experiment) -> Plan:
    """Read graph and data, and check that everything fits. Imports neither TensorFlow nor Keras.

    Raises:
        GraphError: with every finding about graph, data, preprocessing, loss, metrics and callbacks, placed.
    """
    found: list[Diagnostic] = []
    networks = {role: _graph(experiment, network, found) for role, network in experiment.networks.items()}
    starts = [] if experiment.initial_weights else [one for net in networks.values() if net for one in unlearnable(net)]
    found += [one for one in starts if one.severity == "error"]
    shaped = {role: one for role, one in networks.items() if one is not None}
    drawn = _data(experiment, found)
    if found or drawn is None:
        raise GraphError(found)
    samples, parts = drawn
    experiment = experiment.sized(len(parts.train))
    settings = experiment.settings
    try:
        face = experiment.objective.face(shaped)
        samples, targets = with_constants(samples, face.outputs, settings.targets)
    except Rejected as rejected:
        raise GraphError(experiment.document.place([rejected.at("")])) from None
    binding, complaints = bind(samples, face.inputs, face.outputs, settings.inputs, targets)
    names: tuple[str, ...] = ()
    doubts: list[Rejected] = []
    if not complaints:
        complaints, names, doubts = _fit(experiment, shaped, samples, parts, binding)
    if complaints:
        raise GraphError(experiment.document.place(rejected.at("") for rejected in complaints))
    warnings = experiment.document.place(replace(doubt.at(""), severity="warning") for doubt in doubts)
    return Plan(experiment, shaped, samples, parts, binding, names, (*starts, *warnings))


def check_experiment(path: str | Path, overrides: Mapping[str, Any] | None = None) -> tuple[Diagnostic, ...]:
    """Every finding about the experiment file at `path`, its graph and its data; without errors it can be trained."""
    try:
        return plan(load_experiment(path, overrides)).warnings
    except GraphError as error:
        return error.diagnostics


def _graph(experiment: Experiment, network: Network, found: list[Diagnostic]) -> ShapedGraph | None:
    try:
        return infer(graph_of(experiment, network))
    except GraphError as error:
        found += error.diagnostics
        return None


def _data(experiment: Experiment, found: list[Diagnostic]) -> tuple[Samples, Parts] | None:
    try:
        samples = experiment.source.read(experiment.surroundings)
        return samples, split(samples, experiment.source, experiment.settings.validation)
    except Rejected as rejected:
        found += experiment.document.place([rejected.under("data").at("")])
        return None


def _fit(
    experiment: Experiment, networks: Mapping[str, ShapedGraph], samples: Samples, parts: Parts, binding: Binding
) -> tuple[list[Rejected], tuple[str, ...], list[Rejected]]:
    """Complaints, the names of what is measured, and warnings."""
    odd = list(unfinished(samples, binding))
    if odd:
        return odd, (), []
    try:
        columns, _ = fit_steps(samples, parts.train[:_LOOKED_AT], experiment.steps, binding)
    except Rejected as rejected:
        return [rejected], (), []
    fit = Fit(experiment, networks, samples, parts, binding, columns)
    found = list(_distinct(experiment.objective.misfits(fit))) or [*unlisted(fit), *augmentation_misfits(fit)]
    found += [] if found else oversized(fit)
    found += undealt(experiment, len(parts.train), masked=bool(samples.masks))
    found += unmoved(fit)
    found += initial.misfits(experiment, networks)
    found += pretraining.misfits(experiment, networks, binding, columns)
    if found:
        return found, (), []
    return [], experiment.objective.quantities(fit), [*augmentation_doubts(fit), *doubts(fit)]


def _distinct(found: Iterator[Rejected]) -> Iterator[Rejected]:
    seen = set()
    for rejected in found:
        key = (rejected.field, rejected.message)
        if key not in seen:
            seen.add(key)
            yield rejected
