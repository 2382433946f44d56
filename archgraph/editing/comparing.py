"""Two graphs -> what is different between them, node by node, with shapes and parameters before and after."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from archgraph.editing.patches import same
from archgraph.editing.places import Place
from archgraph.editing.survey import Look, Seen, Survey
from archgraph.kinds import shown
from archgraph.shapes import Tensor, show

Change = Literal["added", "removed", "changed", "follows"]


class Difference(NamedTuple):
    """One thing that differs. Its record is the same where the change is ``follows``: its shape or cost is another."""

    block: str
    """The block it stands in; empty: the main graph."""
    kind: str
    """node, input, output, parameter, block or key."""
    name: str
    change: Change
    details: tuple[str, ...]
    shapes: tuple[str, str]
    """Of the first output, before and after; empty where there is none."""
    parameters: tuple[int | None, int | None]

    @property
    def pointer(self) -> str:
        """What it is called in lists: ``blocks/unit/conv``."""
        return f"{self.block}/{self.name}" if self.block else self.name

    @property
    def text(self) -> str:
        """What is different, in a line."""
        parts = list(self.details)
        before, after = self.shapes
        if before != after and before and after:
            parts.append(f"{before} → {after}")
        old, new = self.parameters
        if old is not None and new is not None and old != new:
            parts.append(f"{new - old:+,} parameters")
        elif self.change == "added" and new:
            parts.append(f"+{new:,} parameters")
        elif self.change == "removed" and old:
            parts.append(f"-{old:,} parameters")
        return "; ".join(parts)


def differences(old: Survey, new: Survey) -> list[Difference]:
    """Everything that differs, the main graph first, then block by block, then the rest of the file."""
    found = list(_place(old, new, ""))
    blocks = [_blocks(one) for one in (old, new)]
    for name in dict.fromkeys([*blocks[0], *blocks[1]]):
        if name not in blocks[1] or name not in blocks[0]:
            change: Change = "added" if name in blocks[1] else "removed"
            found.append(Difference("", "block", name, change, (), ("", ""), (None, None)))
        else:
            found += _place(old, new, name)
    return found + list(_rest(old.value, new.value))


def _blocks(survey: Survey) -> Mapping[str, Any]:
    found = survey.value.get("blocks") if isinstance(survey.value, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _place(old: Survey, new: Survey, block: str) -> Iterator[Difference]:
    looks = [one.root if not block else one.first_use(block) for one in (old, new)]
    places = Place(old.value, block), Place(new.value, block)
    yield from _records(block, "input", _inputs(places[0]), _inputs(places[1]), looks)
    yield from _records(block, "node", places[0].nodes, places[1].nodes, looks)
    yield from _records(block, "output", _outputs(places[0]), _outputs(places[1]), (None, None))
    if block:
        params = [place.body.get("params") or {} for place in places]
        yield from _records(block, "parameter", params[0], params[1], (None, None))


def _inputs(place: Place) -> Mapping[str, Any]:
    given = place.body.get("inputs")
    return given if isinstance(given, Mapping) else dict.fromkeys(place.inputs)


def _outputs(place: Place) -> Mapping[str, Any]:
    return {target.partition(":")[2]: ref for target, ref in place.outputs.items()}


def _records(block: str, kind: str, old: Mapping[str, Any], new: Mapping[str, Any], looks: Any) -> Iterator[Difference]:
    for name in dict.fromkeys([*old, *new]):
        seen = [look.seen.get(name) if isinstance(look, Look) else None for look in looks]
        shapes = _shape(seen[0]), _shape(seen[1])
        counts = _count(seen[0]), _count(seen[1])
        if name not in new or name not in old:
            change: Change = "added" if name in new else "removed"
            yield Difference(block, kind, name, change, (_what(new.get(name, old.get(name))),), shapes, counts)
        elif not same(old[name], new[name]):
            yield Difference(block, kind, name, "changed", tuple(_changes(old[name], new[name])), shapes, counts)
        elif all(seen) and (shapes[0] != shapes[1] or counts[0] != counts[1]):
            yield Difference(block, kind, name, "follows", (), shapes, counts)


def _what(record: Any) -> str:
    if isinstance(record, Mapping):
        return str(record.get("op") or record.get("block") or record.get("reuse") or "")
    return shown(record) if record is not None else ""


def _changes(old: Any, new: Any) -> Iterator[str]:
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        yield f"{_text(old)} → {_text(new)}"
        return
    for key in dict.fromkeys([*old, *new]):
        if key not in new:
            yield f"{key} {_text(old[key])} removed"
        elif key not in old:
            yield f"{key} {_text(new[key])} added"
        elif not same(old[key], new[key]):
            yield f"{key} {_text(old[key])} → {_text(new[key])}"


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_text(item)}" for key, item in list(value.items())[:6]) + "}"
    return value if isinstance(value, str) else shown(value)


def _rest(old: Any, new: Any) -> Iterator[Difference]:
    """Parameters of the file, variants, dimensions, promises and other keys."""
    for key in dict.fromkeys([*old, *new]):
        if key in ("nodes", "inputs", "outputs", "blocks", "$schema"):
            continue
        before, after = old.get(key), new.get(key)
        if same(before, after):
            continue
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            details = tuple(_changes(before, after))
        else:
            details = (f"{_text(before)} → {_text(after)}",) if before is not None and after is not None else (
                _text(after if before is None else before),)  # fmt: skip
        change: Change = "added" if before is None else "removed" if after is None else "changed"
        yield Difference("", "key", key, change, details, ("", ""), (None, None))


def _shape(seen: Seen | None) -> str:
    return _told(seen.tensors[0]) if seen is not None and seen.tensors else ""


def _told(tensor: Tensor) -> str:
    return show(tensor.shape) + ("" if tensor.dtype == "float32" else f" {tensor.dtype}")


def _count(seen: Seen | None) -> int | None:
    return seen.parameters if seen is not None else None
