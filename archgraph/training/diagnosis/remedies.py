"""Remedies: edits of an experiment or a graph, worked out from what the file says now."""

from collections.abc import Iterator, Mapping
from typing import Any

from archgraph.training.diagnosis.case import Case
from archgraph.training.diagnosis.findings import Change, Remedy
from archgraph.training.experiment import Settings
from archgraph.training.optimizer import OPTIMIZERS

EXPERIMENT = "experiment"
_RATES = ("learning_rate", "_rate_target", "warmup_target")


def put(at: str, value: Any) -> Change:
    """The change that puts `value` at the pointer `at`."""
    return {"at": at, "value": value}


# ---- the optimiser


def optimisers(case: Case) -> Iterator[tuple[str, dict[str, Any]]]:
    """Where each optimiser of the experiment stands, and the record that it is or stands for."""
    value = case.experiment.get("optimizer", "adam")
    if isinstance(value, Mapping) and "name" not in value:
        for role, one in value.items():
            yield f"/optimizer/{role}", _spelt(one)
    else:
        yield "/optimizer", _spelt(value)


def _spelt(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {"name": str(value)}


def scaled_rate(case: Case, factor: float, why: str) -> tuple[Remedy, ...]:
    """Multiply every learning rate."""
    changes = [change for at, one in optimisers(case) for change in _scaled(at, one, factor)]
    if not changes:
        return ()
    what = f"multiply the learning rate by {factor:g}" if factor > 1 else f"divide the learning rate by {1 / factor:g}"
    new = changes[0]["value"]
    rate = new.get("learning_rate") if isinstance(new, Mapping) else new
    to = f", to {rate:g}" if len(changes) == 1 and isinstance(rate, int | float) else ""
    return (Remedy(f"{what}{to}: {why}", EXPERIMENT, tuple(changes)),)


def _scaled(at: str, record: Mapping[str, Any], factor: float) -> Iterator[Change]:
    known = OPTIMIZERS.get(record["name"])
    if known is None or "learning_rate" not in known.fields():
        return
    rate = record.get("learning_rate", known.fields()["learning_rate"].default)
    if isinstance(rate, int | float):
        if "learning_rate" in record:
            yield put(f"{at}/learning_rate", _product(rate, factor))
        else:
            yield put(at, {**record, "learning_rate": _product(rate, factor)})
    elif isinstance(rate, Mapping):
        for name, value in rate.items():
            if isinstance(value, int | float) and name.endswith(_RATES):
                yield put(f"{at}/learning_rate/{name}", _product(value, factor))
            elif name == "values" and isinstance(value, list | tuple):
                yield put(f"{at}/learning_rate/{name}", [_product(one, factor) for one in value])


def _product(rate: float, factor: float) -> float:
    return float(f"{rate * factor:.3g}")


def with_option(case: Case, option: str, value: Any, words: str) -> tuple[Remedy, ...]:
    """Set an option of every optimiser that has none yet."""
    changes = []
    for at, record in optimisers(case):
        known = OPTIMIZERS.get(record["name"])
        if known is None or option not in known.fields() or record.get(option) not in (None, 0):
            continue
        plain = isinstance(case.experiment.get("optimizer", "adam"), str) and at == "/optimizer"
        nested = not plain and not isinstance(_at(case.experiment, at), Mapping)
        changes.append(put(at, {**record, option: value}) if plain or nested else put(f"{at}/{option}", value))
    return (Remedy(words, EXPERIMENT, tuple(changes)),) if changes else ()


def _at(value: Any, at: str) -> Any:
    for key in at.split("/")[1:]:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


# ---- other settings


def setting(case: Case, name: str, value: Any, words: str) -> tuple[Remedy, ...]:
    """Set an entry of the experiment, if there is such an entry and it says something else."""
    if name not in Settings.fields() or case.experiment.get(name) == value:
        return ()
    return (Remedy(words, EXPERIMENT, (put(f"/{name}", value),)),)


def callback(case: Case, record: Mapping[str, Any], words: str) -> tuple[Remedy, ...]:
    """Add a callback that the experiment has not."""
    return listed(case, "callbacks", record, words)


def listed(case: Case, key: str, record: Mapping[str, Any] | str, words: str) -> tuple[Remedy, ...]:
    """Add an entry to a list of the experiment that has none of that name."""
    name = record if isinstance(record, str) else record["name"]
    if key not in Settings.fields() or name in case.names(key):
        return ()
    return (Remedy(words, EXPERIMENT, (put(f"/{key}", [*case.experiment.get(key, ()), record]),)),)


# ---- graphs


def roles(case: Case) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Role and file of every graph whose nodes can be edited."""
    for role, graph in case.graphs.items():
        if isinstance(graph.get("nodes"), Mapping):
            yield role, graph


def records(graph: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Pointer, name and record of every node of a file, those of its blocks too."""
    for at, nodes in _bodies(graph):
        for name, node in nodes.items():
            if isinstance(node, Mapping):
                yield f"{at}/{name}", name, node


def _bodies(graph: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield "/nodes", graph.get("nodes", {})
    for name, block in graph.get("blocks", {}).items():
        if isinstance(block, Mapping) and isinstance(block.get("nodes"), Mapping):
            yield f"/blocks/{name}/nodes", block["nodes"]


def results(graph: Mapping[str, Any]) -> set[str]:
    """Names of the nodes that give the outputs of a file."""
    outputs = graph.get("outputs", {})
    return {str(value).partition(".")[0] for value in outputs.values()} if isinstance(outputs, Mapping) else set()


def other_activation(case: Case, old: tuple[str, ...], new: str, words: str) -> tuple[Remedy, ...]:
    """Replace activations inside the graphs; those of outputs stay."""
    found = []
    for role, graph in roles(case):
        last, changes = results(graph), []
        for at, name, node in records(graph):
            if name in last and at == f"/nodes/{name}":
                continue
            value = node.get("activation")
            if (value.get("name") if isinstance(value, Mapping) else value) in old:
                changes.append(put(f"{at}/activation", new))
        if changes:
            found.append(Remedy(words, role, tuple(changes)))
    return tuple(found)


def initialiser(case: Case, name: str, words: str) -> tuple[Remedy, ...]:
    """Another start for every kernel that says how it starts, and for those that say nothing but could."""
    found = []
    for role, graph in roles(case):
        changes = [
            put(f"{at}/kernel_initializer", name)
            for at, _, node in records(graph)
            if node.get("op") in ("dense", "conv") and node.get("kernel_initializer", "glorot_uniform") != name
        ]
        if changes:
            found.append(Remedy(words, role, tuple(changes)))
    return tuple(found)


def fair_start(case: Case, words: str) -> tuple[Remedy, ...]:
    """Biases that start at 0, and kernels as He et al. 2015 (relu) or Glorot & Bengio 2010 (others) start them."""
    found = []
    for role, graph in roles(case):
        changes = []
        for at, _, node in records(graph):
            kernel = "he_normal" if str(node.get("activation", "")).endswith("relu") else "glorot_uniform"
            if node.get("bias_initializer", "zeros") != "zeros":
                changes.append(put(f"{at}/bias_initializer", "zeros"))
            if node.get("op") in ("dense", "conv") and node.get("kernel_initializer", "glorot_uniform") != kernel:
                changes.append(put(f"{at}/kernel_initializer", kernel))
        if changes:
            found.append(Remedy(words, role, tuple(changes)))
    return tuple(found)


def normalised(case: Case, words: str) -> tuple[Remedy, ...]:
    """Batch normalisation behind every dense layer and convolution that has an activation and no normalisation."""
    found = []
    for role, graph in roles(case):
        last = results(graph)
        changes = [
            put(f"{at}/norm", "batch")
            for at, name, node in records(graph)
            if node.get("op") in ("dense", "conv") and "activation" in node and "norm" not in node and name not in last
        ]
        if changes:
            found.append(Remedy(words, role, tuple(changes)))
    return tuple(found)


def dropout(case: Case, rate: float, words: str) -> tuple[Remedy, ...]:
    """Raise dropout that is there, or put one before the node that gives the output."""
    found = []
    for role, graph in roles(case):
        there = [(at, node) for at, _, node in records(graph) if node.get("op") in ("dropout", "spatial_dropout")]
        weak = [at for at, node in there if isinstance(node.get("rate"), int | float) and node["rate"] < rate]
        patch = tuple(put(f"{at}/rate", rate) for at in weak) if there else _before_last(graph, rate)
        if patch:
            found.append(Remedy(words, role, patch))
    return tuple(found)


def _before_last(graph: Mapping[str, Any], rate: float) -> tuple[Change, ...]:
    nodes = graph["nodes"]
    for name in sorted(results(graph)):
        node = nodes.get(name)
        if isinstance(node, Mapping) and node.get("op") == "dense" and isinstance(node.get("in"), str):
            fresh = next(f"drop{n or ''}" for n in range(len(nodes) + 1) if f"drop{n or ''}" not in nodes)
            drop = {"op": "dropout", "in": node["in"], "rate": rate}
            return {"at": f"/nodes/{fresh}", "value": drop, "after": node["in"].partition(".")[0]}, put(
                f"/nodes/{name}/in", fresh
            )
    return ()


def wider(case: Case, words: str) -> tuple[Remedy, ...]:
    """Twice the units and filters of all inner layers that say a number."""
    found = []
    for role, graph in roles(case):
        last, changes = results(graph), []
        for at, name, node in records(graph):
            for key in ("units", "filters"):
                if isinstance(node.get(key), int) and not (name in last and at == f"/nodes/{name}"):
                    changes.append(put(f"{at}/{key}", 2 * node[key]))
        if changes:
            found.append(Remedy(words, role, tuple(changes)))
    return tuple(found)
