"""Fifty hostile strings as names, docs and errors: in pages, pictures and source they are text and nothing else."""

import html.parser
import json
import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest

import archgraph as ag
from archgraph.diagnostics import Diagnostic
from archgraph.drawing import render
from archgraph.editing.survey import survey
from archgraph.interchange.page import html_page
from archgraph.studio.wording import finding, plain

HOSTILE = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg onload=alert(1)>", "</style><script>x</script>",
    "</title><script>x</script>", "</pre><iframe src=//e>", "<a href='javascript:alert(1)'>x</a>", "<!--<script>-->",
    "]]><script>x</script>", "<![CDATA[<script>]]>", "&lt;script&gt;", "&#60;script&#62;",
    "\"><script>x</script>",
    "'><script>x</script>", "\" onmouseover=\"alert(1)", "' onfocus='x' autofocus='", "javascript:alert(1)",
    "data:text/html,<script>x</script>", "[x](javascript:alert(1))", "![x](http://e/x.png)", "<http://e>",
    "https://example.org/steal", "`<script>`", "```\n<script>x</script>\n```", "$\\href{javascript:alert(1)}{x}$",
    ":red[x]", ":material/delete:", "# title", "- list", "| a | b |", "~~x~~", "**x**", "__x__", "\\<script>",
    "\u202ex",
    "\u0000<script>", "\x1b[31mred", "%3Cscript%3E", "{{7*7}}", "${7*7}", "<%= 7 %>", "';DROP TABLE x;--",
    "../../../etc",
    "<style>*{display:none}</style>", "<meta http-equiv=refresh content=0>", "<base href=//e>", "<form action=//e>",
    "<object data=//e>", "<embed src=//e>", "<link rel=stylesheet href=//e>",
]  # fmt: skip
ALLOWED = {
    "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "b", "img", "table", "tr", "td", "th", "pre",
}  # fmt: skip


class Elements(html.parser.HTMLParser):
    """Every element and attribute of a page, as a browser would see them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_there_are_fifty() -> None:
    assert len(set(HOSTILE)) == 50


def graph(text: str) -> Any:
    """A network that says `text` wherever a file may say anything."""
    clean = text.replace("\u0000", "")
    return {
        "archgraph": 1, "name": "x", "doc": clean, "inputs": {"image": {"shape": [4, 4, 1], "doc": clean}},
        "blocks": {
            "unit": {"doc": clean, "inputs": ["x"], "nodes": {"a": {"op": "flatten", "in": "x"}}, "output": "a"}
        },
        "nodes": {"call": {"block": "unit", "in": "image", "doc": clean, "meta": {"a": clean}}},
        "outputs": {"y": "call"},
    }  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_pages_and_pictures_get_no_element_from_it(text: str) -> None:
    raw = json.dumps(graph(text))
    shaped = ag.infer(ag.loads(raw))
    page = html_page(shaped, raw)
    seen = Elements()
    seen.feed(page)
    assert {tag for tag, _ in seen.found} <= ALLOWED
    harmless, told = Elements(), html_page(ag.infer(ag.loads(json.dumps(graph("x")))), json.dumps(graph("x")))
    harmless.feed(told)
    assert [tag for tag, _ in seen.found] == [tag for tag, _ in harmless.found]
    assert not any(name.startswith("on") for _, attributes in seen.found for name in attributes)
    picture = ET.fromstring(render(shaped, format="svg"))
    tags = {re.sub(r"\{.*\}", "", str(element.tag)) for element in picture.iter()}
    assert not tags & {"script", "foreignObject", "image", "iframe", "style"}


@pytest.mark.parametrize("text", HOSTILE)
def test_on_a_page_every_character_with_a_meaning_is_escaped(text: str) -> None:
    for written in (plain(text), finding(Diagnostic("AG203", f"/{text}", text))):
        bare = re.sub(r"\\[\\`*_{}\[\]()<>#+\-.!|~$:&=^\"']", "", written.replace("*", "", 0))
        assert not re.search(r"[<>\[\]`$|&]", bare), bare
        assert not re.search(r"[\x00-\x1f\u202e]", written)


@pytest.mark.parametrize("text", HOSTILE)
def test_as_a_name_it_is_refused_and_the_message_is_text(text: str) -> None:
    value = graph("x")
    value["nodes"][text] = {"op": text, "in": text}
    found = survey(value).errors
    assert found and all(one.diagnostic.message for one in found)
