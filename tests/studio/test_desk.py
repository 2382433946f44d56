"""Two desks, one file: whatever the order of edits and saves, what each has done stands in the file at the end."""

import json
import random
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from archgraph.studio.conversation import take
from archgraph.studio.desk import Desk
from archgraph.studio.drafts import Drafts, new_key
from archgraph.studio.workspace import Workspace

EXAMPLES = Path(__file__).parents[2] / "examples"
FILE = "shared.graph.json"
NODES = ("a", "b", "c", "d")
CONTESTED = "/nodes/a/units"


def file(folder: Path) -> Path:
    """A file of four layers; it has no blocks, parameters or notes yet."""
    before, nodes = "x", {}
    for name in NODES:
        nodes[name] = {"op": "dense", "in": before, "units": 4}
        before = name
    path = folder / FILE
    path.write_text(json.dumps({"archgraph": 1, "name": "shared", "inputs": {"x": {"shape": [4]}}, "nodes": nodes,
                                "outputs": {"y": before}}, indent=2))  # fmt: skip
    return path


def desk(folder: Path) -> Desk:
    """A page with that file open."""
    place = Workspace(folder)
    made = Desk(place, Drafts(place, new_key()))
    made.open(FILE)
    return made


@dataclass
class Person:
    """Somebody who edits over the canvas's messages, saves, and answers the window that a conflict opens."""

    name: str
    desk: Desk
    drawn: random.Random
    number: int = 0
    wanted: dict[str, Any] = field(default_factory=dict)
    """What nobody else touches, by pointer; None where it has been removed."""
    pinned: dict[str, list[int]] = field(default_factory=dict)
    units: list[int] = field(default_factory=list)

    def say(self, kind: str, **said: Any) -> None:
        session = self.desk.session
        assert session is not None
        self.number += 1
        take(self.desk, {"epoch": session.epoch, kind: [{"id": self.number, **said}]})
        assert session.ack == self.number

    def edit(self, number: int) -> None:
        """One of: a new key in a part that may not exist, the removal of one, a moved node, a number both change."""
        drawn, key = self.drawn.random(), f"{self.name}{number}"
        session = self.desk.session
        assert session is not None
        mine = [at for at, value in self.wanted.items() if value is not None]
        if drawn < 0.2:
            self.units.append(1000 + number)
            self.say("patches", patch=[{"at": CONTESTED, "value": 1000 + number}])
        elif drawn < 0.35:
            self.pinned[f"{self.name}_{number}"] = [number, -number]
            self.say("layout", moves={f"{self.name}_{number}": [number, -number]})
        elif drawn < 0.5 and mine:
            gone = self.drawn.choice(mine)
            self.wanted[gone] = None
            self.say("patches", patch=[{"at": gone}])
        else:
            part = self.drawn.choice(["/meta", "/dims", "/blocks"])
            value = {"doc": key} if part != "/meta" else number
            begin = [] if part[1:] in session.value else [{"at": part, "value": {}}]
            self.wanted[f"{part}/{key}"] = value
            self.say("patches", patch=[*begin, {"at": f"{part}/{key}", "value": value}])

    def save(self) -> None:
        """Save; in the window of a conflict go on editing, or put both together with one of the sides at each place."""
        if self.desk.conflict is None and self.desk.save():
            return
        if self.drawn.random() < 0.3:
            self.desk.conflict = None  # “Go on editing”
            return
        self.settle()

    def settle(self) -> None:
        places = [one.at for one in self.desk.contradictions().conflicts]
        assert set(places) <= {CONTESTED}, "nothing else was touched by both"
        self.desk.join([at for at in places if self.drawn.random() < 0.5])


def looked_up(value: Any, at: str) -> Any:
    for key in at.split("/")[1:]:
        value = value.get(key) if isinstance(value, dict) else None
    return value


@pytest.mark.parametrize("group", range(10))
def test_no_interleaving_of_two_who_save_one_file_loses_an_edit(
    group: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Drafts, "keep", lambda *_: None)
    for seed in range(20 * group, 20 * group + 20):
        folder = tmp_path / str(seed)
        folder.mkdir()
        path, drawn = file(folder), random.Random(seed)
        people = [Person(name, desk(folder), drawn) for name in ("mine", "theirs")]
        for number in range(1, 8):
            drawn.choice(people).edit(number)
            for one in drawn.sample(people, drawn.randrange(3)):
                one.save()
        for one in people * 2:
            while not one.desk.save():
                one.settle()
        found = json.loads(path.read_text("utf-8"))
        for one in people:
            assert {at: looked_up(found, at) for at in one.wanted} == one.wanted, seed
        layout = folder / "shared.layout.json"
        pins = json.loads(layout.read_text("utf-8"))["pinned"] if layout.is_file() else {}
        assert pins == people[0].pinned | people[1].pinned, seed
        assert found["nodes"]["a"]["units"] in [4, *people[0].units, *people[1].units], seed
        if people[0].units or people[1].units:
            assert found["nodes"]["a"]["units"] != 4, seed
        assert all(one.desk.session is not None and not one.desk.session.dirty for one in people[1:]), seed


def test_opening_and_saving_every_example_changes_no_byte(tmp_path: Path) -> None:
    for path in EXAMPLES.rglob("*.json"):
        target = tmp_path / path.relative_to(EXAMPLES)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.json")}
    place = Workspace(tmp_path)
    made = Desk(place, Drafts(place, new_key()))
    names = place.files()
    assert len(names) > 90
    for name in names:
        made.open(name)
        assert made.session is not None and not made.session.dirty
        assert made.save()
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.json") if ".archgraph" not in path.parts} == before


def test_what_a_file_became_meanwhile_is_told_and_another_name_keeps_both(tmp_path: Path) -> None:
    path = file(tmp_path)
    one = desk(tmp_path)
    assert one.session is not None
    one.session.replace({**one.session.value, "doc": "mine"})
    path.write_text(path.read_text().replace('"shared"', '"theirs"'))
    assert not one.save() and one.session.changed_on_disk
    one.step_aside()
    assert one.save(one.session.wish) and one.session.name == "shared_2.graph.json"
    assert json.loads((tmp_path / "shared_2.graph.json").read_text())["doc"] == "mine"
    assert json.loads(path.read_text())["name"] == "theirs"
