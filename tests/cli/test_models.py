"""The commands that build and train models, on the smallest ones."""

import json
import re
import shutil
from pathlib import Path

import pytest

from archgraph.cli import main

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("mlp.graph.json", "mlp.train.json"):
        shutil.copy(EXAMPLES / name, tmp_path)
    return tmp_path


def cli(capsys, *arguments: str) -> tuple[int, str, str]:
    status = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return status, out, err


def weights(path: Path) -> list:
    import keras

    import archgraph.compiler.layers  # noqa: F401 - registers the layers that Keras lacks

    return keras.saving.load_model(path).get_weights()


def test_compile_writes_a_model_and_a_seed_makes_it_the_same_again(capsys, folder):
    for name, seed in (("a", "3"), ("b", "3"), ("c", "4")):
        status, out, err = cli(capsys, "compile", "mlp.graph.json", "-o", f"{name}.keras", "--seed", seed)
        assert (status, err) == (0, "") and re.fullmatch(rf"wrote {name}.keras: [\d,]+ parameters\n", out)
    a, b, c = (weights(folder / f"{name}.keras") for name in "abc")
    assert all((one == other).all() for one, other in zip(a, b, strict=True))
    assert not all((one == other).all() for one, other in zip(a, c, strict=True))


def test_compile_refuses_a_policy_that_keras_has_not_and_leaves_the_old_file(capsys, folder):
    (folder / "a.keras").write_bytes(b"old")
    status, _, err = cli(capsys, "compile", "mlp.graph.json", "-o", "a.keras", "--dtype-policy", "float7")
    assert status == 2 and "float7" in err and (folder / "a.keras").read_bytes() == b"old"
    assert cli(capsys, "compile", "mlp.graph.json", "-o", "a.keras", "--set", "width=0")[0] == 1
    assert (folder / "a.keras").read_bytes() == b"old"
    assert sorted(path.name for path in folder.iterdir()) == ["a.keras", "mlp.graph.json", "mlp.train.json"]


def test_train_keeps_a_run_that_can_be_resumed_and_predicts(capsys, folder):
    status, out, _ = cli(capsys, "train", "mlp.graph.json", "--epochs", "1", "--set", "seed=5", "--quiet")
    assert status == 0
    assert re.fullmatch(r"test: .*accuracy 0\.\d+.*\nkept in runs/mlp-1\n", out)
    resolved = json.loads((folder / "runs/mlp-1/resolved.json").read_text())
    assert (resolved["settings"]["epochs"], resolved["settings"]["seed"]) == (1, 5)

    status, out, _ = cli(capsys, "train", "mlp.train.json", "--resume", "--epochs", "2", "--set", "seed=5")
    assert status == 0 and "resuming runs/mlp-1 at epoch 2" in out and "kept in runs/mlp-1" in out

    import numpy

    ((name, raw),) = resolved["raw"].items()
    numpy.savez(folder / "new.npz", **{name: numpy.zeros((2, *raw["shape"]), "float32")})
    status, out, _ = cli(capsys, "predict", "runs/mlp-1", "new.npz", "--json", "--top", "2")
    rows = json.loads(out)
    assert status == 0 and len(rows) == 2
    (best,) = [value for key, value in rows[0].items() if key != "sample"]
    assert len(best["top"]) == 2 and best["top"][0]["probability"] >= best["top"][1]["probability"]
    status, out, _ = cli(capsys, "predict", "runs/mlp-1", "new.npz")
    assert status == 0 and f"{best['class']} {best['probability']:.1%}" in out


def test_train_refuses_what_does_not_fit_before_it_makes_a_folder(capsys, folder):
    status, _, err = cli(capsys, "train", "mlp.train.json", "--set", "graph.params.classes=7")
    assert status == 1 and "AG701" in err and not (folder / "runs").exists()
    status, _, err = cli(capsys, "train", "mlp.train.json", "--set", "epoch=7")
    assert status == 1 and "AG203" in err
    status, _, err = cli(capsys, "train", "mlp.train.json", "--resume")
    assert status == 1 and "AG704" in err
