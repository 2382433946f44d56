"""Finished runs go on: pictures, texts and translations from the run folder alone, and from the command line."""

from pathlib import Path

import numpy as np
import pytest

from archgraph.cli import main
from archgraph.diagnostics import GraphError
from archgraph.training import sample, train
from archgraph.training.generation.continuing import Trained, text, translations
from tests.training.learners import make


@pytest.mark.parametrize("name", ["variational", "autoregressive"])
def test_pictures_come_from_the_run_folder(name: str, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = train(make(project, name, epochs=1), run_dir="run", progress=False)
    drawn = sample(run.path, 9, seed=4)
    assert drawn.outputs.shape == (9, 64)
    assert drawn.pictures is not None and drawn.pictures.shape == (9, 8, 8, 1)
    assert 0 <= drawn.pictures.min() <= drawn.pictures.max() <= 1
    assert np.array_equal(drawn.outputs, sample(run.path, 9, seed=4).outputs)
    assert not np.array_equal(drawn.outputs, sample(run.path, 9, seed=5).outputs)
    assert main(["sample", "run", "--count", "4", "-o", "a.png"]) == 0
    assert (project / "a.png").read_bytes()[:4] == b"\x89PNG"
    assert main(["sample", "run"]) == 2
    assert "--output must end in" in capsys.readouterr().err
    assert main(["sample", "run", "--prompt", "a", "-o", "a.png"]) == 2


def test_a_text_goes_on_from_its_prompt(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = train(make(project, "language", epochs=1), run_dir="run", progress=False)
    trained = Trained(run.path)
    written = text(trained, "abc", 12, None, None, 1)
    assert written.startswith("abc") and len(written) == 15
    assert written == text(trained, "abc", 12, None, None, 1) != text(trained, "abc", 12, None, None, 2)
    greedy = {text(trained, "abc", 12, 1.0, 1, seed) for seed in range(3)}
    assert len(greedy) == 1
    assert main(["sample", "run", "--prompt", "abc", "--symbols", "12", "--seed", "1"]) == 0
    assert capsys.readouterr().out.rstrip("\n") == written
    assert main(["sample", "run", "--prompt", "ABC"]) == 1
    assert "learned without 'A'" in capsys.readouterr().err
    assert main(["sample", "run", "--temperature", "0"]) == 2


def test_a_word_is_translated_in_the_likeliest_ways(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = train(make(project, "translation", epochs=30), run_dir="run", progress=False)
    found = translations(Trained(run.path), "3 5 8")
    chances = [chance for _, chance in found]
    assert len(found) == 3 and chances == sorted(chances, reverse=True) and 0 < sum(chances) <= 1 + 1e-6
    assert main(["sample", "run", "--prompt", "3 5 8"]) == 0
    assert found[0][0] in capsys.readouterr().out
    with pytest.raises(GraphError, match="'x' is unknown"):
        translations(Trained(run.path), "3 x")
    with pytest.raises(GraphError, match="it has 5 symbols"):
        translations(Trained(run.path), "3 3 3 3 3")


def test_a_folder_without_a_run_is_refused(project: Path) -> None:
    with pytest.raises(GraphError, match="AG704"):
        Trained(project)
