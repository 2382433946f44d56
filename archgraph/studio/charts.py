"""Figures over the epochs as lines, on an axis that shows how they change."""

from collections.abc import Mapping, Sequence

import streamlit as st

_COLOURS = ["#4f46e5", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#0072b2", "#999999"]
"""After Okabe & Ito: told apart by those who do not see all colours, too; the first is the studio's own."""


def lines(series: Mapping[str, Sequence[float | None]], epochs: Sequence[int], height: int) -> None:
    """Draw each of the series by its name; what is missing leaves a gap."""
    points = [
        {"epoch": epoch, "value": value, "line": name}
        for name, values in series.items()
        for epoch, value in zip(epochs, values, strict=False)
        if value is not None
    ]
    whole = {"tickMinStep": 1, "format": "d", "title": "epoch", "titlePadding": 2}
    encoding = {
        "x": {"field": "epoch", "type": "quantitative", "scale": {"zero": False, "nice": False}, "axis": whole},
        "y": {"field": "value", "type": "quantitative", "scale": {"zero": False}, "title": None},
        "color": {
            "field": "line", "type": "nominal", "sort": list(series), "scale": {"range": _COLOURS},
            "legend": {"orient": "top", "title": None, "labelLimit": 400, "padding": 0, "offset": 6},
        },
        "tooltip": [{"field": "line", "title": "of"}, {"field": "epoch"}, {"field": "value", "format": ".4g"}],
    }  # fmt: skip
    mark = {"type": "line", "strokeWidth": 2, "point": len(epochs) == 1}
    spec = {
        "mark": mark,
        "encoding": encoding,
        "height": height,
        "padding": {"left": 0, "top": 0, "right": 8, "bottom": 0},
    }
    st.vega_lite_chart(points, spec, width="stretch")
