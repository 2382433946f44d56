"""Plan -> keras.Model: one layer for each operation, repeats unrolled, seeds drawn from each layer's path."""

import contextlib
import gc
import hashlib
import importlib
import random
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from archgraph.analysis.shaped import INPUT, Scanned, Scope, ShapedGraph, Value, join
from archgraph.compiler.backend import deep_stack, load_keras
from archgraph.compiler.copies import Made, Rolled, stacked
from archgraph.compiler.filling import Filler, filling
from archgraph.compiler.instantiate import apply, instantiate, seeded
from archgraph.compiler.plan import Loop, Operation, Plan, home, place, producers, source
from archgraph.compiler.rolling import Choice, Run, runs, uniform
from archgraph.diagnostics import Diagnostic, GraphError
from archgraph.graph import Source
from archgraph.shapes import Tensor, show
from archgraph.vocabulary.base import Layer


def layer_name(path: str) -> str:
    """The Keras layer's name for an expanded path: dots for slashes, which Keras refuses."""
    return path.replace("/", ".")


def model_name(name: str) -> str:
    """The Keras model's name for a graph's: TensorFlow wants a letter or digit first, and no spaces."""
    plain = re.sub(r"[^A-Za-z0-9_.-]", "_", name)
    return plain if plain[:1].isalnum() else f"model{plain}"


def path_seed(seed: int, path: str) -> int:
    """The seed of what stands at `path`: the same whatever else the graph holds, different for different paths."""
    digest = hashlib.blake2b(f"{seed}:{path}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "little") % (2**31 - 1)


FUSED: Mapping[str, str] = {
    "BatchNormalization": "FusedBatchNormalization",
    "LSTM": "FusedLSTM",
    "Conv2D": "CoveringConv2D",
    "Conv3D": "CoveringConv3D",
}
"""Layers of Keras for which there is one of ours that TensorFlow computes with fewer kernels."""


class Emitter:
    """Builds one model."""

    def __init__(
        self,
        shaped: ShapedGraph,
        seed: int | None,
        dtype_policy: str | None,
        rolled: Choice = False,
        fused: bool = False,
    ) -> None:
        on_tensorflow = load_keras().config.backend() == "tensorflow"
        self.shaped, self.seed, self.dtype_policy = shaped, seed, dtype_policy
        self.rolled, self.fused = rolled if on_tensorflow else False, fused and on_tensorflow
        # Without a seed, one from where Keras gets its own, so that keras.utils.set_random_seed decides here too.
        self.start = random.getrandbits(31) if seed is None else seed
        self.layers: dict[str, tuple[Layer, Any]] = {}
        self.scans: dict[str, Any] = {}
        self.repeats: dict[tuple[str, int], Any] = {}
        self.made: list[Made | Rolled] | None = None
        """What was made inside the block that is being rolled; None outside of one."""
        self.last: frozenset[str] = frozenset()
        self.tensors: dict[str, list[Any]] = {}
        """What every operation gives, by its path; inside a scan, the tensors of the model of a step."""

    def model(self, plan: Plan) -> Any:
        """The Keras model that `plan` describes."""
        keras = load_keras()
        policy = self.policy(keras)
        if policy.compute_dtype != policy.variable_dtype:
            self.last = producers(plan)
        with building(self.shaped.count):
            inputs = {name: keras.Input(sizes(x), dtype=x.dtype, name=name) for name, x in self.shaped.inputs.items()}
            values = self.scope(plan, "", "", list(inputs.values()))
            outputs = dict(zip(self.shaped.outputs, values, strict=True))
            return keras.Model(_single(inputs), _single(outputs), name=model_name(self.shaped.name))

    def policy(self, keras: Any) -> Any:
        """The dtype policy that is asked for, or Keras's own."""
        if self.dtype_policy is None:
            return keras.config.dtype_policy()
        return keras.dtype_policies.get(self.dtype_policy)

    def scope(self, plan: Plan, prefix: str, owner: str, inputs: list[Any]) -> list[Any]:
        """Call the layers of a scope on Keras tensors; return its results."""
        made: list[list[Any]] = []

        def value(of: Value) -> Any:
            return inputs[of.port] if of.item == INPUT else made[of.item][of.port]

        for step in plan.steps:
            feeds = [None if feed is None else value(feed) for feed in step.feeds]
            path, held = join(prefix, step.name), join(owner, step.owner or step.name)
            if isinstance(step, Operation):
                made.append(self.operation(step, path, home(step, path, held), feeds))
            else:
                made.append(self.loop(step, path, held, feeds, self.rolled if uniform(plan, step) else False))
        return [value(result) for result in plan.results]

    def loop(self, loop: Loop, path: str, owner: str, feeds: list[Any], rolled: Choice) -> list[Any]:
        """Chain the copies of a loop, roll those that are to be, or scan its one copy."""
        if loop.scan is not None:
            return self.scan(loop, loop.scan, owner, feeds)
        current, outputs = list(feeds), [feeds[loop.carry]]
        for run in self.runs(loop, owner, rolled):
            if run.rolled:
                outputs = [self.repeated(loop, run, owner, current)]
                current[loop.carry] = outputs[0]
                continue
            for number in range(run.start, run.start + run.copies):
                copy = loop.copies[number]
                outputs = self.scope(copy, path + place(loop, number), owner + source(loop, number), current)
                current[loop.carry] = outputs[0]
        return outputs

    def runs(self, loop: Loop, owner: str, rolled: Choice) -> tuple[Run, ...]:
        """The copies of a loop, those together that are rolled."""
        last = owner + source(loop, len(loop.copies) - 1)
        # In mixed precision the last layer computes in float32, so the copy that holds it is unlike the others.
        return runs(loop, rolled, keep_last=any(one.startswith(last) for one in self.last))

    def repeated(self, loop: Loop, run: Run, owner: str, feeds: list[Any]) -> Any:
        """Call the layer that stands for a run of equal copies, after making it on its first use."""
        key = owner, run.start
        if key not in self.repeats:
            self.repeats[key] = self.repeating(loop, run, owner, feeds)
        return self.repeats[key](*feeds)

    def repeating(self, loop: Loop, run: Run, owner: str, feeds: list[Any]) -> Any:
        """The layer that stands for a run of equal copies, made around the model of the first of them."""
        keras = load_keras()
        copy, block = loop.copies[run.start], loop.call.copies[run.start]
        numbers = range(run.start, run.start + run.copies)

        def prefixes(owner: str) -> list[str]:
            return [owner + place(loop, number) for number in numbers]

        outer, self.made = self.made, []
        inputs = [keras.Input(sizes(x), dtype=feed.dtype) for x, feed in zip(block.inputs, feeds, strict=True)]
        paths = prefixes(owner)
        outputs = self.scope(copy, paths[0], paths[0], inputs)
        name = layer_name(f"{owner}/{run.start}-{run.start + run.copies - 1}")
        body = keras.Model(inputs, outputs[0], name=name)
        inside, self.made = self.made, outer
        values = stacked(body.variables, inside, paths[0], paths)
        layer = importlib.import_module("archgraph.compiler.layers").LAYERS["Repeated"](
            body,
            copies=run.copies,
            carry=loop.carry,
            start=run.start,
            place=owner,
            shared=loop.share,
            values=dict(enumerate(values)),
            name=name,
            dtype=self.dtype_policy,
        )
        if self.made is not None:
            self.made.append(Rolled(owner, layer, inside, prefixes))
        return layer

    def scan(self, loop: Loop, scan: Scanned, owner: str, feeds: list[Any]) -> list[Any]:
        """Call the scanning layer made under `owner`, after making it, around the model of a step, on its first use."""
        if owner not in self.scans:
            keras, step = load_keras(), loop.call.copies[0]
            shapes = step_shapes(step, owner)
            inputs = [keras.Input(sizes(x), dtype=x.dtype) for x in step.inputs]
            outputs = self.scope(loop.copies[0], owner, owner, inputs)
            body = keras.Model(inputs, outputs, name=layer_name(owner))
            self.scans[owner] = importlib.import_module("archgraph.compiler.layers").LAYERS["Scan"](
                body,
                over=scan.over,
                states=scan.states,
                shapes=shapes,
                fed=[port for port, feed in enumerate(feeds) if feed is not None],
                reverse=scan.reverse,
                return_sequences=scan.return_sequences,
                name=layer_name(owner),
                dtype=self.dtype_policy,
            )
        made = self.scans[owner]([feed for feed in feeds if feed is not None])
        return list(made) if isinstance(made, list | tuple) else [made]

    def operation(self, step: Operation, path: str, owner: str, feeds: list[Any]) -> list[Any]:
        """Call the layer made under `owner`, after making it if this is its first use."""
        try:
            outputs = self.called(step, owner, feeds, self.layer)
        except Exception as error:
            raise self.refused(path, step, error) from error
        self.tensors[path] = list(outputs) if isinstance(outputs, list | tuple) else [outputs]
        return self.tensors[path]

    def called(
        self, step: Operation, owner: str, feeds: list[Any], make: Callable[[Layer, str, int | None], Any]
    ) -> Any:
        """The outputs of the layer that `make` gives; it is built on its first call."""
        seed = self.seed_of(owner)
        with seeded(seed):
            layer = make(step.layer, owner, seed)
            fillers: Mapping[str, Filler] = {}
            if layer.built or (
                step.layer.ours and not hasattr(layer, "plain_start")
            ):  # a layer of ours may copy its initialisers
                outputs = apply(step.layer, layer, feeds)
            else:
                with filling(layer, self.fill_seed_of(owner), keep=self.made is not None) as fillers:
                    outputs = apply(step.layer, layer, feeds)
        if self.made is not None and all(one.layer is not layer for one in self.made):
            self.made.append(Made(owner, layer, fillers, self.again(step, feeds), self.seed_of, self.fill_seed_of))
        return outputs

    def again(self, step: Operation, feeds: list[Any]) -> Callable[[str], Any]:
        """What builds the layer of `step` anew, under a path that is given."""

        def build(owner: str) -> Any:
            layer: Any = None

            def make(described: Layer, owner: str, seed: int | None) -> Any:
                nonlocal layer
                layer = instantiate(self.kernel(described), layer_name(owner), dtype=self.dtype_policy, seed=seed)
                return layer

            outer, self.made = self.made, None
            self.called(step, owner, feeds, make)
            self.made = outer
            return layer

        return build

    def seed_of(self, owner: str) -> int | None:
        """The seed of what the layer at `owner` draws when it is called."""
        return None if self.seed is None else path_seed(self.seed, owner)

    def fill_seed_of(self, owner: str) -> int:
        """The seed of the first values of the layer at `owner`."""
        return path_seed(self.start, owner)

    def kernel(self, layer: Layer) -> Layer:
        """The same layer with fewer kernels, where there is such a layer."""
        name = FUSED.get(layer.name) if self.fused and not layer.ours else None
        return layer if name is None else layer._replace(name=name, ours=True)

    def layer(self, layer: Layer, owner: str, seed: int | None) -> Any:
        """The Keras layer made under `owner`: one, however often it is applied."""
        layer = self.kernel(layer)
        if owner not in self.layers:
            # In mixed precision what leaves the model is computed in full: a loss needs the range and the digits.
            dtype = "float32" if owner in self.last else self.dtype_policy
            self.layers[owner] = layer, instantiate(layer, layer_name(owner), dtype=dtype, seed=seed)
        described, made = self.layers[owner]
        if described != layer:
            raise ValueError(f"the weights of {owner} are shared, but not its parameters: {layer} beside {described}")
        return made

    def refused(self, path: str, step: Operation, error: Exception) -> GraphError:
        """What to tell when Keras refuses what analysis accepted."""
        shapes = ", ".join("-" if x is None else str(x.shape) for x in step.leaf.inputs)
        reason = f"{type(error).__name__}: {_first_line(error)}"
        message = f"Keras refused {step.layer.name} for {path} with inputs {shapes}: {reason}"
        hint = "analysis should have found this; please report it with the graph"
        if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
            hint = "there is too little memory; `archgraph summary` tells what the weights and tensors take"
        pointer = f"{step.block.pointer}/nodes/{step.leaf.node.id}"
        diagnostic = Diagnostic("AG801", pointer, message, hint)
        text: Source | None = step.block.source
        return GraphError(text.place([diagnostic]) if text else [diagnostic])


def step_shapes(step: Scope, path: str) -> list[list[int | list[int]]]:
    """The shape of each output of a step: numbers, or the input and axis that have the same symbolic size.

    Raises:
        GraphError: a size is that of no input (AG802): Keras keeps room for the outputs of all steps beforehand.
    """
    known = {size: [port, axis] for port, x in enumerate(step.inputs) for axis, size in enumerate(x.shape)}
    shapes: list[list[int | list[int]]] = []
    for name, tensor in zip(step.block.outputs, step.outputs, strict=True):
        try:
            shapes.append([size if isinstance(size, int) else known[size] for size in tensor.shape])
        except KeyError:
            message = f"the output {name!r} of {path} is {show(tensor.shape)} at each step: a size that no input has"
            hint = "write numbers in place of the symbols in the shapes of the inputs"
            diagnostic = Diagnostic("AG802", f"{step.block.pointer}/outputs/{name}", message, hint)
            text = step.block.source
            raise GraphError(text.place([diagnostic]) if text else [diagnostic]) from None
    return shapes


def sizes(tensor: Tensor) -> list[int | None]:
    """A tensor's shape as Keras has it: None where a size is symbolic."""
    return [size if isinstance(size, int) else None for size in tensor.shape]


def _first_line(error: Exception) -> str:
    """What an error says first, without Keras's colours and its notes on which method it was in."""
    lines = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).splitlines()
    return next((line for line in lines if line.strip() and not line.startswith("Exception encountered")), "")


def _single(values: Mapping[str, Any]) -> Any:
    return next(iter(values.values())) if len(values) == 1 else dict(values)


@contextlib.contextmanager
def building(count: int) -> Iterator[None]:
    """Conditions under which a large model is built fast and a long chain does not run out of stack; all restored."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        with deep_stack(count):
            yield
    finally:
        if collecting:
            gc.enable()
