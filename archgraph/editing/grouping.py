"""Some nodes of a place become a block and a call of it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from archgraph.diagnostics import Rejected
from archgraph.document.form import CONTROL_KEYS, need_identifier
from archgraph.document.load import library
from archgraph.document.parameters import type_of
from archgraph.editing.expressions import names_in, renamed
from archgraph.editing.places import Edge, Place, feeds, free_name
from archgraph.editing.renaming import refs_renamed

Json = Any


def group(value: Json, block: str, nodes: Sequence[str], name: str, knobs: Sequence[str] = ()) -> Json:
    """The file in which `nodes` of a place stand inside a new block called `name`, with a call of it in their place.

    Args:
        value: the file.
        block: the place; empty: the main graph.
        nodes: names of nodes there.
        name: of the block, and of its call.
        knobs: ``node/parameter`` of each parameter that becomes one of the block, the value it has as its default.

    Raises:
        Rejected: the nodes are no piece that can stand for itself; says why, and which node is in the way.
    """
    place, chosen = Place(value, block), set(nodes)
    _need_piece(place, chosen)
    need_identifier(name)
    block_name = free_name(name, {*(value.get("blocks") or {}), *library()})
    entering = _entering(place, chosen)
    leaving = _leaving(place, chosen)
    inner = {one: dict(place.nodes[one]) for one in place.nodes if one in chosen}
    inputs = _input_names(entering, chosen)
    inner = {one: refs_renamed(record, lambda ref: inputs.get(ref, ref)) for one, record in inner.items()}
    params, arguments = _handed_on(place, inner)
    own_names = {name: f"{name}_value" for name in params if name in CONTROL_KEYS}
    if own_names:  # a call could not give them: these keys have a meaning in every record
        inner = renamed(inner, own_names, {})
        params, arguments = (
            {own_names.get(key, key): one for key, one in given.items()} for given in (params, arguments)
        )
    knob_params, inner = _knobs(inner, knobs, taken={*params, *inputs.values()})
    made_block = {
        **({"params": {**params, **knob_params}} if params or knob_params else {}),
        "inputs": list(inputs.values()), "nodes": inner, **_results(leaving),
    }  # fmt: skip
    call_name = free_name(name, place.names - chosen)
    call: dict[str, Json] = {"block": block_name, "in": _fed(list(inputs))}
    call |= arguments
    outside = _outside(place, chosen, call_name, call, leaving)
    body = {**place.body, **outside}
    return _inserted(value, block, body, block_name, made_block)


def _need_piece(place: Place, chosen: set[str]) -> None:
    """Reject nodes that cannot stand in a block together."""
    if not chosen:
        raise Rejected("AG401", "no node is chosen", hint="choose the nodes that belong together")
    for name in chosen:
        record = place.need_node(name)
        target = record.get("reuse")
        if isinstance(target, str) and target not in chosen:
            raise Rejected("AG409", f"{name!r} applies the weights of {target!r}", hint="choose both")
    for name, record in place.nodes.items():
        if name not in chosen and record.get("reuse") in chosen:
            raise Rejected("AG409", f"{name!r} applies the weights of {record['reuse']!r}", hint="choose both")
    between = _between(place, chosen)
    if between:
        names = ", ".join(map(repr, sorted(between)[:4]))
        raise Rejected("AG402", f"{names} stands between the nodes that were chosen", hint=f"choose {names} too")


def _between(place: Place, chosen: set[str]) -> set[str]:
    """The nodes outside that both follow from the chosen ones and lead back to them."""
    after: dict[str, set[str]] = {}
    before: dict[str, set[str]] = {}
    for edge in place.edges():
        after.setdefault(edge.source, set()).add(edge.target)
        before.setdefault(edge.target, set()).add(edge.source)
    return (_reach(chosen, after) & _reach(chosen, before)) - chosen


def _reach(start: set[str], steps: Mapping[str, set[str]]) -> set[str]:
    found, ahead = set(), [one for name in start for one in steps.get(name, ())]
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += steps.get(name, ())
    return found


def _entering(place: Place, chosen: Collection[str]) -> list[str]:
    """References from outside that the chosen nodes read, each once."""
    refs = [ref for name in place.nodes if name in chosen for _, ref in feeds(place.nodes[name])]
    found = list(dict.fromkeys(ref for ref in refs if ref.partition(".")[0] not in chosen))
    if not found:
        raise Rejected(
            "AG403", "nothing feeds these nodes, and a block needs an input", hint="connect one of them first"
        )
    return found


def _leaving(place: Place, chosen: Collection[str]) -> list[Edge]:
    found = [edge for edge in place.edges() if edge.source in chosen and edge.target not in chosen]
    if found:
        return found
    ends = [name for name in place.nodes if name in chosen and not any(e.source == name for e in place.edges())]
    return [Edge(name, "", "") for name in ends[:1]]


def _input_names(entering: Sequence[str], chosen: Collection[str]) -> dict[str, str]:
    if len(entering) == 1:
        return {entering[0]: free_name("x", chosen)}
    names: dict[str, str] = {}
    for ref in entering:
        names[ref] = free_name(ref.replace(".", "_"), {*chosen, *names.values()})
    return names


def _results(leaving: Sequence[Edge]) -> dict[str, Json]:
    refs = list(dict.fromkeys(edge.ref for edge in leaving))
    if len(refs) == 1:
        return {"output": refs[0]}
    return {"outputs": {ref.replace(".", "_"): ref for ref in refs}}


def _handed_on(place: Place, inner: Mapping[str, Json]) -> tuple[dict[str, Json], dict[str, Json]]:
    """The parameters of the place that the nodes read: those of the block, and how its call gives them."""
    names, ports = names_in(inner)
    if ports - set(place.inputs):
        raise Rejected("AG401", f"an expression reads the size of {sorted(ports)[0]!r}, which is no input here")
    read_outside = [port for port in ports if not any(port in dict(feeds(r)).values() for r in inner.values())]
    if read_outside and place.block:
        raise Rejected(
            "AG401", f"an expression reads the size of {read_outside[0]!r}, which does not feed these nodes",
            hint=f"choose nodes that {read_outside[0]!r} feeds, or make the size a parameter",
        )  # fmt: skip
    known = place.body.get("params") or {}
    params: dict[str, Json] = {}
    for name in sorted(names & set(known)):
        given = known[name]
        params[name] = {key: item for key, item in given.items() if key != "default"} if isinstance(given, Mapping) \
            else {"type": type_of(given)}  # fmt: skip
    return params, {name: f"={name}" for name in params}


def _knobs(inner: dict[str, Json], knobs: Sequence[str], taken: set[str]) -> tuple[dict[str, Json], dict[str, Json]]:
    params: dict[str, Json] = {}
    for knob in knobs:
        node, _, field = knob.partition("/")
        if node not in inner or field not in inner[node]:
            raise Rejected("AG401", f"there is no parameter {knob!r} among these nodes")
        value = inner[node][field]
        if not isinstance(value, bool | int | float | str) or (isinstance(value, str) and value.startswith("=")):
            raise Rejected("AG202", f"{knob!r} is no plain value, so it cannot become a parameter")
        alike = next((name for name, one in params.items() if one == value and name.startswith(field)), None)
        name = alike or free_name(field, {*taken, *params})
        params[name] = value
        inner = {**inner, node: {**inner[node], field: f"={name}"}}
    return params, inner


def _fed(refs: Sequence[str]) -> Json:
    return refs[0] if len(refs) == 1 else list(refs)


def _outside(
    place: Place, chosen: set[str], call_name: str, call: Mapping[str, Json], leaving: Sequence[Edge]
) -> dict[str, Json]:
    """Nodes, outputs and states of the place, with the call in place of the first node that was chosen."""
    refs = list(dict.fromkeys(edge.ref for edge in leaving))
    new = {ref: call_name if len(refs) == 1 else f"{call_name}.{ref.replace('.', '_')}" for ref in refs}

    def follow(ref: str) -> str:
        return new.get(ref, ref)

    nodes: dict[str, Json] = {}
    for name, record in place.body["nodes"].items():
        if name in chosen:
            nodes.setdefault(call_name, dict(call))
        else:
            nodes[name] = refs_renamed(record, follow) if isinstance(record, Mapping) else record
    made: dict[str, Json] = {"nodes": nodes}
    return made | _outputs_followed(place, follow)


def _outputs_followed(place: Place, follow: Any) -> dict[str, Json]:
    made: dict[str, Json] = {}
    body = place.body
    if isinstance(body.get("output"), str):
        made["output"] = follow(body["output"])
    if isinstance(body.get("outputs"), Mapping):
        made["outputs"] = {name: follow(ref) for name, ref in body["outputs"].items()}
    if place.block and isinstance(body.get("states"), Mapping):
        made["states"] = {
            name: follow(state) if isinstance(state, str)
            else {**state, "next": follow(state["next"])} if isinstance(state, Mapping) and "next" in state else state
            for name, state in body["states"].items()
        }  # fmt: skip
    return made


def _inserted(value: Json, block: str, body: Mapping[str, Json], name: str, made: Json) -> Json:
    """The file with the body of the place changed and the block `name` added."""
    blocks = {**(value.get("blocks") or {}), name: made}
    if block:
        return {**value, "blocks": {**blocks, block: body}}
    whole = dict(body)
    if "blocks" in whole:
        return {**whole, "blocks": blocks}
    keys = list(whole)
    position = keys.index("nodes") if "nodes" in keys else len(keys)
    items = list(whole.items())
    return dict([*items[:position], ("blocks", blocks), *items[position:]])
