"""Graph -> ShapedGraph: parameters, expressions, repeats, shapes; every root cause is reported, nothing downstream."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from archgraph.analysis.limits import Limits, TooLarge
from archgraph.analysis.prune import prune
from archgraph.analysis.resolve import Undressed, bind, dimension, no_dim, resolved, undressed
from archgraph.analysis.scope import ScopeBuilder
from archgraph.analysis.shaped import Scope, ShapedGraph
from archgraph.diagnostics import Diagnostic, GraphError, Rejected
from archgraph.document.parse import MOST_FINDINGS
from archgraph.graph import Block, Graph, Source
from archgraph.kinds import is_formula
from archgraph.shapes import Dim, Tensor, need_known, prod, show
from archgraph.vocabulary.base import Composition, Primitive, Weight

Tensors = tuple[Tensor | None, ...]


class Facts(NamedTuple):
    """What a primitive does with given inputs."""

    primitive: Primitive
    outputs: tuple[Tensor, ...]
    composition: Composition | None
    weights: tuple[Weight, ...] = ()
    macs: Dim = 0
    parameters: int = 0
    trainable: int = 0


def infer(graph: Graph, params: Mapping[str, Any] | None = None, *, limits: Limits | None = None) -> ShapedGraph:
    """Give everything in `graph` its shape, dtype, weights and cost. Imports neither TensorFlow nor Keras.

    Args:
        graph: as `load` returns it.
        params: values for the file's parameters, over those chosen on loading.
        limits: budgets; the defaults suit every network in the literature.

    Raises:
        GraphError: with every root cause, each with code, place, received, expected and remedy.
    """
    inference = Inference(graph, limits or Limits())
    return inference.run({**graph.bindings, **(params or {})})


class Inference:
    """One walk over one graph."""

    def __init__(self, graph: Graph, limits: Limits) -> None:
        self.graph, self.limits = graph, limits
        self.found: dict[tuple[str, str, str], tuple[Block, Diagnostic]] = {}
        self.ways: dict[tuple[str, str, str], tuple[str, ...]] = {}
        self.scopes: dict[Any, Scope | None] = {}
        self.undressed: dict[int, Undressed] = {}
        self.known: dict[tuple[int, Tensors], Facts] = {}
        self.active: list[tuple[str, Block]] = []
        self.visits = 0

    # ---- the whole

    def run(self, given: Mapping[str, Any]) -> ShapedGraph:
        """The shaped graph, or `GraphError`."""
        body = self.graph.body
        frozen = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
        values, found = bind(body.params, frozen, "the file", self.graph.scopes[body.scope], no_dim)
        for rejected in found:
            self.report(rejected, body, "/params")
        tensors = self.inputs(values) if not found else []
        root = None
        if not self.found:
            try:
                root = self.scope(body, values, tuple(tensors))
                self._need_few_parameters(root)
            except TooLarge as large:
                self.report(large.rejected, body, "/nodes" if not large.rejected.field else "")
        if self.found or root is None:
            raise GraphError(self._placed())
        return ShapedGraph(self.graph, prune(root), values)

    def _need_few_parameters(self, root: Scope | None) -> None:
        if root is not None and root.parameters > self.limits.parameters:
            complaint = f"the graph has {root.parameters} parameters, at most {self.limits.parameters} are allowed"
            raise TooLarge(Rejected("AG502", complaint))

    def _placed(self) -> list[Diagnostic]:
        sources: dict[int, tuple[Source | None, list[Diagnostic]]] = {}
        for block, diagnostic in self.found.values():
            sources.setdefault(id(block.source), (block.source, []))[1].append(diagnostic)
        placed = [one for source, some in sources.values() for one in (source.place(some) if source else some)]
        return sorted(placed, key=lambda d: (d.file, d.line, d.column))

    def report(self, rejected: Rejected, block: Block, pointer: str) -> None:
        """Note a finding in `block`'s source; one record gets each code once, however often it is expanded."""
        where = "/".join(name for name, _ in self.active)
        diagnostic = rejected.at(pointer)
        if where:
            diagnostic = Diagnostic(
                diagnostic.code, diagnostic.pointer, f"{diagnostic.message} (in {where})", diagnostic.hint
            )
        key = block.scope, diagnostic.pointer, diagnostic.code
        self.found.setdefault(key, (block, diagnostic))
        self.ways.setdefault(key, tuple(name for name, _ in self.active))
        if len(self.found) >= MOST_FINDINGS:
            raise GraphError(self._placed())

    def inputs(self, values: Mapping[str, Any]) -> list[Tensor]:
        """The tensors of the file's inputs; what is wrong with them is reported."""
        tensors = []
        for name, entry in self.graph.inputs.items():
            shape: list[Dim] = []
            for position, size in enumerate(entry.shape):
                pointer = f"/inputs/{name}/shape/{position}"
                try:
                    shape.append(self._size(size, values))
                except Rejected as rejected:
                    self.report(rejected, self.graph.body, pointer)
            tensors.append(Tensor(tuple(shape), entry.dtype))
            try:
                self._within(tensors[-1], "the input")
            except Rejected as rejected:
                self.report(rejected, self.graph.body, f"/inputs/{name}/shape")
        return tensors

    def _size(self, size: Any, values: Mapping[str, Any]) -> Dim:
        if is_formula(size):
            size = resolved(size, values, no_dim)
        elif isinstance(size, str):
            return dimension(size, self.graph)
        if isinstance(size, float) and size.is_integer():
            size = int(size)
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise Rejected("AG201", f"a size must be a positive integer, got {size}")
        return size

    # ---- a scope

    def scope(self, block: Block, values: Mapping[str, Any], tensors: tuple[Tensor, ...]) -> Scope | None:
        """The inside of `block` for these parameters and inputs; None when something in it is faulty."""
        key = (block, tuple(values.items()), tensors)
        if key in self.scopes:
            return self.scopes[key]
        self.scopes[key] = None  # what fails stays failed, and is reported once
        made = ScopeBuilder(self, block, values, tensors).build()
        self.scopes[key] = made
        return made

    def made(self, op: str, values: Mapping[str, Any]) -> Primitive:
        """The primitive with these parameters, or `Rejected` with the first thing that is wrong with them."""
        parts = undressed(op, tuple(values.items()), tuple(map(type, values.values())))
        self.undressed[id(parts.primitive)] = parts
        return parts.primitive

    def undress(self, primitive: Primitive) -> Undressed:
        """The parts of a primitive, looked up by identity: hashing one takes longer than shaping it."""
        known = self.undressed.get(id(primitive))
        if known is None:
            known = self.undressed[id(primitive)] = Undressed(primitive)
        return known

    def facts(self, primitive: Primitive, tensors: Tensors) -> Facts:
        """What `primitive` does with these inputs, worked out once; or `Rejected`."""
        key = id(primitive), tensors
        known = self.known.get(key)
        if known is None:
            known = self.known[key] = self._worked_out(primitive, tensors)
        return known

    def _worked_out(self, primitive: Primitive, tensors: Tensors) -> Facts:
        inferred = primitive.infer(*tensors)
        composition = primitive.compose(*tensors)
        if composition is not None:
            return Facts(primitive, (), composition)
        outputs = (inferred,) if isinstance(inferred, Tensor) else inferred
        for output in outputs:
            self._within(output)
        weights = primitive.weights(*tensors)
        return Facts(primitive, outputs, None, weights, primitive.macs(*tensors), *self._sizes(weights))

    def _within(self, tensor: Tensor, what: str = "its output") -> None:
        size = prod(tensor.shape)
        if isinstance(size, int) and size > self.limits.elements:
            complaint = f"{what} {show(tensor.shape)} has {size} elements, at most {self.limits.elements} are allowed"
            raise Rejected("AG503", complaint)

    def _sizes(self, weights: tuple[Weight, ...]) -> tuple[int, int]:
        total = trainable = 0
        for weight in weights:
            size = need_known(prod(weight.shape), f"the size of {weight.name}")
            total += size
            if weight.trainable:
                trainable += size
        if total > self.limits.parameters:
            raise Rejected("AG502", f"it has {total} parameters, at most {self.limits.parameters} are allowed")
        return total, trainable

    def visit(self, feeds: int = 0) -> None:
        """Count one step of work, or more where much is read, so that no file makes the walk long."""
        self.visits += 1 + feeds // 8
        if self.visits > 4 * self.limits.nodes:
            raise TooLarge(Rejected("AG501", f"takes more than {4 * self.limits.nodes} steps to expand"))
