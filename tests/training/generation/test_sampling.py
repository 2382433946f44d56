"""New pictures from a run folder: by class, by seed, along ways, truncated; and what cannot be drawn."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from archgraph.cli import main
from archgraph.compiler import compile_model, load_model
from archgraph.compiler.layers import LAYERS
from archgraph.diagnostics import GraphError
from archgraph.training import load_experiment, plan, sample
from archgraph.training.folder import RunFolder
from archgraph.training.generation.sampling import _truncated
from archgraph.training.generation.source import source_of
from tests.training.games import BY_NAME, CONDITIONAL_DISCRIMINATOR, CONDITIONAL_GENERATOR, write_game


@pytest.fixture
def run(project: Path) -> Path:
    """What a run of a conditional game leaves for drawing: an untrained generator, and what there is to know of it."""
    path = write_game(project, CONDITIONAL_GENERATOR, CONDITIONAL_DISCRIMINATOR, inputs=BY_NAME)
    planned = plan(load_experiment(path))
    folder = RunFolder(project / "run")
    folder.path.mkdir()
    described: Any = planned.experiment.objective.described(planned.networks, planned.samples, planned.dataset())
    folder.resolved.write_text(json.dumps({"objective": described}))
    compile_model(planned.networks["generator"], seed=1).save(folder.model_of("generator"))
    return folder.path


def test_classes_come_in_turn_or_as_asked(run: Path) -> None:
    drawn = sample(run, 25)
    assert drawn.pictures is not None and drawn.pictures.shape == (25, 8, 8, 1)
    np.testing.assert_array_equal(drawn.inputs["label"], np.arange(25) % 10)
    assert drawn.columns == 10
    sevens = sample(run, 4, category="7")
    assert set(sevens.inputs["label"]) == {7} and sevens.columns == 2


def test_outputs_are_what_the_network_makes_of_the_inputs(run: Path) -> None:
    drawn = sample(run, 5, seed=3)
    network = load_model(run / "generator.keras")
    np.testing.assert_allclose(drawn.outputs, network({**drawn.inputs}, training=False), rtol=1e-5)
    np.testing.assert_array_equal(sample(run, 5, seed=3).outputs, drawn.outputs)
    assert (sample(run, 5, seed=4).outputs != drawn.outputs).any()
    assert np.abs(sample(run, 50, truncation=0.3).inputs["z"]).max() <= 0.3


def test_ways_keep_their_class_and_length(run: Path) -> None:
    ways = sample(run, 3, interpolate=True)
    assert len(ways.outputs) == 30 and ways.columns == 10
    np.testing.assert_array_equal(ways.inputs["label"], np.repeat([0, 1, 2], 10))
    ends = np.linalg.norm(ways.inputs["z"][[0, 9]], axis=-1)
    inside = np.linalg.norm(ways.inputs["z"][1:9], axis=-1)
    assert ends.min() - 1e-5 <= inside.min() and inside.max() <= ends.max() + 1e-5


def test_the_command_writes_a_grid_or_numbers(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", str(run), "--count", "20", "-o", "grid.png"]) == 0
    with Image.open("grid.png") as grid:
        assert grid.size[0] > grid.size[1] > 40  # ten in a row, two rows
    assert main(["sample", str(run), "--class", "3", "--count", "6", "--seed", "5", "-o", "some.npz"]) == 0
    with np.load("some.npz", allow_pickle=False) as kept:
        assert kept["samples"].shape == (6, 64) and set(kept["label"]) == {3}
        np.testing.assert_array_equal(kept["z"], sample(run, 6, seed=5).inputs["z"])
    assert "6 samples in some.npz" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["run", "--class", "x", "-o", "a.png"], 1, "there is no class 'x'"),
        (["run", "-o", "a.jpg"], 2, "must end in .png or .npz"),
        (["nowhere", "-o", "a.png"], 1, "AG704"),
    ],
)
def test_what_cannot_be_drawn_is_told(
    run: Path, arguments: list[str], status: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sample", *arguments]) == status
    assert told in capsys.readouterr().err


def test_a_run_without_a_generator_says_so(run: Path) -> None:
    (run / "generator.keras").unlink()
    with pytest.raises(GraphError, match=r"holds no generator\.keras"):
        sample(run)
    (run / "resolved.json").write_text("{}")
    with pytest.raises(GraphError, match="no generator to draw with"):
        sample(run)


def test_the_class_of_a_generator_that_is_told_none_cannot_be_asked_for(run: Path) -> None:
    resolved = json.loads((run / "resolved.json").read_text())
    resolved["objective"]["generator"]["conditions"] = {}
    (run / "resolved.json").write_text(json.dumps(resolved))
    with pytest.raises(GraphError, match="the generator is told no class"):
        sample(run, category="7")


def test_what_is_known_of_a_generator_survives_the_file(project: Path) -> None:
    path = write_game(project, CONDITIONAL_GENERATOR, CONDITIONAL_DISCRIMINATOR, inputs=BY_NAME)
    planned = plan(load_experiment(path))
    objective: Any = planned.experiment.objective
    players = objective.players(planned.networks)
    source = source_of(planned.networks, players, planned.samples, planned.dataset())
    assert type(source).from_json(json.loads(json.dumps(source.as_json()))) == source


def test_truncation_pulls_styles_where_the_generator_has_such_a_layer() -> None:
    import keras

    w = keras.Input((4,))
    network = keras.Model(w, LAYERS["Truncation"](psi=1.0)(w))
    styles = np.ones((2, 4), np.float32)
    assert _truncated(network, 0.5) is None
    np.testing.assert_allclose(network(styles, training=False), 0.5 * styles)  # the mean style is still 0
    assert _truncated(keras.Model(w, keras.layers.Dense(1)(w)), 0.5) == 0.5
