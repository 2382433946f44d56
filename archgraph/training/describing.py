"""What a run is going to do, written down: for readers, for prediction, and to know it again when it is resumed."""

import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Mapping
from typing import Any

import numpy as np

from archgraph.analysis.shaped import ShapedGraph
from archgraph.graph import Block
from archgraph.training import preprocessing
from archgraph.training.data.dataset import Dataset
from archgraph.training.data.stored import chunks, is_stored
from archgraph.training.experiment import overridden
from archgraph.training.folder import RunFolder, as_json, finite
from archgraph.training.imports import imported
from archgraph.training.planning import Plan

_RESUMABLE = frozenset({"epochs", "doc", "meta", "watch", "show_every", "hardware"})
"""Settings that may change between a run and its resumption."""


def contents(
    plan: Plan, dataset: Dataset, data: Mapping[str, Any], folder: RunFolder, overrides: Mapping[str, Any]
) -> dict[str, bytes]:
    """Name and content of every file that a run begins with; `data` describes the data set."""
    document = plan.experiment.document
    experiment = as_json(overridden(document.value, overrides)) if overrides else document.text
    written = {
        folder.experiment: experiment.encode(),
        **{folder.graph_of(role): network.file.read_bytes() for role, network in plan.experiment.networks.items()},
        **{
            folder.path / name: content
            for network in plan.experiment.networks.values()
            for name, content in imported(network.file).items()
        },
        folder.expanded: as_json(expanded(plan)).encode(),
        folder.resolved: as_json(resolved(plan, dataset, data)).encode(),
        folder.preprocessing: as_json(preprocessing.as_json(dataset.fitted)).encode(),
    }
    return {path.name: content for path, content in written.items()}


def identity(plan: Plan, data: Mapping[str, Any]) -> dict[str, Any]:
    """What must be the same when a run is resumed."""
    graphs = json.dumps(finite(expanded(plan)), sort_keys=True)
    return {
        "settings": finite(plan.experiment.resolved()),
        "graphs": hashlib.sha256(graphs.encode()).hexdigest(),
        "data": data["fingerprint"],
    }


def changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between two identities, in words."""
    found = [
        key for key, value in now["settings"].items()
        if key not in _RESUMABLE and value != before["settings"].get(key, value)
    ]  # fmt: skip
    if before["graphs"] != now["graphs"]:
        found.append("the graph file")
    if before["data"] != now["data"] and not found:
        found.append("the training data")
    return found


def resolved(plan: Plan, dataset: Dataset, data: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with their defaults, graphs, data, what the objective adds, versions and platform."""
    raw = {name: plan.samples.columns[name].values for name in plan.binding.fed}
    return {
        "settings": plan.experiment.resolved(),
        "graphs": {role: _used(shaped) for role, shaped in plan.networks.items()},
        "data": data,
        "raw": {
            name: {
                "shape": list(values.shape[1:]),
                "highest": float(np.max(next(chunks(values)) if is_stored(values) else values[:10_000])),
                "integer": values.dtype.kind in "iu",
            }
            for name, values in raw.items()
        },
        "about": dict(plan.samples.about),
        "objective": dict(plan.experiment.objective.described(plan.networks, plan.samples, dataset)),
        "versions": _versions(),
        "platform": {
            "python": platform.python_version(),
            "system": platform.platform(),
            "machine": platform.machine(),
        },
    }


def expanded(plan: Plan) -> list[dict[str, Any]]:
    """Every primitive of the expanded graphs: path, operation, parameters, what feeds it, shapes."""
    several = len(plan.networks) > 1
    return [
        {
            **({"role": role} if several else {}),
            "path": node.path,
            "op": node.leaf.primitive.op,
            "parameters": {name: preprocessing.plain(value) for name, value in node.leaf.primitive.given()},
            "in": [None if feed is None else feed.path for feed in node.feeds],
            "outputs": [
                [str(dim) if not isinstance(dim, int) else dim for dim in out.shape] for out in node.leaf.outputs
            ],
            **({"weights_of": node.owner} if node.owner != node.path else {}),
        }
        for role, shaped in plan.networks.items()
        for node in shaped.walk()
    ]


def _used(shaped: ShapedGraph) -> dict[str, Any]:
    """How large a network is, and the parameters that its graph was given."""
    used = shaped.parameters_used.items()
    return {
        "parameters": shaped.parameters,
        "parameters_used": {
            name: value.name if isinstance(value, Block) else preprocessing.plain(value) for name, value in used
        },
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in ("archgraph", "keras", "tensorflow", "numpy", "scikit-learn"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"  # run from a source tree, or another build of TensorFlow
    return found
