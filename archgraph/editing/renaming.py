"""A new name for a node, input, output, block or parameter: everything that speaks of it follows."""

from collections.abc import Callable, Mapping
from typing import Any

from archgraph.diagnostics import Rejected
from archgraph.document.form import CONTROL_KEYS, need_identifier
from archgraph.editing.expressions import renamed
from archgraph.editing.places import Place
from archgraph.kinds import is_formula

Json = Any


def rename_node(value: Json, block: str, old: str, new: str) -> Json:
    """The file with a node or input of a place called `new`. Raises `Rejected` when that cannot be."""
    place = Place(value, block)
    if new == old:
        return value
    need_identifier(new)
    if old not in place.names:
        raise Rejected("AG401", f"there is no node {old!r} here")
    if new in place.names:
        raise Rejected("AG414", f"{new!r} is taken already", hint="choose another name")
    is_input = old in place.inputs
    body = _body_renamed(place.body, old, new, is_input=is_input, block=bool(block))
    made = _with_body(value, block, body)
    return _calls_renamed(made, block, old, new) if is_input and block else made


def rename_output(value: Json, block: str, old: str, new: str) -> Json:
    """The file with an output of the file or of a block called `new`."""
    need_identifier(new)
    place = Place(value, block)
    body = place.body
    if "output" in body and old == "output":
        ref = body["output"]
        changed = {("outputs" if key == "output" else key): ({new: ref} if key == "output" else item)
                   for key, item in body.items()}  # fmt: skip
    else:
        outputs = body.get("outputs") or {}
        if old not in outputs:
            raise Rejected("AG401", f"there is no output {old!r} here")
        if new in outputs and new != old:
            raise Rejected("AG414", f"{new!r} is taken already", hint="choose another name")
        changed = {**body, "outputs": _key_renamed(outputs, old, new)}
    made = _with_body(value, block, changed)
    if block:
        return _over_calls(made, block, lambda call, record: record, ports={old: new})
    expected = (made.get("expect") or {}).get("outputs")
    if isinstance(expected, Mapping) and old in expected:
        made = {**made, "expect": {**made["expect"], "outputs": _key_renamed(expected, old, new)}}
    return made


def rename_block(value: Json, old: str, new: str) -> Json:
    """The file with a block called `new`, wherever it is called or chosen."""
    need_identifier(new)
    blocks = value.get("blocks") or {}
    if old not in blocks:
        raise Rejected("AG407", f"the file has no block {old!r}")
    if new in blocks and new != old:
        raise Rejected("AG414", f"{new!r} is taken already", hint="choose another name")
    made = {**value, "blocks": _key_renamed(blocks, old, new)}
    chosen = {
        name: {key: new if item == old and key in _block_parameters(made, "") else item for key, item in one.items()}
        for name, one in (made.get("variants") or {}).items()
    }
    made = {**made, "variants": chosen} if chosen else made
    made = _renamed_in(made, "", old, new)
    for name in made["blocks"]:
        made = _renamed_in(made, name, old, new)
    return made


def rename_parameter(value: Json, block: str, old: str, new: str) -> Json:
    """The file with a parameter of the file or of a block called `new`."""
    need_identifier(new)
    body = Place(value, block).body
    params = body.get("params") or {}
    if old not in params:
        raise Rejected("AG401", f"there is no parameter {old!r} here")
    if new in CONTROL_KEYS and block:
        raise Rejected("AG210", f"{new!r} has a meaning of its own in every record", hint="choose another name")
    if new in params and new != old:
        raise Rejected("AG414", f"{new!r} is taken already", hint="choose another name")
    inner = {key: item if key == "blocks" else renamed(item, {old: new}, {}) for key, item in body.items()}
    inner["params"] = _key_renamed(inner["params"], old, new)
    made = _with_body(value, block, inner)
    if not block:
        variants = {name: _key_renamed(one, old, new) for name, one in (made.get("variants") or {}).items()}
        return {**made, "variants": variants} if variants else made

    def follow(call: str, record: Mapping[str, Json]) -> Json:
        kept = _key_renamed(record, old, new) if old not in CONTROL_KEYS else record
        return {key: _key_renamed(item, old, new) if key in ("first", "last") else item for key, item in kept.items()}

    return _over_calls(made, block, follow)


# ---- inside one place


def refs_renamed(record: Mapping[str, Json], change: Callable[[str], str]) -> dict[str, Json]:
    """A record whose references are changed."""
    made = dict(record)
    given = record.get("in")
    if isinstance(given, str):
        made["in"] = change(given)
    elif isinstance(given, list):
        made["in"] = [change(ref) if isinstance(ref, str) else ref for ref in given]
    elif isinstance(given, Mapping):
        made["in"] = {key: change(ref) if isinstance(ref, str) else ref for key, ref in given.items()}
    return made


def node_of(change: Mapping[str, str]) -> Callable[[str], str]:
    """Changes the node of a reference, and keeps its port."""

    def changed(ref: str) -> str:
        name, dot, port = ref.partition(".")
        return change.get(name, name) + dot + port

    return changed


def _body_renamed(body: Mapping[str, Json], old: str, new: str, *, is_input: bool, block: bool) -> dict[str, Json]:
    follow, ports = node_of({old: new}), ({old: new} if is_input else {})
    made = dict(body)
    nodes = {
        (new if name == old else name): _record_renamed(record, old, new, follow, ports)
        for name, record in (body.get("nodes") or {}).items()
    }
    made["nodes"] = nodes
    if isinstance(body.get("output"), str):
        made["output"] = follow(body["output"])
    if isinstance(body.get("outputs"), Mapping):
        made["outputs"] = {name: follow(ref) if isinstance(ref, str) else ref for name, ref in body["outputs"].items()}
    if is_input:
        made["inputs"] = [new if name == old else name for name in body["inputs"]] if isinstance(
            body["inputs"], list) else _key_renamed(body["inputs"], old, new)  # fmt: skip
        if block and body.get("carry") == old:
            made["carry"] = new
        if block and "params" in body:
            made["params"] = renamed(body["params"], {}, ports)
    if isinstance(body.get("states"), Mapping):
        states = {name: renamed(_state_renamed(state, follow), {}, ports) for name, state in body["states"].items()}
        made["states"] = _key_renamed(states, old, new) if is_input else states
    return made


def _record_renamed(record: Json, old: str, new: str, follow: Callable[[str], str], ports: Mapping[str, str]) -> Json:
    if not isinstance(record, Mapping):
        return record
    made = refs_renamed(record, follow)
    if made.get("reuse") == old:
        made["reuse"] = new
    return renamed(made, {}, ports) if ports else made


def _state_renamed(state: Json, follow: Callable[[str], str]) -> Json:
    if isinstance(state, str):
        return follow(state)
    if isinstance(state, Mapping) and isinstance(state.get("next"), str):
        return {**state, "next": follow(state["next"])}
    return state


# ---- wherever a block is called


def _calls_renamed(value: Json, block: str, old: str, new: str) -> Json:
    """The file after an input of a block has another name: the calls feed it under the new one."""

    def follow(call: str, record: Mapping[str, Json]) -> Json:
        made = dict(record)
        if isinstance(made.get("in"), Mapping):
            made["in"] = _key_renamed(made["in"], old, new)
        if "scan" in made:
            made["scan"] = _scan_renamed(made["scan"], old, new)
        return made

    return _over_calls(value, block, follow, ports={old: new})


def _scan_renamed(scan: Json, old: str, new: str) -> Json:
    if isinstance(scan, Mapping):
        return {**scan, "over": _scan_renamed(scan.get("over"), old, new)}
    return [new if name == old else name for name in scan] if isinstance(scan, list) else new if scan == old else scan


def _over_calls(
    value: Json,
    block: str,
    change: Callable[[str, Mapping[str, Json]], Json],
    *,
    ports: Mapping[str, str] | None = None,
) -> Json:
    """The file with every record that calls `block` changed, and references to the outputs of these calls."""
    for name in ("", *(value.get("blocks") or {})):
        place = Place(value, name)
        calls = {node for node, record in place.nodes.items() if _calls(value, name, record, block)}
        if not calls:
            continue

        def follow(ref: str, calls: set[str] = calls) -> str:
            node, dot, port = ref.partition(".")
            return f"{node}.{(ports or {}).get(port, port)}" if dot and node in calls else ref

        nodes = {
            node: refs_renamed(change(node, record) if node in calls else record, follow)
            if isinstance(record, Mapping) else record
            for node, record in place.body["nodes"].items()
        }  # fmt: skip
        body = {**place.body, "nodes": nodes}
        if isinstance(body.get("output"), str):
            body["output"] = follow(body["output"])
        if isinstance(body.get("outputs"), Mapping):
            body["outputs"] = {key: follow(ref) for key, ref in body["outputs"].items()}
        value = _with_body(value, name, body)
    return value


def _calls(value: Json, where: str, record: Mapping[str, Json], block: str) -> bool:
    """Whether a record calls `block`, by name or through a parameter whose default or a variant is that block."""
    target = record.get("block")
    if not is_formula(target):
        return bool(target == block)
    parameter = str(target)[1:].strip()
    return block in _block_values(value, where, parameter)


def _block_values(
    value: Json, where: str, parameter: str, passed: frozenset[tuple[str, str]] = frozenset()
) -> set[str]:
    """The blocks that a parameter of a place is seen to hold: by default, in a variant, or as a call gives it."""
    if (where, parameter) in passed:
        return set()
    passed |= {(where, parameter)}
    given = (Place(value, where).body.get("params") or {}).get(parameter)
    held = [given.get("default") if isinstance(given, Mapping) else given]
    if not where:
        held += [one.get(parameter) for one in (value.get("variants") or {}).values()]
    found = {one for one in held if isinstance(one, str)}
    for name in ("", *(value.get("blocks") or {})) if where else ():
        for record in Place(value, name).nodes.values():
            handed = record.get(parameter)
            if not isinstance(handed, str) or not _may_call(value, name, record, where, passed):
                continue
            found |= _block_values(value, name, handed[1:].strip(), passed) if is_formula(handed) else {handed}
    return found


def _may_call(
    value: Json, where: str, record: Mapping[str, Json], block: str, passed: frozenset[tuple[str, str]]
) -> bool:
    target = record.get("block")
    if is_formula(target):
        return block in _block_values(value, where, str(target)[1:].strip(), passed)
    return bool(target == block)


def _renamed_in(value: Json, where: str, old: str, new: str) -> Json:
    place = Place(value, where)
    handed = _block_parameters(value, where)
    nodes = {}
    for name, record in place.body.get("nodes", {}).items():
        made = dict(record) if isinstance(record, Mapping) else record
        if isinstance(made, dict) and "block" in made:
            if made["block"] == old:
                made["block"] = new
            theirs = _block_parameters(value, str(made["block"]))
            made = {key: new if item == old and key in theirs else item for key, item in made.items()}
        nodes[name] = made
    params = {
        name: {**one, "default": new}
        if name in handed and isinstance(one, Mapping) and one.get("default") == old
        else one
        for name, one in (place.body.get("params") or {}).items()
    }
    body = {**place.body, "nodes": nodes, **({"params": params} if params else {})}
    return _with_body(value, where, body)


def _block_parameters(value: Json, where: str) -> set[str]:
    """The parameters of a place that hold blocks."""
    params = Place(value, where).body.get("params") or {}
    return {name for name, one in params.items() if isinstance(one, Mapping) and one.get("type") == "block"}


def _with_body(value: Json, block: str, body: Mapping[str, Json]) -> Json:
    return {**value, "blocks": {**value["blocks"], block: body}} if block else dict(body)


def _key_renamed(mapping: Mapping[str, Json], old: str, new: str) -> dict[str, Json]:
    return {(new if key == old else key): item for key, item in mapping.items()}
