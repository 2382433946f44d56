"""A second model of a graph, in which every node is a layer of its own; it is given the weights of the first."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from archgraph.analysis.shaped import FlatNode, ShapedGraph, join
from archgraph.compiler import get_weights, layers_by_path, set_weights
from archgraph.compiler.backend import load_keras
from archgraph.compiler.emit import Emitter, building
from archgraph.compiler.plan import Operation, Plan, home, lowered, place, source
from archgraph.training.feed import structure

SCORED = "AttentionWithScores"


@dataclass(frozen=True)
class Look:
    """What the nodes of a network gave for some samples."""

    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    """The outputs of the graph."""
    values: Mapping[str, list[Any]]
    """What each node gave, by its path; for a node inside a scan, with the steps as the axis behind the samples."""


class Twin:
    """The unrolled, unfused model of a graph. Nothing that is done to it touches the model whose weights it borrows.

    It draws random numbers (in dropout, say) from states of its own, which are the same at every look.
    """

    def __init__(self, shaped: ShapedGraph, *, seed: int = 0) -> None:
        self.shaped = shaped
        self.nodes: dict[str, FlatNode] = {node.path: node for node in shaped.walk()}
        emitter = Emitter(shaped, seed, "float32")
        plan = _scored(lowered(shaped.root), {})
        self.model = emitter.model(plan)
        self.homes = dict(_homes(plan))
        """The layer of each node, by its path: another's where weights are shared."""
        self.layers = layers_by_path(self.model)
        self._inside = dict(_inside(plan))
        outer = {path: tensors for path, tensors in emitter.tensors.items() if path not in self._inside}
        self._opened: dict[str, Any] = {}
        self._tensors = emitter.tensors
        keras = load_keras()
        with building(shaped.count):
            reached = {id(tensor) for operation in self.model.operations for tensor in _outputs(operation)}
            self._outer = {path: found for path, found in outer.items() if all(id(one) in reached for one in found)}
            fed = {path: [*_fed(self.layers[path])] for path in dict.fromkeys(self._inside.values())}
            self._all = keras.Model(
                self.model.input, {"nodes": self._outer, "scans": fed, "outputs": self.model.output}
            )
        self._states = [one for one in self.model.variables if one.path.endswith("seed_generator_state")]
        self._begun = [np.array(one) for one in self._states]

    @property
    def variables(self) -> list[Any]:
        """The weights that training moves."""
        return list(self.model.trainable_variables)

    @property
    def scans(self) -> bool:
        """Whether some nodes stand inside a scan."""
        return bool(self._inside)

    def take_weights(self, model: Any) -> None:
        """The weights of a model of the same graph, however it was compiled."""
        self.set_weights(get_weights(model))

    def set_weights(self, values: Mapping[str, Any]) -> None:
        """Weights by their paths."""
        set_weights(self.model, values)

    def look(self, inputs: Mapping[str, Any], *, training: bool = False, steps: int | None = None) -> Look:
        """What every node gives for some samples; inside scans for so many steps at most (0: not at all)."""
        for state, begun in zip(self._states, self._begun, strict=True):
            state.assign(begun)
        fed = structure({name: inputs[name] for name in self.shaped.inputs}, single=len(self.shaped.inputs) == 1)
        given = self._all(fed, training=training)
        values = {path: list(found) for path, found in given["nodes"].items()}
        for path, taken in given["scans"].items() if steps != 0 else ():
            values |= self._steps(path, taken, training, steps)
        outputs = given["outputs"]
        names = list(self.shaped.outputs)
        return Look(inputs, outputs if isinstance(outputs, Mapping) else {names[0]: outputs}, values)

    # ---- scans

    def _steps(self, path: str, taken: Sequence[Any], training: bool, most: int | None) -> dict[str, list[Any]]:
        """What the nodes inside the scan at `path` give at every step."""
        keras, scan = load_keras(), self.layers[path]
        mine = [node for node, scanned in self._inside.items() if scanned == path]
        if path not in self._opened:
            inner = {node: self._tensors[node] for node in mine if node in self._tensors}
            self._opened[path] = keras.Model(scan.body.inputs, {"nodes": inner, "outputs": scan.body.outputs})
        body = self._opened[path]
        given = dict(zip(scan.fed, taken, strict=True))
        whole = int(given[scan.over[0]].shape[1])
        numbers = list(reversed(range(whole)) if scan.reverse else range(whole))[:most]
        state = {port: given.get(port) for port, _ in scan.states}
        found: list[Mapping[str, list[Any]]] = []
        for step in numbers:
            values = {**given, **{port: given[port][:, step] for port in scan.over}}
            for port, carried in state.items():
                values[port] = self._zeros(scan.body.inputs[port], given) if carried is None else carried
            made = body([values[port] for port in range(len(scan.body.inputs))], training=training)
            state = {port: made["outputs"][result] for port, result in scan.states}
            found.append(made["nodes"])
        if scan.reverse:
            found.reverse()
        stack = keras.ops.stack
        return {
            node: [stack([one[node][port] for one in found], 1) for port in range(len(found[0][node]))]
            for node in found[0]
        }

    @staticmethod
    def _zeros(tensor: Any, given: Mapping[int, Any]) -> Any:
        batch = next(iter(given.values())).shape[0]
        return load_keras().ops.zeros((batch, *tensor.shape[1:]), tensor.dtype)


def _fed(layer: Any) -> Iterator[Any]:
    yield from layer.input if isinstance(layer.input, list | tuple) else [layer.input]


def _outputs(operation: Any) -> list[Any]:
    found = operation.output
    return list(found) if isinstance(found, list | tuple) else [found]


# ---- the plan


def _scored(plan: Plan, memo: dict[Plan, Plan]) -> Plan:
    """The same plan with attention layers that give their scores too."""
    if plan not in memo:
        memo[plan] = plan.replaced(_with_scores(step, lambda copy: _scored(copy, memo)) for step in plan.steps)
    return memo[plan]


def _with_scores(step: Any, inner: Callable[[Plan], Plan]) -> Any:
    if not isinstance(step, Operation):
        return replace(step, copies=tuple(inner(copy) for copy in step.copies))
    if step.layer.name != "MultiHeadAttention":
        return step
    return step._replace(layer=step.layer._replace(name=SCORED, ours=True))


def _homes(plan: Plan, prefix: str = "", owner: str = "") -> Iterator[tuple[str, str]]:
    """The path of every operation and of the layer that does it; inside a scan, as the scan's own layers are called."""
    for step in plan.steps:
        path, held = join(prefix, step.name), join(owner, step.owner or step.name)
        if isinstance(step, Operation):
            yield path, home(step, path, held)
        elif step.scan is not None:
            yield from _homes(step.copies[0], held, held)
        else:
            for number, copy in enumerate(step.copies):
                yield from _homes(copy, path + place(step, number), held + source(step, number))


def _inside(plan: Plan, prefix: str = "", owner: str = "", scan: str = "") -> Iterator[tuple[str, str]]:
    """The path of every operation inside a scan, and that of the (outermost) scan."""
    for step in plan.steps:
        path, held = join(prefix, step.name), join(owner, step.owner or step.name)
        if isinstance(step, Operation):
            if scan:
                yield path, scan
        elif step.scan is not None:
            yield from _inside(step.copies[0], held, held, scan or held)
        else:
            for number, copy in enumerate(step.copies):
                yield from _inside(copy, path + place(step, number), held + source(step, number), scan)
