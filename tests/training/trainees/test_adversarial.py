"""Adversarial games at work: one step written out by hand, turns, fading, clipping, labels, and nothing lost."""

import json
import math
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from archgraph.compiler import compile_model, load_model
from archgraph.training import Run, load_experiment, plan, train
from archgraph.training.data.dataset import Dataset
from archgraph.training.feed import Feed
from archgraph.training.generation.latents import Latent
from archgraph.training.report import Silent
from archgraph.training.trainees.adversarial import AdversarialTrainee, few
from archgraph.training.trainees.chance import Purpose, drawn, seed
from tests.training.games import (
    BY_NAME,
    CLASSIFYING_DISCRIMINATOR,
    CONDITIONAL_DISCRIMINATOR,
    CONDITIONAL_GENERATOR,
    DISCRIMINATOR,
    GENERATOR,
    NAMING_DISCRIMINATOR,
    write_game,
)

os.environ.setdefault("ARCHGRAPH_CACHE", "/nonexistent/cache")
Z = Latent("z", (4,), "normal")
NO_DROPOUT: dict[str, Any] = {
    **DISCRIMINATOR, "nodes": {**DISCRIMINATOR["nodes"], "drop": {"op": "dropout", "in": "hidden", "rate": 0}},
}  # fmt: skip
LINEAR: dict[str, Any] = {
    **DISCRIMINATOR, "nodes": {"real": {"op": "dense", "in": "picture", "units": 1}},
}  # fmt: skip


def objective(**fields: Any) -> dict[str, Any]:
    return {"name": "adversarial", "shown": 16, **fields}


def made(path: Path) -> AdversarialTrainee:
    """The trainee of an experiment, before its first step."""
    planned = plan(load_experiment(path))
    networks = {role: compile_model(shaped, seed=0, fused=True) for role, shaped in planned.networks.items()}
    return AdversarialTrainee(planned, planned.dataset(), networks)


def batches(dataset: Dataset, size: int = 32) -> Any:
    return Feed(dataset.train, size).batches()


def weights(trainee: AdversarialTrainee, role: str) -> list[Any]:
    return [np.array(weight.numpy()) for weight in trainee.networks[role].weights]


FAST = {"name": "adam", "learning_rate": 0.01}
QUIET = objective(shown=0)

# ---- one step


def test_a_step_is_the_one_of_algorithm_1_written_out(project: Path) -> None:
    """SGD on -log D(x) - log(1 - D(G(z))), then, with other latents, on -log D(G(z)): Goodfellow et al. 2014."""
    sgd = {"name": "sgd", "learning_rate": 0.1}
    trainee = made(write_game(project, GENERATOR, NO_DROPOUT, optimizer=sgd, objective=objective()))
    g, d = ([tf.Variable(value) for value in weights(trainee, role)] for role in ("generator", "discriminator"))
    real = tf.constant(trainee.dataset.train.inputs["picture"][:32])

    def draw(z: Any) -> Any:
        return tf.sigmoid(tf.nn.relu(z @ g[0] + g[1]) @ g[2] + g[3])

    def judge(x: Any) -> Any:
        return tf.nn.leaky_relu(x @ d[0] + d[1], 0.2) @ d[2] + d[3]

    with tf.GradientTape() as tape:
        fake = judge(draw(drawn(Z, 32, seed(0, Purpose.JUDGED, 0))))
        price = tf.reduce_mean(-tf.math.log_sigmoid(judge(real))) + tf.reduce_mean(-tf.math.log_sigmoid(-fake))
    for weight, gradient in zip(d, tape.gradient(price, d), strict=True):
        weight.assign_sub(0.1 * gradient)
    with tf.GradientTape() as tape:
        own = tf.reduce_mean(-tf.math.log_sigmoid(judge(draw(drawn(Z, 32, seed(0, Purpose.DRAWN, 0))))))
    for weight, gradient in zip(g, tape.gradient(own, g), strict=True):
        weight.assign_sub(0.1 * gradient)

    trainee.train(batches(trainee.dataset))
    for role, expected in (("generator", g), ("discriminator", d)):
        for found, wanted in zip(weights(trainee, role), expected, strict=True):
            np.testing.assert_allclose(found, wanted.numpy(), rtol=1e-4, atol=1e-6)
    figures = trainee.measured()
    assert figures["discriminator_loss"] == pytest.approx(float(price), rel=1e-5)
    assert figures["generator_loss"] == pytest.approx(float(own), rel=1e-5)
    assert figures["fake_accuracy"] == pytest.approx(float(tf.reduce_mean(tf.cast(fake <= 0, tf.float32))))


@pytest.mark.parametrize(
    ("penalty", "of"), [("gradient_penalty", lambda n: 10 * (n - 1) ** 2), ("r1", lambda n: 5 * n**2)]
)
def test_the_gradient_of_a_linear_critic_is_its_kernel(project: Path, penalty: str, of: Any) -> None:
    value = objective(loss="wasserstein", penalty=penalty, weight_clip=None if penalty == "gradient_penalty" else 1)
    trainee = made(write_game(project, GENERATOR, LINEAR, objective=value))
    length = float(np.linalg.norm(weights(trainee, "discriminator")[0]))
    trainee.train(batches(trainee.dataset))
    assert trainee.measured()["gradient_penalty"] == pytest.approx(of(length), rel=1e-4)


def test_the_discriminator_takes_its_steps_before_the_generator_takes_one(project: Path) -> None:
    trainee = made(write_game(project, objective=objective(discriminator_steps=3)))
    feed, moved = batches(trainee.dataset), []
    for _ in range(7):
        before = weights(trainee, "generator")
        trainee.train(feed)
        moved.append(any((a != b).any() for a, b in zip(before, weights(trainee, "generator"), strict=True)))
    assert moved == [False, False, True, False, False, True, False]
    assert [int(one.iterations.numpy()) for one in trainee.optimizers.values()] == [2, 7]


def test_weights_are_clipped_after_every_step(project: Path) -> None:
    trainee = made(write_game(project, objective=objective(loss="wasserstein", weight_clip=0.03)))
    trainee.train(batches(trainee.dataset))
    largest = max(np.abs(weight).max() for weight in weights(trainee, "discriminator"))
    assert largest == pytest.approx(0.03)


def test_matched_features_leave_the_score_out_of_the_generators_price(project: Path) -> None:
    """The generator's price is the squared distance of mean features, whatever the last layer is."""
    trainee = made(write_game(project, GENERATOR, NO_DROPOUT, objective=objective(match_features="hidden")))
    g = weights(trainee, "generator")
    trainee.train(batches(trainee.dataset))
    d = weights(trainee, "discriminator")  # as they are when the generator takes its step
    z = drawn(Z, 32, seed(0, Purpose.DRAWN, 0)).numpy()
    fake = 1 / (1 + np.exp(-(np.maximum(z @ g[0] + g[1], 0) @ g[2] + g[3])))
    real = trainee.dataset.train.inputs["picture"][:32]

    def features(x: Any) -> Any:
        hidden = x @ d[0] + d[1]
        return np.where(hidden > 0, hidden, 0.2 * hidden).mean(0)

    expected = float(np.square(features(real) - features(fake)).sum())
    assert trainee.measured()["generator_loss"] == pytest.approx(expected, rel=1e-4)


# ---- sizes that fade in


def conv(fed: str) -> dict[str, Any]:
    return {"op": "conv", "in": fed, "filters": 1, "kernel_size": 3}


def fade(old: str, new: str) -> dict[str, Any]:
    return {"op": "fade_in", "in": {"old": old, "new": new}}


GROWING: dict[str, Any] = {
    **GENERATOR,
    "nodes": {
        "first": {"op": "dense", "in": "z", "units": 4},
        "small": {"op": "reshape", "in": "first", "target_shape": [2, 2, 1]},
        "up1": {"op": "upsample", "in": "small"}, "conv1": conv("up1"), "fade1": fade("up1", "conv1"),
        "up2": {"op": "upsample", "in": "fade1"}, "conv2": conv("up2"), "fade2": fade("up2", "conv2"),
    },
    "outputs": {"picture": "fade2"},
}  # fmt: skip
SHRINKING: dict[str, Any] = {
    **DISCRIMINATOR,
    "inputs": {"picture": {"shape": [8, 8, 1]}},
    "nodes": {
        "down2": {"op": "avg_pool", "in": "picture"}, "conv2": conv("down2"), "fade2": fade("down2", "conv2"),
        "down1": {"op": "avg_pool", "in": "fade2"}, "conv1": conv("down1"), "fade1": fade("down1", "conv1"),
        "flat": {"op": "flatten", "in": "fade1"}, "real": {"op": "dense", "in": "flat", "units": 1},
    },
}  # fmt: skip


def test_small_sizes_fade_in_first_on_both_sides(project: Path) -> None:
    """Two steps of waiting, two of fading, then the same for the larger size."""
    rescaled = [{"name": "rescale", "from_range": [0, 16]}]
    slowly = objective(fade_steps=2, hold_steps=2)
    path = write_game(project, GROWING, SHRINKING, preprocessing=rescaled, objective=slowly)
    trainee = made(path)
    feed, seen = batches(trainee.dataset), []
    for _ in range(9):
        trainee.train(feed)
        alphas = [
            float(trainee.networks[role].get_layer(f"fade{size}").alpha.numpy())
            for role in ("generator", "discriminator")
            for size in (1, 2)
        ]
        assert alphas[:2] == alphas[2:]
        seen.append(tuple(alphas[:2]))
    assert seen == [(0, 0), (0, 0), (0.5, 0), (1, 0), (1, 0), (1, 0), (1, 0.5), (1, 1), (1, 1)]


# ---- chance


def test_random_numbers_depend_on_seed_purpose_and_step_alone() -> None:
    keys = [
        seed(*key)
        for key in ((0, Purpose.JUDGED, 0), (1, Purpose.JUDGED, 0), (0, Purpose.DRAWN, 0), (0, Purpose.JUDGED, 1))
    ]
    values = [drawn(Z, 3, key).numpy() for key in keys]
    np.testing.assert_array_equal(values[0], drawn(Z, 3, seed(0, Purpose.JUDGED, 0)))
    assert len({value.tobytes() for value in values}) == 4


@pytest.mark.parametrize(
    ("distribution", "mean", "deviation"),
    [("normal", 0, 1), ("uniform", 0, 3**-0.5), ("truncated_normal", 0, 0.8796), ("bernoulli", 0.5, 0.5),
     ("categorical", 0.25, math.sqrt(3) / 4)],
)  # fmt: skip
def test_draws_have_the_moments_of_their_distribution(distribution: str, mean: float, deviation: float) -> None:
    values = drawn(Latent("z", (4,), distribution), 20_000, seed(0, Purpose.JUDGED, 0)).numpy()
    assert values.shape == (20_000, 4) and values.dtype == np.float32
    assert (values.mean(), values.std()) == pytest.approx((mean, deviation), abs=0.01)


# ---- few labels


def test_few_labels_are_spread_evenly_over_the_classes() -> None:
    labels = np.repeat([0, 1, 2], [50, 30, 2])
    chosen = few(labels, 11, 0)
    assert sorted(np.bincount(labels[chosen])) == [2, 4, 5] and len(set(chosen)) == 11
    assert set(chosen) != set(few(labels, 11, 1))


SEMI = {"name": "semi_supervised_adversarial", "labelled": 50, "shown": 0}


def test_labels_alone_are_supervised_learning(project: Path) -> None:
    """With a game weight of nothing the generator rests, and the few labels are soon known by heart."""
    path = write_game(project, GENERATOR, CLASSIFYING_DISCRIMINATOR, objective={**SEMI, "game_weight": 0}, epochs=12)
    run = train(path, progress=False, run_dir="run")
    assert run.history[-1]["label_accuracy"] == 1
    assert run.history[-1]["generator_loss"] == 0
    assert 0.5 < run.test["label_accuracy"] < 0.95
    trainee = made(path)
    before = weights(trainee, "generator")
    trainee.train(batches(trainee.dataset))
    for a, b in zip(before, weights(trainee, "generator"), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_share_of_right_labels_is_that_of_the_classes(project: Path) -> None:
    run = train(
        write_game(project, GENERATOR, CLASSIFYING_DISCRIMINATOR, objective=SEMI), progress=False, run_dir="run"
    )
    data = plan(load_experiment("game.train.json")).dataset()
    network = load_model(run.folder.model_of("discriminator"))
    given = np.asarray(network.predict(data.test.inputs["picture"], verbose=0))[:, :10].argmax(-1)
    assert run.test["label_accuracy"] == pytest.approx((given == data.test.targets["label"].ravel()).mean())


# ---- codes


def test_a_class_is_named_for_real_and_drawn_pictures(project: Path) -> None:
    path = write_game(
        project, CONDITIONAL_GENERATOR, NAMING_DISCRIMINATOR, inputs=BY_NAME, epochs=12, optimizer=FAST, objective=QUIET
    )
    run = train(path, progress=False, run_dir="run")
    first, last = run.history[0], run.history[-1]
    assert last["label_accuracy"] > 0.65 > 0.4 > first["label_accuracy"]
    assert 0 < last["label_drawn_accuracy"] < 1


def test_the_information_of_a_code_that_is_not_found_is_at_most_nothing(project: Path) -> None:
    """An untrained discriminator knows nothing of a category: log q is -log 10 or less, its entropy log 10."""
    category = {"shape": [10], "kind": "vector_latent", "distribution": "categorical"}
    generator = {
        **GENERATOR, "inputs": {**GENERATOR["inputs"], "label": category},
        "nodes": {"both": {"op": "concat", "in": ["z", "label"]}, **GENERATOR["nodes"],
                  "hidden": {**GENERATOR["nodes"]["hidden"], "in": "both"}},
    }  # fmt: skip
    codes = {"label": {"name": "category", "output": "label", "weight": 10}}
    heavy = objective(shown=0, codes=codes)
    path = write_game(project, generator, NAMING_DISCRIMINATOR, objective=heavy, optimizer=FAST, epochs=15)
    trainee = made(path)
    trainee.train(batches(trainee.dataset))
    assert -1 < trainee.measured()["label_information"] < 0.05
    run = train(path, progress=False, run_dir="run")
    assert math.log(10) > run.history[-1]["label_information"] > 0.5


# ---- the run as a whole


class PressesCtrlC(Silent):
    """Sends this process SIGINT after a given batch, as a user would."""

    def __init__(self, epoch: int, step: int) -> None:
        self.when, self.epoch = (epoch, step), 0

    def begin(self, epoch: int, epochs: int, steps: int) -> None:
        self.epoch = epoch

    def advance(self, step: int, measure: Any) -> None:
        if (self.epoch, step) == self.when:
            os.kill(os.getpid(), signal.SIGINT)


def kept(run: Run) -> dict[str, Any]:
    """All that a run leaves that must not depend on when it was stopped."""
    rows = [{key: value for key, value in row.items() if key != "seconds"} for row in run.history]
    pictures = {path.name: path.read_bytes() for path in (*run.path.glob("samples/*"), run.path / "drawn.png")}
    networks = {
        role: [value.tobytes() for value in load_model(run.folder.model_of(role)).get_weights()]
        for role in ("generator", "discriminator")
    }
    return {"rows": rows, "test": dict(run.test), "pictures": pictures, "networks": networks}


RUNS: dict[str, dict[str, Any]] = {
    "turns and averages": {
        "objective": objective(discriminator_steps=2, penalty="r1"),
        "optimizer": {
            "generator": {"name": "adam", "learning_rate": 0.002, "use_ema": True, "ema_momentum": 0.9},
            "discriminator": {"name": "adam", "learning_rate": {"name": "cosine_decay", "initial_learning_rate": 0.01}},
        },
    },
    "several steps at once": {"steps_per_execution": 2, "objective": objective(loss="hinge")},
    "told the class": {"inputs": BY_NAME, "objective": objective()},
    "few labels": {"objective": {**SEMI, "shown": 4}},
}
GRAPHS = {
    "told the class": (CONDITIONAL_GENERATOR, CONDITIONAL_DISCRIMINATOR),
    "few labels": (GENERATOR, CLASSIFYING_DISCRIMINATOR),
}


@pytest.mark.parametrize("name", RUNS)
def test_a_run_that_was_interrupted_twice_ends_as_if_it_had_never_been(project: Path, name: str) -> None:
    graphs = GRAPHS.get(name, (GENERATOR, DISCRIMINATOR))
    path = write_game(project, *graphs, epochs=3, **RUNS[name])
    whole = train(path, progress=False, run_dir="whole")
    assert train(path, progress=PressesCtrlC(0, 4), run_dir="run").interrupted
    assert train(path, progress=PressesCtrlC(1, 8), run_dir="run", resume=True).interrupted
    resumed = train(path, progress=False, run_dir="run", resume=True)
    assert kept(resumed) == kept(whole)


def test_a_run_leaves_pictures_films_and_figures(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHGRAPH_CACHE", str(project / "cache"))
    features = {"name": "classifier", "epochs": 2}
    names = ["frechet_distance", "kernel_distance", "inception_score", "coverage", "pairwise_distance"]
    names += ["structural_similarity", "agreement"]
    value = objective(figures=names, judged=60, judged_every=2, features=features, shown=20)
    path = write_game(
        project, CONDITIONAL_GENERATOR, CONDITIONAL_DISCRIMINATOR, inputs=BY_NAME, objective=value, epochs=3
    )
    run = train(path, progress=False, run_dir="run")
    assert set(names) <= set(run.test)
    measured = ["val_frechet_distance" in row for row in run.history]
    assert measured == [False, True, True]  # every second epoch, and after the last
    files = {path.name for path in run.path.iterdir()}
    assert {"drawn.png", "drawn.gif", "interpolations.png", "neighbours.png", "generator.keras"} <= files
    assert [path.name for path in sorted((run.path / "samples").iterdir())] == [f"000{n}-drawn.png" for n in (1, 2, 3)]
    described = json.loads((run.path / "resolved.json").read_text())["objective"]["generator"]
    assert described["conditions"] == {"label": [str(number) for number in range(10)]}
    assert described["picture"] == {"shape": [8, 8, 1], "low": 0.0, "high": 1.0}
    (cached,) = (project / "cache").iterdir()
    before = cached.stat().st_mtime_ns
    again = train(path, progress=False, run_dir="again")
    assert cached.stat().st_mtime_ns == before
    assert again.test == run.test


def test_the_average_of_the_generators_weights_is_what_is_shown_and_kept(project: Path) -> None:
    averaged = {"name": "adam", "learning_rate": 0.01, "use_ema": True, "ema_momentum": 0.5}
    trainee = made(write_game(project, optimizer={"generator": averaged, "discriminator": "adam"}))
    feed, average = batches(trainee.dataset), None
    for _ in range(3):
        trainee.train(feed)
        now = weights(trainee, "generator")
        average = now if average is None else [0.5 * a + 0.5 * b for a, b in zip(average, now, strict=True)]
    with trainee.averaged():
        inside = weights(trainee, "generator")
    assert average is not None
    for a, b, c, d in zip(average, inside, now, weights(trainee, "generator"), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)
        np.testing.assert_array_equal(c, d)


def test_a_game_without_one_loss_is_not_diagnosed_by_it(project: Path) -> None:
    from archgraph.training.diagnosis import diagnose

    run = train(write_game(project, objective=QUIET, epochs=3), progress=False, run_dir="run")
    assert {finding.name for finding in diagnose(run.path)} & {"diverging", "plateau", "overfitting"} == set()
