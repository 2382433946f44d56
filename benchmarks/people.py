"""Many people at one studio: real sessions over websockets, each with a file of its own, editing at the same time."""

import asyncio
import itertools
import json
import os
import random
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archgraph.editing.patches import Change, apply, looked_up, pointer, put
from archgraph.editing.survey import survey
from archgraph.studio.session import fingerprint

PATIENCE = 120.0
"""Seconds after which an answer counts as lost."""

PAUSE = 1.0, 3.0
"""Seconds, least and most, between an answer and the next edit: the pace of somebody who knows what to do."""

MISTAKES = 4
"""Different ways in which a person breaks a graph."""

STEP = 7
"""Of the examples in alphabetical order one in so many is taken, then the ones after them: kin have like names."""


@dataclass
class Person:
    """One browser page, as the server sees it: a websocket, a component's state, and the document that it shows."""

    file: str
    drawn: random.Random
    mistakes: list[Change] = field(default_factory=list)
    """Edits that break the file as it is."""
    document: Any = None
    epoch: int = 0
    identity: int = 0
    number: int = 0
    component: str = ""
    fragment: str = ""
    page: str = ""
    mistake: Change = field(default_factory=lambda: put("/doc", ""))
    right: Any = None
    times: list[float] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    async def live(self, address: str, seconds: float, ready: asyncio.Barrier) -> None:
        """Open the file, wait until everybody has, then edit it until the time is over."""
        from websockets.asyncio.client import connect

        url = f"{address.replace('http', 'ws', 1)}/_stcore/stream"
        async with connect(url, subprotocols=["streamlit"], max_size=None, compression=None) as line:  # type: ignore[list-item]
            await self._say(line, None)
            opened, _ = await self._hear(line, 0)
            self.document, self.epoch, self.identity = opened["document"], opened["epoch"], opened["file"]["id"]
            await ready.wait()
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                await asyncio.sleep(self.drawn.uniform(*PAUSE))
                await self._edit(line)

    async def _edit(self, line: Any) -> None:
        """One edit: every third breaks the graph and the next mends it, as happens to people."""
        self.number += 1
        change = self._change()
        self.document = apply(self.document, [change])
        began = time.perf_counter()
        await self._say(line, change)
        told, size = await self._hear(line, self.number)
        self.times.append(time.perf_counter() - began)
        self.sizes.append(size)
        if told["documentHash"] != fingerprint(self.document) or told["file"]["name"] != self.file:
            self.wrong.append(f"{self.file}: edit {self.number} was answered with another document")
        broken = any(one["severity"] == "error" for one in told["view"]["problems"])
        if broken != (self.number % 3 == 0):
            self.wrong.append(f"{self.file}: edit {self.number} was judged wrongly")

    def _change(self) -> Change:
        if self.number % 3 == 0:
            self.mistake = self.drawn.choice(self.mistakes)
            self.right = looked_up(self.document, self.mistake["at"])
            return self.mistake
        if self.number % 3 == 1 and self.number > 1:
            return put(self.mistake["at"], self.right)
        return put("/doc", f"{self.file}, edit {self.number}")

    async def _say(self, line: Any, change: Change | None) -> None:
        from streamlit.proto.BackMsg_pb2 import BackMsg

        said = BackMsg()
        said.rerun_script.query_string = f"file={self.file}"
        said.rerun_script.page_script_hash = self.page
        if change is not None:
            said.rerun_script.fragment_id = self.fragment
            widget = said.rerun_script.widget_states.widgets.add()
            widget.id = self.component
            patches = [{"id": self.number, "label": "Edit", "patch": [dict(change)]}]
            selected = self.drawn.choice(list(self.document["nodes"]))
            widget.json_value = json.dumps({"edit": {
                "file": self.identity, "epoch": self.epoch, "seq": self.number, "catalogue": self.catalogue,
                "patches": patches, "asks": [], "place": [], "selection": [selected], "layout": [],
            }})  # fmt: skip
        await line.send(said.SerializeToString())

    catalogue: str = ""

    async def _hear(self, line: Any, number: int) -> tuple[Mapping[str, Any], int]:
        """The canvas's next data that acknowledges `number`, and how large it was."""
        from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

        async with asyncio.timeout(PATIENCE):
            while True:
                heard = ForwardMsg()
                heard.ParseFromString(await line.recv())
                if heard.WhichOneof("type") == "new_session":
                    self.page = heard.new_session.page_script_hash
                if heard.WhichOneof("type") != "delta" or not heard.delta.new_element.HasField("bidi_component"):
                    continue
                shown = heard.delta.new_element.bidi_component
                self.component, self.fragment = shown.id, heard.delta.fragment_id
                text = shown.json or shown.mixed.json
                told = json.loads(text)
                if told["ack"] >= number:
                    self.catalogue = told["catalogueHash"]
                    return told, len(text)


def gather(folder: Path, examples: Path, count: int) -> list[Person]:
    """People with a copy of an example each, in a workspace."""
    paths = sorted(path for path in examples.glob("*.graph.json") if "imports" not in json.loads(path.read_text()))
    people: list[Person] = []
    spread = [path for first in range(STEP) for path in paths[first::STEP]]
    for path in spread:
        mistakes = list(itertools.islice(breaking(json.loads(path.read_text())), MISTAKES))
        if mistakes:
            name = f"person_{len(people)}.graph.json"
            shutil.copy(path, folder / name)
            people.append(Person(name, random.Random(len(people)), mistakes))
        if len(people) == count:
            break
    return people


def breaking(value: Any) -> Iterator[Change]:
    """Edits as people make them by mistake: a number, or a wire, that does not fit."""
    for name, record in reversed(value["nodes"].items()):
        wires = [put(pointer("nodes", name, "in"), other) for other in value["inputs"] if record.get("in") != other]
        numbers = [
            put(pointer("nodes", name, key), wrong)
            for key, number in record.items() for wrong in (7, 1000)
            if isinstance(number, int) and not isinstance(number, bool) and wrong != number
        ]  # fmt: skip
        for change in (*numbers, *wires):
            if survey(apply(value, [change])).errors:
                yield change


def together(people: list[Person], address: str, seconds: float, process: int) -> tuple[float, float]:
    """Everybody at once; returns the processor time of the server over that time, and its memory at half time."""

    async def watch(ready: asyncio.Barrier) -> tuple[float, float]:
        await ready.wait()
        began = processor(process)
        await asyncio.sleep(seconds / 2)
        half = memory(process)
        await asyncio.sleep(seconds / 2)
        return processor(process) - began, half

    async def all_of_them() -> tuple[float, float]:
        ready = asyncio.Barrier(len(people) + 1)
        watched = asyncio.create_task(watch(ready))
        await asyncio.gather(*(one.live(address, seconds, ready) for one in people))
        return await watched

    return asyncio.run(all_of_them())


def memory(process: int, what: str = "VmRSS") -> float:
    """Megabytes that a process holds now; the most that it has held with ``VmHWM``."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{what}:")) / 1024


def processor(process: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
