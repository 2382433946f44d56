"""A pad to draw on with the mouse or a finger: a small component of its own, which gives grey values."""

from collections.abc import Sequence

import streamlit as st

_CSS = """
canvas { border: 1px solid #888; border-radius: 6px; background: #000; touch-action: none; cursor: crosshair; }
button { margin-top: 6px; padding: 4px 12px; border-radius: 6px; border: 1px solid #888; background: transparent;
  color: inherit; cursor: pointer; font: inherit; }
"""
_HTML = '<canvas width="224" height="224" tabindex="0" aria-label="Drawing pad"></canvas><br><button>Clear</button>'
_JS = """
export default function ({ data, parentElement, setStateValue }) {
  const pad = parentElement.querySelector('canvas'), pen = pad.getContext('2d', { willReadFrequently: true });
  if (pad.dataset.ready) return;
  pad.dataset.ready = '1';
  const clear = () => { pen.fillStyle = '#000'; pen.fillRect(0, 0, pad.width, pad.height); };
  clear();
  let down = false;
  const at = (event) => { const box = pad.getBoundingClientRect();
    return [(event.clientX - box.left) * pad.width / box.width, (event.clientY - box.top) * pad.height / box.height]; };
  pad.onpointerdown = (event) => { down = true; pad.setPointerCapture(event.pointerId); pen.beginPath();
    pen.moveTo(...at(event)); };
  pad.onpointermove = (event) => { if (!down) return; pen.lineTo(...at(event)); pen.strokeStyle = '#fff';
    pen.lineWidth = 22; pen.lineCap = pen.lineJoin = 'round'; pen.stroke(); };
  pad.onpointerup = () => { down = false; send(); };
  const send = () => {
    const side = data.side, small = document.createElement('canvas');
    small.width = small.height = side;
    const scaled = small.getContext('2d');
    scaled.imageSmoothingQuality = 'high';
    scaled.drawImage(pad, 0, 0, side, side);
    const pixels = scaled.getImageData(0, 0, side, side).data;
    setStateValue('pixels', Array.from({ length: side * side }, (_, i) => pixels[4 * i]));
  };
  parentElement.querySelector('button').onclick = () => { clear(); setStateValue('pixels', []); };
}
"""
_mount = st.components.v2.component("archgraph_drawing_pad", html=_HTML, css=_CSS, js=_JS)


def drawing_pad(key: str, side: int) -> Sequence[int]:
    """The grey values of what was drawn, row by row, 0 to 255, `side` by `side`; nothing while the pad is empty."""
    found = _mount(key=key, data={"side": side}, on_pixels_change=lambda: None)
    pixels = found.get("pixels")
    return [int(one) for one in pixels] if isinstance(pixels, list) and len(pixels) == side * side else []
