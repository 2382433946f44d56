"""Every objective with losses of its own: stopped anywhere and resumed, it ends as if it had never been stopped."""

import csv
from pathlib import Path

import pytest

from archgraph.compiler import load_model
from archgraph.training import Run, load_experiment, plan, train
from tests.training.learners import EXPERIMENTS, make
from tests.training.test_loop import PressesCtrlC, figures

NAMES = list(EXPERIMENTS)


def kept(run: Run) -> dict[str, bytes]:
    """Weights of every network, and everything that was shown."""
    found = {path.name: path.read_bytes() for path in run.path.glob("samples/*")}
    for path in run.path.glob("*.keras"):
        for number, weight in enumerate(load_model(path).get_weights()):
            found[f"{path.name} {number}"] = weight.tobytes()
    return found


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "when",
    [pytest.param((0, 3), marks=pytest.mark.slow, id="first epoch"), pytest.param((1, 2), id="second epoch")],
)
def test_a_run_that_was_stopped_ends_bit_identical(name: str, when: tuple[int, int], project: Path) -> None:
    path = make(project, name)
    whole = train(path, run_dir="whole", progress=False)
    stopped = train(path, run_dir="parts", progress=PressesCtrlC(*when))
    assert stopped.interrupted
    resumed = train(path, run_dir="parts", resume=True, progress=False)
    assert figures(whole) == figures(resumed)
    assert whole.test == resumed.test
    assert kept(whole) == kept(resumed)


@pytest.mark.parametrize("name", NAMES)
def test_it_learns_and_its_figures_are_in_metrics_csv(name: str, project: Path) -> None:
    run = train(make(project, name, epochs=4), progress=False)
    rows = list(csv.DictReader((run.path / "metrics.csv").read_text().splitlines()))
    measured = [key for key in rows[0] if key not in ("epoch", "seconds", "learning_rate")]
    assert set(measured) == set(plan(load_experiment(project / f"{name}.train.json")).quantities)
    quantity = "matching" if name == "distillation" else "loss"  # the first epoch of that one minimises this alone
    assert float(rows[-1][quantity]) < float(rows[0][quantity])
    shown = {path.name[:4] for path in run.path.glob("samples/*")}
    assert shown == (set() if name == "distillation" else {"0001", "0002", "0003", "0004"})


@pytest.mark.parametrize("name", ["variational", "autoregressive"])
def test_what_is_shown_can_be_rarer_or_left_out(name: str, project: Path) -> None:
    run = train(make(project, name, epochs=3, show_every=2), run_dir="some", progress=False)
    assert {path.name[:4] for path in (run.path / "samples").iterdir()} == {"0002", "0003"}
    none = train(make(project, name, epochs=1, show_every=0), run_dir="none", progress=False)
    assert not (none.path / "samples").exists()
