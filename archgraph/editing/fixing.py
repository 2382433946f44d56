"""Findings -> edits that mend them, each tried out before it is offered: the finding is gone, and no other has come."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from archgraph.diagnostics import Rejected
from archgraph.editing.catalogue import starting_parameters, title
from archgraph.editing.fields import plain
from archgraph.editing.patches import Change, apply, between, keys_of, looked_up, pointer, put, taken
from archgraph.editing.places import Place, feeds, free_name, with_feeds
from archgraph.editing.survey import Finding, Survey, survey
from archgraph.kinds import AnyOf, Choice, Integer, Kind, Number, Shared
from archgraph.shapes import Tensor
from archgraph.vocabulary import REGISTRY
from archgraph.vocabulary.base import Family, Primitive

MOST_TRIED: Final = 40
"""Candidates that are tried for one finding."""
MOST_OFFERED: Final = 4
_ADAPTING: Final = (Family.SHAPE, Family.POOLING, Family.CONVOLUTION, Family.DENSE)
"""Families whose ops are there to change a shape."""
_MEANT = re.compile(r"did you mean '([^']+)'")
_NEAREST = re.compile(r"(-?\d+)(?: and (-?\d+))? (?:are|is) the nearest")
_STATE = re.compile(r'state it: "dims": (\{.*\})')
_NEEDS = re.compile(r"needs '([^']+)'")
_GOT = re.compile(r"got ([\d.]+(?:e[+-]?\d+)?)$")
_FITS_INTO = re.compile(r"a window of (\d+) does not fit into (\d+)")
_USUAL: Final = ("flatten", "global_avg_pool", "conv", "dense", "max_pool", "avg_pool", "reshape", "pad")
"""Ops that people put in between most often."""
_SHAPES: Final = frozenset({"AG301", "AG302", "AG303", "AG304", "AG305", "AG306", "AG307"})


class Fix(NamedTuple):
    """An edit that mends a finding."""

    title: str
    patch: list[Change]
    cost: int
    """Parameters that it adds."""


class Candidate(NamedTuple):
    """An edit that may mend a finding."""

    title: str
    patch: list[Change]


def fixes(known: Survey, finding: Finding, *, folder: Path | None = None, variant: str = "") -> list[Fix]:
    """Edits after which `finding` is gone and nothing is found that was not found before; the likeliest first."""
    return [one for one in attempts(known, finding, folder=folder, variant=variant) if one is not None]


def attempts(known: Survey, finding: Finding, *, folder: Path | None = None, variant: str = "") -> Iterator[Fix | None]:
    """The same one by one, with None for each edit that was tried in vain, so that one may stop and go on later."""
    before = keys_of_findings(known)
    gone = key_of(finding)
    offered = 0
    tried: set[str] = set()
    for candidate in _candidates(known, finding):
        text = json.dumps(candidate.patch, sort_keys=True)
        if text in tried:
            continue
        tried.add(text)
        if len(tried) > MOST_TRIED or offered >= MOST_OFFERED:
            return
        try:
            value = apply(known.value, candidate.patch)
        except Rejected:
            continue
        after = survey(value, folder=folder, variant=variant)
        now = keys_of_findings(after)
        holds = gone not in now and now <= before
        offered += holds
        yield Fix(candidate.title, candidate.patch, _cost(known, after)) if holds else None


def key_of(finding: Finding) -> tuple[str, str]:
    """What makes a finding the same after an edit."""
    return finding.diagnostic.code, finding.diagnostic.pointer


def keys_of_findings(known: Survey) -> set[tuple[str, str]]:
    """The keys of all findings."""
    return {key_of(one) for one in known.findings}


def _cost(before: Survey, after: Survey) -> int:
    """Parameters of the nodes that are new or have changed, less what they had."""
    delta = 0
    old, new = Place(before.value).nodes, Place(after.value).nodes
    for name, seen in after.seen.items():
        if name not in new:
            continue
        known = before.seen.get(name)
        if name not in old or (known is not None and known.parameters != seen.parameters):
            delta += seen.parameters - (known.parameters if known is not None and name in old else 0)
        elif known is None and old[name] != new[name]:
            delta += seen.parameters
    return delta


# ---- candidates, the likeliest first


def _candidates(known: Survey, finding: Finding) -> Iterator[Candidate]:
    one, at = finding.diagnostic, finding.diagnostic.pointer
    place = Place(known.value, finding.block)
    yield from _meant(known.value, finding)
    stated = _STATE.search(one.hint)
    if stated:
        yield from _stated(known.value, stated[1])
    for number in _numbers(one.hint):
        if isinstance(looked_up(known.value, at), int | float):
            yield Candidate(f"Make it {number}", [put(at, number)])
    if finding.node and finding.field and one.code in ("AG201", "AG202", "AG205", "AG412", *_SHAPES):
        yield from _other_values(place, finding)
    if one.code == "AG203":
        yield Candidate(f"Remove {keys_of(at)[-1]!r}", [taken(at)])
    if one.code == "AG204":
        yield from _missing(place, finding)
    if finding.node and one.code in _SHAPES:
        yield from _shape_candidates(known, place, finding)
    if one.code in ("AG402", "AG403", "AG401") and finding.node in place.nodes:
        yield from _unlinked(place, finding)
    if one.code in ("AG404", "AG405"):
        yield Candidate(f"Remove {keys_of(at)[-1]!r}", [taken(at)])
    if one.code == "AG414" and finding.node:
        yield Candidate("Give the node another name", _renamed(known.value, place, finding.node))
    if one.code == "AG601":
        yield from _contract(at, one.message)
    if one.code == "AG201" and at == "/outputs":
        yield from _first_output(place)


def _meant(value: Any, finding: Finding) -> Iterator[Candidate]:
    one, at = finding.diagnostic, finding.diagnostic.pointer
    match = _MEANT.search(one.hint) or _MEANT.search(one.message)
    if not match:
        return
    meant, held = match[1], looked_up(value, at)
    keys = keys_of(at)
    if one.code in ("AG203", "AG412") and held is not None:
        around = looked_up(value, pointer(*keys[:-1]))
        if isinstance(around, Mapping) and meant not in around:
            names = list(around)
            position = names.index(keys[-1]) if keys[-1] in names else 0
            before = names[position - 1] if position else ""
            yield Candidate(f"Write {meant!r}", [taken(at), put(pointer(*keys[:-1], meant), held, before)])
        return
    if isinstance(held, str):
        name, dot, port = held.partition(".")
        yield from _through_lists(value, at, meant)
        if dot:
            yield from _through_lists(value, at, f"{meant}.{port}")
            yield from _through_lists(value, at, f"{name}.{meant}")


def _through_lists(value: Any, at: str, item: Any) -> Iterator[Candidate]:
    """Put `item` at a pointer that may lead through a list: lists are replaced whole."""
    keys = keys_of(at)
    around = looked_up(value, pointer(*keys[:-1]))
    if isinstance(around, list) and keys[-1].isdecimal():
        changed = [item if number == int(keys[-1]) else one for number, one in enumerate(around)]
        yield Candidate(f"Write {item!r}", [put(pointer(*keys[:-1]), changed)])
    else:
        yield Candidate(f"Write {item!r}", [put(at, item)])


def _stated(value: Any, text: str) -> Iterator[Candidate]:
    try:
        wanted = json.loads(text)
    except ValueError:
        return
    dims = value.get("dims") or {}
    made = {**dims, **{name: {**(dims.get(name) or {}), **one} for name, one in wanted.items()}}
    said = ", ".join(f"{name}: {key} {number}" for name, one in wanted.items() for key, number in one.items())
    yield Candidate(f"State of the sizes: {said.replace('_', ' ')}", [put("/dims", made, "inputs")])


def _numbers(hint: str) -> list[int]:
    match = _NEAREST.search(hint)
    return [int(one) for one in match.groups() if one is not None] if match else []


def _kind(record: Mapping[str, Any], field: str) -> tuple[type[Primitive] | None, Kind | None, bool]:
    """The op of a record, what its parameter takes, and whether it must be given."""
    op = record.get("op")
    kind = REGISTRY.get(op) if isinstance(op, str) else None
    found = kind.fields().get(field) if kind is not None else None
    return kind, found.kind if found is not None else None, bool(found is not None and found.required)


def _other_values(place: Place, finding: Finding) -> Iterator[Candidate]:
    record = place.nodes.get(finding.node, {})
    field = keys_of(finding.field)[0]
    at = place.at("nodes", finding.node, field)
    kind, takes, required = _kind(record, field)
    if field not in record:
        return
    for number in _bounds(takes, record[field]):
        yield Candidate(f"Make {field} {number}", [put(at, number)])
    for option in _options(takes):
        if option != record[field]:
            yield Candidate(f"Make {field} {option}", [put(at, option)])
    if not required:
        yield Candidate(f"Leave {field} at its default", [taken(at)])
    elif kind is not None and field in starting_parameters(kind):
        start = starting_parameters(kind)[field]
        yield Candidate(f"Make {field} {start}", [put(at, start)])


def _bounds(kind: Kind | None, value: Any) -> list[int | float]:
    if isinstance(kind, Shared):
        return _bounds(kind.kind, value)
    if isinstance(kind, AnyOf):
        return [number for one in kind.kinds for number in _bounds(one, value)]
    if not isinstance(kind, Number) or isinstance(value, bool) or not isinstance(value, int | float):
        return []
    bounded = min(max(value, kind.low), kind.high)
    return [int(bounded) if isinstance(kind, Integer) else bounded] if bounded != value else []


def _options(kind: Kind | None) -> list[Any]:
    if isinstance(kind, Shared):
        return _options(kind.kind)
    if isinstance(kind, AnyOf):
        return [option for one in kind.kinds for option in _options(one)]
    return [option for option in kind.options if option is not None] if isinstance(kind, Choice) else []


def _missing(place: Place, finding: Finding) -> Iterator[Candidate]:
    match = _NEEDS.search(finding.diagnostic.message)
    if not match or finding.node not in place.nodes:
        return
    name, record = match[1], place.nodes[finding.node]
    at = place.at("nodes", finding.node, name)
    if name == "in":
        for source in _sources(place, finding.node):
            yield Candidate(f"Connect it to {source}", [put(at, source, next(iter(record), ""))])
        return
    kind, _, _ = _kind(record, name)
    if kind is not None and name in starting_parameters(kind):
        start = plain(starting_parameters(kind)[name])
        yield Candidate(f"Make {name} {start}", [put(at, start)])


def _sources(place: Place, node: str) -> list[str]:
    """What could feed a node: unread nodes, then the nodes before it, then the inputs."""
    read = {edge.source for edge in place.edges()}
    names = [name for name in place.nodes if name != node]
    earlier = list(place.nodes)[: list(place.nodes).index(node)]
    free = [name for name in reversed(names) if name not in read]
    return list(dict.fromkeys([*free, *reversed(earlier[-3:]), *place.inputs]))[:8]


def _shape_candidates(known: Survey, place: Place, finding: Finding) -> Iterator[Candidate]:
    """For shapes that do not agree: other choices, another op in between, other sizes at what feeds the node."""
    record = place.nodes.get(finding.node)
    look = known.root if not place.block else known.first_use(place.block)
    if record is None or look is None:
        return
    fed = []
    for key, ref in feeds(record):
        seen = look.seen.get(ref.partition(".")[0])
        tensor = seen.tensor(ref.partition(".")[2]) if seen is not None else None
        if tensor is not None:
            fed.append((key, ref, tensor))
    sizes = list(dict.fromkeys(size for _, _, tensor in fed for size in tensor.shape[-1:] if isinstance(size, int)))
    yield from _smaller_window(place, finding, record)
    yield from _choices(place, finding.node, record)
    yield from _resized(place, finding, record, fed, sizes)
    for key, ref, tensor in fed:
        yield from _between(place, finding.node, key, ref, tensor, sizes)


def _smaller_window(place: Place, finding: Finding, record: Mapping[str, Any]) -> Iterator[Candidate]:
    """Where a window is larger than what it slides over: as large as that."""
    match = _FITS_INTO.search(finding.diagnostic.message)
    for name in ("kernel_size", "pool_size", "window") if match else ():
        if match and record.get(name) == int(match[1]):
            yield Candidate(f"Make {name} {match[2]}", [put(place.at("nodes", finding.node, name), int(match[2]))])


def _choices(place: Place, node: str, record: Mapping[str, Any]) -> Iterator[Candidate]:
    op = record.get("op")
    kind = REGISTRY.get(op) if isinstance(op, str) else None
    for name, field in kind.fields().items() if kind is not None else ():
        if name in ("activation", "norm") or name.endswith(("_initializer", "_regularizer")):
            continue
        for option in _options(field.kind):
            if option != record.get(name, field.default) and isinstance(field.kind, Choice | Shared):
                yield Candidate(f"Make {name} {option}", [put(place.at("nodes", node, name), option)])


def _resized(
    place: Place, finding: Finding, record: Mapping[str, Any], fed: list[tuple[str, str, Tensor]], sizes: list[int]
) -> Iterator[Candidate]:
    """Give the node, or what feeds it, as many channels as another input has."""
    for name, owner in [(finding.node, record), *((ref.partition(".")[0], None) for _, ref, _ in fed)]:
        one = owner if owner is not None else place.nodes.get(name, {})
        op = one.get("op")
        kind = REGISTRY.get(op) if isinstance(op, str) else None
        for field in kind.required() if kind is not None else ():
            if not isinstance(kind.fields()[field].kind, Integer):  # type: ignore[union-attr]
                continue
            for size in sizes:
                if one.get(field) != size:
                    yield Candidate(f"Make {field} of {name} {size}", [put(place.at("nodes", name, field), size)])


def _between(place: Place, node: str, key: str, ref: str, tensor: Tensor, sizes: Iterable[int]) -> Iterator[Candidate]:
    """Put another op in front of one input: those without weights first."""
    found: list[tuple[int, str, dict[str, Any], int]] = []
    for op, kind in REGISTRY.items():
        if kind.family not in _ADAPTING or len(kind.inputs) != 1 or kind.inputs[0].variadic or kind.stochastic:
            continue
        for params in _parameter_sets(kind, sizes):
            made = _shaped(kind, params, tensor)
            if made is not None and made[0] != (tensor.shape, tensor.dtype):
                found.append((made[1], op, params, len(params)))
    for _, op, params, _ in sorted(found, key=lambda one: (one[0] > 0, one[1] not in _USUAL, one[0], one[3], one[1])):
        name = free_name(op, place.names)
        record = {"op": op, "in": ref, **params}
        target = place.nodes[node]
        patch = [put(place.at("nodes", name), record, ref.partition(".")[0]),
                 put(place.at("nodes", node, "in"), with_feeds(target, {key: name}))]  # fmt: skip
        said = ", ".join(f"{field.replace('_', ' ')} {value}" for field, value in params.items())
        yield Candidate(f"Put {title(op)}{f' ({said})' if said else ''} in front", patch)


def _parameter_sets(kind: type[Primitive], sizes: Iterable[int]) -> Iterator[dict[str, Any]]:
    start = starting_parameters(kind)
    if set(start) != set(kind.required()):
        return
    whole = [name for name in start if isinstance(kind.fields()[name].kind, Integer)]
    if not whole:
        yield start
    for size in sizes:
        if len(whole) == 1:
            small = {name: 1 for name in start if name not in whole and start[name] in (2, 3, 5, 7)}
            yield {**start, **small, whole[0]: size}


def _shaped(kind: type[Primitive], params: Mapping[str, Any], tensor: Tensor) -> tuple[Any, int] | None:
    """Shape and dtype behind an op, and how many weights it has; None where it refuses."""
    try:
        primitive = kind.make(params)
        made = primitive.infer(tensor)
        first = made if isinstance(made, Tensor) else made[0]
        weights = 0 if primitive.compose(tensor) is not None else sum(
            _count(one.shape) for one in primitive.weights(tensor)
        )  # fmt: skip
    except Rejected:
        return None
    return (first.shape, first.dtype), weights


def _count(shape: Iterable[Any]) -> int:
    size = 1
    for one in shape:
        size *= one if isinstance(one, int) else 1
    return size


def _unlinked(place: Place, finding: Finding) -> Iterator[Candidate]:
    record = place.nodes[finding.node]
    at = place.at("nodes", finding.node, "in")
    for key, ref in reversed(feeds(record)):
        rest = with_feeds(record, {key: None})
        if rest:
            yield Candidate(f"Disconnect {ref}", [put(at, rest)])
        yield from (
            Candidate(f"Connect it to {source} instead of {ref}", [put(at, with_feeds(record, {key: source}))])
            for source in _sources(place, finding.node)[:4] if source != ref
        )  # fmt: skip


def _renamed(value: Any, place: Place, node: str) -> list[Change]:
    inputs = place.inputs
    if node not in inputs:
        return []
    fresh = free_name(f"{node}_node", place.names)
    record = place.body["nodes"][node]
    nodes = {(fresh if name == node else name): one for name, one in place.body["nodes"].items()}
    changed = {**place.body, "nodes": {**nodes, fresh: record}}
    made = {**value, "blocks": {**value["blocks"], place.block: changed}} if place.block else changed
    return between(value, made)


def _contract(at: str, message: str) -> Iterator[Candidate]:
    match = _GOT.search(message)
    if match:
        number = float(match[1])
        value = int(number) if number == int(number) else number
        yield Candidate(f"Expect {value:,} instead", [put(at, value)])
    yield Candidate("Take this promise out of the file", [taken(at)])


def _first_output(place: Place) -> Iterator[Candidate]:
    read = {edge.source for edge in place.edges()}
    for name in reversed([name for name in place.nodes if name not in read]):
        yield Candidate(f"Make {name} the output", [put(place.at("outputs"), {name: name})])
