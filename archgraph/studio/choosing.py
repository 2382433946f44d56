"""Forms for data: a data set that is at hand, or files that are uploaded, within limits."""

import functools
from pathlib import Path
from typing import Any, Final

import streamlit as st

from archgraph.diagnostics import GraphError
from archgraph.record import REQUIRED
from archgraph.studio.tables import REMEDIES, Column, Reading, completed, is_amount, read_table, reading
from archgraph.studio.uploads import ENDINGS, LARGEST_MB, kept
from archgraph.studio.wording import counted, finding, plain
from archgraph.studio.workspace import Workspace
from archgraph.training.data import SOURCES

GAP_HELP: Final = "The usual value is the middle one of numbers and the commonest of words. Your file stays as it is."
ANSWERS: Final = ("One of several classes", "An amount")
MOST_WINDOWS: Final = 20_000
"""Pieces of a text that are learned from, about."""
MOST_TOLD: Final = 12
"""Columns that are named one by one."""
PIECE: Final = 40
"""Characters that are read to tell the next."""


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
        "A table (CSV), arrays (npz), a text (txt), or pictures in a zip file with a folder for each class",
        type=list(ENDINGS), key=f"{key} file", max_upload_size=LARGEST_MB,
    )  # fmt: skip
    if given is None:
        return None
    try:
        name = kept(workspace, given.name, given.getvalue())
        return _described(workspace, name, key)
    except GraphError as error:
        st.error(" ".join(map(finding, error.diagnostics[:3])))
        return None


def _described(workspace: Workspace, name: str, key: str) -> Any:
    """What is kept, as an experiment has it, after what else must be asked."""
    if name.endswith(".csv"):
        return _table(workspace, name, key)
    if name.endswith(".npz"):
        return {"name": "npz", "file": name}
    if name.endswith(".txt"):
        step = max(1, workspace.path(name).stat().st_size // MOST_WINDOWS)
        return {"name": "text_characters", "file": name, "length": PIECE, "step": step}
    size = st.select_slider("Scale all pictures to", [16, 24, 32, 48, 64, 96, 128], 32, key=f"{key} size")
    return {"name": "image_folder", "file": name, "size": [size, size]}


def _table(workspace: Workspace, name: str, key: str) -> Any:
    columns, delimiter = _columns(workspace, name)
    lacking = [one for one in columns if one.missing]
    if lacking:
        told = ", ".join(f"{one.name} ({one.missing:,})" for one in lacking[:MOST_TOLD])
        st.warning(f"Some values are missing: {plain(told)}. Networks need every value.")
        how = st.radio("What is to be done with them?", list(REMEDIES), key=f"{key} missing", help=GAP_HELP)
        name = completed(workspace, name, REMEDIES[how or next(iter(REMEDIES))])
        try:
            columns, delimiter = _columns(workspace, name)
        except GraphError:
            st.error("Nothing is left to learn from. Choose another way.")
            return None
    names = [one.name for one in columns]
    target = st.selectbox("What do you want to predict?", names, index=len(names) - 1, key=f"{key} target {name}",
                          help="The column that is to be learned from all others.")  # fmt: skip
    learned = next(one for one in columns if one.name == target)
    amount = learned.numeric and ANSWERS[1] == st.radio(
        "What kind of answer is it?", ANSWERS, index=int(is_amount(learned)), key=f"{key} kind {name} {target}",
        horizontal=True, help="A class is one of a few answers, such as “cat” or “dog”. An amount is a number, such as "
        "a price.",
    )  # fmt: skip
    found = reading(columns, learned.name, amount=amount)
    _tell(found)
    return found.data(name, delimiter)


def _tell(found: Reading) -> None:
    """Say what becomes of columns of words."""
    if found.words:
        told = ", ".join(f"{one.name} ({counted(one.kinds, 'word')})" for one in found.words[:MOST_TOLD])
        st.caption(f"Networks read numbers, so each word of these columns becomes one: {plain(told)}.")
    if found.unused:
        told = ", ".join(one.name for one in found.unused[:MOST_TOLD])
        st.caption(f"Left out, as nearly every row says something else there: {plain(told)}.")


def _columns(workspace: Workspace, name: str) -> tuple[tuple[Column, ...], str]:
    path = workspace.path(name)
    return _looked_through(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=32)
def _looked_through(path: Path, _written: int) -> tuple[tuple[Column, ...], str]:
    """Columns and delimiter of a table; worked out again when the file has been written anew."""
    table = read_table(path)
    return table.columns(), table.delimiter
