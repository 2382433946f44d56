"""What the canvas may ask, each with the function that answers it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from archgraph.diagnostics import Rejected
from archgraph.editing import copying, renaming
from archgraph.editing.comparing import Difference, differences
from archgraph.editing.fitting import fits_ahead, fits_behind
from archgraph.editing.grouping import group
from archgraph.editing.inlining import inline
from archgraph.editing.patches import apply
from archgraph.editing.places import OUTPUT, STATE, Place
from archgraph.editing.survey import Survey, survey
from archgraph.graph import Block
from archgraph.studio.places import Opened, opened
from archgraph.studio.session import Answer, Reply, Session, fix_message
from archgraph.studio.view import sizes

Ask = Mapping[str, Any]
MOST_FOUND: Final = 60
_GAP: Final = 2
"""Cells between a node and its copy."""


def _here(session: Session, ask: Ask) -> Opened:
    """The place that an ask is about."""
    path = ask.get("place")
    return opened(session.survey, path if isinstance(path, list) else session.place, session.title)


def _editable(session: Session, ask: Ask) -> Opened:
    here = _here(session, ask)
    if not here.editable:
        raise Rejected("AG410", here.readonly, hint="use “Copy into this file” first")
    return here


def _text(ask: Ask, key: str) -> str:
    value = ask.get(key)
    if not isinstance(value, str) or not value:
        raise Rejected("AG204", f"needs {key!r}")
    return value


def _nodes(ask: Ask) -> list[str]:
    value = ask.get("nodes")
    return [str(one) for one in value] if isinstance(value, list) else []


def _done(session: Session, value: Any, label: str, selection: Sequence[str] = ()) -> Reply:
    session.replace(value)
    return {"done": True, "label": label, "selection": list(selection)}


# ---- edits


def _rename(session: Session, ask: Ask) -> Reply:
    kind = str(ask.get("kind", "node"))
    new = _text(ask, "name")
    if kind == "block":
        old = _text(ask, "node")
        value = renaming.rename_block(session.value, old, new)
        session.layout = session.layout.rename_block(old, new)
        session.place = tuple(f"block:{new}" if step == f"block:{old}" else step for step in session.place)
        return _done(session, value, f"Rename block {old} to {new}")
    here = _editable(session, ask)
    old = _text(ask, "node")
    if kind == "param":
        return _done(session, renaming.rename_parameter(session.value, here.block, old, new), f"Rename {old} to {new}")
    if old.startswith(OUTPUT) and not old.startswith(STATE):
        bare = old.removeprefix(OUTPUT)
        value = renaming.rename_output(session.value, here.block, bare, new)
        return _done(session, value, f"Rename output {bare} to {new}", [OUTPUT + new])
    value = renaming.rename_node(session.value, here.block, old, new)
    prefix = f"{here.block}/" if here.block else ""
    session.layout = session.layout.rename(prefix + old, prefix + new)
    session.place = tuple(new if step == old and not here.block else step for step in session.place)
    return _done(session, value, f"Rename {old} to {new}", [new])


def _group(session: Session, ask: Ask) -> Reply:
    here = _editable(session, ask)
    name = _text(ask, "name")
    knobs = ask.get("params")
    value = group(session.value, here.block, _nodes(ask), name, knobs if isinstance(knobs, list) else ())
    call = next(iter(Place(value, here.block).nodes.keys() - here.place.nodes.keys()))
    return _done(session, value, f"Group into {name}", [call])


def _inline(session: Session, ask: Ask) -> Reply:
    here = _editable(session, ask)
    name = _text(ask, "node")
    record = here.place.need_node(name)
    target = str(record.get("block", ""))
    if not target:
        raise Rejected("AG407", f"{name!r} is no block", hint="choose a block")
    known = session.survey.target(target, here.look) if here.look is not None else target
    block = session.survey.graph.blocks.get(known) if session.survey.graph is not None else None
    body, value = _body(session, block, known)
    look = session.survey.inside(name, here.look) if here.look is not None else None
    shapes = {
        port: sizes(look.seen[port].tensors[0]) for port in body["inputs"] if look is not None and port in look.seen
    }
    made = inline(value, here.block, name, body, shapes)
    fresh = [one for one in Place(made, here.block).nodes if one not in here.place.nodes]
    return _done(session, made, f"Write out {name}", fresh)


def _body(session: Session, block: Block | None, name: str) -> tuple[Mapping[str, Any], Any]:
    """The JSON of a block; one of an imported file becomes the file's own, as what it calls is known there only."""
    own = (session.value.get("blocks") or {}).get(name)
    if own is not None:
        return own, session.value
    holder = getattr(block.source, "value", None) if block is not None else None
    if not isinstance(holder, Mapping):
        raise Rejected("AG407", f"there is no block {name!r}")
    imported = block is not None and not block.scope.startswith("library/")
    value = copying.adopt(session.value, name, holder) if imported else session.value
    return holder["blocks"][name], value


def _copy(session: Session, ask: Ask) -> Reply:
    here = _here(session, ask)
    return {"text": copying.piece_text(here.place.value, here.block, _nodes(ask))}


def _paste(session: Session, ask: Ask) -> Reply:
    here = _editable(session, ask)
    given = copying.read_piece(_text(ask, "text"))
    pasted = copying.paste(session.value, here.block, given, links=bool(ask.get("links")))
    at = ask.get("at")
    fresh = list(pasted.names.values())
    if isinstance(at, list) and len(at) == 2 and len(fresh) == 1:
        _pin(session, here, fresh[0], at)
    return _done(session, pasted.value, "Paste", fresh)


def _duplicate(session: Session, ask: Ask) -> Reply:
    here = _editable(session, ask)
    pasted = copying.duplicate(session.value, here.block, _nodes(ask), links=bool(ask.get("links", True)))
    return _done(session, pasted.value, "Duplicate", list(pasted.names.values()))


def _pin(session: Session, here: Opened, name: str, at: Sequence[Any]) -> None:
    path = f"{here.block}/{name}" if here.block else name
    if all(isinstance(one, int | float) and abs(one) < 10**6 for one in at):
        session.layout = session.layout.pin(path, (round(at[0]), round(at[1])))


def _own(session: Session, ask: Ask) -> Reply:
    here = _here(session, ask)
    if here.editable:
        raise Rejected("AG407", "this block is the file's own already")
    value = copying.adopt(session.value, here.block, here.place.value)
    return _done(session, value, f"Copy block {here.block} into the file")


# ---- questions


def _fits(session: Session, ask: Ask) -> Reply:
    here = _here(session, ask)
    end = ask.get("from")
    if not isinstance(end, Mapping):
        raise Rejected("AG204", "needs 'from'")
    node, port = str(end.get("node")), str(end.get("port", ""))
    known = here.look.seen[node].outputs if here.look is not None and node in here.look.seen else ()
    bare = port.partition("#")[0]
    if end.get("side") == "in":
        found = fits_ahead(session.survey, here.place, here.look, node, bare)
    else:
        found = fits_behind(session.survey, here.place, here.look, node, port if port in known else "")
    return {key: {name: why or None for name, why in getattr(found, key).items()} for key in ("ports", "ops", "blocks")}


def _preview(session: Session, ask: Ask) -> Reply:
    here = _here(session, ask)
    patch = ask.get("patch")
    value = apply(session.value, patch if isinstance(patch, list) else [])
    after = survey(value, folder=session.folder, variant=session.variant)
    then = opened(after, here.path, session.title)
    seen = then.look.seen if then.look is not None else {}
    shapes = {
        name: {port: sizes(tensor) for port, tensor in zip(one.outputs, one.tensors, strict=False)}
        for name, one in seen.items()
    }
    return {"shapes": shapes, "problems": len(after.errors), "params": _weights(after) - _weights(session.survey)}


def _weights(known: Survey) -> int:
    if known.shaped is not None:
        return known.shaped.parameters
    return sum(one.parameters for one in known.seen.values())


def _find(session: Session, ask: Ask) -> Reply:
    text = _text(ask, "text").casefold()
    value = session.value
    found = []
    for block in ("", *(value.get("blocks") or {})):
        place = Place(value, block)
        path = [f"block:{block}"] if block else []
        if block and text in block.casefold():
            found.append({"path": path, "title": block, "detail": "block"})
        for name, record in place.nodes.items():
            what = str(record.get("op") or record.get("block") or record.get("reuse") or "")
            if text in name.casefold() or text in what.casefold() or text in str(record.get("doc", "")).casefold():
                found.append({"path": [*path, name], "title": name, "detail": f"{what} in {block or session.title}"})
        for name in (*place.inputs, *place.outputs):
            bare = name.removeprefix(STATE).removeprefix(OUTPUT)
            if text in bare.casefold():
                kind = "input" if name in place.inputs else "output"
                found.append({"path": [*path, name], "title": bare, "detail": f"{kind} of {block or session.title}"})
    return {"found": found[:MOST_FOUND]}


def _fixes(session: Session, ask: Ask) -> Reply:
    known, wanted = session.survey, ask.get("pointer")
    listed = []
    for finding in known.findings:
        if wanted is not None and finding.diagnostic.pointer != wanted:
            continue
        listed.append({
            "pointer": finding.diagnostic.pointer, "code": finding.diagnostic.code,
            "fixes": [fix_message(one) for one in session.fixes(finding)],
        })  # fmt: skip
        if len(listed) >= MOST_FOUND:
            break
    return {"problems": listed}


def changes(session: Session) -> list[Difference]:
    """Unsaved edits, against the file."""
    return differences(session.before, session.survey)


def marked(session: Session, here: Opened) -> dict[str, dict[str, str]]:
    """What the canvas shows at each node of a place of its difference from the file."""
    return {
        OUTPUT + one.name if one.kind == "output" else one.name: {"change": one.change, "changeText": one.text}
        for one in changes(session)
        if one.block == here.block and one.kind in ("node", "input", "output")
    }


def _diff(session: Session, ask: Ask) -> Reply:
    here = _here(session, ask)
    found = marked(session, here)
    return {
        "nodes": {name: one for name, one in found.items() if one["change"] != "removed"},
        "removed": [
            {"name": name, "text": one["changeText"]} for name, one in found.items() if one["change"] == "removed"
        ],
    }


ANSWERS: Final[Mapping[str, Answer]] = {
    "rename": _rename, "group": _group, "inline": _inline, "copy": _copy, "paste": _paste, "duplicate": _duplicate,
    "own": _own, "fits": _fits, "preview": _preview, "find": _find, "fixes": _fixes, "diff": _diff,
}  # fmt: skip
"""Every ask by its name."""
