"""The range test: the arithmetic on curves that are known, and a network that learns."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from archgraph.cli import main
from archgraph.diagnostics import GraphError
from archgraph.training import find_rate
from archgraph.training.range_finder import RateRange, _smooth
from tests.training.conftest import Write

RATES = tuple(10 ** (-6 + 0.1 * number) for number in range(71))


def curve(losses: list[float]) -> RateRange:
    return RateRange("curve", RATES[: len(losses)], tuple(losses), tuple(losses))


def valley(rate: float) -> float:
    """Flat, then falling fastest at 10^-3, lowest near 10^-1, then rising."""
    x = math.log10(rate)
    return 2.0 - 1 / (1 + math.exp(-4 * (x + 3))) + 0.01 * math.exp(6 * (x + 1)) / 6


def test_the_marks_are_where_the_curve_falls_fastest_and_where_it_is_lowest() -> None:
    found = curve([valley(rate) for rate in RATES])
    assert found.steepest == pytest.approx(1e-3, rel=0.3)
    assert found.highest == min(RATES, key=valley)
    assert found.suggestion == pytest.approx(found.highest / 10)
    assert found.diverged


def test_a_loss_that_only_rises_has_no_rate() -> None:
    found = curve([1.0 + 0.1 * number for number in range(40)])
    assert found.suggestion is found.steepest is found.highest is None
    assert found.picture()[:4] == b"\x89PNG"


def test_smoothing_is_that_of_smiths_followers() -> None:
    """The corrected moving average: m <- 0.9 m + 0.1 loss, divided by 1 - 0.9^t."""
    losses, mean = [3.0, 1.0, 2.0, 5.0], 0.0
    for t, loss in enumerate(losses, 1):
        mean = 0.9 * mean + 0.1 * loss
        assert _smooth(losses[:t]) == pytest.approx(mean / (1 - 0.9**t))


def test_the_rates_of_a_network_rise_by_one_factor_until_it_diverges(write: Write) -> None:
    found = find_rate(write(optimizer="sgd"), lowest=1e-4, highest=1000, steps=60)
    ratios = np.divide(found.rates[1:], found.rates[:-1])
    np.testing.assert_allclose(ratios, (1000 / 1e-4) ** (1 / 59))
    assert found.rates[0] == pytest.approx(1e-4) and found.suggestion is not None
    assert 1e-3 < found.suggestion < 10  # whoever trains this network by hand takes 0.1 to 1
    assert found.diverged and len(found.rates) < 60
    assert not Path("runs").exists()


def test_the_command_prints_a_suggestion_and_draws(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(optimizer={"name": "adam", "learning_rate": {"name": "one_cycle", "highest": 0.1}})
    assert main(["find-rate", str(path), "--lowest", "1e-5", "--steps", "40", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["suggestion"] == pytest.approx(told["lowest_loss"] / 10)
    assert len(told["rates"]) == len(told["losses"]) == len(told["smoothed"])
    assert path.with_name("digits.rates.png").read_bytes()[:4] == b"\x89PNG"


def test_what_makes_no_sense_is_refused(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(optimizer="lbfgs", batch_size="all")
    with pytest.raises(GraphError, match="has no learning rate") as error:
        find_rate(path)
    assert error.value.diagnostics[0].pointer == "/optimizer"
    with pytest.raises(ValueError, match="needs 0 < lowest < highest"):
        find_rate(path, lowest=1, highest=0.1)
    assert main(["find-rate", str(path), "--lowest", "2", "--highest", "1"]) == 2
    assert "--lowest must be below --highest" in capsys.readouterr().err
