"""Survey -> what the canvas shows of one place: titles, ports, shapes, costs, findings, keyed by node."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from archgraph.analysis.cost import cost
from archgraph.analysis.resolve import resolved
from archgraph.diagnostics import Rejected
from archgraph.document.form import bound
from archgraph.editing.catalogue import block_card, port_card, title
from archgraph.editing.places import OUTPUT, STATE, Place
from archgraph.editing.survey import Finding, Look, Seen, Survey
from archgraph.graph import Block, Node
from archgraph.kinds import is_formula, shown
from archgraph.shapes import Dim, Tensor
from archgraph.studio.places import Opened, origin
from archgraph.vocabulary import REGISTRY

WORST: Final = {"error": 2, "warning": 1, "": 0}


def view(survey: Survey, here: Opened, *, batch_size: int = 32) -> dict[str, Any]:
    """Everything that is shown of the place that is open."""
    return {
        "place": here.card(),
        "nodes": dict(_nodes(survey, here)),
        "problems": [problem(one, here) for one in survey.findings],
        "totals": totals(survey, batch_size),
        "contracts": contracts(survey),
        "blocks": blocks(survey),
        "variants": variants(survey.value),
    }


def variants(value: Any) -> list[str]:
    """Names of the variants of a file, whatever it holds."""
    found = value.get("variants") if isinstance(value, Mapping) else None
    return list(found) if isinstance(found, Mapping) else []


def blocks(survey: Survey) -> list[dict[str, Any]]:
    """The blocks of the file and of its imports."""
    if survey.graph is None:
        return []
    cards = [(origin(survey, block), block) for block in survey.graph.blocks.values()]
    return [
        {**block_card(block), "origin": whence, "pointer": block.pointer if whence == "file" else None}
        for whence, block in cards
        if whence != "library"
    ]


# ---- findings


def problem(finding: Finding, here: Opened) -> dict[str, Any]:
    """One finding, with its place."""
    one = finding.diagnostic
    call = [f"block:{finding.block}"] if finding.block else []
    path = list(finding.path) if len(finding.path) > 1 or not finding.block else [*call, *filter(None, [finding.node])]
    return {
        "code": one.code, "message": one.message, "hint": one.hint, "severity": one.severity, "pointer": one.pointer,
        "path": path, "node": _shown_at(finding, here), "field": finding.field.removeprefix("/").partition("/")[0],
        "fixes": [],
    }  # fmt: skip


def _shown_at(finding: Finding, here: Opened) -> str:
    """The thing on the open canvas that is in trouble by a finding: the node itself, or the call that leads to it."""
    if finding.block == here.block and here.editable:
        return finding.node or _end(finding, here.place)
    depth = len(here.path)
    known = len(finding.path) > 1 or not finding.block  # else it is not told which call leads there
    if known and finding.path[:depth] == here.path and len(finding.path) > depth:
        return finding.path[depth]
    if finding.block:
        return next(
            (name for name, record in here.place.nodes.items() if _calls(here.place, record, finding.block)), ""
        )
    return ""


def _end(finding: Finding, place: Place) -> str:
    """The input or output that a finding without a node is about."""
    kind, _, rest = finding.field.removeprefix("/").partition("/")
    name = rest.partition("/")[0]
    if kind == "output":
        return f"{OUTPUT}output"
    if kind in ("outputs", "states") and name:
        return (OUTPUT if kind == "outputs" else STATE) + name
    return name if kind == "inputs" and name in place.inputs else ""


def _calls(place: Place, record: Mapping[str, Any], block: str, known: frozenset[str] = frozenset()) -> bool:
    """Whether a record calls `block`, itself or through the blocks of the file."""
    name = str(record.get("block", ""))
    if name == block:
        return True
    if name in known or name not in (place.value.get("blocks") or {}):
        return False
    inner = Place(place.value, name)
    return any(_calls(inner, one, block, known | {name}) for one in inner.nodes.values())


def _badges(survey: Survey, here: Opened) -> dict[str, list[str]]:
    """Severities by the thing that shows them; what stands inside a block is shown at each of its calls."""
    found: dict[str, list[str]] = {}
    for finding in survey.findings:
        where = {_shown_at(finding, here)}
        if finding.block and finding.block != here.block:
            where |= {name for name, record in here.place.nodes.items() if _calls(here.place, record, finding.block)}
        for name in where - {""}:
            found.setdefault(name, []).append(finding.diagnostic.severity)
    return found


# ---- totals and contracts


def totals(survey: Survey, batch_size: int) -> dict[str, Any]:
    """Costs of the whole graph; of what is known of it while it is faulty."""
    shaped = survey.shaped
    if shaped is None:
        known = sum(one.parameters for one in survey.seen.values())
        return {"complete": False, "params": known, "macs": None, "memory": None, "batch": batch_size, "nodes": None}
    costs = cost(shaped, batch_size)
    return {
        "complete": True, "params": shaped.parameters, "trainable": shaped.trainable, "macs": number(shaped.macs),
        "memory": number(costs.training_bytes), "inference": number(costs.activation_bytes),
        "weights": costs.weight_bytes, "batch": batch_size, "nodes": shaped.count,
    }  # fmt: skip


def contracts(survey: Survey) -> list[dict[str, Any]]:
    """What the file promises, and whether it holds; None while that cannot be told."""
    stated = survey.value.get("expect") if isinstance(survey.value, Mapping) else None
    if not isinstance(stated, Mapping):
        return []
    broken = {one.diagnostic.pointer: one.diagnostic.message for one in survey.findings}
    found = []
    for key, value in stated.items():
        several = value.items() if key == "outputs" and isinstance(value, Mapping) else [("", value)]
        for name, item in several:
            at = f"/expect/{key}" + (f"/{name}" if name else "")
            told = next((text for pointer, text in broken.items() if pointer == at or pointer.startswith(f"{at}/")), "")
            holds = None if survey.shaped is None else not told
            found.append({"text": _contract(key, name, item), "holds": holds, "why": told, "pointer": at})
    return found


def _contract(key: str, name: str, value: Any) -> str:
    if key == "outputs":
        return f"{name} is " + "×".join(map(str, value if isinstance(value, list) else [value]))
    words = {"params": "parameters", "macs": "multiply-adds"}.get(key, key.replace("_", " "))
    if is_formula(value) or isinstance(value, bool):
        return f"{words}: {value}"
    try:
        sign, limit = bound(value)
    except AssertionError:
        return f"{words}: {shown(value)}"
    signs = {"<=": "at most", ">=": "at least", "<": "below", ">": "above", "==": "exactly"}
    if not isinstance(limit, int | float):
        return f"{words}: {shown(value)}"
    return f"{signs[sign]} " + (f"{limit:,.0f}" if limit == int(limit) else str(limit)) + f" {words}"


# ---- nodes


def _nodes(survey: Survey, here: Opened) -> Iterator[tuple[str, dict[str, Any]]]:
    place, badges = here.place, _badges(survey, here)
    seen: Mapping[str, Seen] = here.look.seen if here.look is not None else {}
    for name in place.inputs:
        yield name, {**_end_card(name, "input"), "outputs": _outputs(seen.get(name)), **_badge(badges.get(name, ()))}
    for name, record in place.nodes.items():
        if name in place.inputs:
            continue
        yield name, {**node(survey, here, name, record), **_badge(badges.get(name, ()))}
    for target, ref in place.outputs.items():
        tensor = referred(ref, seen)
        port = {**port_card("x"), "doc": "what leaves here", **_shape(tensor)}
        made = _end_card(target.removeprefix(STATE).removeprefix(OUTPUT), "output")
        yield target, {**made, "inputs": [port], **_badge(badges.get(target, ()))}


def _end_card(name: str, kind: str) -> dict[str, Any]:
    return {
        "title": name, "kind": kind, "type": kind, "family": "terminal", "icon": "⇥" if kind == "input" else "⇤",
        "inputs": [], "outputs": [], "params": 0, "macs": 0, "values": {},
    }  # fmt: skip


def node(survey: Survey, here: Opened, name: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """One record: what it is, its ports, and what is known of it."""
    look = here.look
    seen = look.seen.get(name) if look is not None else None
    parsed = look.block.nodes.get(name) if look is not None else None
    card = _card(survey, here, record)
    made = {
        "title": name, **card, "doc": str(record.get("doc", "")),
        "values": values(parsed, look) if parsed is not None and look is not None else {},
        "params": None, "macs": None,
    }  # fmt: skip
    if seen is None:
        unknown = [{"name": port, "shape": None, "dtype": ""} for port in card["outputs"]]
        return {**made, "outputs": unknown, "repeat": record.get("repeat")}
    copies = seen.copies
    return {
        **made,
        "outputs": _outputs(seen),
        "params": seen.parameters,
        "macs": number(seen.macs),
        "repeat": copies if copies is not None else record.get("repeat"),
        **({"off": True} if not seen.items else {}),
    }


def _card(survey: Survey, here: Opened, record: Mapping[str, Any]) -> dict[str, Any]:
    """What a record is: op, block or reuse, with family, icon and ports."""
    if "reuse" in record:
        return _reuse(survey, here, record)
    op = record.get("op")
    if isinstance(op, str) and op in REGISTRY:
        kind = REGISTRY[op]
        ports = [port._asdict() for port in kind.inputs]
        return {"kind": "op", "type": op, "label": title(op), "family": kind.family.value, "icon": kind.icon,
                "inputs": ports, "outputs": ["output"]}  # fmt: skip
    name = str(record.get("block", ""))
    target = survey.target(name, here.look) if here.look is not None else name
    block = survey.graph.scopes[_scope(survey, here)].get(target) if survey.graph is not None else None
    if block is None:
        ports = [port_card(key) for key in _keys(record)] or [port_card("0")]
        kind_name = "block" if name else "op"
        return {"kind": kind_name, "type": name or str(op or ""), "label": name or str(op or "unknown"),
                "family": "block", "icon": "▣" if name else "?", "inputs": ports, "outputs": ["output"]}  # fmt: skip
    card = block_card(block)
    return {
        "kind": "block", "type": block.name, "label": title(block.name), "family": "block", "icon": "▣",
        "inputs": card["inputs"], "outputs": list(block.outputs), "fields": card["fields"], "open": True,
        "origin": origin(survey, block), "summary": card["summary"],
    }  # fmt: skip


def _scope(survey: Survey, here: Opened) -> str:
    return here.look.block.scope if here.look is not None else ""


def _reuse(survey: Survey, here: Opened, record: Mapping[str, Any]) -> dict[str, Any]:
    name, passed = str(record["reuse"]), set()
    other: Mapping[str, Any] | None = here.place.nodes.get(name)
    while other is not None and "reuse" in other and name not in passed:
        passed.add(name)
        name = str(other["reuse"])
        other = here.place.nodes.get(name)
    card = _card(survey, here, other) if other is not None and "reuse" not in other else {
        "type": "", "label": "", "family": "block", "icon": "⟲", "inputs": [port_card("0")], "outputs": ["output"],
    }  # fmt: skip
    return {**card, "kind": "reuse", "open": False, "weights": f"shared with {name}"}


def _keys(record: Mapping[str, Any]) -> list[str]:
    given = record.get("in")
    if isinstance(given, Mapping):
        return [str(key) for key in given]
    return [str(i) for i in range(len(given))] if isinstance(given, list) else []


def values(node: Node, look: Look) -> dict[str, str]:
    """The value, in this use, of every field that holds an expression."""
    names = {**look.values, "i": 0}
    parts: list[tuple[str, Any]] = list(node.arguments.items())
    parts += [(f"first.{key}", value) for key, value in node.first.items()]
    parts += [(f"last.{key}", value) for key, value in node.last.items()]
    parts += [("when", node.when), ("repeat", node.repeat)]
    parts += [("block", node.target)] if node.kind == "block" else []
    found = {}
    for key, value in parts:
        if not _has_formula(value):
            continue
        try:
            found[key] = _told(resolved(value, names, look.dim))
        except Rejected:
            continue
    return found


def _has_formula(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_has_formula, value.values()))
    return any(map(_has_formula, value)) if isinstance(value, list | tuple) else is_formula(value)


def _told(value: Any) -> str:
    return value.name if isinstance(value, Block) else value if isinstance(value, str) else shown(value)


def _outputs(seen: Seen | None) -> list[dict[str, Any]]:
    if seen is None:
        return [{"name": "output", "shape": None, "dtype": ""}]
    return [{"name": name, **_shape(tensor)} for name, tensor in zip(seen.outputs, seen.tensors, strict=False)]


def _shape(tensor: Tensor | None) -> dict[str, Any]:
    if tensor is None:
        return {"shape": None, "dtype": ""}
    return {"shape": sizes(tensor), "dtype": tensor.dtype}


def sizes(tensor: Tensor) -> list[int | str]:
    """The sizes as JSON: symbolic ones as text."""
    return [size if isinstance(size, int) else str(size) for size in tensor.shape]


def referred(ref: str, seen: Mapping[str, Seen]) -> Tensor | None:
    """The tensor that a reference stands for; None while it is unknown."""
    name, _, port = ref.partition(".")
    found = seen.get(name)
    return found.tensor(port) if found is not None else None


def _badge(severities: Sequence[str]) -> dict[str, Any]:
    return {"problems": len(severities), "worst": max(severities, key=lambda one: WORST[one], default="")}


def number(amount: Dim | None) -> int | str | None:
    """A size as JSON: symbolic ones as text."""
    return amount if isinstance(amount, int) or amount is None else str(amount)
