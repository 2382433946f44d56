"""The terms of likelihoods, by hand."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archgraph.compiler import load_model
from archgraph.training import load_experiment, plan, train
from archgraph.training.generation.codes import Coder
from archgraph.training.objectives import Variational
from archgraph.training.trainees.autoregressive import unlikelihood as nats_of
from archgraph.training.trainees.language import streams
from archgraph.training.trainees.variational import gaussian_divergence, unlikelihood
from tests.training.learners import make


def test_the_divergence_is_that_of_two_gaussians() -> None:
    mean, deviation = np.array([[1.0, -2.0]]), np.array([[0.5, 2.0]])
    by_hand = (np.log(1 / deviation) + (deviation**2 + mean**2) / 2 - 0.5).sum()
    assert float(gaussian_divergence(mean, 2 * np.log(deviation))[0]) == pytest.approx(by_hand, rel=1e-5)


def test_the_reconstruction_is_minus_the_logarithm_of_a_density() -> None:
    given, picture = np.array([[1.0, 0.0]]), np.array([[0.8, 0.3]])
    bernoulli = Variational.make({})
    assert float(unlikelihood(bernoulli, given, picture, raw=False)[0]) == pytest.approx(-np.log(0.8 * 0.7), rel=1e-5)
    scores = np.log(picture / (1 - picture))
    assert float(unlikelihood(bernoulli, given, scores, raw=True)[0]) == pytest.approx(-np.log(0.8 * 0.7), rel=1e-5)
    gaussian = Variational.make({"likelihood": "gaussian", "deviation": 0.5})
    densities = np.exp(-0.5 * ((given - picture) / 0.5) ** 2) / (0.5 * np.sqrt(2 * np.pi))
    assert float(unlikelihood(gaussian, given, picture, raw=False)[0]) == pytest.approx(
        -np.log(densities).sum(), rel=1e-5
    )


def test_numbers_of_several_levels_are_classes() -> None:
    chances = np.array([[[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]]])
    assert float(nats_of(np.array([[0.5, 1.0]]), chances, 3)[0]) == pytest.approx(-np.log(0.5 * 0.8), rel=1e-5)


def test_streams_stand_side_by_side_and_each_is_read_in_order() -> None:
    assert streams(7, 2).tolist() == [0, 3, 1, 4, 2, 5]


def row(project: Path, epoch: int) -> dict[str, Any]:
    return dict(json.loads((project / "metrics.json").read_text())[epoch - 1])


def test_beta_grows_and_the_loss_is_the_bound_when_it_is_one(project: Path) -> None:
    run = train(make(project, "variational", objective={"warm_up": 2.0}, epochs=3), progress=False)
    first, second, third = (row(run.path, epoch) for epoch in (1, 2, 3))
    assert 0 < first["beta"] < 0.5 < second["beta"] < 1 == third["beta"]
    assert third["loss"] == pytest.approx(-third["elbo"], rel=1e-6)
    assert third["elbo"] == pytest.approx(-third["reconstruction"] - third["divergence"], rel=1e-6)
    assert third["val_loss"] == pytest.approx(-third["val_elbo"], rel=1e-6)
    assert run.test["log_likelihood"] > run.test["elbo"] - 1  # the estimate lies above the bound, but for its noise


def test_weighted_codes_estimate_the_likelihood_itself(project: Path) -> None:
    """Against the integral over a code of two numbers, on a fine grid."""
    path = make(project, "variational", objective={"draws": 2000}, epochs=2, data={"name": "digits", "subset": 60})
    run = train(path, progress=False)
    model = load_model(run.path / "model.keras")
    coder = Coder.cut(model, "picture", "mean", "log_var", raw=False)
    (truth,) = plan(load_experiment(path)).dataset().test.inputs.values()
    side = np.linspace(-6, 6, 121)
    codes = np.array([(x, y) for x in side for y in side])
    prior = -0.5 * (codes**2).sum(1) - np.log(2 * np.pi) + 2 * np.log(side[1] - side[0])
    ink = coder.decode(codes).astype(np.float64).clip(1e-7, 1 - 1e-7)
    likely = truth @ np.log(ink).T + (1 - truth) @ np.log(1 - ink).T
    exact = np.logaddexp.reduce(likely + prior, axis=1).mean()
    assert run.test["log_likelihood"] == pytest.approx(exact, abs=0.02)
    assert run.test["elbo"] < exact


def test_perplexity_is_e_to_the_nats(project: Path) -> None:
    run = train(make(project, "language", epochs=1), progress=False)
    assert run.test["perplexity"] == pytest.approx(np.exp(run.test["nats_per_symbol"]), rel=1e-6)


def test_carried_states_give_what_one_long_piece_gives(project: Path) -> None:
    """The nats of the test part, piece by piece, against the finished network run over each stream in one go."""
    path = make(project, "language", epochs=1)
    run = train(path, progress=False)
    model, planned = load_model(run.path / "model.keras"), plan(load_experiment(path))
    whole = planned.experiment.objective.seen(planned.dataset(), 10).test
    text, follows = whole.inputs["text"].reshape(10, -1), whole.targets["next"].reshape(10, -1)
    chances = np.asarray(model({"text": text, "h": np.zeros((10, 12), "float32")})["next"], np.float64)
    nats = -np.log(np.take_along_axis(chances, follows[..., None], 2)).mean()
    assert run.test["nats_per_symbol"] == pytest.approx(nats, rel=1e-5)
    forgetful = train(path, progress=False, overrides={"objective.reset": True})
    assert forgetful.test["nats_per_symbol"] != pytest.approx(nats, rel=1e-5)
