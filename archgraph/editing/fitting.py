"""What can be joined to an output or an input of a place: which nodes, ops and blocks, and why the others cannot."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from archgraph.analysis.infer import Inference
from archgraph.analysis.limits import Limits, TooLarge
from archgraph.analysis.resolve import bind, dim_reader
from archgraph.analysis.shaped import Call, Leaf
from archgraph.diagnostics import GraphError, Rejected
from archgraph.editing.catalogue import starting_arguments, starting_parameters
from archgraph.editing.places import Place, feeds
from archgraph.editing.survey import Look, Survey
from archgraph.graph import Block
from archgraph.shapes import Tensor
from archgraph.vocabulary import REGISTRY
from archgraph.vocabulary.base import Port, Primitive

FITS: Final = ""
CIRCLE: Final = "this would make the numbers run in a circle"
ITSELF: Final = "a node cannot feed itself"


class Fits(NamedTuple):
    """Reasons against each candidate; the empty text where it fits."""

    ports: Mapping[str, str]
    ops: Mapping[str, str]
    blocks: Mapping[str, str]


def fits_behind(survey: Survey, place: Place, look: Look | None, node: str, port: str) -> Fits:
    """What an output can feed."""
    tensor = look.seen[node].tensor(port) if look is not None and node in look.seen else None
    before = upstream(place, node) | {node}
    ports: dict[str, str] = {}
    for name in place.nodes:
        reason = ITSELF if name == node else CIRCLE if name in before else FITS
        for number, one in enumerate(ports_of(survey, place, look, name)):
            why = reason or (_against(survey, place, look, name, number, tensor) if tensor is not None else FITS)
            ports[f"{name}.{one.name}"] = why
    ports |= {f"{target}.x": FITS for target in place.outputs}
    return Fits(ports, _ops(tensor), _blocks(survey, look, tensor))


def fits_ahead(survey: Survey, place: Place, look: Look | None, node: str, port: str) -> Fits:
    """What can feed an input."""
    after = downstream(place, node) | {node}
    names = [one.name for one in ports_of(survey, place, look, node)] if node in place.nodes else ["x"]
    number = names.index(port) if port in names else 0
    seen = look.seen if look is not None else {}
    ports: dict[str, str] = {}
    for name in (*place.inputs, *place.nodes):
        found = seen.get(name)
        outputs = dict(zip(found.outputs, found.tensors, strict=False)) if found is not None else {"output": None}
        for output, tensor in outputs.items():
            reason = ITSELF if name == node else CIRCLE if name in after else FITS
            if not reason and tensor is not None and node in place.nodes:
                reason = _against(survey, place, look, node, number, tensor)
            ports[f"{name}.{output}"] = reason
    fed = _feeding(place, look, node, number)
    ops: dict[str, str] = {}
    for op, kind in REGISTRY.items():
        made = _tried(kind, fed) if fed is not None else FITS
        ops[op] = made if isinstance(made, str) else FITS
        if not isinstance(made, str) and node in place.nodes:
            ops[op] = _against(survey, place, look, node, number, made[0])
    return Fits(ports, ops, _blocks(survey, look, fed))


def ports_of(survey: Survey, place: Place, look: Look | None, name: str) -> tuple[Port, ...]:
    """The inputs of a node."""
    record: Mapping[str, Any] = place.nodes.get(name, {})
    passed: set[str] = set()
    while "reuse" in record and str(record["reuse"]) not in passed:
        passed.add(str(record["reuse"]))
        record = place.nodes.get(str(record["reuse"]), {})
    op = record.get("op")
    if isinstance(op, str) and op in REGISTRY:
        return REGISTRY[op].inputs
    target = str(record.get("block", ""))
    known = survey.target(target, look) if look is not None else target
    block = survey.graph.blocks.get(known) if survey.graph is not None else None
    return tuple(Port(one, "") for one in block.inputs) if block is not None else ()


def upstream(place: Place, name: str) -> set[str]:
    """All nodes and inputs that `name` follows from."""
    return _reach(place, name, back=True)


def downstream(place: Place, name: str) -> set[str]:
    """All nodes and outputs that follow from `name`."""
    return _reach(place, name, back=False)


def _reach(place: Place, name: str, *, back: bool) -> set[str]:
    steps: dict[str, set[str]] = {}
    for edge in place.edges():
        start, end = (edge.target, edge.source) if back else (edge.source, edge.target)
        steps.setdefault(start, set()).add(end)
    found: set[str] = set()
    ahead = list(steps.get(name, ()))
    while ahead:
        one = ahead.pop()
        if one not in found:
            found.add(one)
            ahead += steps.get(one, ())
    return found


# ---- one candidate


def _against(survey: Survey, place: Place, look: Look | None, name: str, number: int, tensor: Tensor) -> str:
    """What a node says against a tensor at one of its ports; nothing where that cannot be told."""
    if look is None:
        return FITS
    node = look.block.nodes.get(name)
    ports = ports_of(survey, place, look, name)
    given: list[Tensor | None] = [None] * max(1, len(ports))
    for key, ref in feeds(place.nodes.get(name, {})):
        position = int(key) if key.isdecimal() else next((i for i, port in enumerate(ports) if port.name == key), -1)
        source = look.seen.get(ref.partition(".")[0])
        if 0 <= position < len(given):
            given[position] = source.tensor(ref.partition(".")[2]) if source is not None else None
    variadic = bool(ports) and ports[-1].variadic
    tensors: list[Tensor | None] = list(given)
    if variadic and number >= len(ports) - 1:
        tensors = [one for one in _variadic(place, look, name) if one is not None]
        tensors.append(tensor)
    else:
        tensors[number] = tensor
    if any(one is None and not port.optional for one, port in zip(tensors, ports, strict=False)):
        return FITS
    primitive = _primitive(look, name, node)
    if primitive is not None:
        return _complaint(primitive, tensors)
    return FITS


def _variadic(place: Place, look: Look, name: str) -> Iterator[Tensor | None]:
    for _, ref in feeds(place.nodes.get(name, {})):
        source = look.seen.get(ref.partition(".")[0])
        yield source.tensor(ref.partition(".")[2]) if source is not None else None


def _primitive(look: Look, name: str, node: Any) -> Primitive | None:
    seen = look.seen.get(name)
    if seen is not None and seen.items and isinstance(seen.items[0], Leaf) and "/" not in seen.items[0].name:
        return seen.items[0].primitive
    found: Primitive | None = node.primitive if node is not None else None
    return found


def _complaint(primitive: Primitive, tensors: Sequence[Tensor | None]) -> str:
    try:
        primitive.infer(*tensors)
    except Rejected as rejected:
        return rejected.message
    return FITS


def _ops(tensor: Tensor | None) -> dict[str, str]:
    if tensor is None:
        return dict.fromkeys(REGISTRY, FITS)
    tried = {op: _tried(kind, tensor) for op, kind in REGISTRY.items()}
    return {op: made if isinstance(made, str) else FITS for op, made in tried.items()}


def _tried(kind: type[Primitive], tensor: Tensor) -> tuple[Tensor, ...] | str:
    """What an op with the parameters it starts with makes of a tensor at each of its ports, or why it cannot."""
    try:
        primitive = kind.make(starting_parameters(kind))
        given = [None if port.optional else tensor for port in kind.inputs]
        if kind.inputs and kind.inputs[-1].variadic:
            given = [*given, tensor]
        made = primitive.infer(*given)
        return (made,) if isinstance(made, Tensor) else made
    except Rejected as rejected:
        return rejected.message


def _blocks(survey: Survey, look: Look | None, tensor: Tensor | None) -> dict[str, str]:
    graph = survey.graph
    if graph is None:
        return {}
    scope = graph.scopes[look.block.scope if look is not None else ""]
    if tensor is None:
        return dict.fromkeys(scope, FITS)
    inside = look.block.name if look is not None and look.block.pointer else ""
    found = {}
    for name, block in scope.items():
        found[name] = "a block cannot contain itself" if name == inside else block_complaint(survey, block, tensor)
    return found


def block_complaint(survey: Survey, block: Block, tensor: Tensor) -> str:
    """What a block, called with the arguments it starts with, says against a tensor at each of its inputs."""
    assert survey.graph is not None
    inference = Inference(survey.graph, Limits(nodes=2_000))
    tensors = (tensor,) * len(block.inputs)
    arguments = {name: tuple(one) if isinstance(one, list) else one for name, one in starting_arguments(block).items()}
    known = survey.graph.scopes[block.scope]
    values, complaints = bind(block.params, arguments, block.name, known, dim_reader(block.inputs, tensors))
    if complaints:
        return FITS  # its arguments are to be chosen first
    try:
        inference.scope(block, values, tensors)
    except TooLarge as large:
        return large.rejected.message
    except Rejected as rejected:
        return rejected.message
    except GraphError as error:
        return error.diagnostics[0].message
    return next((diagnostic.message for _, diagnostic in inference.found.values()), FITS)


def _feeding(place: Place, look: Look | None, node: str, number: int) -> Tensor | None:
    """A tensor that could be at hand in front of an input: what feeds it now, or an input of the place."""
    if look is None:
        return None
    refs = [ref for _, ref in feeds(place.nodes.get(node, {}))]
    wanted = refs[number : number + 1] or refs[:1] or list(place.inputs[:1])
    for ref in wanted:
        seen = look.seen.get(ref.partition(".")[0])
        if seen is not None:
            return seen.tensor(ref.partition(".")[2])
    return None


def called(look: Look, name: str) -> Call | None:
    """The call that a node became."""
    seen = look.seen.get(name)
    items = seen.items if seen is not None else ()
    return next((item for item in items if isinstance(item, Call)), None)
