"""Text from files as text in a picture: nothing in it can become markup, a link or an escape of Graphviz."""

from archgraph.diagnostics import escaped

_MARKUP = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})
LONGEST_TOOLTIP = 400


def markup(text: str) -> str:
    """`text` for the inside of an HTML-like label: characters with a meaning become entities, controls escapes."""
    return escaped(text).translate(_MARKUP)


def quoted(text: str) -> str:
    """`text` as a DOT string that shows exactly `text`: neither ``\\N`` nor ``&lt;`` in it means anything."""
    return '"' + markup(text).replace("\\", "\\\\") + '"'


def tooltip(text: str) -> str:
    """A doc as a DOT string for a tooltip, shortened, on one line."""
    line = " ".join(text.split())
    line = markup(line if len(line) <= LONGEST_TOOLTIP else line[: LONGEST_TOOLTIP - 1] + "…")
    # Graphviz reads the escapes of tooltips twice.
    return '"' + line.replace("\\", "\\" * 4) + '"'


def font(text: str, *, size: float | None = None, colour: str = "", bold: bool = False) -> str:
    """Marked-up text from plain text."""
    inner = f"<B>{markup(text)}</B>" if bold else markup(text)
    attributes = (f' POINT-SIZE="{size:g}"' if size else "") + (f' COLOR="{colour}"' if colour else "")
    return f"<FONT{attributes}>{inner}</FONT>" if attributes else inner


def table(*rows: str, align: str = "LEFT", padding: int = 1) -> str:
    """Marked-up rows, one below the other."""
    cells = "".join(f'<TR><TD ALIGN="{align}">{row}</TD></TR>' for row in rows if row)
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="{padding}">{cells}</TABLE>>'
