"""What the files of a run folder held when they were written, so that a damaged one is refused, not used.

``manifest.json`` has the SHA-256 of each file, and of all these together. While a file is being replaced it has both
sums, of the old content and of the new: whenever the process is killed, the file has one of them.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from archgraph.diagnostics import Diagnostic, GraphError
from archgraph.document.files import replacing, write_atomically

NAME = "manifest.json"
_VERSION = 1
Sums = dict[str, list[str]]


@contextmanager
def sealing(path: Path) -> Iterator[Path]:
    """A temporary path for somebody else to write; then it becomes `path`, and the manifest beside it vouches for it.

    Raises:
        GraphError: AG109, it cannot be written; `path` is what it was.
    """
    with replacing(path) as temporary:
        yield temporary
        fresh = _sum_of(temporary)
        known = _kept(path.parent)
        _write(path.parent, {**known, path.name: [fresh, *known.get(path.name, ())]})
    _write(path.parent, {**known, path.name: [fresh]})


def write_sealed(path: Path, content: str | bytes) -> None:
    """Replace the file at `path`, and have the manifest vouch for it."""
    with sealing(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


def seal(folder: Path, contents: Mapping[str, str | bytes]) -> None:
    """Write several files of a folder, by name, and have the manifest vouch for them."""
    for name, content in contents.items():
        write_atomically(folder / name, content)
    fresh = {name: [_sum(content)] for name, content in contents.items()}
    _write(folder, {**_kept(folder), **fresh})


def whole(path: Path) -> bool:
    """Whether the file is there, as the manifest says."""
    try:
        verify(path)
    except GraphError:
        return False
    return True


def verify(*paths: Path) -> None:
    """Make sure that files are as they were written.

    Raises:
        GraphError: AG704, one is not, or the manifest beside it is missing or damaged, or does not know it.
    """
    found = [complaint for path in paths if (complaint := _complaint(path)) is not None]
    if found:
        raise GraphError(found)


def verify_known(path: Path) -> None:
    """`verify`, if the file lies beside a manifest that knows it: a model may be moved out of its run."""
    if path.name in _kept(path.parent):
        verify(path)


def _complaint(path: Path) -> Diagnostic | None:
    try:
        known = _read(path.parent)
        if path.name not in known:
            return _refused(path, f"{NAME} does not know the file", "it is not of this run, or was never finished")
        if _sum_of(path) in known[path.name]:
            return None
    except OSError as error:
        return _refused(Path(error.filename or path), f"cannot be read: {error.strerror or error}", _REMEDY)
    except ValueError as error:
        return _refused(path.parent / NAME, f"it is damaged: {error}", _REMEDY)
    return _refused(path, f"it is damaged: its SHA-256 is not the one in {NAME}", _REMEDY)


_REMEDY = "bring it back from a copy, or train anew"


def _refused(path: Path, message: str, hint: str) -> Diagnostic:
    return Diagnostic("AG704", "", message, hint, file=str(path))


# ---- the file


def _kept(folder: Path) -> Sums:
    """What the manifest says so far; a damaged one vouches for nothing."""
    try:
        return _read(folder)
    except (OSError, ValueError):
        return {}


def _read(folder: Path) -> Sums:
    text = (folder / NAME).read_bytes().decode()
    value = json.loads(text)
    files = value["files"] if isinstance(value, Mapping) and "files" in value else {}
    if text != _text(files):
        raise ValueError("its own SHA-256 does not hold")
    return {str(name): list(sums) for name, sums in files.items()}


def _write(folder: Path, files: Mapping[str, Iterable[str]]) -> None:
    write_atomically(folder / NAME, _text(files))


def _text(files: Any) -> str:
    listed = json.dumps(files, sort_keys=True, indent=2)
    value = {"version": _VERSION, "sha256": _sum(listed), "files": files}
    return json.dumps(value, sort_keys=True, indent=2) + "\n"


def _sum(content: str | bytes) -> str:
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def _sum_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
