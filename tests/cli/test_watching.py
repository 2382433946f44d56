"""The commands that look at runs: runs, diagnose, explain."""

import json
from pathlib import Path

import numpy as np
import pytest

import archgraph as ag
from archgraph.cli import main
from archgraph.training import Run, train
from tests.training.conftest import DIGITS
from tests.training.test_comparing import write_run

GRAPH = {
    "archgraph": 1,
    "name": "small",
    "inputs": {"image": {"shape": [8, 8, 1]}},
    "nodes": {
        "see": {"op": "conv", "in": "image", "filters": 4, "kernel_size": 3, "activation": "relu"},
        "flat": {"op": "flatten", "in": "see"},
        "scores": {"op": "dense", "in": "flat", "units": 10, "activation": "softmax"},
    },
    "outputs": {"label": "scores"},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that stopped too early, on purpose."""
    folder = tmp_path_factory.mktemp("project")
    (folder / ".archgraph").mkdir()
    (folder / "small.graph.json").write_text(json.dumps(GRAPH))
    value = {**DIGITS, "graph": "small.graph.json", "optimizer": {"name": "sgd", "learning_rate": 0.02}, "epochs": 5}
    (folder / "small.train.json").write_text(json.dumps(value))
    return train(folder / "small.train.json", run_dir=folder / "run", progress=False)


def test_diagnose_tells_what_is_wrong_and_applies_a_remedy(
    run: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["diagnose", str(run.path)]) == 0
    told = capsys.readouterr().out
    assert told.startswith("diagnosis: under-fitting: ") and "  remedy 1: train longer: 15 epochs" in told
    assert all(len(line) <= 112 for line in told.splitlines())
    output = run.path.parent / "longer.train.json"
    assert main(["diagnose", str(run.path), "--apply", "1", "-o", str(output)]) == 0
    assert json.loads(output.read_text()) == {
        **json.loads((run.path / "experiment.train.json").read_text()),
        "epochs": 15,
    }
    assert main(["diagnose", str(run.path), "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out.partition("wrote ")[2].partition("\n")[2])
    assert found["name"] == "under-fitting" and found["remedies"][0]["patch"] == [{"at": "/epochs", "value": 15}]


def test_diagnose_refuses_what_makes_no_sense(run: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["diagnose", str(run.path), "--apply", "1"]) == 2
    assert main(["diagnose", str(run.path), "--apply", "99", "-o", "x.train.json"]) == 1
    assert "AG704 there is no remedy 99" in capsys.readouterr().err
    assert main(["diagnose", str(run.path), "--apply", "1", "-o", str(tmp_path / "x.json")]) == 1
    assert "ends in .train.json" in capsys.readouterr().err
    assert main(["diagnose", str(tmp_path)]) == 1


def test_explain_shows_kept_samples_and_ones_own(run: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["explain", str(run.path), "--json"]) == 0
    files = [Path(file) for file in json.loads(capsys.readouterr().out)]
    assert [file.name for file in files] == ["filters.png", "feature_maps.png", "grad_cam.png"]
    assert all(file.read_bytes()[:4] == b"\x89PNG" and file.parent == run.path / "explained" for file in files)
    np.savez(tmp_path / "own.npz", image=np.full((1, 8, 8, 1), 7.0, "float32"))
    own = ["explain", str(run.path), str(tmp_path / "own.npz"), "-o", str(tmp_path / "out"), "--node", "see"]
    assert main(own) == 0
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        "feature_maps_see.png", "filters_see.png", "grad_cam_see.png",
    ]  # fmt: skip


def test_explain_refuses_nodes_that_show_nothing(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", str(run.path), "--node", "sea"]) == 1
    assert "there is no node 'sea'" in (told := capsys.readouterr().err) and "did you mean 'see'?" in told
    assert main(["explain", str(run.path), "--node", "flat"]) == 1
    assert "'flat' (flatten) has no kernels, maps or attention" in capsys.readouterr().err
    assert main(["explain", str(run.path), "--role", "critic"]) == 1
    assert "the run has no graph 'critic'" in capsys.readouterr().err


def test_explain_knows_what_it_shows(run: Run) -> None:
    explained = ag.explain(run.path)
    model = run.load_model()
    np.testing.assert_allclose(
        explained.look.outputs["label"], model(explained.samples.inputs["image"]), rtol=1e-4, atol=1e-6
    )
    assert explained.values("see")[0].shape == (16, 8, 8, 4) and explained.attention == ()
    assert explained.grad_cam().shape == (16, 8, 8)


@pytest.fixture
def several(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_run(tmp_path / "runs" / "a-1", 0.1, [3.0, 1.0], {"test": {"accuracy": 0.8}})
    write_run(tmp_path / "runs" / "a-2", 0.5, [3.0, 0.5], {"test": {"accuracy": 0.9}})
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_runs_are_compared_in_a_table_and_a_plot(several: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "--sort", "test_accuracy", "--falling", "--plot", "curves.png"]) == 0
    told = capsys.readouterr().out
    lines = [line.split() for line in told.splitlines() if "runs/a-" in line]
    assert [line[0] for line in lines] == ["runs/a-2", "runs/a-1"]
    # Of two runs, that which comes first counts as the usual one.
    assert "optimizer.learning_rate" in told and lines[0][-1] == "0.5" and lines[1][-2:] == ["0.1", "*"]
    assert (several / "curves.png").read_bytes()[:4] == b"\x89PNG"
    assert main(["runs", "--filter", "test_accuracy>0.85", "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)
    assert one["run"] == "runs/a-2" and one["test"] == {"accuracy": 0.9} and one["settings"] == {}
    assert main(["runs", "--filter", "test_accuracy>2"]) == 0
    assert "none of 2 runs fits" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words", [["--sort", "speed"], ["--filter", "nonsense"], ["--plot", "x.png", "--quantity", "q"]]
)
def test_runs_refuses_names_that_no_run_has(several: Path, words: list[str]) -> None:
    assert main(["runs", *words]) == 2


def test_runs_needs_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", str(tmp_path)]) == 1
    assert "AG704" in capsys.readouterr().err
