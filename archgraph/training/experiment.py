"""The ``*.train.json`` file: text -> Experiment, and its JSON Schema, from one definition. Never imports Keras."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from archgraph.diagnostics import GraphError, Rejected
from archgraph.document.reader import Document, read, read_file
from archgraph.kinds import (
    NULL,
    AnyOf,
    Anything,
    Choice,
    Constant,
    Flag,
    FrozenMap,
    Integer,
    Kind,
    ListOf,
    MapOf,
    Number,
    Pattern,
    Text,
    optional,
    shown,
)
from archgraph.record import Named, Record, param, record
from archgraph.training import initial
from archgraph.training.augmentation import AUGMENTATIONS, Augmentation
from archgraph.training.callbacks import CALLBACK, Checkpoint, StochasticWeightAveraging, Watcher, made
from archgraph.training.contradictions import contradictions
from archgraph.training.data import Source, Surroundings
from archgraph.training.forms import DataSource, GraphReference, PerOutput, Version, is_per_output
from archgraph.training.hardware import HARDWARE, Hardware
from archgraph.training.initial import PATTERNS, InitialWeights, WeightsReference
from archgraph.training.losses import LOSS, METRIC, KerasObject, Loss
from archgraph.training.objectives import OBJECTIVE, Objective
from archgraph.training.optimizer import OPTIMIZER, OPTIMIZERS, Optimizer, Rule
from archgraph.training.preprocessing import STEPS, Step, plain
from archgraph.training.pretraining import PRETRAINING, Pretraining
from archgraph.training.schedules import definitions
from archgraph.training.watching import WATCHER, Onlooker

DATA = DataSource()
STEP = Named("a preprocessing step", STEPS)
AUGMENTATION = Named("an augmentation", AUGMENTATIONS)
COLUMN_NAMES = optional(MapOf(Text(200)))
LEARNED = optional(MapOf(AnyOf(Text(200), Number())))
POLICIES = ("float32", "mixed_float16", "mixed_bfloat16", "float64", "bfloat16")


@record
class Settings(Record):
    """What an experiment file says. Every run is a graph, data, an objective, and a way to minimise it."""

    archgraph: int = param(Version(), "Version of the format.")
    name: str = param(
        Pattern(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", "a name of letters, digits, '.', '_' and '-'", "AG206"),
        "Name of the experiment; its runs are kept in folders of this name.",
    )
    doc: str = param(Text(), "What it is for.", default="")
    graph: Any = param(
        AnyOf(GraphReference(), NULL),
        "The graph file, relative to this one; #VARIANT chooses a variant.",
        default=None,
    )
    graphs: Any = param(
        MapOf(GraphReference()),
        "For objectives over several graphs, instead of graph: the file of each role.",
        default=FrozenMap(),
    )
    objective: Any = param(
        OBJECTIVE, "What training is to reach. Default: outputs that come near to targets.", default="supervised"
    )
    data: Any = param(DATA, "The data set, by name or with its options.")
    inputs: Any = param(
        COLUMN_NAMES,
        "Which column of the data feeds each input of the graph. Default: by name, or the only one.",
        default=None,
    )
    targets: Any = param(
        LEARNED,
        "Which column each output learns, or one number that all of it learns. Default: by name, or the only one.",
        default=None,
    )
    preprocessing: Any = param(
        ListOf(STEP, longest=100),
        "Steps between data and graph, in order; fitted to the training part alone.",
        default=(),
    )
    augmentation: Any = param(
        ListOf(AUGMENTATION, longest=20),
        "Random changes of the training samples, in order, after the preprocessing; drawn anew in every epoch.",
        default=(),
    )
    loss: Any = param(
        AnyOf(PerOutput(LOSS), NULL),
        "What is minimised: one loss, or one for each output. Some objectives bring their own.",
        default=None,
    )
    loss_weights: Any = param(
        optional(MapOf(Number(0))), "Factor of each output's loss in the sum. Default: 1.", default=None
    )
    optimizer: Any = param(
        PerOutput(OPTIMIZER),
        "How the weights move; for objectives over several graphs perhaps one for each role.",
        default="adam",
    )
    epochs: int = param(Integer(1, 1_000_000), "How often training goes through the data.")
    batch_size: Any = param(
        AnyOf(Integer(1, 1_000_000), Constant("all")), "Samples in one step; all: batch gradient descent.", default=32
    )
    validation: float = param(
        Number(0, below=1), "Share of the training samples kept apart to validate on; 0: none.", default=0.1
    )
    metrics: Any = param(
        PerOutput(ListOf(METRIC, longest=100)), "What is watched: a list, or a list for each output.", default=()
    )
    callbacks: Any = param(ListOf(CALLBACK, longest=20), "What happens between epochs.", default=())
    watch: Any = param(
        ListOf(WATCHER, longest=10), "What is looked at between epochs, besides the figures.", default=()
    )
    initial_weights: Any = param(
        optional(WeightsReference()),
        "Weights to begin with, from another run or a .keras file, by the paths of nodes.",
        default=None,
    )
    pretraining: Any = param(
        optional(PRETRAINING),
        "Let each layer learn to rebuild what feeds it, one after another, before training begins.",
        default=None,
    )
    freeze: Any = param(
        PerOutput(PATTERNS),
        "Nodes that keep their weights, and what lies below them; * stands for anything. By role for several graphs.",
        default=(),
    )
    class_weights: Any = param(
        AnyOf(Choice("balanced"), MapOf(Number(0)), NULL),
        "Weight of each class in the loss, by name; balanced: inversely to how often it occurs.",
        default=None,
    )
    shuffle: bool = param(Flag(), "Draw a new order of the training samples for every epoch.", default=True)
    seed: int = param(
        Integer(0, 2**32 - 1), "Seed of the weights, of the order of the samples and of dropout.", default=0
    )
    dtype_policy: str = param(Choice(*POLICIES), "Precision of weights and arithmetic.", default="float32")
    hardware: Any = param(HARDWARE, "Where training happens. Default: on one device.", default="one_device")
    steps_per_execution: int = param(
        Integer(1, 10_000), "Steps that run without returning to Python: more is faster for small graphs.", default=1
    )
    show_every: int = param(
        Integer(0, 1_000_000),
        "After how many epochs what a network makes (pictures, texts) is kept in the folder samples; 0: never.",
        default=1,
    )
    meta: Any = param(MapOf(Anything()), "Free for other tools.", default=FrozenMap())


MODEL = "model"
"""Role of the only network."""


class Network(NamedTuple):
    """One of the graphs that an experiment trains."""

    file: Path
    variant: str
    params: Mapping[str, Any]
    field: str
    """Where the experiment names the file."""

    @property
    def reference(self) -> str:
        """The file, with ``#VARIANT`` if one is chosen."""
        return f"{self.file}#{self.variant}" if self.variant else str(self.file)


class Watched(NamedTuple):
    """A metric: its name in Keras, the label that its figures bear (the second ``precision`` is ``precision_2``)."""

    name: str
    label: str
    metric: KerasObject


@dataclass(frozen=True)
class Experiment:
    """A checked experiment file, its place, and the records that its entries stand for."""

    settings: Settings
    document: Document
    folder: Path

    @property
    def name(self) -> str:
        """Name of the experiment."""
        return self.settings.name

    @cached_property
    def networks(self) -> Mapping[str, Network]:
        """The graphs by role; the only one has the role ``model``."""
        several = self.settings.graphs
        if several:
            return {role: self._network(value, f"/graphs/{role}") for role, value in several.items()}
        return {MODEL: self._network(self.settings.graph, "/graph")}

    def _network(self, value: Any, field: str) -> Network:
        record = {"params": {}, **value} if isinstance(value, Mapping) else {"file": value, "params": {}}
        file, _, variant = record["file"].partition("#")
        return Network(
            self.folder / file, variant, record["params"], f"{field}/file" if isinstance(value, Mapping) else field
        )

    @cached_property
    def objective(self) -> Objective:
        """What training is to reach."""
        return OBJECTIVE.make(self.settings.objective)  # type: ignore[return-value]

    @cached_property
    def source(self) -> Source:
        """Where the data comes from."""
        return DATA.named.make(self.settings.data)  # type: ignore[return-value]

    @property
    def surroundings(self) -> Surroundings:
        """Where the source may look for files."""
        return Surroundings(self.folder)

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The preprocessing."""
        return tuple(STEP.make(value) for value in self.settings.preprocessing)  # type: ignore[misc]

    def rule(self, role: str = MODEL) -> Rule:
        """How the weights of a network move."""
        value = self.settings.optimizer
        return OPTIMIZER.make(value.get(role, "adam") if is_per_output(value) else value)  # type: ignore[return-value]

    @cached_property
    def augmentation(self) -> tuple[Augmentation, ...]:
        """The random changes of training samples."""
        return tuple(AUGMENTATION.make(value) for value in self.settings.augmentation)  # type: ignore[misc]

    @cached_property
    def initial_weights(self) -> InitialWeights | None:
        """The weights to begin with."""
        return initial.made(self.settings.initial_weights)

    @cached_property
    def pretraining(self) -> Pretraining | None:
        """What is done layer by layer before training."""
        value = self.settings.pretraining
        return None if value is None else PRETRAINING.make(value)

    def frozen(self, role: str = MODEL) -> tuple[str, ...]:
        """Patterns of the nodes of a network that keep their weights."""
        value = self.settings.freeze
        return tuple(value.get(role, ())) if isinstance(value, Mapping) else tuple(value)

    def optimizer(self, role: str = MODEL) -> Optimizer:
        """The rule of a network, where gradients of batches move it."""
        return self.rule(role)  # type: ignore[return-value]

    def sized(self, samples: int) -> "Experiment":
        """The same with the size of its batches as a number, where so many `samples` are to be trained on."""
        if self.settings.batch_size != "all":
            return self
        return replace(self, settings=replace(self.settings, batch_size=samples))

    def loss(self, output: str) -> tuple[str, Loss] | None:
        """Name and record of an output's loss; None where losses are given by output and this one has none."""
        value = self.settings.loss
        if value is None:
            return None
        if is_per_output(value):
            if output not in value:
                return None
            value = value[output]
        return _name(value), LOSS.make(value)  # type: ignore[return-value]

    def metrics(self, output: str) -> tuple[Watched, ...]:
        """An output's metrics, each under a name of its own."""
        values = self.settings.metrics
        if is_per_output(values):
            values = values.get(output, ())
        found: list[Watched] = []
        for value in values:
            name = _name(value)
            number = 1 + sum(one.name == name for one in found)
            label = name if number == 1 else f"{name}_{number}"
            found.append(Watched(name, label, METRIC.make(value)))  # type: ignore[arg-type]
        return tuple(found)

    @cached_property
    def onlookers(self) -> tuple[Onlooker, ...]:
        """What is looked at between epochs."""
        return tuple(WATCHER.make(value) for value in self.settings.watch)  # type: ignore[misc]

    @cached_property
    def hardware(self) -> Hardware:
        """Where training happens."""
        return HARDWARE.make(self.settings.hardware)  # type: ignore[return-value]

    @cached_property
    def callbacks(self) -> tuple[Watcher, ...]:
        """What waits for a quantity; the checkpoint last, and always there."""
        listed = [one for one in made(self.settings.callbacks) if isinstance(one, Watcher)]
        kept = [one for one in listed if isinstance(one, Checkpoint)]
        return (*(one for one in listed if not isinstance(one, Checkpoint)), kept[-1] if kept else Checkpoint())

    @cached_property
    def averaging(self) -> StochasticWeightAveraging | None:
        """How the weights of late epochs are averaged, if they are."""
        listed = made(self.settings.callbacks)
        return next((one for one in reversed(listed) if isinstance(one, StochasticWeightAveraging)), None)

    def resolved(self) -> dict[str, Any]:
        """Everything the file says, with every default spelt out."""
        spelt = {name: plain(getattr(self.settings, name)) for name in Settings.fields()}
        spelt["data"] = _spelt(DATA.named, self.settings.data)
        spelt["preprocessing"] = [_spelt(STEP, value) for value in self.settings.preprocessing]
        spelt["augmentation"] = [_spelt(AUGMENTATION, value) for value in self.settings.augmentation]
        spelt["objective"] = _spelt(OBJECTIVE, self.settings.objective)
        rates = self.settings.optimizer
        spelt["optimizer"] = (
            {role: _spelt(OPTIMIZER, value) for role, value in rates.items()}
            if is_per_output(rates)
            else _spelt(OPTIMIZER, rates)
        )
        spelt["hardware"] = _spelt(HARDWARE, self.settings.hardware)
        spelt["callbacks"] = [_spelt(CALLBACK, value) for value in self.settings.callbacks]
        spelt["watch"] = [_spelt(WATCHER, value) for value in self.settings.watch]
        return spelt


def _name(value: Any) -> str:
    return str(value["name"]) if isinstance(value, Mapping) else str(value)


def _spelt(kind: Named, value: Any) -> dict[str, Any]:
    made = kind.make(value)
    return {"name": _name(value), **{name: plain(getattr(made, name)) for name in made.fields()}}


# ---- reading


def load_experiment(path: str | PathLike[str], overrides: Mapping[str, Any] | None = None) -> Experiment:
    """The experiment in the file at `path`, with `overrides` set on top (``{"optimizer.learning_rate": 0.1}``).

    Raises:
        GraphError: the file is refused; holds every finding, placed.
    """
    return read_experiment(read_file(path), Path(path).resolve().parent, overrides)


def make_experiment(value: Mapping[str, Any], folder: str | PathLike[str] = ".") -> Experiment:
    """The experiment that `value`, as JSON would hold it, stands for; its paths are relative to `folder`."""
    return read_experiment(read(json.dumps(value), "<experiment>"), Path(folder).resolve())


def read_experiment(document: Document, folder: Path, overrides: Mapping[str, Any] | None = None) -> Experiment:
    """The experiment that a document holds; see `load_experiment`."""
    value = document.value
    if not isinstance(value, Mapping):
        raise _refused(document, [Rejected("AG202", f"must be an object, got {shown(value)}")])
    if overrides:
        try:
            value = overridden(value, overrides)
        except Rejected as rejected:
            raise _refused(document, [rejected]) from None
    given = {key: item for key, item in value.items() if key != "$schema"}
    found = list(_complaints(Settings, given))
    if not isinstance(value.get("$schema", ""), str):
        found.append(Rejected("AG202", "must be a string", field="/$schema"))
    if not found:
        experiment = Experiment(Settings.make(given), document, folder)
        found = list(contradictions(experiment))
    if found:
        raise _refused(document, found)
    return experiment


_FILES = ("graph", "initial_weights")
"""Entries whose short form is a path."""


def overridden(value: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """`value` with entries replaced; keys are dotted paths. A name becomes a record when an option of it is set."""
    result = json.loads(json.dumps(value))
    for path, new in overrides.items():
        *parents, last = path.split(".")
        place: Any = result
        for depth, key in enumerate(parents):
            here = _item(place, key)
            if isinstance(here, str):
                here = _put(place, key, {"file" if depth == 0 and key in _FILES else "name": here})
            elif here is None:
                here = _put(place, key, {})
            place = here
        if not isinstance(place, dict | list):
            raise Rejected("AG203", f"cannot set {shown(path)}: {'.'.join(parents)} is {shown(place)}")
        _put(place, last, new)
    return result  # type: ignore[no-any-return]


def _item(place: Any, key: str) -> Any:
    if isinstance(place, dict):
        return place.get(key)
    if isinstance(place, list) and key.isdecimal() and int(key) < len(place):
        return place[int(key)]
    raise Rejected("AG203", f"cannot set an option of {shown(key)}: there is no such entry")


def _put(place: Any, key: str, new: Any) -> Any:
    if isinstance(place, list):
        _item(place, key)
        place[int(key)] = new
    else:
        place[key] = new
    return new


def _refused(document: Document, found: list[Rejected]) -> GraphError:
    return GraphError(document.place(rejected.at("") for rejected in found))


def _complaints(kind: type[Record], values: Mapping[str, Any]) -> Iterator[Rejected]:
    """Every complaint about a record, those inside nested records too (a kind alone stops at its first)."""
    _, found = kind.check(values)
    for rejected in found:
        name = rejected.field.partition("/")[2].partition("/")[0]
        inner = (
            list(_inside(kind.fields()[name].kind, values[name])) if name in kind.fields() and name in values else []
        )
        yield from ([one.under(name) for one in inner] or [rejected])


def _inside(kind: Kind, value: Any) -> Iterator[Rejected]:
    if isinstance(kind, DataSource):
        kind = kind.named
    if isinstance(kind, PerOutput):
        kind = kind.each if is_per_output(value) else kind.item
    if isinstance(kind, Named) and isinstance(value, Mapping) and isinstance(value.get(kind.key), str):
        if value[kind.key] in kind.table:
            yield from _complaints(kind.table[value[kind.key]], {k: v for k, v in value.items() if k != kind.key})
        return
    if isinstance(kind, ListOf) and isinstance(value, list) and kind.shortest <= len(value) <= kind.longest:
        for position, item in enumerate(value):
            yield from (one.under(position) for one in _all(kind.item, item))
    if isinstance(kind, MapOf) and isinstance(value, Mapping):
        for key, item in value.items():
            yield from (one.under(key) for one in _all(kind.item, item))


def _all(kind: Kind, value: Any) -> list[Rejected]:
    """Every complaint about one value; empty when it is good."""
    try:
        kind.check(value)
    except Rejected as rejected:
        return list(_inside(kind, value)) or [rejected]
    return []


def experiment_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the experiment file: what `load_experiment` accepts, but for contradictions."""
    schema = Settings.schema()
    schema["properties"] = {"$schema": {"type": "string", "description": "This schema."}, **schema["properties"]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "archgraph experiment",
        "description": "One training run: graph, data, objective, optimiser.",
        **schema,
        "$defs": definitions(),
    }


__all__ = [
    "OPTIMIZERS",
    "Experiment",
    "Settings",
    "experiment_schema",
    "load_experiment",
    "make_experiment",
    "read_experiment",
]
