"""Drawings on a page, as images, in which no text can become an element."""

import base64
import html

import streamlit as st


def show_drawing(svg: bytes, words: str, *, highest: int = 240) -> None:
    """An SVG as an image, scaled to fit; `words` say what it shows to those who cannot see it."""
    data = base64.b64encode(svg).decode()
    style = f"max-width:100%;max-height:{highest}px;display:block;margin:0 auto;background:#fff;border-radius:6px"
    st.html(f'<img alt="{html.escape(words)}" style="{style}" src="data:image/svg+xml;base64,{data}">')
