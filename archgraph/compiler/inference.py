"""ShapedGraph and trained model -> a faster model that computes the same: plans rewritten, weights worked out anew."""

from collections.abc import Container, Iterable, Iterator
from os import PathLike
from typing import Any, NamedTuple

from numpy.typing import NDArray

from archgraph.analysis.shaped import ShapedGraph, join
from archgraph.compiler import load_model
from archgraph.compiler.emit import Emitter
from archgraph.compiler.passes import INFERENCE
from archgraph.compiler.plan import Operation, Pass, Plan, home, lowered, place, run, source
from archgraph.compiler.recipes import Arrays, Own
from archgraph.compiler.rolling import Choice
from archgraph.compiler.weights import get_weights, hand_on_states, set_weights
from archgraph.diagnostics import Diagnostic, GraphError


class Site(NamedTuple):
    """An operation of the expanded plan."""

    operation: Operation
    home: str
    """The path under which its layer is made."""
    prefix: str
    """The path below which its recipe reads weights."""


def sites(plan: Plan, prefix: str = "", owner: str = "") -> Iterator[Site]:
    """Every operation of a plan, repeats expanded, each with where its weights are."""
    for step in plan.steps:
        path, held = join(prefix, step.name), join(owner, step.owner or step.name)
        if isinstance(step, Operation):
            yield Site(step, home(step, path, held), owner)
        elif step.scan is not None:
            yield from sites(step.copies[0], held, held)
        else:
            for number, copy in enumerate(step.copies):
                yield from sites(copy, path + place(step, number), held + source(step, number))


def lower_for_inference(
    shaped: ShapedGraph,
    model: Any,
    *,
    dtype_policy: str | None = None,
    rolled: Choice = False,
    passes: tuple[Pass, ...],
) -> Any:
    """The model of a graph after `passes`, with weights that follow from those of `model`, by the paths of nodes.

    Raises:
        GraphError: a node has no weights in `model`, or others than the graph says (AG803).
    """
    before, after = lowered(shaped.root), run(passes, lowered(shaped.root))
    trained = Trained(before, model)
    lean = Emitter(shaped, 0, dtype_policy, rolled).model(after)
    set_weights(lean, trained.handed_on(after, get_weights(lean)))
    hand_on_states(lean, model)
    return lean


def node_of(path: str, nodes: Container[str]) -> str:
    """The node that the path of a weight begins with; the names of weights may have slashes too."""
    parts = path.split("/")
    prefixes = ("/".join(parts[:count]) for count in range(len(parts) - 1, 0, -1))
    return next((prefix for prefix in prefixes if prefix in nodes), "")


class Trained:
    """The weights of a trained model by the paths of nodes, checked against what the graph says of them."""

    def __init__(self, plan: Plan, model: Any) -> None:
        self.sites = {site.home: site.operation for site in sites(plan)}
        self.held: dict[str, list[NDArray[Any]]] = {}
        for path, array in get_weights(model).items():
            self.held.setdefault(node_of(path, self.sites), []).append(array)

    def read(self, path: str) -> Arrays:
        """The weights of the node at `path`, by the names that the vocabulary gives them."""
        operation, held = self.sites[path], self.held.get(path, [])
        weights = operation.leaf.weights
        if [array.shape for array in held] != [weight.shape for weight in weights]:
            raise self._refused(path, operation, [array.shape for array in held])
        return {weight.name: array for weight, array in zip(weights, held, strict=True)}

    def handed_on(self, plan: Plan, wanted: Iterable[str]) -> dict[str, NDArray[Any]]:
        """The weights of a rewritten plan, for the paths that are wanted."""
        found = {site.home: site for site in reversed(list(sites(plan)))}  # where several share, the first
        paths: dict[str, list[str]] = {}
        for path in wanted:
            paths.setdefault(node_of(path, found), []).append(path)
        return {path: array for node, own in paths.items() for path, array in self._given(found[node], own)}

    def _given(self, site: Site, paths: list[str]) -> Iterable[tuple[str, NDArray[Any]]]:
        """The weights of one layer: trained ones stand in Keras's order, others are found by name."""

        def below(path: str) -> Arrays:
            return self.read(join(site.prefix, path))

        operation = site.operation
        recipe = operation.recipe or Own(operation.owner or operation.name)
        arrays = recipe.arrays(below)
        if isinstance(recipe, Own):
            return zip(paths, arrays.values(), strict=True)
        return ((path, arrays[path.rpartition("/")[2]]) for path in paths)

    @staticmethod
    def _refused(path: str, operation: Operation, shapes: list[tuple[int, ...]]) -> GraphError:
        wanted = [weight.shape for weight in operation.leaf.weights]
        got = f"weights of {shapes}" if shapes else "none"
        message = f"the model is none of this graph: {path} should have weights of {wanted}, got {got}"
        hint = "give the graph, variant and parameters that the model was compiled from"
        pointer, text = f"{operation.block.pointer}/nodes/{operation.leaf.node.id}", operation.block.source
        diagnostic = Diagnostic("AG803", pointer, message, hint)
        return GraphError(text.place([diagnostic]) if text else [diagnostic])


def for_inference(shaped: ShapedGraph, model: Any, *, dtype_policy: str | None = None, rolled: Choice = False) -> Any:
    """A faster model that computes what a trained one computes after training.

    Batch normalisations are folded into neighbouring layers, dropout, noise and penalties left out, kernels that are
    worked out at every step and all that follows from constants worked out once, and activations handed to the layers
    before them. What is left of a node is a layer at the node's path. The result is a plain ``keras.Model`` with inputs
    and outputs as before; trained further it would learn something else.

    Args:
        shaped: the graph that `model` was compiled from, as `archgraph.infer` returns it.
        model: what `compile_model` returned, trained or loaded since, or the path of its ``.keras`` file. It is left
            as it is.
        dtype_policy: a Keras dtype policy for the new model; by default Keras's global one.
        rolled: whether equal copies of a repeated block become one layer, as in `compile_model`; it is built and traced
            sooner, but ONNX and LiteRT want the copies.

    Raises:
        GraphError: `model` is not one of this graph (AG803).
        ValueError: the file is no Keras model, or Keras has no such dtype policy.
    """
    trained = load_model(model) if isinstance(model, str | PathLike) else model
    return lower_for_inference(shaped, trained, dtype_policy=dtype_policy, rolled=rolled, passes=INFERENCE)
