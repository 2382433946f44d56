"""A call of a block becomes the nodes of the block, with the arguments written into them."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from archgraph.diagnostics import Rejected
from archgraph.editing.expressions import names_in, over_formulas, substituted, worked_out
from archgraph.editing.places import Place, feeds
from archgraph.editing.renaming import refs_renamed
from archgraph.kinds import is_formula

Json = Any
MOST_COPIES = 64
"""Copies of a repeated block that are written out."""
MOST_NODES = 2_000
_DIM = re.compile(r"\bdim\(\s*([A-Za-z_]\w*)\s*,\s*(-?\d+)\s*\)")


def inline(
    value: Json, block: str, call: str, body: Mapping[str, Json], shapes: Mapping[str, Sequence[Any]] | None = None
) -> Json:
    """The file in which the call named `call`, of the block whose JSON is `body`, is written out.

    `shapes` are those of the block's inputs, where they are known: expressions that read sizes become numbers.

    Raises:
        Rejected: it cannot be written out and mean the same; says why.
    """
    place = Place(value, block)
    record = place.need_node(call)
    copies = _copies(place, call, record, body)
    known = (shapes or {}) if copies == 1 else {}
    written: dict[str, Json] = {}
    fed = _fed(record, body)
    results: dict[str, str] = {}
    for number in range(copies):
        arguments = _arguments(record, _sized(body, known), number, copies)
        prefix = call if copies == 1 else f"{call}_{number}"
        nodes, results = _written(place, _sized(body, known), fed, arguments, prefix, {*written})
        written |= nodes
        carried = body.get("carry") or body["inputs"][0]
        fed = {**fed, carried: next(iter(results.values()))}
    if len(written) > MOST_NODES:
        raise Rejected("AG501", f"it would become {len(written)} nodes, at most {MOST_NODES} are written out")
    if not copies:
        results = {"": fed[body.get("carry") or body["inputs"][0]]}
    return _replaced(value, block, call, written, results)


def _copies(place: Place, call: str, record: Mapping[str, Json], body: Mapping[str, Json]) -> int:
    """How many copies to write, or `Rejected` for a call that cannot be written out."""
    for name, other in place.nodes.items():
        if other.get("reuse") == call:
            raise Rejected(
                "AG409", f"{name!r} applies the weights of {call!r}", hint="give it a record of its own first"
            )
    if "scan" in record or body.get("states"):
        raise Rejected("AG210", "a block that is applied step by step cannot be written out")
    if record.get("when", True) is not True:
        raise Rejected("AG210", "'when' decides whether the block is there", hint="take 'when' away first")
    times = record.get("repeat", 1)
    if not isinstance(times, int) or isinstance(times, bool):
        raise Rejected("AG210", "'repeat' is an expression", hint="write a number first")
    if times > MOST_COPIES:
        raise Rejected("AG501", f"{times} copies are too many to write out, at most {MOST_COPIES} are")
    if record.get("share") and times > 1:
        raise Rejected("AG409", "its copies share their weights", hint="take 'share' away first")
    return times


def _fed(record: Mapping[str, Json], body: Mapping[str, Json]) -> dict[str, str]:
    """What feeds each input of the block."""
    given, ports = dict(feeds(record)), [str(name) for name in body["inputs"]]
    named = isinstance(record.get("in"), Mapping)
    found = {port: given.get(port if named else str(number), "") for number, port in enumerate(ports)}
    missing = [port for port, ref in found.items() if not ref]
    if missing:
        raise Rejected("AG403", f"nothing feeds its input {missing[0]!r}", hint="connect it first")
    return found


def _arguments(record: Mapping[str, Json], body: Mapping[str, Json], number: int, copies: int) -> dict[str, Json]:
    """The value of each parameter in one copy: what the call gives, else the default."""
    params = body.get("params") or {}
    given = {key: item for key, item in record.items() if key in params}
    for part, holds in (("first", number == 0), ("last", number == copies - 1)):
        given |= record.get(part) or {} if holds else {}
    found: dict[str, Json] = {}
    for name, parameter in params.items():
        if name in given:
            found[name] = substituted(given[name], {"i": number}, {}) if "repeat" in record else given[name]
            continue
        default = parameter.get("default") if isinstance(parameter, Mapping) else parameter
        if default is None:
            raise Rejected("AG412", f"the call gives no {name!r}", hint="give it first")
        found[name] = substituted(default, found, {})
    return found


def _written(
    place: Place, body: Mapping[str, Json], fed: Mapping[str, str], arguments: Mapping[str, Json], prefix: str,
    taken: set[str],
) -> tuple[dict[str, Json], dict[str, str]]:  # fmt: skip
    """The nodes of one copy under their new names, and what each output of the block is."""
    names: dict[str, str] = {}
    for name in body["nodes"]:
        names[name] = place.free(f"{prefix}_{name}", {*taken, *names.values()})
    passing: dict[str, str] = dict(fed)
    nodes: dict[str, Json] = {}

    def follow(ref: str) -> str:
        name, dot, port = ref.partition(".")
        if name in passing:
            return passing[name]
        return names.get(name, name) + dot + port

    for name, record in _in_order(body["nodes"]).items():
        made = refs_renamed(_filled(record, arguments, fed, place), follow)
        if made.get("when") is True:
            del made["when"]
        if "reuse" in made:
            made["reuse"] = names.get(made["reuse"], made["reuse"])
        if made.get("when") is False:
            passing[name] = feeds(made)[0][1]
        else:
            nodes[names[name]] = made
    outputs = {"": body["output"]} if "output" in body else dict(body["outputs"])
    return nodes, {name: follow(ref) for name, ref in outputs.items()}


def _filled(
    record: Mapping[str, Json], arguments: Mapping[str, Json], fed: Mapping[str, str], place: Place
) -> dict[str, Json]:
    """A record with the arguments in place of the parameters."""
    _, ports = names_in(record)
    outer = {}
    for port in ports:
        source = fed.get(port, "")
        if source not in place.inputs:
            raise Rejected(
                "AG209", f"an expression in it reads the size of {port!r}, which is no input out here",
                hint="make that size a parameter of the block first",
            )  # fmt: skip
        outer[port] = source
    made: dict[str, Json] = substituted(dict(record), arguments, outer)
    if isinstance(made.get("block"), str) and is_formula(made["block"]) and made["block"][1:].strip() in arguments:
        made["block"] = arguments[made["block"][1:].strip()]
    return made


def _sized(body: Mapping[str, Json], shapes: Mapping[str, Sequence[Any]]) -> Mapping[str, Json]:
    """The block with the sizes of its inputs that are known written in place of ``dim``."""
    if not shapes:
        return body

    def size(match: re.Match[str]) -> str:
        shape, axis = shapes.get(match[1], ()), int(match[2])
        known = shape[axis] if -len(shape) <= axis < len(shape) else None
        return str(known) if isinstance(known, int) else match[0]

    made: dict[str, Json] = over_formulas(dict(body), lambda formula: worked_out(_DIM.sub(size, formula)))
    return made


def _in_order(nodes: Mapping[str, Json]) -> dict[str, Json]:
    """The records, each after those that feed it: one that is switched off hands on what is known by then."""
    found: dict[str, Json] = {}
    waiting = dict(nodes)
    while waiting:
        ready = [name for name, record in waiting.items()
                 if not any(ref.partition(".")[0] in waiting for _, ref in feeds(record))]  # fmt: skip
        if not ready:
            raise Rejected("AG402", "nodes of the block feed each other in a circle")
        for name in ready:
            found[name] = waiting.pop(name)
    return {name: found[name] for name in found}


def _replaced(value: Json, block: str, call: str, written: Mapping[str, Json], results: Mapping[str, str]) -> Json:
    """The place with the call's record replaced by `written` and its outputs by `results`."""
    place = Place(value, block)
    first = next(iter(results.values()))

    def follow(ref: str) -> str:
        name, dot, port = ref.partition(".")
        if name != call:
            return ref
        return results.get(port, first) if dot else first

    nodes: dict[str, Json] = {}
    for name, record in place.body["nodes"].items():
        if name == call:
            nodes |= written
        else:
            nodes[name] = refs_renamed(record, follow) if isinstance(record, Mapping) else record
    body = {**place.body, "nodes": nodes}
    if isinstance(body.get("output"), str):
        body["output"] = follow(body["output"])
    if isinstance(body.get("outputs"), Mapping):
        body["outputs"] = {name: follow(ref) for name, ref in body["outputs"].items()}
    if block and isinstance(body.get("states"), Mapping):
        body["states"] = {
            name: follow(one) if isinstance(one, str) else {**one, "next": follow(one["next"])}
            for name, one in body["states"].items()
        }
    return {**value, "blocks": {**value["blocks"], block: body}} if block else body
