"""Faulty files, made from good ones: text damaged, values swapped, keys misspelt, numbers blown up."""

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SEEDS = sorted([*(ROOT / "examples").glob("*.graph.json"), *(ROOT / "archgraph" / "library").glob("*.graph.json")])

VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 3, 1.5, -0.5, 2**53, 2**60, 10**30, 1e300, "", "x", "=", "=1/0", "=unknown", "==x",
    "=2**2**2**9", "=dim(x, 9)", "=" + "(" * 40 + "1" + ")" * 40, "=i", "a.b", "a.b.c", "conv", "\u0000", "é",
    "\U0001f600",
    [], [1], [0], [[]], [None], {}, {"op": "conv"}, {"a": {"b": []}}, [1, 2, 3, 4], "relu", "=classes", "=width",
)  # fmt: skip
FRAGMENTS = (
    "{", "}", "[", "]", ",", ":", '"', "\\", "//c", "/*", "NaN", "-Infinity", "1e999", "0123", "tru", "'", "\x00",
    "\x1f",
    "\\ud800", "\\x", "\ufeff", "9" * 200, "[" * 80, '{"a":' * 70, "\u2028", "-", "1.", ".5", "+1", "#",
)  # fmt: skip


def mutants(count: int, seed: int) -> Iterator[bytes]:
    """`count` texts, most of them faulty."""
    draw = random.Random(seed)
    texts = [path.read_text(encoding="utf-8") for path in SEEDS]
    for number in range(count):
        text = draw.choice(texts)
        if number % 3 == 0:
            yield damaged(text, draw)
        else:
            value = json.loads(text)
            for _ in range(draw.choice((1, 1, 1, 2, 5))):
                disturb(value, draw)
            yield json.dumps(value, indent=draw.choice((None, 2)), ensure_ascii=draw.random() < 0.5).encode(
                "utf-8", "surrogatepass"
            )


def damaged(text: str, draw: random.Random) -> bytes:
    """The text with characters cut, doubled, inserted or overwritten; sometimes the bytes are."""
    for _ in range(draw.choice((1, 1, 2, 4))):
        at = draw.randrange(len(text) + 1)
        kind = draw.randrange(4)
        if kind == 0:
            text = text[:at] + draw.choice(FRAGMENTS) + text[at:]
        elif kind == 1:
            text = text[:at] + text[at + draw.randrange(1, 30) :]
        elif kind == 2:
            text = text[:at]
        else:
            text = text[:at] + text[at : at + draw.randrange(1, 200)] + text[at:]
    data = text.encode("utf-8", "surrogatepass")
    if draw.random() < 0.2 and data:
        at = draw.randrange(len(data))
        data = data[:at] + bytes([draw.randrange(256)]) + data[at + 1 :]
    return data


def disturb(value: Any, draw: random.Random) -> None:
    """Change one place of a JSON value."""
    places = list(containers(value))
    holder = draw.choice(places)
    if isinstance(holder, list):
        key: Any = draw.randrange(len(holder))
    else:
        key = draw.choice(list(holder))
    kind = draw.randrange(7)
    if kind == 0:
        del holder[key]
    elif kind == 1:
        holder[key] = copy.deepcopy(draw.choice(VALUES))
    elif kind == 2 and isinstance(holder, dict):
        holder[misspelt(key, draw)] = holder.pop(key)
    elif kind == 3:
        other = draw.choice(places)
        if other is not value:
            holder[key] = copy.deepcopy(other)
    elif kind == 4 and isinstance(holder, dict):
        holder[
            draw.choice(("op", "in", "when", "repeat", "scan", "first", "share", "norm", "padding", "é", "a/b", ""))
        ] = copy.deepcopy(draw.choice(VALUES))
    elif kind == 5 and isinstance(holder[key], int | float):
        holder[key] = draw.choice((holder[key] * 10**9, -holder[key], holder[key] + 0.5, 0, 10**12))
    else:
        names = [name for place in places if isinstance(place, dict) for name in place]
        holder[key] = draw.choice(names)


def misspelt(key: str, draw: random.Random) -> str:
    """`key` with one character gone, doubled or changed."""
    if not key:
        return "x"
    at = draw.randrange(len(key))
    return draw.choice((key[:at] + key[at + 1 :], key[:at] + key[at] + key[at:], key[:at] + "q" + key[at + 1 :]))


def containers(value: Any) -> Iterator[Any]:
    """Every object and list in `value` that has members."""
    if isinstance(value, dict | list) and value:
        yield value
        for item in value.values() if isinstance(value, dict) else value:
            yield from containers(item)
