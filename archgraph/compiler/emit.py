"""Plan -> keras.Model: one layer for each operation, repeats unrolled, seeds drawn from each layer's path."""

import contextlib
import gc
import hashlib
import random
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from archgraph.analysis.shaped import INPUT, ShapedGraph, Value, join
from archgraph.compiler.backend import load_keras
from archgraph.compiler.instantiate import apply, instantiate
from archgraph.compiler.plan import Loop, Operation, Plan
from archgraph.diagnostics import Diagnostic, GraphError

FRAMES_PER_LAYER = 12
"""Python frames that Keras may stack up for each layer of a chain when it walks a model."""


def layer_name(path: str) -> str:
    """The Keras layer's name for an expanded path: dots for slashes, which Keras refuses."""
    return path.replace("/", ".")


def path_seed(seed: int, path: str) -> int:
    """The seed of what stands at `path`: the same whatever else the graph holds, different for different paths."""
    digest = hashlib.blake2b(f"{seed}:{path}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "little") % (2**31 - 1)


class Emitter:
    """Builds one model."""

    def __init__(self, shaped: ShapedGraph, seed: int | None, dtype_policy: str | None) -> None:
        self.shaped, self.seed, self.dtype_policy = shaped, seed, dtype_policy
        self.layers: dict[str, Any] = {}
        self.depth = 0

    def model(self, plan: Plan) -> Any:
        """The Keras model that `plan` describes."""
        keras = load_keras()
        with building(self.shaped.count):
            inputs = {
                name: keras.Input([dim if isinstance(dim, int) else None for dim in x.shape], dtype=x.dtype, name=name)
                for name, x in self.shaped.inputs.items()
            }
            values = self.scope(plan, "", "", list(inputs.values()))
            outputs = dict(zip(self.shaped.outputs, values, strict=True))
            return keras.Model(
                _single(inputs), _single(outputs), name=re.sub(r"[^A-Za-z0-9_.-]", "_", self.shaped.name)
            )

    def scope(self, plan: Plan, prefix: str, owner: str, inputs: list[Any]) -> list[Any]:
        """Call the layers of a scope on Keras tensors; return its results."""
        made: list[list[Any]] = []

        def value(of: Value) -> Any:
            return inputs[of.port] if of.item == INPUT else made[of.item][of.port]

        for step in plan.steps:
            feeds = [None if feed is None else value(feed) for feed in step.feeds]
            path, held = join(prefix, step.name), join(owner, step.owner or step.name)
            if isinstance(step, Operation):
                made.append(self.operation(step, path, held, feeds))
            else:
                made.append(self.loop(step, path, held, feeds))
        return [value(result) for result in plan.results]

    def loop(self, loop: Loop, path: str, owner: str, feeds: list[Any]) -> list[Any]:
        """Chain the copies of a loop."""
        current, outputs = list(feeds), [feeds[loop.carry]]
        for number, copy in enumerate(loop.copies):
            place = f"/{number}" if loop.indexed else ""
            outputs = self.scope(copy, path + place, owner + ("/0" if loop.share else place), current)
            current[loop.carry] = outputs[0]
        return outputs

    def operation(self, step: Operation, path: str, owner: str, feeds: list[Any]) -> list[Any]:
        """Make the layer at `owner`, unless it exists, and call it."""
        try:
            if self.seed is not None:
                # Keras draws the seed of whatever is given none from here.
                random.seed(path_seed(self.seed, owner))
            layer = self.layers.get(owner)
            if layer is None:
                layer = self.layers[owner] = instantiate(step.layer, layer_name(owner), dtype=self.dtype_policy)
            outputs = apply(step.layer, layer, feeds)
        except Exception as error:
            raise self.refused(path, step, error) from error
        return list(outputs) if isinstance(outputs, list | tuple) else [outputs]

    def refused(self, path: str, step: Operation, error: Exception) -> GraphError:
        """What to tell when Keras refuses what analysis accepted."""
        shapes = ", ".join("-" if x is None else str(x.shape) for x in step.leaf.inputs)
        first = str(error).strip().partition("\n")[0]
        message = f"Keras refused {step.layer.name} for {path} with inputs {shapes}: {type(error).__name__}: {first}"
        hint = "analysis should have found this; please report it with the graph"
        return GraphError([Diagnostic("AG801", f"/nodes/{step.leaf.node.id}", message, hint)])


def _single(values: Mapping[str, Any]) -> Any:
    return next(iter(values.values())) if len(values) == 1 else dict(values)


@contextlib.contextmanager
def building(count: int) -> Iterator[None]:
    """Conditions under which a large model is built fast and a long chain does not run out of stack; all restored."""
    limit, state, collecting = sys.getrecursionlimit(), random.getstate(), gc.isenabled()
    sys.setrecursionlimit(max(limit, 1_000 + FRAMES_PER_LAYER * count))
    gc.disable()
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)
        random.setstate(state)
        if collecting:
            gc.enable()
