"""Uploaded data -> files of the workspace, within limits; what others have uploaded is never written over."""

import hashlib
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Final

from archgraph.diagnostics import Rejected
from archgraph.document.files import replacing_folder, write_atomically
from archgraph.studio.workspace import LONGEST_STEM, Workspace, refused
from archgraph.training.data.files import picture_size

LARGEST_MB: Final = 200
MOST_UNPACKED_MB: Final = 1_000
MOST_PICTURES: Final = 20_000
LARGEST_PICTURE: Final = 20_000_000
MOST_CELLS: Final = 40_000_000
"""Pixels of one picture."""
UPLOADS: Final = "data"
"""The folder of the workspace for uploads."""
ENDINGS: Final = ("csv", "npz", "zip", "txt")
PICTURES: Final = (".png", ".jpg", ".jpeg", ".bmp", ".gif")
MARK: Final = ".upload"
"""The file that says which upload a folder holds."""
_SAFE: Final = re.compile(r"[^A-Za-z0-9._-]")
_ENTRY: Final = b"PK\x01\x02"
"""What each entry of a zip file's directory begins with."""
_DAMAGED: Final = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, RuntimeError, EOFError, ValueError, OSError, OverflowError,
)  # fmt: skip


def kept(workspace: Workspace, name: str, data: bytes) -> str:
    """Keep an uploaded file in the workspace; returns its path there. Raises `GraphError` for what cannot be used.

    Another file of the same name keeps its place; the same file again is found where it is.
    """
    if len(data) > LARGEST_MB * 2**20:
        raise refused(name, f"it is larger than {LARGEST_MB} MB")
    safe = _SAFE.sub("_", PurePosixPath(name.replace("\\", "/")).name).lstrip(".") or "data"
    stem, dot, ending = safe.rpartition(".")
    stem, ending = (stem, ending.lower()) if dot else (ending, "")
    if ending not in ENDINGS:
        raise refused(name, f"its name must end in one of: {', '.join(ENDINGS)}")
    with workspace.locked(f"{UPLOADS}/{stem[:LONGEST_STEM]}"):
        if ending == "zip":
            return _unpacked(workspace, stem[:LONGEST_STEM], data)
        if ending == "npz":
            _need_little(data, name)
        return _written(workspace, stem[:LONGEST_STEM], f".{ending}", data)


def _written(workspace: Workspace, stem: str, ending: str, data: bytes) -> str:
    for target in _names(workspace, stem, ending):
        path = workspace.path(target)
        if not path.exists():
            workspace.write(target, data)
            return target
        if path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data:
            return target
    raise AssertionError("names never end")


def _need_little(data: bytes, name: str) -> None:
    """Raises `GraphError` for arrays that would fill the memory, and for what is no archive."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            size = sum(one.file_size for one in archive.infolist())
    except _DAMAGED as error:
        raise refused(name, f"it is no npz file that can be read: {str(error)[:120]}") from None
    if size > MOST_UNPACKED_MB * 2**20:
        raise refused(name, f"it unpacks to {size >> 20:,} MB, at most {MOST_UNPACKED_MB:,} can be used here")


def _names(workspace: Workspace, stem: str, ending: str) -> Iterator[str]:
    """Paths for an upload, the plain one first."""
    workspace.path(UPLOADS)  # refuses a folder that leads elsewhere
    number = 1
    while True:
        yield f"{UPLOADS}/{stem}{ending}" if number == 1 else f"{UPLOADS}/{stem}_{number}{ending}"
        number += 1


def _unpacked(workspace: Workspace, stem: str, data: bytes) -> str:
    """Pictures of a zip file, a folder for each class; anything else in it is passed over."""
    stamp = hashlib.sha256(data).hexdigest()
    for target in _names(workspace, stem, ""):
        path = workspace.path(target)
        if not path.exists():
            break
        mark = path / MARK
        if mark.is_file() and mark.read_text("utf-8") == stamp:
            return target
    if data.count(_ENTRY) > 2 * MOST_PICTURES:
        raise refused(f"{stem}.zip", f"it holds more than {2 * MOST_PICTURES:,} files")
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing_folder(path, MARK) as fresh:
        _unpack(data, stem, fresh)
        write_atomically(fresh / MARK, stamp)
    return target


def _unpack(data: bytes, stem: str, folder: Path) -> None:
    name = f"{stem}.zip"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            entries = [one for one in archive.infolist() if PurePosixPath(one.filename).suffix.lower() in PICTURES]
            _need_small(name, entries)
            written = sum([_write(folder, name, entry.filename, archive.read(entry)) for entry in entries])
    except _DAMAGED as error:
        raise refused(name, f"it is no zip file that can be read: {str(error)[:120]}") from None
    if not written:
        raise refused(name, "its pictures stand in no folders; put those of each class into a folder of its own")


def _need_small(name: str, entries: list[zipfile.ZipInfo]) -> None:
    if not entries:
        raise refused(name, "it holds no pictures")
    if len(entries) > MOST_PICTURES:
        raise refused(name, f"it holds more than {MOST_PICTURES:,} pictures")
    if sum(one.file_size for one in entries) > MOST_UNPACKED_MB * 2**20 or any(
        one.file_size > LARGEST_PICTURE for one in entries
    ):
        raise refused(name, "its pictures are too large")


def _write(target: Path, archive: str, name: str, data: bytes) -> bool:
    """Write one picture into the folder of its class; whether it stands in one."""
    parts = [_SAFE.sub("_", part)[-LONGEST_STEM:] for part in PurePosixPath(name).parts if part not in ("..", ".", "/")]
    if len(parts) < 2 or any(part.startswith(".") or part == "__MACOSX" for part in parts):
        return False
    need_picture(data, f"{archive}: {parts[-1]}")
    path = target / parts[-2] / parts[-1]
    number = 1
    while path.exists():  # the same name in another folder of the zip file
        number += 1
        path = target / parts[-2] / f"{Path(parts[-1]).stem}_{number}{Path(parts[-1]).suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return True


def need_picture(data: bytes, name: str) -> None:
    """Raises `GraphError` unless `data` begin as a picture of a bearable size does."""
    try:
        width, height = picture_size(BytesIO(data), name)
    except Rejected as rejected:
        raise refused(name, f"it is no picture that can be read: {rejected.message[:120]}") from None
    if width * height > MOST_CELLS:
        raise refused(name, f"it has {width * height:,} pixels, at most {MOST_CELLS:,} can be used here")
