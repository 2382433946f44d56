"""The one edit language: a patch is a list of changes, each a JSON pointer and the value to put there, or none."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from archgraph.diagnostics import Rejected
from archgraph.document.scanner import step

Change = dict[str, Any]
"""``{"at": pointer, "value": …}`` puts, ``{"at": pointer}`` removes; ``"after"`` names the key that a new key follows
(empty: none, it comes first)."""
Patch = Sequence[Change]
_NOTHING: Final = object()


def put(at: str, value: Any, after: str | None = None) -> Change:
    """The change that puts `value` at the pointer `at`."""
    change = {"at": at, "value": value}
    return change if after is None else {**change, "after": after}


def taken(at: str) -> Change:
    """The change that removes what stands at the pointer `at`."""
    return {"at": at}


def apply(value: Any, patch: Patch) -> Any:
    """`value` after all changes of `patch`; it shares what they do not touch. Raises `Rejected`, then nothing is done.

    A change needs the object around its key. Removing what is not there changes nothing. An existing key keeps its
    place among the others; a new one comes behind ``after``, or last.
    """
    for change in patch:
        value = _changed(value, _keys(change), change)
    return value


def inverse(value: Any, patch: Patch) -> list[Change]:
    """The patch that leads back to `value` from ``apply(value, patch)``."""
    back: list[Change] = []
    for change in patch:
        back.insert(0, _undoing(value, change))
        value = apply(value, [change])
    return [change for change in back if change]


def between(old: Any, new: Any) -> list[Change]:
    """A short patch that makes `new` of `old`. Objects are compared key by key, all else is replaced whole."""
    return list(_between(old, new, ""))


def pointer(*keys: str) -> str:
    """A JSON pointer to what stands under these keys."""
    return "".join(map(step, keys))


def keys_of(at: str) -> list[str]:
    """The keys of a JSON pointer."""
    return [part.replace("~1", "/").replace("~0", "~") for part in at.split("/")[1:]]


def looked_up(value: Any, at: str) -> Any:
    """What stands at a pointer, through lists too; None where nothing does."""
    for key in keys_of(at):
        if isinstance(value, Mapping):
            value = value.get(key)
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal, true and 1 told apart; the order of keys counts for nothing."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and bool(one == other)


def _keys(change: Change) -> list[str]:
    at = change.get("at") if isinstance(change, Mapping) else change
    if not isinstance(change, Mapping) or not isinstance(at, str) or (at and not at.startswith("/")):
        raise Rejected("AG202", f"a change needs a JSON pointer under 'at', got {at!r}")
    return keys_of(at)


def _changed(value: Any, keys: list[str], change: Change) -> Any:
    if not keys:
        if "value" not in change:
            raise Rejected("AG401", "the whole document cannot be removed")
        return change["value"]
    if not isinstance(value, Mapping):
        raise Rejected("AG401", f"there is no object that could hold {keys[0]!r}", hint="it was removed meanwhile")
    key, rest = keys[0], keys[1:]
    if rest:
        if key not in value:
            if "value" not in change:
                return value
            raise Rejected("AG401", f"there is no {key!r} to change", hint="it was removed meanwhile")
        inner = _changed(value[key], rest, change)
        return value if inner is value[key] else {**value, key: inner}
    if "value" not in change:
        return {name: item for name, item in value.items() if name != key} if key in value else value
    if key in value or change.get("after") is None:
        return {**value, key: change["value"]}
    return _inserted(value, key, change["value"], change["after"])


def _inserted(value: Mapping[str, Any], key: str, item: Any, after: str) -> dict[str, Any]:
    made: dict[str, Any] = {} if after else {key: item}
    for name, other in value.items():
        made[name] = other
        if name == after:
            made[key] = item
    made.setdefault(key, item)
    return made


def _undoing(value: Any, change: Change) -> Change:
    """The change that undoes `change`, made to `value`; the empty change where it does nothing."""
    keys = _keys(change)
    if not keys:
        return put("", value)
    around = looked_up(value, pointer(*keys[:-1]))
    if not isinstance(around, Mapping):
        return {}
    old = around.get(keys[-1], _NOTHING)
    if old is _NOTHING:
        return taken(change["at"]) if "value" in change else {}
    names = list(around)
    position = names.index(keys[-1])
    if "value" in change:
        return put(change["at"], old)
    return put(change["at"], old, names[position - 1] if position else "")


def _between(old: Any, new: Any, at: str) -> Iterator[Change]:
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        if not same(old, new):
            yield put(at, new)
        return
    for key in old:
        if key not in new:
            yield taken(at + step(key))
    before = ""
    for key in new:
        if key in old:
            yield from _between(old[key], new[key], at + step(key))
        else:
            yield put(at + step(key), new[key], before)
        before = key
