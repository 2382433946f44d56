"""What goes wrong on a page -> one plain line there, and everything about it in the studio's log."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import streamlit as st

from archgraph.diagnostics import GraphError
from archgraph.studio.wording import finding

SORRY: Final = (
    "Something went wrong here. Your work is kept; go on, or load the page again. What happened stands in the "
    "window in which the studio was started."
)
_LOG: Final = logging.getLogger("archgraph.studio")


@contextmanager
def calmly() -> Iterator[None]:
    """Let nothing that fails inside reach the page but a line about it; Streamlit's own signals pass."""
    try:
        yield
    except GraphError as error:
        st.error(" ".join(map(finding, error.diagnostics[:3])))
    except Exception:  # whatever it is: a person is told in words, never by a stack trace
        _LOG.exception("a page of the studio failed")
        st.error(SORRY)
