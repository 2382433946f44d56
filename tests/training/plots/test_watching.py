"""Pictures of what was watched are whole, and show what they are given."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from archgraph.training.judging import Judged, described
from archgraph.training.plots import boards, calibration, insides
from archgraph.training.plots.grids import scaled, tiles
from archgraph.training.plots.nodes import nodes_over_epochs
from archgraph.training.plots.runs import compared, usual

DRAW = np.random.default_rng(0)


def picture(png: bytes) -> "np.ndarray[Any, Any]":
    image = Image.open(io.BytesIO(png))
    image.load()
    return np.asarray(image.convert("RGB"))


def colours(png: bytes) -> set[tuple[int, ...]]:
    return {tuple(one) for one in np.unique(picture(png).reshape(-1, 3), axis=0).tolist()}


def test_a_picture_is_put_where_it_belongs() -> None:
    board = boards.Board("", 3, 1, 1.0)
    red = np.zeros((4, 4, 3))
    red[..., 0] = 1
    board.put(red, 1, 0)
    shown = picture(board.png())
    columns = np.flatnonzero((shown == (255, 0, 0)).all(-1).any(0))
    inside = np.flatnonzero((shown[:, :, 0] > 250).all(0) & (shown[:, :, 1] > 250).all(0))
    assert 110 <= len(columns) <= 131 and len(inside) > 0  # one of three sides of 130 pixels each
    assert abs((columns[0] + columns[-1]) / 2 - shown.shape[1] / 2) < 5


def test_a_title_fits_however_narrow_the_pictures_are() -> None:
    long = picture(
        tiles("a very long name of an experiment that says much: filters of conv", np.ones((1, 8, 8, 1)), ["x"])
    )
    assert (long[:, :6] == 255).all() and (long[:, -6:] == 255).all()


@pytest.mark.parametrize("shape", [(3, 5, 5, 1), (70, 3, 3, 3), (16, 5, 5, 12)])
def test_filters_of_any_number_and_depth_are_drawn(shape: tuple[int, ...]) -> None:
    assert len(colours(insides.filters("filters", DRAW.normal(size=shape)))) > 20


def test_positive_weights_are_red_and_negative_ones_blue() -> None:
    shown = np.asarray(sorted(colours(insides.filters("f", np.array([1.0, -1.0]).reshape(2, 1, 1, 1).repeat(3, 1)))))
    assert ((shown[:, 0] > 90) & (shown[:, 2] < 40)).any() and ((shown[:, 2] > 90) & (shown[:, 0] < 20)).any()


@pytest.mark.parametrize("channels", [1, 3])
def test_maps_and_heat_are_drawn_over_grey_and_coloured_pictures(channels: int) -> None:
    images = DRAW.random((4, 12, 10, channels))
    maps = {"a/very/long/path/of/a/node": DRAW.random((6, 5, 30)), "b": DRAW.random((3, 3, 2))}
    assert len(colours(insides.feature_maps("maps", images[0], maps))) > 50
    assert len(colours(insides.feature_maps("maps", None, maps))) > 50
    assert len(colours(insides.heat("cam", images, DRAW.random((4, 3, 3)), ["a", "b\n(is c)", "c", "d"]))) > 50


def test_attention_of_many_heads_and_long_sequences_is_drawn() -> None:
    maps = {f"head {n}": DRAW.dirichlet(np.ones(60), 40) for n in range(5)}
    assert len(colours(insides.attention("attention", maps))) > 50
    named = {"one": (list("ab"), list("xyz"))}
    assert len(colours(insides.attention("attention", {"one": np.eye(2, 3)}, named))) > 10


def judged(count: int = 40) -> Judged:
    return Judged(DRAW.integers(0, 3, count), DRAW.dirichlet(np.ones(3), count), 1)


def test_calibration_and_worst_samples_are_drawn() -> None:
    one, names = judged(), ("cat", "dog", "a rather long name")
    bins = described(one, names, "test")["bins"]
    assert len(colours(calibration.calibration("run", bins, 0.1, 40))) > 10
    assert len(colours(calibration.worst_samples("run", DRAW.random((40, 9, 7, 3)), one, names))) > 50


@pytest.mark.parametrize(("nodes", "epochs"), [(1, 1), (5, 3), (200, 40)])
def test_nodes_of_any_number_are_drawn(nodes: int, epochs: int) -> None:
    def values(share: float = 1.0) -> list[float | None]:
        return [float(value) if value < share else None for value in DRAW.random(epochs)]

    figures = {"deviation": values(), "dead": values(), "saturated": values(0.5), "weight_gradient": values()}
    log = {
        "epochs": list(range(1, epochs + 1)),
        "nodes": [{"role": "model", "path": f"stage/{n}/conv", "op": "conv", "figures": figures} for n in range(nodes)],
    }
    assert len(colours(nodes_over_epochs("run", log))) > 10


def test_curves_of_runs_are_laid_over_each_other() -> None:
    runs = {
        f"run {n}": [{"epoch": e + 1, "loss": 2.0 ** -(e + n), "val_loss": None if n else 1.0} for e in range(5)]
        for n in range(12)
    }
    assert usual(list(runs.values())) == ["loss", "val_loss"]
    assert len(colours(compared("12 runs", runs, ["loss", "val_loss"]))) > 20


def test_pictures_are_scaled_each_by_itself_or_together() -> None:
    images = np.stack([np.full((2, 2, 1), 3.0), np.full((2, 2, 1), 5.0)])
    images[:, 0, 0] = 1.0
    np.testing.assert_allclose(scaled(images, each=True).max((1, 2)), [1, 1])
    np.testing.assert_allclose(scaled(images).max((1, 2)), [0.5, 1])
