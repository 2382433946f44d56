"""The canvas: a Streamlit component in which a graph is edited, served from the committed bundle."""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

COMPONENT = "archgraph.canvas"
"""As archgraph/pyproject.toml names it: the distribution, a dot, the component."""
Message = Mapping[str, Any]

_mount = st.components.v2.component(COMPONENT, js="index.js", isolate_styles=True)


def canvas(data: Message, *, key: str = "canvas", on_edit: Callable[[Message], None]) -> Message | None:
    """Draw the canvas with what Python says; `on_edit` gets the browser's newest message before the next run.

    The message holds everything that Python has not acknowledged: one that is lost, doubled or overtaken does no harm.
    """

    def received() -> None:
        message = (st.session_state.get(key) or {}).get("edit")
        if isinstance(message, Mapping):
            on_edit(message)

    result = _mount(key=key, data=data, height="content", on_edit_change=received)
    message = result.get("edit")
    return message if isinstance(message, Mapping) else None
