"""One run's drawn pictures: grids from fixed latents, ways through latent space, nearest samples, figures."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np

from archgraph.training.data.base import Array
from archgraph.training.data.dataset import Dataset
from archgraph.training.generation import latents
from archgraph.training.generation.drawing import Drawer
from archgraph.training.generation.evaluation import Asked, evidence, measured, nearest
from archgraph.training.generation.eyes import Eye, Labelled, eye
from archgraph.training.generation.figures import FEATURE_NETWORK
from archgraph.training.generation.mosaic import mosaic
from archgraph.training.generation.players import GENERATOR, players
from archgraph.training.generation.source import label_column, source_of
from archgraph.training.planning import Plan

_SHOWN_SEED, _JUDGED_SEED = 1, 2
_NEIGHBOURS, _NEIGHBOURED = 7, 8
_STEPS = 10
_WAYS = 8


class Exhibition:
    """What the generator of a run draws. Nothing here moves a weight or a random stream."""

    def __init__(self, plan: Plan, dataset: Dataset, network: Any) -> None:
        self.plan, self.dataset = plan, dataset
        self.game: Any = plan.experiment.objective
        self.players = players(plan.networks)
        self.generator = plan.networks[GENERATOR]
        self.source = source_of(plan.networks, self.players, plan.samples, dataset)
        self.latents, self.form = self.source.latents, self.source.form
        self.drawer = Drawer(network, tuple(self.generator.inputs), self.players.drawn)
        self.real = dataset.train.inputs[self.players.picture]

    def draw(self, inputs: Mapping[str, Array]) -> Array:
        """Pictures from 0 to 1."""
        assert self.form is not None
        return self.form.unit(self.drawer.draw(inputs))

    # ---- inputs

    def classes(self, name: str) -> int:
        """How many classes a condition has; 0 where it is none."""
        return len(self.source.conditions[name])

    def conditions(self, count: int, *, in_turn: bool) -> dict[str, Array]:
        """What `count` pictures are told: classes in turn, or rows of the training part, drawn."""
        rows = np.random.default_rng(_JUDGED_SEED).integers(0, len(self.real), count)
        found = {}
        for name in self.players.conditions:
            known, classes = self.dataset.train.inputs[name], self.classes(name)
            found[name] = (np.arange(count) % classes).astype(known.dtype) if in_turn and classes else known[rows]
        return found

    @property
    def columns(self) -> int:
        """Pictures in a row of a grid: one of each class, where there are classes."""
        counts = [self.classes(name) for name in self.players.conditions]
        counts += [one.shape[-1] for one in self.latents if one.distribution == "categorical"]
        several = [count for count in counts if 1 < count <= 20]
        return several[0] if several else max(1, round(self.game.shown**0.5))

    @cached_property
    def fixed(self) -> dict[str, Array]:
        """The inputs of the grid: a latent for each row and a class for each column, or a latent for each picture."""
        columns, count = self.columns, self.game.shown
        found = latents.drawn(self.latents, count, _SHOWN_SEED)
        found |= self.conditions(count, in_turn=True)
        categories = [one for one in self.latents if one.distribution == "categorical" and one.shape[-1] == columns]
        if categories or any(self.classes(name) == columns for name in self.players.conditions):
            row = np.arange(count) // columns
            found |= {one.name: found[one.name][row] for one in self.latents}
        for one in categories[:1]:
            found[one.name] = np.eye(columns, dtype=one.dtype)[np.arange(count) % columns]
        return found

    # ---- pictures

    def sheet(self) -> bytes | None:
        """A PNG of the fixed inputs' pictures; None where nothing is to be shown."""
        if self.form is None or not self.game.shown:
            return None
        return mosaic(self.draw(self.fixed), self.columns)

    def pictures(self) -> Iterator[tuple[str, bytes]]:
        """Names and PNGs of what is drawn at the end."""
        if self.form is None:
            return
        sheet = self.sheet()
        if sheet is not None:
            yield "drawn", sheet
        yield "interpolations", mosaic(self.draw(self.ways()), _STEPS)
        for name, inputs, columns in self.traversals():
            yield f"traversal_{name}", mosaic(self.draw(inputs), columns)
        yield "neighbours", self.neighbours()

    def ways(self) -> dict[str, Array]:
        """Inputs along ways from one draw to another, each with one condition."""
        ends = latents.drawn(self.latents, 2 * _WAYS, _SHOWN_SEED + 10)
        found = {one.name: latents.ways(one, ends[one.name], _STEPS) for one in self.latents}
        told = self.conditions(_WAYS, in_turn=True)
        return found | {name: np.repeat(values, _STEPS, axis=0) for name, values in told.items()}

    def traversals(self) -> Iterator[tuple[str, dict[str, Array], int]]:
        """For every code that is found again: inputs that differ in that code alone, a row for each of some draws."""
        codes = self.game.found_again(self.plan.networks)
        for one in self.latents:
            if one.name not in codes:
                continue
            hot = one.distribution == "categorical"
            values = np.arange(one.shape[-1]) if hot else np.linspace(-2, 2, _STEPS)
            places = range(1) if hot else range(int(np.prod(one.shape)))
            rows = [
                latents.traversal(one, self._one(number), place, values) for place in places for number in range(_WAYS)
            ]
            yield one.name, {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}, len(values)

    def _one(self, number: int) -> dict[str, Array]:
        drawn = latents.drawn(self.latents, number + 1, _SHOWN_SEED + 20) | self.conditions(number + 1, in_turn=True)
        return {name: values[-1:] for name, values in drawn.items()}

    def neighbours(self) -> bytes:
        """Drawn pictures, and beside each the samples of the training part that are nearest to it."""
        assert self.form is not None
        inputs = latents.drawn(self.latents, _NEIGHBOURED, _SHOWN_SEED + 30)
        drawn = self.draw(inputs | self.conditions(_NEIGHBOURED, in_turn=True))
        known = self.form.unit(self.real)
        eye = self.eye
        spaces = (drawn, known) if eye is None else (eye.see(drawn).features, eye.see(known).features)
        chosen = nearest(*spaces, _NEIGHBOURS)
        rows = np.concatenate([drawn[:, None], known[chosen]], axis=1)
        return mosaic(rows.reshape(-1, *self.form.shape), 1 + _NEIGHBOURS)

    # ---- figures

    @cached_property
    def eye(self) -> Eye | None:
        """The feature network; None where no figure needs one."""
        if self.form is None or not any(figure.needs_features for figure in self.game.measures.values()):
            return None
        record: Any = FEATURE_NETWORK.make(self.game.features)
        return eye(record, self._labelled(), self.plan.experiment.surroundings)

    def _labelled(self) -> Labelled | None:
        column = label_column(self.plan.samples)
        if column is None or self.form is None:
            return None
        labels = self.plan.samples.columns[column]
        return Labelled(self.form.unit(self.real), labels.values[self.plan.parts.train], len(labels.classes))

    def asked(self, inputs: Mapping[str, Array]) -> Asked | None:
        """What pictures were asked to show, where that can be seen."""
        for name in self.players.conditions:
            if self.classes(name):
                return Asked(np.asarray(inputs[name]), True)
        for one in self.latents:
            if one.distribution == "categorical" and one.name in self.game.found_again(self.plan.networks):
                return Asked(inputs[one.name].argmax(-1), False)
        return None

    def figures(self, real: Array) -> dict[str, float]:
        """The figures of freshly drawn pictures against real ones, given as the data feeds them."""
        if self.form is None:
            return {}
        count = self.game.judged
        inputs = latents.drawn(self.latents, count, _JUDGED_SEED) | self.conditions(count, in_turn=False)
        shown = evidence(self.draw(inputs), self.form.unit(real), self.eye, self.asked(inputs))
        return measured(self.game.measures, shown)

    def figures_of_data(self, real: Array) -> dict[str, float]:
        """The same figures of as many training pictures: what a perfect generator would reach, about."""
        if self.form is None:
            return {}
        rows = np.random.default_rng(_JUDGED_SEED).permutation(len(self.real))[: self.game.judged]
        return measured(
            self.game.measures, evidence(self.form.unit(self.real[rows]), self.form.unit(real), self.eye, None)
        )
