"""Weights of another run -> a network, by the paths of nodes: what is taken over, reshaped, or left as it starts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from archgraph.compiler import get_weights, layers_by_path, load_model, set_weights
from archgraph.diagnostics import Diagnostic, GraphError
from archgraph.training import manifest
from archgraph.training.data.base import Array
from archgraph.training.experiment import Experiment
from archgraph.training.initial import InitialWeights, found, matches, renamed, sources

_TOLD = 4
"""Weights that a line of the log names."""


@dataclass
class Reuse:
    """What became of every weight of a network, by path."""

    reused: list[str] = field(default_factory=list)
    reshaped: dict[str, str] = field(default_factory=dict)
    """With both shapes."""
    reinitialised: dict[str, str] = field(default_factory=dict)
    """With the reason."""
    unused: list[str] = field(default_factory=list)
    """Weights of the file, by its own paths, that have no place here."""

    def as_json(self) -> dict[str, Any]:
        """For a file of the run."""
        return dict(vars(self))

    def lines(self) -> Iterator[str]:
        """For the log."""
        yield f"{len(self.reused) + len(self.reshaped)} weights reused"
        for what in ("reshaped", "reinitialised"):
            listed: Mapping[str, str] = getattr(self, what)
            if listed:
                some = [f"{path} ({why})" for path, why in list(listed.items())[:_TOLD]]
                more = f" and {len(listed) - _TOLD} more" if len(listed) > _TOLD else ""
                yield f"{len(listed)} {what}: {', '.join(some)}{more}"
        if self.unused:
            more = ", …" if len(self.unused) > _TOLD else ""
            yield f"{len(self.unused)} of the file not used: {', '.join(self.unused[:_TOLD])}{more}"


def load_initial(experiment: Experiment, networks: Mapping[str, Any]) -> dict[str, Reuse]:
    """Give the networks the weights that the experiment names; what became of them, by role.

    Raises:
        GraphError: AG704, a file is damaged; AG803, none of its weights has a place here.
    """
    wanted = experiment.initial_weights
    if wanted is None:
        return {}
    files = sources(experiment, found(experiment))
    return {role: _load(wanted, networks[role], file) for role, file in files.items()}


def _load(wanted: InitialWeights, network: Any, file: Path) -> Reuse:
    if (file.parent / manifest.NAME).is_file():
        manifest.verify(file)
    try:
        given = get_weights(load_model(file))
    except (ValueError, OSError, TypeError, KeyError) as error:
        message = f"Keras cannot load the model: {str(error)[:200]}"
        raise GraphError([Diagnostic("AG704", "", message, file=str(file))]) from error
    present = get_weights(network)
    report, chosen = choose(wanted, present, given)
    if not report.reused and not report.reshaped:
        some = f"it has {', '.join(list(given)[:_TOLD])}; here are {', '.join(list(present)[:_TOLD])}"
        hint = f'say what is called how: "rename": {{…}}. The file: {some}'
        raise GraphError([Diagnostic("AG803", "", "none of the file's weights has a place here", hint, file=str(file))])
    set_weights(network, {**present, **chosen})
    return report


def choose(
    wanted: InitialWeights, present: Mapping[str, Array], given: Mapping[str, Array]
) -> tuple[Reuse, dict[str, Array]]:
    """What becomes of each weight that is `present`, and those that get a value from `given`."""
    places = {renamed(path, wanted.rename): path for path in given}
    report, chosen = Reuse(), {}
    for path, old in present.items():
        new = given[places[path]] if path in places else None
        if any(matches(pattern, path) for pattern in wanted.skip):
            report.reinitialised[path] = "skipped"
        elif new is None:
            report.reinitialised[path] = "not in the file"
        elif new.shape == old.shape:
            report.reused.append(path)
            chosen[path] = new.astype(old.dtype)
        elif new.size == old.size and new.shape[-1:] == old.shape[-1:]:
            # A dense kernel is a convolution over all of its input, row by row (Long et al. 2015, section 3.1).
            report.reshaped[path] = f"{_shape(new)} to {_shape(old)}"
            chosen[path] = new.reshape(old.shape).astype(old.dtype)
        else:
            report.reinitialised[path] = f"{_shape(old)} here, {_shape(new)} in the file"
    report.unused = [there for here, there in places.items() if here not in chosen]
    return report, chosen


def _shape(array: Array) -> str:
    return "x".join(map(str, np.shape(array))) or "a number"


def freeze(network: Any, patterns: tuple[str, ...]) -> list[str]:
    """Keep the layers that patterns name as they are, normalisations at their moving averages; the paths of these."""
    frozen = [
        path
        for path, layer in layers_by_path(network).items()
        if layer.weights and any(matches(p, path) for p in patterns)
    ]
    layers = layers_by_path(network)
    for path in frozen:
        layers[path].trainable = False
    return frozen
