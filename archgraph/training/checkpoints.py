"""The last states of a run, two of them: where the newest is damaged, the one before it serves."""

import re
from collections.abc import Callable
from pathlib import Path

from archgraph.diagnostics import Diagnostic, GraphError
from archgraph.document.files import make_folder, remove
from archgraph.training import state
from archgraph.training.state import State

KEPT = 2
"""How many are kept, but for the moment in which a new one is written."""
_NAME = re.compile(r"(\d{8})\.state")


class Checkpoints:
    """The states in a folder, by number: the newest has the highest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._damaged: set[Path] = set()

    def files(self) -> list[Path]:
        """All there are, the newest first."""
        if not self.folder.is_dir():
            return []
        return sorted((path for path in self.folder.iterdir() if _NAME.fullmatch(path.name)), reverse=True)

    def write(self, moment: State) -> Path:
        """Keep a state; those that are too many then go, damaged ones first.

        Raises:
            GraphError: AG109, it cannot be written; those that were there remain.
        """
        held = self.files()
        number = 1 + (int(held[0].stem) if held else 0)
        path = self.folder / f"{number:08d}.state"
        make_folder(self.folder)
        state.write(path, moment)
        good = [file for file in held if file not in self._damaged]
        for file in (*(file for file in held if file in self._damaged), *good[KEPT - 1 :]):
            remove(file)
        self._damaged.clear()
        return path

    def newest(self, say: Callable[[str], None]) -> State | None:
        """The newest state that is whole, or None where there is no file at all; `say` is told of damaged ones.

        Raises:
            GraphError: AG704, there are files, and all are damaged.
        """
        found: list[Diagnostic] = []
        for path in self.files():
            try:
                whole = state.read(path)
            except GraphError as error:
                found += error.diagnostics
                self._damaged.add(path)
                continue
            for one in found:
                say(f"{Path(one.file).name}: {one.message}; going on from {path.name}, which is whole")
            return whole
        if found:
            raise GraphError(found)
        return None
