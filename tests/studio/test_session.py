"""One document of one person: the protocol with the browser, and what every view says."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from archgraph.document.layout import Layout
from archgraph.document.reader import read, read_file
from archgraph.editing.patches import apply
from archgraph.studio.answers import ANSWERS
from archgraph.studio.conversation import message
from archgraph.studio.places import opened
from archgraph.studio.session import Session
from archgraph.studio.view import view

EXAMPLES = Path(__file__).parents[2] / "examples"
PATHS = sorted(EXAMPLES.glob("*.graph.json"))
EVERY = pytest.mark.parametrize("path", PATHS, ids=[path.name.partition(".")[0] for path in PATHS])


def session(name: str = "lenet5") -> Session:
    path = EXAMPLES / f"{name}.graph.json"
    return Session(read_file(path), Layout(), path.name, EXAMPLES)


def say(here: Session, **said: Any) -> None:
    here.receive({"epoch": here.epoch, "seq": 1, "place": [], "selection": [], "catalogue": "", **said}, ANSWERS)


def filters(number: int, value: int) -> dict[str, Any]:
    return {"id": number, "label": "filters", "patch": [{"at": "/nodes/c1/filters", "value": value}]}


def shown(here: Session) -> dict[str, Any]:
    return view(here.survey, here.opened)


# ---- the protocol


def test_a_message_said_twice_or_late_counts_once() -> None:
    here = session()
    say(here, patches=[filters(1, 8)])
    say(here, patches=[filters(1, 8), filters(2, 9)])
    say(here, patches=[filters(2, 9)])
    say(here, patches=[filters(1, 8)])
    assert (here.ack, here.value["nodes"]["c1"]["filters"]) == (2, 9)


def test_an_edit_of_an_older_document_is_not_taken_and_brings_the_new_one() -> None:
    here = session()
    say(here)
    old = here.epoch
    here.replace({**here.value, "doc": "other"})
    here.receive({"epoch": old, "patches": [filters(1, 8)]}, ANSWERS)
    assert here.ack == 0 and here.value["nodes"]["c1"]["filters"] == 6
    assert here.data({})["document"] == here.value
    say(here, patches=[filters(1, 8)])
    assert here.ack == 1 and "document" not in here.data({})


def test_the_document_is_sent_only_where_the_browser_has_not_got_it() -> None:
    here = session()
    assert "document" in here.data({})
    say(here)
    assert "document" not in here.data({})
    say(here, patches=[filters(1, 8)])
    assert "document" not in here.data({}), "the browser made this edit itself"


def test_a_patch_that_does_not_fit_changes_nothing_and_brings_the_document() -> None:
    here = session()
    say(here)
    say(here, patches=[{"id": 1, "patch": [{"at": "/nodes/gone/filters", "value": 1}]}, filters(2, 8)])
    assert here.value["nodes"]["c1"]["filters"] == 6
    assert here.replies["1"]["error"]["message"] and "document" in here.data({})
    assert here.ack == 1, "what follows was made for another document, and is said again"


def test_edits_from_both_sides_converge() -> None:
    """The browser's rules: keep what is not acknowledged, put it on top of whatever comes, and say it again."""
    here, mine, epoch, pending = session(), session().value, 0, []
    for number in range(1, 61):
        if number % 7 == 0:
            here.replace(apply(here.value, [{"at": "/nodes/c3/filters", "value": number}]))
        patch = filters(number, number)
        mine = apply(mine, patch["patch"])
        pending.append(patch)
        if number % 3 == 0:
            continue  # coalesced: the browser sends only its newest state
        here.receive({"epoch": epoch, "patches": pending}, ANSWERS)
        told = here.data({})
        pending = [one for one in pending if one["id"] > told["ack"]]
        if told["epoch"] > epoch:
            epoch, mine = told["epoch"], told["document"]
            for one in pending:
                mine = apply(mine, one["patch"])
    here.receive({"epoch": epoch, "patches": pending}, ANSWERS)
    assert mine == here.value
    assert (here.value["nodes"]["c1"]["filters"], here.value["nodes"]["c3"]["filters"]) == (60, 56)


def test_a_moved_box_is_in_the_layout_and_not_in_the_file() -> None:
    here = session()
    say(here, layout=[{"id": 1, "moves": {"c1": [3, 4], "c3": [1.4, 2], "no": ["a", 1]}}])
    assert dict(here.layout.pinned) == {"c1": (3, 4), "c3": (1, 2)} and here.dirty
    say(here, layout=[{"id": 2, "moves": {"c3": None}}])
    assert dict(here.layout.pinned) == {"c1": (3, 4)}
    assert here.text() == here.saved.text


def test_two_documents_of_one_page_never_share_an_epoch() -> None:
    first, second = session(), Session(session().saved, Layout(), "x", EXAMPLES, 2)
    for _ in range(50):
        first.replace({**first.value, "doc": str(time.perf_counter())})
    assert second.epoch > first.epoch + 1000


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


HOSTILE: list[Any] = [
    {}, {"epoch": "x"}, {"patches": 3}, {"patches": [3, None]}, {"patches": [{"id": 1}]}, {"asks": [{"what": "save"}]},
    {"layout": [{"id": 1, "moves": 3}]}, {"place": {"a": 1}}, {"selection": 4},
    {"patches": [{"id": 1, "patch": [{"at": 3}]}]},
    {"asks": [{"id": 2, "what": "__class__"}]}, {"asks": [{"id": 3, "what": "rename", "node": {}, "name": []}]},
    {"asks": [{"id": 4, "what": "paste", "text": "[" * 5000}]}, {"asks": [{"id": 5, "what": "fits", "from": 3}]},
    {"patches": [{"id": 9, "patch": [{"at": "", "value": 3}]}]}, {"patches": [{"id": 9, "patch": [3, None]}]},
    {"patches": [{"id": 9, "patch": [{"at": "/doc", "value": nested(900)}]}]},
    {"patches": [{"id": 9, "patch": [{"at": "/doc", "value": "\ud800"}]}]},
    {"patches": [{"id": 9, "patch": [{"at": "/nodes/c1/filters", "value": float("nan")}]}]},
    {"patches": [{"id": 9, "patch": [{"at": "/nodes/c1/filters", "value": 10**5000}]}]},
]  # fmt: skip


@pytest.mark.parametrize("said", HOSTILE, ids=[str(number) for number in range(len(HOSTILE))])
def test_nonsense_from_the_browser_is_refused_and_breaks_nothing(said: Any) -> None:
    here = session()
    here.receive({"epoch": here.epoch, **said}, ANSWERS)
    assert here.value == here.saved.value
    assert json.dumps(here.data(shown(here)))


PLACES = (
    "/nodes",
    "/nodes/c1",
    "/nodes/c1/in",
    "/inputs",
    "/inputs/image",
    "/inputs/image/shape",
    "/outputs",
    "/outputs/label",
    "/blocks",
    "/params",
    "/variants",
    "/expect",
    "/dims",
    "/meta",
    "/imports",
    "/name",
    "/doc",
)
WRONG: tuple[Any, ...] = (
    None,
    True,
    -1,
    1e308,
    "",
    "\0",
    "x",
    [],
    [[]],
    [1, "a"],
    {},
    {"a": 1},
    {"a": {"b": []}},
    "=1+",
)


def test_whatever_a_part_of_a_file_holds_it_is_shown_and_every_ask_is_answered() -> None:
    for shift, place in enumerate(PLACES):
        for number, wrong in enumerate(WRONG[shift % 4 :: 4], shift):
            here = session()
            say(here, patches=[{"id": 1, "patch": [{"at": place, "value": wrong}]}])
            here.selection = ("c1",)
            assert json.dumps(message(here))
            name = sorted(ANSWERS)[number % len(ANSWERS)]
            given = {"nodes": ["c1", "s2"], "node": "c1", "name": "other", "text": "c", "patch": [{"at": "/nodes/c1"}]}
            end = {"node": "c1", "port": "x", "side": "in"}
            say(here, asks=[{"id": 2, "what": name, **given, "from": end}])
            assert here.ack == 2 and json.dumps(message(here))


# ---- asks


def ask(here: Session, number: int, what: str, **given: Any) -> dict[str, Any]:
    say(here, asks=[{"id": number, "what": what, **given}])
    return here.replies[str(number)]


def test_every_ask_answers() -> None:
    here = session("resnet50")
    assert ask(here, 1, "rename", node="stem", name="begin", place=[])["done"]
    assert ask(here, 2, "group", nodes=["begin", "pool"], name="head", place=[])["selection"] == ["head"]
    assert ask(here, 3, "inline", node="head", place=[])["done"]
    assert ask(here, 4, "find", text="conv")["found"][0]["path"]
    text = ask(here, 5, "copy", nodes=["stage1"], place=[])["text"]
    assert "bottleneck" in json.loads(text)["blocks"]
    assert ask(here, 6, "paste", text=text, links=True, place=[])["selection"] == ["stage5"]
    assert ask(here, 7, "duplicate", nodes=["gap"], place=[])["selection"] == ["gap2"]
    fits = ask(here, 8, "fits", **{"from": {"node": "stage1", "port": "output", "side": "out"}})
    assert fits["ops"]["conv"] is None and fits["ports"]["stage1.x"]
    preview = ask(here, 9, "preview", patch=[{"at": "/nodes/gap2"}])
    assert "gap2" not in preview["shapes"] and "gap2" in here.value["nodes"]
    assert ask(here, 10, "diff")["nodes"]["gap2"]["change"] == "added"
    assert {one["code"] for one in ask(here, 11, "fixes")["problems"]} == {"AG404", "AG405"}
    assert "error" in ask(here, 12, "nonsense")


def test_a_library_block_is_read_only_until_it_is_copied_into_the_file() -> None:
    here = session()
    here.replace(apply(here.value, [{"at": "/nodes/extra", "value": {"block": "residual", "in": "s2", "width": 6}}]))
    place = opened(here.survey, ["extra"], "x")
    assert place.readonly and place.card()["pointer"] is None and place.card()["body"]["nodes"]
    assert "error" in ask(here, 1, "rename", node="conv1", name="c", place=["extra"])
    assert ask(here, 2, "own", place=["extra"])["done"]
    place = opened(here.survey, ["extra"], "x")
    assert place.card()["pointer"] == "/blocks/residual"
    assert "squeeze_excite" not in here.value["blocks"] or here.survey.errors == []


# ---- views


@EVERY
def test_every_example_opens_quickly_and_saving_it_changes_no_byte(path: Path) -> None:
    here = Session(read_file(path), Layout(), path.name, EXAMPLES)
    assert here.text().encode() == path.read_bytes() and not here.dirty
    told = shown(here)
    assert set(told["nodes"]) == {
        *here.value["inputs"],
        *here.value["nodes"],
        *(f"out:{n}" for n in here.value["outputs"]),
    }
    assert all(port["shape"] is not None for node in told["nodes"].values() for port in node["outputs"])
    quickest = 10.0
    for number in range(3):
        here.replace({**here.value, "doc": f"edit {number}"})
        began = time.process_time()
        json.dumps(here.data(shown(here)))
        quickest = min(quickest, time.process_time() - began)
    assert quickest < 0.1


def test_a_view_counts_as_the_papers_do() -> None:
    told = shown(session())
    assert told["nodes"]["c1"]["params"] == 156 and told["nodes"]["c1"]["outputs"][0]["shape"] == [28, 28, 6]
    assert told["totals"]["params"] == 61_706
    resnet = shown(session("resnet50"))
    assert resnet["nodes"]["stage3"]["repeat"] == 6 and resnet["totals"]["params"] == 25_610_152


def test_inside_a_call_shapes_and_expressions_are_those_of_the_call() -> None:
    here = session("resnet50")
    for call, width, size in (("stage1", "64", 56), ("stage4", "512", 7)):
        told = view(here.survey, opened(here.survey, [call], "x"))
        assert told["place"]["pointer"] == "/blocks/bottleneck"
        assert told["nodes"]["reduce"]["values"]["filters"] == width
        assert told["nodes"]["reduce"]["outputs"][0]["shape"][:2] == [size, size]


def test_a_call_shows_the_findings_inside_its_block() -> None:
    here = session("resnet50")
    here.replace(apply(here.value, [{"at": "/blocks/bottleneck/nodes/conv/filters", "value": 0}]))
    told = shown(here)
    assert {name for name, node in told["nodes"].items() if node["worst"] == "error"} == {
        f"stage{i}" for i in range(1, 5)
    }
    inside = view(here.survey, opened(here.survey, ["stage2"], "x"))
    assert [name for name, node in inside["nodes"].items() if node["problems"]] == ["conv"]
    assert inside["problems"][0]["field"] == "filters"


def test_contracts_are_kept_broken_or_unknown() -> None:
    value = {**session().value, "expect": {"params": 61706, "macs": "<= 10"}}
    here = Session(read(json.dumps(value), "x"), Layout(), "x", EXAMPLES)
    assert [one["holds"] for one in shown(here)["contracts"]] == [True, False]
    assert shown(here)["contracts"][1]["text"] == "at most 10 multiply-adds"
    here.replace(apply(here.value, [{"at": "/nodes/c1/filters", "value": -1}]))
    assert [one["holds"] for one in shown(here)["contracts"]] == [None, None]
