"""What goes wrong on a page -> one plain line there, and everything about it in the studio's log."""

import logging
from contextlib import ContextDecorator
from types import TracebackType
from typing import Final

import streamlit as st

from archgraph.diagnostics import GraphError
from archgraph.studio.wording import finding

SORRY: Final = (
    "Something went wrong here. Your work is kept; go on, or load the page again. What happened stands in the "
    "window in which the studio was started."
)
_LOG: Final = logging.getLogger("archgraph.studio")


class calmly(ContextDecorator):  # noqa: N801 - used like a function
    """Let nothing that fails inside reach the page but a line about it; Streamlit's own signals pass."""

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> bool:
        """Tell what was raised; faults of files in their own words, anything else in one line and in the log."""
        if isinstance(error, GraphError):
            st.error(" ".join(map(finding, error.diagnostics[:3])))
        elif isinstance(error, Exception):
            _LOG.error("a page of the studio failed", exc_info=error)
            st.error(SORRY)
        return isinstance(error, Exception)
