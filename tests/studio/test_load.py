"""Many people at once: nobody waits, nobody sees another's edits, and memory stays small."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from archgraph.document.layout import Layout
from archgraph.document.reader import read_file
from archgraph.studio import session
from archgraph.studio.answers import ANSWERS
from archgraph.studio.session import Session
from archgraph.studio.view import view
from benchmarks.people import gather, memory, together
from benchmarks.studio import EXAMPLES, PEOPLE, ladder, percentile, serve


def told(here: Session) -> dict[str, Any]:
    shown = view(here.survey, here.opened)
    here.mend(shown)
    answer: dict[str, Any] = json.loads(json.dumps(here.data(shown)))
    return answer


def titles(here: Session) -> list[str]:
    """Of the fixes that are offered for the first finding."""
    return [fix["title"] for fix in told(here)["view"]["problems"][0]["fixes"]]


def test_two_sessions_edited_by_turns_hold_their_own() -> None:
    path = EXAMPLES / "lenet5.graph.json"
    document = read_file(path)
    pristine = copy.deepcopy(document.value)
    one, other = (Session(document, Layout(), path.name, EXAMPLES) for _ in range(2))
    for number in range(1, 31):
        for here, name in ((one, "one"), (other, "other")):
            change = {"at": "/doc", "value": f"{name} {number}"}
            here.receive({"epoch": here.epoch, "patches": [{"id": number, "patch": [change]}]}, ANSWERS)
            assert told(here)["ack"] == number
    assert (one.value["doc"], other.value["doc"]) == ("one 30", "other 30")
    assert document.value == pristine


def test_fixes_that_are_not_found_at_once_come_with_later_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    value = ladder(60)
    value["nodes"]["n0"]["units"] = 17
    document = read_file(EXAMPLES / "lenet5.graph.json")
    patient, hurried = (Session(document, Layout(), "a.graph.json", EXAMPLES, value=value) for _ in range(2))
    wanted = [fix.title for fix in patient.fixes(patient.survey.errors[0])]
    assert "Make units of n0 16" in wanted
    monkeypatch.setattr(session, "FIRST", 0.0)
    monkeypatch.setattr(session, "LONGEST", 1e6)
    assert titles(hurried) == [] and not hurried.mended
    shown = []
    while not hurried.mended:
        known = hurried.search(0.004)
        shown.append(titles(hurried))
        assert len(shown[-1]) <= known
    assert shown[-1] == wanted and shown[0] != wanted
    assert all(wanted[: len(one)] == one for one in shown)


def test_a_search_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    value = ladder(60)
    value["nodes"]["n0"]["units"] = 17
    here = Session(read_file(EXAMPLES / "lenet5.graph.json"), Layout(), "a.graph.json", EXAMPLES, value=value)
    monkeypatch.setattr(session, "FIRST", 0.0)
    monkeypatch.setattr(session, "LONGEST", 0.0)
    assert titles(here) == [] and here.mended


@pytest.mark.slow
def test_twenty_people_at_one_studio_wait_less_than_a_second(tmp_path: Path) -> None:
    crowd = gather(tmp_path, EXAMPLES, PEOPLE)
    server, address = serve(str(tmp_path))
    try:
        together(crowd, address, 120, server.pid)
        most = memory(server.pid, "VmHWM")
    finally:
        server.terminate()
        server.wait(20)
    times = [taken for one in crowd for taken in one.times]
    assert [what for one in crowd for what in one.wrong] == []
    assert all(one.times for one in crowd)
    assert percentile(times, 0.95) < 1.0
    assert most < 2000
