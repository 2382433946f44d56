"""Forms made from records: a choice of names, and a field for each number, flag and choice of what is chosen."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from archgraph.kinds import AnyOf, Choice, Constant, Flag, Integer, Kind, Number, Shared
from archgraph.record import Field, Named, Record
from archgraph.studio.wording import plain


def named_form(
    label: str, kind: Named, value: Any, key: str, *, order: Sequence[str] = (), told: str = "", first: int = 1
) -> Any:
    """A record chosen by name, with its fields, the `first` of them at once; returns it as a file would have it."""
    names = [*order, *(name for name in kind.table if name not in order)]
    given = value if isinstance(value, Mapping) else {kind.key: value}
    name = st.selectbox(label, names, index=names.index(given[kind.key]) if given.get(kind.key) in names else 0,
                        key=f"{key} name", help=told, format_func=lambda one: one.replace("_", " "))  # fmt: skip
    chosen = kind.table[name]
    st.caption(plain((chosen.__doc__ or "").strip().partition("\n")[0]))
    held = {field: item for field, item in given.items() if field != kind.key} if given.get(kind.key) == name else {}
    made = record_form(chosen, held, f"{key} {name}", first)
    if isinstance(value, Mapping) and dict(value) == {kind.key: name, **made}:
        return value
    return {kind.key: name, **made} if made or chosen.required() else name


def record_form(kind: type[Record], value: Mapping[str, Any], key: str, at_once: int) -> dict[str, Any]:
    """The fields of a record that have a simple form; what is at its default is left out."""
    made = dict(value)
    simple = [field for field in kind.fields().values() if simple_kind(field.kind) is not None]
    first, rest = simple[:at_once], simple[at_once:]
    for field in first:
        made = _put(made, field, key)
    if rest:
        with st.expander(f"More settings of {kind.__name__}"):
            for field in rest:
                made = _put(made, field, key)
    return made


def _put(made: dict[str, Any], field: Field, key: str) -> dict[str, Any]:
    default = None if field.required else field.default
    value = made.get(field.name, default)
    if isinstance(value, Mapping | list | tuple):
        st.caption(f"{plain(field.name)}: a schedule or list; change it under “File”.")
        return made
    now = field_form(field, value, f"{key} {field.name}")
    if now == default and type(now) is type(default) and field.name not in made:
        return made
    return {name: item for name, item in {**made, field.name: now}.items() if name != field.name or now is not None}


def field_form(field: Field, value: Any, key: str) -> Any:
    """One field."""
    kind = simple_kind(field.kind)
    label, told = (
        field.name.replace("_", " ").capitalize(),
        f"{field.doc} It {'must' if field.required else 'can'} be {field.kind}.",
    )
    if isinstance(kind, Flag):
        return st.checkbox(label, bool(value), key=key, help=told)
    if isinstance(kind, Choice):
        options = list(kind.options)
        place = options.index(value) if value in options else None
        return st.selectbox(label, options, index=place, key=key, help=told, placeholder="as usual")
    return number_form(label, field, value, key, told)


def number_form(label: str, field: Field, value: Any, key: str, told: str) -> Any:
    """A number within its bounds; nothing where nothing is allowed and given."""
    kind = simple_kind(field.kind)
    assert isinstance(kind, Number)
    whole = isinstance(kind, Integer)
    cast = int if whole else float
    low = kind.minimum if kind.minimum is not None else kind.above
    high = kind.maximum if kind.maximum is not None else kind.below
    bounds = {name: cast(bound) for name, bound in (("min_value", low), ("max_value", high)) if bound is not None}
    number: Any = st.number_input(  # type: ignore[call-overload]
        label, value=None if value is None else cast(value), step=1 if whole else None, key=key, help=told,
        format=None if whole else "%g", **bounds,
    )  # fmt: skip
    if number is None:
        return value
    return int(number) if whole else float(f"{number:.12g}")


def simple_kind(kind: Kind) -> Kind | None:
    """The number, flag or choice that a kind is, perhaps beside other forms; None where it is none."""
    if isinstance(kind, Shared):
        return simple_kind(kind.kind)
    if isinstance(kind, Number | Flag) or (isinstance(kind, Choice) and not isinstance(kind, Constant)):
        return kind
    if isinstance(kind, AnyOf):
        return next((found for one in kind.kinds if (found := simple_kind(one)) is not None), None)
    return None
