"""The windows above the canvas: saving, what has changed, conflicts with the file on disk."""

from collections.abc import Sequence

import streamlit as st

from archgraph.diagnostics import GraphError
from archgraph.editing.comparing import Difference
from archgraph.editing.merging import Conflict
from archgraph.editing.templates import GRAPH
from archgraph.kinds import shown
from archgraph.studio.answers import changes as unsaved
from archgraph.studio.calm import calmly
from archgraph.studio.desk import Desk
from archgraph.studio.exporting import export as export
from archgraph.studio.session import Session
from archgraph.studio.wording import counted, finding, plain

MARKS = {"added": ":green[＋]", "removed": ":red[－]", "changed": ":orange[●]", "follows": ":gray[↳]"}
"""What stands in front of a difference, by what has happened."""


def save(here: Desk, session: Session) -> None:
    """Write the file, or ask for its name, or tell of a conflict."""
    if not session.name:
        save_as(here)
        return
    try:
        if here.save():
            here.notify("success", f"Saved {plain(session.name)}.")
            st.rerun(scope="app")
    except GraphError as error:
        st.error("Not saved. " + " ".join(map(finding, error.diagnostics[:3])))


@st.dialog("Save as")
@calmly()
def save_as(here: Desk) -> None:
    """Ask for a name and write the file there."""
    session = here.session
    assert session is not None
    wish = session.wish or session.name or here.workspace.free(session.title)
    name = st.text_input("File", wish, help=f"A path below the workspace; it ends in {GRAPH}.")
    exists = bool(name) and name != session.name and _exists(here, name)
    if exists:
        st.warning("There is a file of that name already. Choose another name, or open that file and edit it.")
    if st.button("Save", type="primary", disabled=exists or not name, icon=":material/save:"):
        try:
            if here.save(name if name.endswith(GRAPH) else name + GRAPH):
                here.notify("success", f"Saved {plain(name)}.")
                st.rerun()
            st.error("The file was written by somebody else in this moment. Choose another name.")
            here.conflict = None
        except GraphError as error:
            st.error(" ".join(map(finding, error.diagnostics[:3])))


def _exists(here: Desk, name: str) -> bool:
    try:
        return here.workspace.path(name if name.endswith(GRAPH) else name + GRAPH).exists()
    except GraphError:
        return False


@st.dialog("Changes since the file was saved", width="large")
@calmly()
def changes(session: Session) -> None:
    """What is different from the file."""
    found = unsaved(session)
    if not found:
        st.info("Nothing has changed: the canvas shows what is in the file.")
        return
    listed(found)


def listed(found: Sequence[Difference]) -> None:
    """Differences, one a line."""
    before = sum(one.parameters[0] or 0 for one in found)
    after = sum(one.parameters[1] or 0 for one in found)
    st.caption(f"{counted(len(found), 'difference')}; {after - before:+,} parameters where both are known")
    for one in found:
        what = "" if one.kind == "node" else f"{one.kind} "
        st.markdown(f"{MARKS[one.change]} **{plain(what + one.pointer)}** {one.change}: {plain(one.text) or '—'}")


def show_pending(here: Desk) -> None:
    """The window that waits for an answer, if there is one."""
    if here.conflict is not None and here.session is not None:
        conflict(here)


@st.dialog("The file has changed on disk", width="large", dismissible=False)
@calmly()
def conflict(here: Desk) -> None:
    """Somebody else has written the file: show both, and let the person choose. Nothing is lost."""
    session, changed = here.session, here.conflict
    if session is None or changed is None:
        st.rerun()
        return
    if changed.document is None:
        st.markdown(f"**{plain(session.name)}** has been removed since you opened it.")
        _other_ways(here, session, None)
        return
    theirs = changed.document
    merged = here.contradictions()
    st.markdown(f"**{plain(session.name)}** was saved by somebody else since you opened it. Both sets of changes can "
                "be put together.")  # fmt: skip
    chosen = [one.at for one in merged.conflicts if _theirs(one)]
    if not merged.conflicts:
        st.success("The two sets of changes do not touch each other.")
    if st.button("Put both together and save", type="primary", icon=":material/merge:"):
        if here.join(chosen):
            here.notify("success", "Both sets of changes are in the file now.")
        st.rerun(scope="app")
    _other_ways(here, session, theirs.file)


def _theirs(one: Conflict) -> bool:
    """Ask which side holds at one place; whether it is theirs."""
    st.markdown(f"Both changed **{plain(one.at)}**:")
    options = {f"mine: {plain(shown(one.mine))}": False, f"theirs: {plain(shown(one.theirs))}": True}
    chosen = st.radio(one.at, list(options), label_visibility="collapsed", key=f"conflict {one.at}", horizontal=True)
    return options[chosen or next(iter(options))]


def _other_ways(here: Desk, session: Session, file: str | None) -> None:
    st.divider()
    with st.container(horizontal=True):
        if st.button("Save mine under another name", icon=":material/save_as:"):
            here.step_aside()
            st.rerun(scope="app")
        if file is not None and st.button("Drop my changes and open the file", icon=":material/refresh:"):
            here.open(session.name)
            st.rerun(scope="app")
        if st.button("Go on editing"):
            here.conflict = None
            st.rerun(scope="app")
