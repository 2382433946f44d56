"""Many people at once: nobody waits, nobody sees another's edits, and memory stays small."""

import json
import resource
import threading
import time
from pathlib import Path

import pytest

from archgraph.document.layout import Layout
from archgraph.document.reader import read_file
from archgraph.studio.answers import ANSWERS
from archgraph.studio.session import Session
from archgraph.studio.view import view

EXAMPLES = Path(__file__).parents[2] / "examples"
PEOPLE = 20


def work(person: int, seconds: float, times: list[float], wrong: list[str]) -> None:
    """Somebody who edits and reads the answer, over and over."""
    paths = sorted(EXAMPLES.glob("*.graph.json"))
    path = paths[(7 * person) % len(paths)]
    here = Session(read_file(path), Layout(), path.name, EXAMPLES)
    here.receive({"epoch": here.epoch}, ANSWERS)
    end, number = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        number += 1
        began = time.perf_counter()
        mine = f"person {person}, edit {number}"
        change = {"at": "/doc", "value": mine}
        here.receive({"epoch": here.epoch, "patches": [{"id": number, "patch": [change]}]}, ANSWERS)
        told = json.dumps(here.data(view(here.survey, here.opened)))
        times.append(time.perf_counter() - began)
        if here.value["doc"] != mine or here.ack != number or '"ack": ' not in told:
            wrong.append(mine)
        time.sleep(0.2)


def crowd(seconds: float) -> tuple[list[float], list[str]]:
    """Everybody at once."""
    times: list[float] = []
    wrong: list[str] = []
    threads = [threading.Thread(target=work, args=(person, seconds, times, wrong)) for person in range(PEOPLE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times, wrong


def test_twenty_people_do_not_see_each_other() -> None:
    times, wrong = crowd(1.5)
    assert len(times) >= PEOPLE and wrong == []


@pytest.mark.slow
def test_twenty_people_for_two_minutes_wait_less_than_a_second() -> None:
    times, wrong = crowd(120)
    assert wrong == []
    assert sorted(times)[int(0.95 * len(times))] < 1.0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 < 2000
