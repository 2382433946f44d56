"""Nodes taken out of a file as a piece of graph JSON, and such a piece put into a file."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from archgraph.diagnostics import GraphError, Rejected
from archgraph.document.load import library
from archgraph.document.reader import read
from archgraph.editing.expressions import names_in
from archgraph.editing.patches import same
from archgraph.editing.places import Place, feeds, free_name, with_feeds
from archgraph.editing.renaming import refs_renamed
from archgraph.editing.templates import used_blocks

Json = Any


class Pasted(NamedTuple):
    """The file with the piece in it, and the new name of every node of the piece."""

    value: Json
    names: Mapping[str, str]


def piece(value: Json, block: str, nodes: Sequence[str]) -> dict[str, Json]:
    """Some nodes as graph JSON: ``nodes``, with the ``blocks`` that they call and the ``params`` that they read."""
    place = Place(value, block)
    taken = {name: place.nodes[name] for name in place.nodes if name in nodes}
    blocks = value.get("blocks") or {}
    used = used_blocks(taken, blocks)
    names, _ = names_in(taken)
    params = place.body.get("params") or {}
    read_params = {name: params[name] for name in params if name in names}
    return {
        **({"params": read_params} if read_params else {}),
        **({"blocks": {name: blocks[name] for name in blocks if name in used}} if used else {}),
        "nodes": taken,
    }  # fmt: skip


def piece_text(value: Json, block: str, nodes: Sequence[str]) -> str:
    """`piece` as text for the clipboard, one node a line."""
    found = piece(value, block, nodes)
    lines = [f"    {json.dumps(name)}: {json.dumps(record, ensure_ascii=False)}"
             for name, record in found["nodes"].items()]  # fmt: skip
    head = [f"  {json.dumps(key)}: {json.dumps(found[key], ensure_ascii=False)},\n" for key in found if key != "nodes"]
    return "{\n" + "".join(head) + '  "nodes": {\n' + ",\n".join(lines) + "\n  }\n}\n"


def read_piece(text: str) -> dict[str, Json]:
    """What a text from the clipboard holds: a piece, a whole graph file, or records by name. Raises `Rejected`."""
    try:
        value = read(text, "<clipboard>").value
    except GraphError as error:
        raise Rejected("AG101", "the clipboard holds no graph JSON", hint=error.diagnostics[0].message) from None
    if not isinstance(value, Mapping):
        raise Rejected("AG202", "the clipboard holds no graph JSON", hint="copy nodes, or the text of a graph file")
    if isinstance(value.get("nodes"), Mapping):
        found = {key: value[key] for key in ("params", "blocks", "nodes") if isinstance(value.get(key), Mapping)}
    elif value and all(isinstance(one, Mapping) and {"op", "block", "reuse"} & one.keys() for one in value.values()):
        found = {"nodes": value}
    else:
        raise Rejected("AG204", "the clipboard holds no 'nodes'", hint="copy nodes, or the text of a graph file")
    if not all(isinstance(one, Mapping) for one in found["nodes"].values()):
        raise Rejected("AG202", "each node must be an object")
    return found


def paste(value: Json, block: str, given: Mapping[str, Json], *, links: bool = False) -> Pasted:
    """The file with a piece in it, under names that are free.

    With `links`, what fed the nodes feeds their copies too, as far as it exists here; without, only wires among them
    are kept. A block of the same name with another content comes in under a new one.
    """
    value, block_names = _with_blocks(value, given.get("blocks") or {})
    place = Place(value, block)
    names: dict[str, str] = {}
    for name in given["nodes"]:
        names[name] = place.free(name, names.values())
    value = _with_params(value, block, given)
    place = Place(value, block)
    nodes = {
        names[name]: _settled(record, names, block_names, place if links else None)
        for name, record in given["nodes"].items()
    }
    body = {**place.body, "nodes": {**(place.body.get("nodes") or {}), **nodes}}
    made = {**value, "blocks": {**value["blocks"], block: body}} if block else body
    return Pasted(made, names)


def duplicate(value: Json, block: str, nodes: Sequence[str], *, links: bool = True) -> Pasted:
    """The file with copies of some nodes, fed by what feeds the originals."""
    place = Place(value, block)
    for name in nodes:
        place.need_node(name)
    return paste(value, block, {"nodes": {name: place.nodes[name] for name in nodes}}, links=links)


def adopt(value: Json, name: str, holder: Mapping[str, Json]) -> Json:
    """The file with a block of another file, and the blocks that it calls there, as its own."""
    theirs = holder.get("blocks") or {}
    if name not in theirs:
        raise Rejected("AG407", f"there is no block {name!r}")
    wanted = {name, *used_blocks(theirs[name], theirs)}
    blocks = {**(value.get("blocks") or {})}
    for one in theirs:
        if one in wanted:
            blocks.setdefault(one, theirs[one])
    return with_blocks(value, blocks)


def with_blocks(value: Json, blocks: Mapping[str, Json]) -> Json:
    """The file with these blocks, written before its nodes."""
    if "blocks" in value or "nodes" not in value:
        return {**value, "blocks": dict(blocks)}
    made: dict[str, Json] = {}
    for key, item in value.items():
        if key == "nodes":
            made["blocks"] = dict(blocks)
        made[key] = item
    return made


def _with_blocks(value: Json, theirs: Mapping[str, Json]) -> tuple[Json, dict[str, str]]:
    """The file with the blocks of a piece, and the names under which they came in."""
    blocks = dict(value.get("blocks") or {})
    names: dict[str, str] = {}
    for name, record in theirs.items():
        if name not in blocks:
            names[name] = name
        elif same(blocks[name], record):
            names[name] = name
            continue
        else:
            names[name] = free_name(name, {*blocks, *names.values(), *library()})
    fresh = {name: one for name, one in theirs.items() if not (name in blocks and names[name] == name)}
    for name, record in fresh.items():
        nodes = {key: _called(one, names) for key, one in (record.get("nodes") or {}).items()}
        blocks[names[name]] = {**record, "nodes": nodes}
    return (with_blocks(value, blocks) if fresh else value), names


def _called(record: Json, names: Mapping[str, str]) -> Json:
    if not isinstance(record, Mapping) or record.get("block") not in names:
        return record
    return {**record, "block": names[record["block"]]}


def _with_params(value: Json, block: str, given: Mapping[str, Json]) -> Json:
    """The place with the parameters that the piece reads and that are not known here."""
    place = Place(value, block)
    known = place.body.get("params") or {}
    names, _ = names_in(given["nodes"])
    theirs = given.get("params") or {}
    missing = {name: theirs[name] for name in theirs if name in names and name not in known}
    if not missing:
        return value
    body = dict(place.body)
    if "params" not in body:
        first = ("inputs", "blocks", "nodes")
        position = next((i for i, key in enumerate(body) if key in first), len(body))
        items = list(body.items())
        body = dict([*items[:position], ("params", {}), *items[position:]])
    body["params"] = {**known, **missing}
    return {**value, "blocks": {**value["blocks"], block: body}} if block else body


def _settled(
    record: Mapping[str, Json], names: Mapping[str, str], blocks: Mapping[str, str], place: Place | None
) -> dict[str, Json]:
    made = dict(_called(record, blocks))
    if "reuse" in made and made["reuse"] in names:
        made["reuse"] = names[made["reuse"]]
    gone = {
        key: None for key, ref in feeds(made)
        if ref.partition(".")[0] not in names and (place is None or ref.partition(".")[0] not in place.names)
    }  # fmt: skip
    if gone:
        made["in"] = with_feeds(made, gone)
        if not made["in"]:
            del made["in"]

    def follow(ref: str) -> str:
        name, dot, port = ref.partition(".")
        return names.get(name, name) + dot + port

    return refs_renamed(made, follow)
