"""Text from files as text on a page: nothing in it becomes markup, a link or a formula."""

import re
from typing import Final

from archgraph.diagnostics import Diagnostic, escaped

_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&=^\"'])")


def plain(text: object) -> str:
    """`text` as Markdown that shows it as it is, on one line."""
    return _SPECIAL.sub(r"\\\1", escaped(" ".join(str(text).split())))


def finding(one: Diagnostic) -> str:
    """A diagnostic in a sentence or two."""
    hint = f" *{plain(one.hint)}*" if one.hint else ""
    where = f" ({plain(one.pointer)})" if one.pointer else ""
    return f"{plain(one.message)}{where}.{hint}"


def counted(number: int, noun: str) -> str:
    """``1 file``, ``3 files``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def duration(seconds: float) -> str:
    """``40 seconds``, ``3 minutes``, ``2 hours``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} seconds" if round(seconds) != 1 else "1 second"
    return f"{round(seconds / 60)} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"


def size(amount: int | str | None) -> str:
    """Bytes for people: ``12.4 MB``."""
    if not isinstance(amount, int):
        return "unknown" if amount is None else f"{amount} bytes"
    for scale, unit in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if amount >= scale:
            return f"{amount / scale:.3g} {unit}"
    return f"{amount} bytes"
