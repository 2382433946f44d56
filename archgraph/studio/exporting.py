"""The window with everything that the open network can be handed on as."""

from collections.abc import Callable

import streamlit as st

from archgraph.diagnostics import GraphError
from archgraph.studio.session import Session
from archgraph.studio.wording import finding


@st.dialog("Export")
def export(session: Session) -> None:
    """Offer the formats."""
    st.write("soon")


Maker = Callable[[Session], bytes]
__all__ = ["GraphError", "export", "finding"]
