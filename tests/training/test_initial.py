"""Fine-tuning: weights by path from another run. The oracles are the files' own weights, compared number by number."""

import copy
import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from archgraph.compiler import get_weights, load_model
from archgraph.diagnostics import GraphError
from archgraph.training import Run, check_experiment, train
from archgraph.training.initial import InitialWeights, matches, renamed
from archgraph.training.reuse import choose
from tests.training.conftest import DENSE, Write

STILL = {"name": "sgd", "learning_rate": 1e-30}


def weights(run: Run) -> dict[str, Any]:
    return get_weights(load_model(run.folder.model))


def changed(graph: dict[str, Any], **nodes: Any) -> dict[str, Any]:
    made = copy.deepcopy(graph)
    made["nodes"].update(nodes)
    return made


@pytest.fixture
def base(write: Write) -> Run:
    """A run whose weights are to be reused."""
    return train(write(epochs=1, name="base"), run_dir="runs/base", progress=False)


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("conv", "conv", True),
        ("conv", "conv/kernel", True),
        ("conv", "conv2", False),
        ("conv*", "conv2/kernel", True),
        ("stage*/conv", "stage1/0/conv/kernel", True),
        ("*", "anything/at/all", True),
        ("a.c", "abc", False),
    ],
)
def test_patterns_name_nodes_and_what_lies_below(pattern: str, path: str, expected: bool) -> None:
    assert matches(pattern, path) == expected


@pytest.mark.parametrize(
    ("names", "path", "expected"),
    [
        ({"encoder": "body"}, "encoder/conv/kernel", "body/conv/kernel"),
        ({"encoder": "body"}, "encoder2/kernel", "encoder2/kernel"),
        ({"old*": "new*"}, "old7/bias", "new7/bias"),
        ({"*/a/*": "x/*/*"}, "p/a/q", "x/p/q"),
        ({"a": "b", "*": "c/*"}, "a/kernel", "b/kernel"),
    ],
)
def test_names_there_become_names_here(names: dict[str, str], path: str, expected: str) -> None:
    assert renamed(path, names) == expected


def test_every_weight_is_reused_reshaped_or_left_fresh_and_the_report_says_which() -> None:
    wanted = InitialWeights.make({"file": "x", "rename": {"fc": "conv"}, "skip": ["scores"]})
    present = {
        "first/kernel": np.zeros((3, 4)),
        "conv/kernel": np.zeros((2, 2, 3, 5)),
        "scores/kernel": np.zeros((4, 2)),
        "last/bias": np.zeros(7),
        "new/kernel": np.zeros((1, 1)),
    }
    given = {
        "first/kernel": np.ones((3, 4)),
        "fc/kernel": np.arange(60.0).reshape(12, 5),
        "scores/kernel": np.ones((4, 2)),
        "last/bias": np.ones(8),
        "gone/kernel": np.ones(3),
    }
    report, chosen = choose(wanted, present, given)
    assert report.reused == ["first/kernel"]
    assert report.reshaped == {"conv/kernel": "12x5 to 2x2x3x5"}
    np.testing.assert_array_equal(chosen["conv/kernel"], np.arange(60.0).reshape(2, 2, 3, 5))
    assert report.reinitialised == {
        "scores/kernel": "skipped",
        "last/bias": "7 here, 8 in the file",
        "new/kernel": "not in the file",
    }
    assert report.unused == ["scores/kernel", "last/bias", "gone/kernel"]


def test_a_run_begins_with_the_weights_of_another(base: Run, write: Write) -> None:
    path = write(epochs=1, optimizer=STILL, seed=9, initial_weights="runs/base")
    again = train(path, progress=False)
    for name, array in weights(base).items():
        np.testing.assert_array_equal(weights(again)[name], array)
    assert again.test["accuracy"] == base.test["accuracy"]
    result = json.loads((again.path / "result.json").read_text())
    assert result["initial_weights"]["model"]["reused"] == list(weights(base))
    assert "initial weights: 4 weights reused" in (again.path / "train.log").read_text()


def test_another_head_starts_fresh_and_frozen_layers_stay(base: Run, write: Write) -> None:
    graph = changed(DENSE, scores={"op": "dense", "in": "drop", "units": 12, "activation": "softmax"})
    graph["nodes"]["body"] = graph["nodes"].pop("hidden")
    graph["nodes"]["drop"]["in"] = "body"
    network = {**graph, "nodes": {name: graph["nodes"][name] for name in ("flat", "body", "drop", "scores")}}
    start = {"file": "runs/base", "rename": {"hidden": "body"}}
    run = train(write(network, epochs=2, initial_weights=start, freeze=["body"]), progress=False)
    before, after = weights(base), weights(run)
    np.testing.assert_array_equal(after["body/kernel"], before["hidden/kernel"])
    assert after["scores/kernel"].shape == (32, 12)
    report = json.loads((run.path / "initial_weights.json").read_text())["model"]
    assert report["reused"] == ["body/kernel", "body/bias"]
    assert set(report["reinitialised"]) == {"scores/kernel", "scores/bias"}


def test_frozen_normalisations_use_their_averages(write: Write) -> None:
    nodes = {
        "flat": {"op": "flatten", "in": "image"},
        "hidden": {"op": "dense", "in": "flat", "units": 8, "norm": "batch", "activation": "relu"},
        "scores": {"op": "dense", "in": "hidden", "units": 10, "activation": "softmax"},
    }
    path = write({**DENSE, "nodes": nodes}, epochs=1)
    free = weights(train(path, progress=False))
    frozen = weights(train(path, progress=False, overrides={"freeze": ["hidden"]}))
    assert free["hidden/norm/moving_mean"].any()
    assert not frozen["hidden/norm/moving_mean"].any() and (frozen["hidden/norm/moving_variance"] == 1).all()
    assert (frozen["hidden/norm/gamma"] == 1).all() and not (free["hidden/norm/gamma"] == 1).all()


def test_single_copies_of_a_repeated_block_can_be_frozen(write: Write) -> None:
    hidden = {"op": "dense", "in": "flat", "units": 16, "activation": "relu", "repeat": 6}
    nodes = {**DENSE["nodes"], "hidden": hidden}
    path = write({**DENSE, "nodes": nodes}, epochs=1)
    free = weights(train(path, progress=False))
    first = [name.rpartition("/")[0] for name in free if name.startswith("hidden/") and name.endswith("kernel")][:2]
    run = weights(train(path, progress=False, overrides={"freeze": [first[0]]}))
    start = weights(train(path, progress=False, overrides={"optimizer": STILL}))
    np.testing.assert_array_equal(run[f"{first[0]}/kernel"], start[f"{first[0]}/kernel"])
    assert not np.array_equal(run[f"{first[1]}/kernel"], start[f"{first[1]}/kernel"])


def test_an_interrupted_run_goes_on_without_beginning_again(base: Run, write: Write) -> None:
    from tests.training.test_loop import PressesCtrlC, same

    path = write(epochs=2, initial_weights="runs/base", freeze=["hidden"])
    whole = train(path, progress=False)
    run = train(path, progress=PressesCtrlC(0, 4))
    assert run.interrupted
    same(whole, train(path, run_dir=run.path, resume=True, progress=False))


def test_a_plain_keras_file_gives_its_weights_by_its_layers(write: Write, project: Path) -> None:
    inputs = keras.Input((64,))
    keras.Model(inputs, keras.layers.Dense(32, name="first")(inputs)).save(project / "plain.keras")
    start = {"file": "plain.keras", "rename": {"first": "hidden"}}
    run = train(write(epochs=1, optimizer=STILL, initial_weights=start), progress=False)
    theirs = load_model(project / "plain.keras").get_layer("first").kernel
    np.testing.assert_array_equal(weights(run)["hidden/kernel"], np.asarray(theirs))


def test_a_file_without_a_fitting_weight_is_refused(write: Write, project: Path) -> None:
    inputs = keras.Input((64,))
    keras.Model(inputs, keras.layers.Dense(32, name="first")(inputs)).save(project / "plain.keras")
    with pytest.raises(GraphError, match=r"AG803 none of the file's weights has a place here"):
        train(write(epochs=1, initial_weights="plain.keras"), progress=False)


def test_a_damaged_model_is_refused(base: Run, write: Write) -> None:
    content = bytearray(base.folder.model.read_bytes())
    content[len(content) // 2] ^= 1
    base.folder.model.write_bytes(bytes(content))
    with pytest.raises(GraphError, match="AG704"):
        train(write(epochs=1, initial_weights="runs/base"), progress=False)


BAD: list[tuple[dict[str, Any], str, str, str]] = [
    ({"initial_weights": "runs/none"}, "AG704", "/initial_weights", "there is no"),
    ({"initial_weights": {"file": "runs/none"}}, "AG704", "/initial_weights/file", "there is no"),
    ({"initial_weights": 3}, "AG202", "/initial_weights", "must be"),
    ({"initial_weights": {"fil": "x"}}, "AG203", "/initial_weights/fil", "unknown key"),
    ({"freeze": ["hiden"]}, "AG701", "/freeze/0", "no node of the graph fits 'hiden'"),
    ({"freeze": ["*"]}, "AG210", "/freeze", "nothing is left to learn"),
    ({"freeze": "hidden"}, "AG202", "/freeze", "must be"),
    ({"initial_weights": {"file": ".", "rename": {"a": "b*"}}}, "AG210", "/initial_weights/rename/a", "more *"),
    ({"initial_weights": {"file": ".", "roles": {"judge": "x"}}}, "AG210", "/initial_weights/roles/judge", "no graph"),
    ({"initial_weights": {"file": "."}}, "AG704", "/initial_weights/file", "holds no model.keras"),
]


@pytest.mark.parametrize(("changes", "code", "pointer", "message"), BAD)
def test_what_cannot_be_is_told_at_its_place(
    changes: dict[str, Any], code: str, pointer: str, message: str, write: Write
) -> None:
    found = [one for one in check_experiment(write(**changes)) if one.code == code]
    assert [one.pointer for one in found] == [pointer] and found[0].line
    assert message in found[0].message


def test_the_command_line_takes_a_run_to_begin_with(
    base: Run, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    from archgraph.cli import main

    path = write(epochs=1, optimizer=STILL, initial_weights={"file": "elsewhere", "skip": ["scores"]})
    assert main(["train", str(path), "--from", "runs/base", "--run-dir", "tuned", "-q"]) == 0
    report = json.loads(Path("tuned/initial_weights.json").read_text())["model"]
    assert report["reused"] == ["hidden/kernel", "hidden/bias"]
    assert set(report["reinitialised"].values()) == {"skipped"}
    assert main(["train", str(path), "--from", "nowhere", "-q"]) == 1
    said = capsys.readouterr()
    assert "AG704" in said.out + said.err


def test_each_of_several_graphs_has_its_own_weights_and_frozen_nodes(project: Path) -> None:
    from tests.training.games import write_game

    still = {"name": "sgd", "learning_rate": 1e-30}
    path = write_game(project, epochs=1)
    base = train(path, run_dir="base", progress=False)
    both = train(path, run_dir="both", progress=False, overrides={"initial_weights": "base", "optimizer": still})
    one = {"file": "base", "roles": {"generator": "generator"}}
    half = train(path, run_dir="half", progress=False, overrides={"initial_weights": one, "optimizer": still})
    frozen = {"generator": ["hidden"]}
    fixed = train(path, run_dir="fixed", progress=False, overrides={"initial_weights": "base", "freeze": frozen})

    def kernel(run: Run, role: str, node: str = "hidden") -> Any:
        return get_weights(load_model(run.folder.model_of(role)))[f"{node}/kernel"]

    for role in ("generator", "discriminator"):
        np.testing.assert_allclose(kernel(both, role), kernel(base, role), atol=1e-9)
    np.testing.assert_allclose(kernel(half, "generator"), kernel(base, "generator"), atol=1e-9)
    assert not np.allclose(kernel(half, "discriminator"), kernel(base, "discriminator"))
    np.testing.assert_array_equal(kernel(fixed, "generator"), kernel(base, "generator"))
    assert not np.allclose(kernel(fixed, "generator", "picture"), kernel(base, "generator", "picture"))
    told = json.loads(Path("half/result.json").read_text())["initial_weights"]
    assert list(told) == ["generator"]
