"""Forms for data: a data set that is at hand, or files that are uploaded, within limits."""

import csv
import re
import zipfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path, PurePosixPath
from statistics import StatisticsError, median, mode
from typing import Any, Final

import streamlit as st

from archgraph.diagnostics import GraphError
from archgraph.record import REQUIRED
from archgraph.studio.wording import plain
from archgraph.studio.workspace import Workspace, refused
from archgraph.training.data import SOURCES

LARGEST_MB: Final = 200
MOST_PICTURES: Final = 20_000
LARGEST_PICTURE: Final = 20_000_000
UPLOADS: Final = "data"
"""The folder of the workspace for uploads."""
PICTURES: Final = (".png", ".jpg", ".jpeg", ".bmp", ".gif")
MISSING: Final = frozenset({"", "na", "n/a", "nan", "null", "none", "?", "-"})
"""What stands in a table where a value is missing."""
REMEDIES: Final = {
    "Leave those rows out": "rows", "Fill in the usual value of the column": "fill",
    "Leave those columns out": "columns",
}  # fmt: skip
"""What can be done with missing values, and the ending of the file that is written."""
GAP_HELP: Final = "The usual value is the middle one of numbers and the commonest of words. Your file stays as it is."
_SAFE: Final = re.compile(r"[^A-Za-z0-9._-]")


def ready_sources() -> list[str]:
    """Data sets that need no file and nothing else to be said."""
    return [
        name for name, kind in SOURCES.items()
        if not any(field.default is REQUIRED for field in kind.fields().values()) and "download" not in kind.fields()
    ]  # fmt: skip


def chosen_data(workspace: Workspace, key: str) -> Any:
    """What is chosen, as an experiment has it; None while nothing is."""
    how = st.segmented_control(
        "Where is your data?", ["A data set that is here already", "My own files"], key=f"{key} how",
        default="A data set that is here already",
    )  # fmt: skip
    if how == "My own files":
        return _uploaded(workspace, key)
    names = ready_sources()
    name = st.selectbox(
        "Data set", names, key=f"{key} name", index=names.index("digits") if "digits" in names else 0,
        format_func=lambda one: one.replace("_", " "),
    )  # fmt: skip
    st.caption(plain(SOURCES[name].doc().partition("\n")[0]) + f"  \n{plain(SOURCES[name].shape)}")
    return name


def _uploaded(workspace: Workspace, key: str) -> Any:
    given = st.file_uploader(
        "A table (CSV), arrays (npz), or pictures in a zip file with a folder for each class",
        type=["csv", "npz", "zip"], key=f"{key} file", max_upload_size=LARGEST_MB,
    )  # fmt: skip
    if given is None:
        return None
    try:
        name = kept(workspace, given.name, given.getvalue())
    except GraphError as error:
        st.error(plain(error.diagnostics[0].message))
        return None
    if name.endswith(".csv"):
        return _table(workspace, name, key)
    if name.endswith(".npz"):
        return {"name": "npz", "file": name}
    size = st.select_slider("Scale all pictures to", [16, 24, 32, 48, 64, 96, 128], 32, key=f"{key} size")
    return {"name": "image_folder", "file": name, "size": [size, size]}


def _table(workspace: Workspace, name: str, key: str) -> Any:
    rows = _cells(workspace.root / name)
    columns = rows[0] if rows else []
    lacking = gaps(rows)
    if lacking:
        told = ", ".join(f"{column} ({count:,})" for column, count in lacking.items())
        st.warning(f"Some values are missing: {plain(told)}. Networks need every value.")
        how = st.radio("What is to be done with them?", list(REMEDIES), key=f"{key} missing", help=GAP_HELP)
        name = completed(workspace, name, REMEDIES[how or next(iter(REMEDIES))])
        rows = _cells(workspace.root / name)
        columns = rows[0]
        if len(rows) < 2 or len(columns) < 2:
            st.error("Nothing is left to learn from. Choose another way.")
            return None
    target = st.selectbox("What do you want to predict?", columns, index=len(columns) - 1, key=f"{key} target",
                          help="The column that is to be learned from all others.")  # fmt: skip
    return {"name": "csv", "file": name, "target": target} if target else None


def _cells(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        return [row for row in csv.reader(stream) if row]


def _missing(cell: str) -> bool:
    return cell.strip().casefold() in MISSING


def gaps(rows: Sequence[Sequence[str]]) -> dict[str, int]:
    """How many values each column of a table lacks, of those that lack any; its first row names the columns."""
    found = dict.fromkeys(rows[0] if rows else (), 0)
    for row in rows[1:]:
        for column, cell in zip(found, row, strict=False):
            found[column] += _missing(cell)
    return {column: count for column, count in found.items() if count}


def completed(workspace: Workspace, name: str, remedy: str) -> str:
    """Write a table without gaps beside the one that has them; returns its path in the workspace."""
    head, *rows = _cells(workspace.root / name)
    rows = [row for row in rows if len(row) == len(head)]
    lacking = gaps([head, *rows])
    if remedy == "columns":
        stay = [number for number, column in enumerate(head) if column not in lacking]
        head, rows = [head[number] for number in stay], [[row[number] for number in stay] for row in rows]
    elif remedy == "fill":
        usual = {number: _usual([row[number] for row in rows]) for number, one in enumerate(head) if one in lacking}
        rows = [[usual[number] if number in usual and _missing(cell) else cell for number, cell in enumerate(row)]
                for row in rows]  # fmt: skip
    else:
        rows = [row for row in rows if not any(map(_missing, row))]
    target = f"{name.removesuffix('.csv')}_{remedy}.csv"
    with workspace.path(target).open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([head, *rows])
    return target


def _usual(cells: Sequence[str]) -> str:
    """The middle of numbers; of words the commonest."""
    known = [cell for cell in cells if not _missing(cell)]
    try:
        return f"{median(map(float, known)):g}"
    except (ValueError, StatisticsError):
        return mode(known) if known else ""


def kept(workspace: Workspace, name: str, data: bytes) -> str:
    """Keep an uploaded file in the workspace; returns its path there. Raises `GraphError` for what is too large."""
    if len(data) > LARGEST_MB * 2**20:
        raise refused(name, f"it is larger than {LARGEST_MB} MB")
    safe = _SAFE.sub("_", PurePosixPath(name.replace("\\", "/")).name).lstrip(".") or "data"
    if safe.lower().endswith(".zip"):
        return _unpacked(workspace, safe, data)
    target = workspace.path(f"{UPLOADS}/{safe}")
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.is_file() or target.read_bytes() != data:
        target.write_bytes(data)
    return f"{UPLOADS}/{safe}"


def _unpacked(workspace: Workspace, name: str, data: bytes) -> str:
    """Pictures of a zip file, a folder for each class; anything else in it is passed over."""
    folder = f"{UPLOADS}/{name.removesuffix('.zip')}"
    target = workspace.path(folder)
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            entries = [one for one in archive.infolist() if PurePosixPath(one.filename).suffix.lower() in PICTURES]
            _need_small(name, entries)
            for entry in entries:
                _write(target, entry.filename, archive.read(entry))
    except (zipfile.BadZipFile, RuntimeError) as error:
        raise refused(name, f"it is no zip file that can be read: {error}") from None
    return folder


def _need_small(name: str, entries: list[zipfile.ZipInfo]) -> None:
    if not entries:
        raise refused(name, "it holds no pictures")
    if len(entries) > MOST_PICTURES:
        raise refused(name, f"it holds more than {MOST_PICTURES:,} pictures")
    if sum(one.file_size for one in entries) > 4 * LARGEST_MB * 2**20 or any(
        one.file_size > LARGEST_PICTURE for one in entries
    ):
        raise refused(name, "its pictures are too large")


def _write(target: Path, name: str, data: bytes) -> None:
    parts = [_SAFE.sub("_", part) for part in PurePosixPath(name).parts if part not in ("..", ".", "/")]
    if len(parts) < 2 or any(part.startswith(".") or part == "__MACOSX" for part in parts):
        return
    path = target / parts[-2] / parts[-1]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
