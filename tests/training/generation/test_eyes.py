"""Feature networks: a classifier that learned the data and is kept, and Inception-v3 from a file alone."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from archgraph.diagnostics import GraphError, Rejected
from archgraph.training.data.base import Surroundings
from archgraph.training.generation.evaluation import Asked, Evidence, evidence, measured, nearest
from archgraph.training.generation.eyes import Inception, Labelled, Seen, eye
from archgraph.training.generation.figures import FIGURES, InceptionV3, OwnClassifier, figures_of

BUNCH = load_digits()
PICTURES = (BUNCH.images[..., None] / 16).astype(np.float32)
KNOWN = Labelled(PICTURES[:800], BUNCH.target[:800], 10)
HERE = Surroundings(Path())


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("ARCHGRAPH_CACHE", str(folder))
    return folder


def test_the_classifier_knows_digits_and_is_kept(cache: Path) -> None:
    record = OwnClassifier(epochs=6)
    first = eye(record, KNOWN, HERE).see(PICTURES[800:])
    assert (first.labels == BUNCH.target[800:]).mean() > 0.9
    assert first.features.shape == (997, 64)
    np.testing.assert_allclose(first.probabilities.sum(-1), 1, rtol=1e-5)
    (kept,) = cache.iterdir()
    written = kept.stat().st_mtime_ns
    np.testing.assert_array_equal(eye(record, KNOWN, HERE).see(PICTURES[800:]).features, first.features)
    assert kept.stat().st_mtime_ns == written


def test_another_recipe_or_other_data_is_another_classifier_and_a_damaged_one_is_replaced(cache: Path) -> None:
    small = Labelled(PICTURES[:64], BUNCH.target[:64], 10)
    eye(OwnClassifier(epochs=1), small, HERE)
    (kept,) = cache.iterdir()
    kept.write_bytes(b"nothing")
    eye(OwnClassifier(epochs=1), small, HERE)
    assert kept.stat().st_size > 1000
    eye(OwnClassifier(epochs=1, seed=1), small, HERE)
    eye(OwnClassifier(epochs=1), Labelled(PICTURES[1:65], BUNCH.target[1:65], 10), HERE)
    assert len(list(cache.iterdir())) == 3


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ARCHGRAPH_CACHE", str(tmp_path / "file" / "below"))
    small = Labelled(PICTURES[:64], BUNCH.target[:64], 10)
    assert eye(OwnClassifier(epochs=1), small, HERE).see(PICTURES[:3]).features.shape == (3, 64)


def test_inception_is_never_downloaded(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="there is no"):
        eye(InceptionV3(file="weights.h5"), None, Surroundings(tmp_path, None))


@pytest.mark.slow
def test_inception_takes_its_weights_from_a_file(tmp_path: Path) -> None:
    import keras

    network = keras.applications.InceptionV3(weights=None)
    network.save_weights(tmp_path / "w.weights.h5")
    seen = Inception(tmp_path / "w.weights.h5").see(PICTURES[:3])
    assert seen.features.shape == (3, 2048) and seen.probabilities.shape == (3, 1000)
    (tmp_path / "bad.weights.h5").write_bytes(b"nothing")
    with pytest.raises(GraphError, match="cannot load the weights"):
        Inception(tmp_path / "bad.weights.h5")


def test_figures_tell_real_digits_from_noise(cache: Path) -> None:
    """Unseen digits come near to the data in every figure; noise with the data's range does not."""
    looks = eye(OwnClassifier(epochs=6), KNOWN, HERE)
    noise = np.random.default_rng(0).uniform(size=(400, 8, 8, 1)).astype(np.float32)
    some = {name: name for name in FIGURES}
    figures, labels = figures_of(tuple(some)), BUNCH.target[800:1200]
    good = measured(figures, evidence(PICTURES[800:1200], PICTURES[1200:], looks, Asked(labels, True)))
    bad = measured(figures, evidence(noise, PICTURES[1200:], looks, Asked(labels, True)))
    assert set(good) == set(FIGURES)
    assert good["frechet_distance"] < bad["frechet_distance"] / 5
    assert good["kernel_distance"] < bad["kernel_distance"] / 5
    assert good["inception_score"] > 6 > bad["inception_score"]
    assert good["coverage"] == 1
    assert good["agreement"] > 0.9 > 0.3 > bad["agreement"]
    assert 0.8 < good["pairwise_distance"] < 1.2
    unasked = measured(figures, evidence(noise, PICTURES[1200:], looks, None))
    assert set(unasked) == set(FIGURES) - {"agreement", "variety_within"}


def test_a_class_that_is_always_the_same_picture_has_no_variety_though_classes_differ(cache: Path) -> None:
    looks, labels = eye(OwnClassifier(epochs=6), KNOWN, HERE), BUNCH.target[800:1200]
    figures = figures_of(("variety_within", "pairwise_distance", "agreement"))
    known = looks.see(PICTURES[:800]).labels
    one_each = np.stack([PICTURES[:800][known == digit][0] for digit in labels])
    dull = measured(figures, evidence(one_each, PICTURES[1200:], looks, Asked(labels, True)))
    varied = measured(figures, evidence(PICTURES[800:1200], PICTURES[1200:], looks, Asked(labels, True)))
    assert dull["variety_within"] == pytest.approx(0, abs=1e-3)
    assert dull["pairwise_distance"] > 0.7 and dull["agreement"] == 1
    assert 0.8 < varied["variety_within"] < 1.2
    of_a_code = measured(figures, evidence(PICTURES[800:1200], PICTURES[1200:], looks, Asked(labels, False)))
    assert "variety_within" not in of_a_code


def test_variety_is_the_mean_over_classes_of_what_distances_say() -> None:
    """Two classes: pairs 3 apart where real ones are 2 apart, and 1 apart where they are 4 apart: (1.5 + 0.25) / 2."""

    def seen(numbers: list[float], classes: list[int]) -> Seen:
        return Seen(np.array(numbers)[:, None], np.eye(2)[classes])

    drawn, real = seen([0, 3, 10, 11], [0, 0, 1, 1]), seen([0, 2, 5, 9], [0, 0, 1, 1])
    shown = Evidence(np.zeros((4, 8, 8, 1)), drawn, real, Asked(np.array([0, 0, 1, 1]), True))
    assert measured(figures_of(("variety_within",)), shown)["variety_within"] == pytest.approx(0.875)


def test_the_nearest_of_a_known_sample_is_itself() -> None:
    found = nearest(PICTURES[[5, 9]], PICTURES[:50], 3)
    assert found.shape == (2, 3) and list(found[:, 0]) == [5, 9]
    distances = np.square(PICTURES[:50] - PICTURES[5]).sum((1, 2, 3))
    assert list(found[0]) == list(np.argsort(distances)[:3])
