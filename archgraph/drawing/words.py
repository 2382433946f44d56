"""Shapes, counts and parameters as the short phrases that stand in a box."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from archgraph.kinds import is_formula, shown
from archgraph.shapes import Dim, Tensor
from archgraph.vocabulary.base import Primitive

LONGEST_PHRASE = 34
LONGEST_LINE = 44
"""Characters after which a line of a box is broken."""

_SIZES = ("kernel_size", "pool_size", "size")
_NOUNS = {
    "filters": "filters",
    "units": "units",
    "num_heads": "heads",
    "depth_multiplier": "per channel",
    "groups": "groups",
}
_VERBATIM = ("padding", "activation")


def tensor(one: Tensor) -> str:
    """``28×28×6``; the dtype only where it is not float32."""
    return tensors([one])


def tensors(several: Sequence[Tensor]) -> str:
    """The shape of one edge in several copies of a block: ``56×56×64–256`` where a size differs."""
    different = list(dict.fromkeys(_shape(one.shape) for one in several))
    shape = different[0]
    if len(different) > 1:
        shape = _range(several) or f"{different[0]} to {different[-1]}"
    dtypes = dict.fromkeys(one.dtype for one in several)
    return shape if list(dtypes) == ["float32"] else f"{shape} {' or '.join(dtypes)}"


def _range(several: Sequence[Tensor]) -> str:
    """The shapes with the one size that differs as first–last, or the empty string when more than one differs."""
    if len({len(one.shape) for one in several}) > 1:
        return ""
    columns = [list(dict.fromkeys(column)) for column in zip(*(one.shape for one in several), strict=True)]
    if sum(len(column) > 1 for column in columns) > 1:
        return ""
    return "×".join(_size(column[0]) if len(column) == 1 else f"{column[0]}–{column[-1]}" for column in columns)


def _shape(shape: tuple[Dim, ...]) -> str:
    return "×".join(map(_size, shape)) or "scalar"


def _size(size: Dim) -> str:
    text = str(size)
    return f"({text})" if any(mark in text for mark in " +-") else text


def count(number: Dim | None) -> str:
    """``61,706``, ``25.6 M``, ``3.86 G``; a symbolic number as it is; None for one that nobody can write down."""
    if not isinstance(number, int):
        return "unknown" if number is None else str(number)
    for scale, unit in ((10**12, "T"), (10**9, "G"), (10**6, "M")):
        if number >= scale:
            return f"{number / scale:.3g} {unit}" if number < 1000 * scale else f"{number / scale:,.0f} {unit}"
    return f"{number:,}"


def counts(several: Sequence[int]) -> str:
    """The number of parameters of one node in several copies of a block."""
    low, high = min(several), max(several)
    text = count(low) if low == high else f"{count(low)}–{count(high)}"
    return f"{text} param" if (low, high) == (1, 1) else f"{text} params"


def phrases(primitive: Primitive, shorthands: Mapping[str, Any], rank: int) -> list[str]:
    """What distinguishes a primitive, in a few words each; `rank` is its number of spatial axes."""
    fields = list(primitive.fields())
    given = {name: getattr(primitive, name) for name in _SIZES if name in fields} | dict(primitive.given())
    given = {name: value for name, value in given.items() if name not in shorthands}
    order = sorted(given, key=lambda name: (name not in _SIZES, name not in _NOUNS, fields.index(name)))
    found = [phrase(name, given[name], rank) for name in order]
    found += [phrase(name, value, rank) for name, value in shorthands.items()]
    return [text for text in found if text]


def phrase(name: str, value: Any, rank: int = 0) -> str:
    """One parameter in a few words: ``3×3``, ``64 filters``, ``stride 2``, ``no bias``."""
    if value is None:
        return ""
    if name in _SIZES and not is_formula(value):
        return "×".join(map(str, value if isinstance(value, tuple) else (value,) * max(rank, 1)))
    if name in _NOUNS:
        noun = _NOUNS[name].removesuffix("s") if value == 1 else _NOUNS[name]
        return short(f"{_value(value)} {noun}")
    if name == "norm":
        return short(_named(value) if _named(value) == "lrn" else f"{_named(value)} norm")
    if name in _VERBATIM and isinstance(value, str | Mapping):
        return short(_value(value))
    words = name.removeprefix("use_").replace("_", " ")
    if isinstance(value, bool):
        return words if value else f"no {words}"
    return short(f"{'stride' if name == 'strides' else words} {_value(value)}")


def argument(name: str, value: Any) -> str:
    """One argument of a block; nothing for a parameter that is only handed on under its own name."""
    if is_formula(value) and value[1:].strip() == name:
        return ""
    if isinstance(value, bool):
        return name if value else f"no {name}"
    return short(f"{name} {_value(value)}")


def _value(value: Any) -> str:
    if is_formula(value):
        return str(value)[1:].strip()
    if isinstance(value, tuple) and value and all(isinstance(item, int | str) for item in value) and len(value) < 6:
        return "×".join(map(str, value))
    return _named(value) if isinstance(value, Mapping | str) else shown(value, LONGEST_PHRASE)


def _named(value: Any) -> str:
    """A record chosen by name, by its name alone."""
    if isinstance(value, Mapping):
        name = value.get("op") or value.get("name")
        if name is None:
            return " ".join(f"{key} {shown(item)}" for key, item in value.items())
        value = value.get("activation", name) if name == "activation" else name
    return str(value).removesuffix("_norm") if isinstance(value, str) else shown(value)


def short(text: str, limit: int = LONGEST_PHRASE) -> str:
    """`text`, with an ellipsis where it is too long."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def spread(several: Sequence[Sequence[str]]) -> list[str]:
    """The phrases of one node in several copies of a block; what differs from copy to copy as first to last."""
    different = list(dict.fromkeys(map(tuple, several)))
    if len(different) == 1 or len({len(one) for one in different}) > 1:
        return list(different[-1])
    columns = zip(*different, strict=True)
    return [
        column[0] if len(set(column)) == 1 else short(f"{column[0]} to {column[-1]}", 2 * LONGEST_PHRASE)
        for column in columns
    ]


def lines(found: Iterable[str]) -> list[str]:
    """Phrases joined with dots, broken into lines."""
    made: list[str] = []
    for text in found:
        if made and len(made[-1]) + len(text) + 3 <= LONGEST_LINE:
            made[-1] += f" · {text}"
        else:
            made.append(text)
    return made
