"""Data and a question -> two or three networks to begin with, each with reasons, cost, time, and an experiment."""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

from archgraph.analysis import infer
from archgraph.analysis.shaped import ShapedGraph
from archgraph.document.load import load_text
from archgraph.document.order import ORDER
from archgraph.document.writer import canonical
from archgraph.studio.profiling import Profile

SPEED: Final = 4e9
"""Multiply-adds a second that a small computer trains at, about."""
SECONDS_A_STEP: Final = 0.004
START: Final = 9.0
"""Seconds until training has begun."""


@dataclass(frozen=True)
class Suggestion:
    """A network to begin with."""

    name: str
    title: str
    why: str
    graph: Mapping[str, Any]
    shaped: ShapedGraph
    epochs: int
    seconds: float
    """About how long training takes."""


@functools.cache
def starts() -> Mapping[str, Mapping[str, Any]]:
    """The networks that suggestions are made from, by name."""
    folder = resources.files("archgraph.studio").joinpath("starts")
    found = {entry.name.removesuffix(".graph.json"): json.loads(entry.read_text("utf-8"))
             for entry in folder.iterdir() if entry.name.endswith(".graph.json")}  # fmt: skip
    return dict(sorted(found.items(), key=lambda one: one[1]["meta"]["order"]))


def suggestions(profile: Profile) -> list[Suggestion]:
    """Networks that fit the data, the best first choice first."""
    return [
        _made(name, value, profile) for name, value in starts().items() if value["meta"]["for"] == profile.kind
    ]  # fmt: skip


def _made(name: str, value: Mapping[str, Any], profile: Profile) -> Suggestion:
    params = {**value["params"], **_sizes(profile), **_ending(profile)}
    inputs = {profile.input: next(iter(value["inputs"].values()))}
    old = next(iter(value["inputs"]))
    nodes = {
        node: {**record, "in": profile.input} if record.get("in") == old else record
        for node, record in value["nodes"].items()
    }
    output = profile.target or "answer"
    meta = value["meta"]
    graph = {key: item for key, item in value.items() if key != "meta"}
    graph |= {"params": params, "inputs": inputs, "nodes": _free(nodes, profile.input), "outputs": {output: "answer"}}
    shaped = infer(load_text(canonical(graph, ORDER)))
    epochs = 30 if profile.count <= 5_000 else 10
    return Suggestion(name, meta["title"], meta["why"], graph, shaped, epochs, _seconds(shaped, profile, epochs))


def _free(nodes: Mapping[str, Any], taken: str) -> dict[str, Any]:
    """The nodes, none of which is called like the input."""
    if taken not in nodes:
        return dict(nodes)
    fresh = f"{taken}_node"
    return {
        (fresh if name == taken else name): {**record, "in": fresh if record["in"] == taken else record["in"]}
        for name, record in nodes.items()
    }


def _sizes(profile: Profile) -> dict[str, Any]:
    shape = profile.shape
    if profile.kind == "picture":
        return {"height": shape[0], "width": shape[1], "channels": shape[2]}
    if profile.kind == "table":
        return {"columns": shape[0]}
    if profile.kind == "sequence":
        return {"steps": shape[0], "width": shape[1]}
    return {"steps": shape[0], "symbols": int(profile.highest) + 1}


def _ending(profile: Profile) -> dict[str, Any]:
    if profile.classes:
        return {"answers": len(profile.classes), "ending": "softmax"}
    return {"answers": 1, "ending": "linear"}


def _seconds(shaped: ShapedGraph, profile: Profile, epochs: int) -> float:
    steps = epochs * profile.count / 32
    work = shaped.macs if isinstance(shaped.macs, int) else 10_000_000
    return START + steps * SECONDS_A_STEP + 3 * epochs * profile.count * work / SPEED


def experiment(
    profile: Profile, data: Any, name: str, graph: str, epochs: int, *, read: ShapedGraph | None = None
) -> dict[str, Any]:
    """An experiment for a network that fits the data, with settings that mostly do; `read`: the network, if known."""
    value: dict[str, Any] = {"archgraph": 1, "name": name, "graph": graph, "data": data}
    steps = preprocessing(profile) + (_resizing(profile, read) if read is not None else [])
    value |= {"preprocessing": steps} if steps else {}
    value["loss"] = "sparse_categorical_crossentropy" if profile.classes else "mean_squared_error"
    value |= {"optimizer": {"name": "adam", "learning_rate": 0.002}, "epochs": epochs}
    value["metrics"] = ["accuracy"] if profile.classes else ["mean_absolute_error"]
    value["callbacks"] = [{"name": "early_stopping", "patience": max(5, epochs // 4)}]
    if any("Weigh the classes" in hint for hint in profile.advice):
        value["class_weights"] = "balanced"
    return value


def _resizing(profile: Profile, read: ShapedGraph) -> list[Any]:
    """What brings pictures to the size that the network reads."""
    shapes = [tensor.shape for tensor in read.inputs.values()]
    if profile.kind != "picture" or len(shapes) != 1 or shapes[0] is None or len(shapes[0]) != 3:
        return []
    size = list(shapes[0][:2])
    if not all(isinstance(length, int) for length in size) or tuple(size) == profile.shape[:2]:
        return []
    return [{"name": "resize", "size": size}]


def preprocessing(profile: Profile) -> list[Any]:
    """What brings the values into the range that networks learn from best."""
    if profile.kind == "picture" and profile.highest > 1:
        return [{"name": "rescale", "from_range": [profile.lowest, profile.highest], "to_range": [0, 1]}]
    if profile.kind == "sequence" and profile.highest > 1:
        return [{"name": "rescale", "from_range": [profile.lowest, profile.highest], "to_range": [0, 1]}]
    return ["standardize"] if profile.kind == "table" else []
