"""Two edits of one document -> one document, and the places at which they contradict each other."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from archgraph.diagnostics import Rejected
from archgraph.editing.patches import Change, apply, between, keys_of, looked_up, same


class Conflict(NamedTuple):
    """A place that both have changed, each in its own way."""

    at: str
    base: Any
    mine: Any
    theirs: Any
    """None where the place is gone."""


class Merged(NamedTuple):
    """The document with everything that both did, mine where they contradict each other."""

    value: Any
    conflicts: tuple[Conflict, ...]


def merge(base: Any, mine: Any, theirs: Any) -> Merged:
    """What comes of `base` when both `mine` and `theirs` are made of it."""
    base = _with_empty(base, mine, theirs)
    ours, others = between(base, mine), between(base, theirs)
    conflicts = [
        Conflict(_shorter(one, other), looked_up(base, _shorter(one, other)), looked_up(mine, _shorter(one, other)),
                 looked_up(theirs, _shorter(one, other)))
        for one in ours for other in others if _touch(one, other) and not _agree(one, other)
    ]  # fmt: skip
    value = theirs
    for change in ours:
        try:
            value = apply(value, [change])
        except Rejected:
            value = _restored(value, mine, change)
    return Merged(value, tuple({conflict.at: conflict for conflict in conflicts}.values()))


def with_theirs(merged: Merged, chosen: Sequence[str]) -> Any:
    """The merged document, with what they say at the conflicts whose pointers are `chosen`."""
    value = merged.value
    for conflict in merged.conflicts:
        if conflict.at in chosen:
            gone = conflict.theirs is None
            change: Change = {"at": conflict.at} if gone else {"at": conflict.at, "value": conflict.theirs}
            value = apply(value, [change])
    return value


def _with_empty(base: Any, mine: Any, theirs: Any) -> Any:
    """`base` with an empty object for each part of a file that both have begun: what they put in is compared."""
    if not all(isinstance(one, Mapping) for one in (base, mine, theirs)):
        return base
    begun = [key for key in mine if key not in base and isinstance(mine[key], Mapping)
             and isinstance(theirs.get(key), Mapping)]  # fmt: skip
    return {**base, **{key: {} for key in begun}} if begun else base


def _touch(one: Change, other: Change) -> bool:
    mine, theirs = keys_of(one["at"]), keys_of(other["at"])
    common = min(len(mine), len(theirs))
    return mine[:common] == theirs[:common]


def _agree(one: Change, other: Change) -> bool:
    if one["at"] != other["at"] or ("value" in one) != ("value" in other):
        return False
    return "value" not in one or same(one["value"], other["value"])


def _shorter(one: Change, other: Change) -> str:
    found: str = min(one["at"], other["at"], key=len)
    return found


def _restored(value: Any, mine: Any, change: Change) -> Any:
    """`value` with the whole of what `change` is inside of, since they have removed it."""
    keys = keys_of(change["at"])
    at = ""
    for key in keys:
        at += "/" + key.replace("~", "~0").replace("/", "~1")
        if not isinstance(looked_up(value, at), Mapping):
            return apply(value, [{"at": at, "value": looked_up(mine, at)}])
    return value
