"""The pages: which there are, what they look like, and the notices above each of them."""

from typing import Final

import streamlit as st

from archgraph.studio.calm import calmly
from archgraph.studio.desk import desk
from archgraph.studio.screens import compose, files, glossary, guide, train, trying

CANVAS: Final = "canvas"
"""What the first page, whose address is empty, is called when one is sent to it."""
_STYLE: Final = """
<style>
[data-testid="stMainBlockContainer"] {padding: 4.2rem 1.2rem 0.4rem 1.2rem; max-width: none;}
[data-testid="stSidebarUserContent"] {padding-top: 0;}
[data-testid="stAppDeployButton"] {display: none;}
</style>
"""


def show() -> None:
    """Draw the page that is asked for."""
    st.set_option("client.showErrorDetails", "none")  # what goes wrong is told in words, or in the log
    st.set_page_config(page_title="archgraph studio", page_icon="🕸", layout="wide")
    st.html(_STYLE)
    pages = [
        st.Page(guide.show, title="Start here", icon=":material/explore:", url_path="start"),
        st.Page(compose.show, title="Canvas", icon=":material/account_tree:", default=True),
        st.Page(files.show, title="Files and templates", icon=":material/folder_open:", url_path="files"),
        st.Page(train.show, title="Train", icon=":material/model_training:", url_path="train"),
        st.Page(trying.show, title="Results and trying", icon=":material/monitoring:", url_path="runs"),
        st.Page(glossary.show, title="Words explained", icon=":material/menu_book:", url_path="words"),
    ]
    chosen = st.navigation(pages, position="top")
    wanted = st.session_state.pop("go", None)
    if wanted is not None:
        st.switch_page(next(page for page in pages if wanted == (page.url_path or CANVAS)))
    with calmly():
        for kind, text in desk().notices:
            {"success": st.success, "warning": st.warning, "error": st.error}.get(kind, st.info)(text)
        desk().notices.clear()
        chosen.run()
