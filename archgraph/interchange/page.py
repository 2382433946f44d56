"""ShapedGraph -> one HTML file that shows it to anybody: a picture, its costs, its layers; it runs nothing."""

import base64
import html
from collections.abc import Iterator

from archgraph.analysis.cost import block_rows, cost
from archgraph.analysis.shaped import ShapedGraph
from archgraph.diagnostics import escaped
from archgraph.drawing import render
from archgraph.drawing.words import count
from archgraph.shapes import show

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light dark; --line: #8884; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
img { max-width: 100%; background: #fff; border: 1px solid var(--line); border-radius: 8px; }
table { border-collapse: collapse; width: 100%; } td, th { padding: .3rem .6rem; border-bottom: 1px solid var(--line);
text-align: left; } td.number { text-align: right; font-variant-numeric: tabular-nums; }
pre { overflow: auto; padding: 1rem; border: 1px solid var(--line); border-radius: 8px; font-size: 13px; }
""".strip()


def html_page(shaped: ShapedGraph, text: str) -> str:
    """A page that shows a graph; `text` is its file, which the page holds too.

    No script, no link, nothing from elsewhere: a policy in the page forbids all of them. The file's words are text.
    """
    return "\n".join(_lines(shaped, text)) + "\n"


def _lines(shaped: ShapedGraph, text: str) -> Iterator[str]:
    name = _plain(shaped.name)
    yield "<!doctype html>"
    yield '<html lang="en"><head><meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{name}</title>"
    yield f"<style>{_STYLE}</style></head><body>"
    yield f"<h1>{name}</h1>"
    if shaped.graph.doc:
        yield f"<p>{_plain(shaped.graph.doc)}</p>"
    costs = cost(shaped)
    yield (
        f"<p><b>{count(costs.parameters)}</b> parameters · "
        f"<b>{_plain(count(costs.macs))}</b> multiply-adds for a sample · "
        f"<b>{shaped.count:,}</b> layers</p>"
    )
    picture = base64.b64encode(render(shaped, format="svg")).decode()
    yield f'<p><img alt="{name}, drawn" src="data:image/svg+xml;base64,{picture}"></p>'
    yield "<h2>Inputs and outputs</h2><table><tr><th>name</th><th></th><th>shape</th><th>type</th></tr>"
    for kind, tensors in (("input", shaped.inputs), ("output", shaped.outputs)):
        for key, tensor in tensors.items():
            yield _row(key, kind, show(tensor.shape), tensor.dtype)
    yield "</table><h2>Layers</h2>"
    yield "<table><tr><th>name</th><th>what</th><th>times</th><th>shape behind it</th><th>parameters</th></tr>"
    for row in block_rows(shaped):
        times = f"×{row.times}" if row.times > 1 else ""
        yield _row(row.path, row.what, times, show(row.output), f"{row.total.parameters:,}", number=4)
    yield f"</table><h2>The file</h2><pre>{html.escape(text)}</pre></body></html>"


def _row(*cells: str, number: int = -1) -> str:
    made = (f"<td{' class=number' if place == number else ''}>{_plain(cell)}</td>" for place, cell in enumerate(cells))
    return f"<tr>{''.join(made)}</tr>"


def _plain(text: str) -> str:
    return html.escape(escaped(" ".join(text.split())))
