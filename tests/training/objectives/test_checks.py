"""What is wrong with an objective, its graphs and its data is told in one placed line, before TensorFlow is loaded."""

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archgraph.diagnostics import Diagnostic
from archgraph.training.planning import check_experiment
from tests.training.learners import (
    BRIGHT,
    CODER,
    EXPERIMENTS,
    MADE,
    READER,
    TRANSLATOR,
    classifier,
    dense,
    make,
)

Graph = dict[str, Any]


def changed(graph: Graph, outputs: dict[str, str] | None = None, **nodes: Any) -> Graph:
    """A graph with other nodes (None: left out) and outputs."""
    new = copy.deepcopy(graph)
    new["nodes"] = {name: node for name, node in {**new["nodes"], **nodes}.items() if node is not None}
    return {**new, "outputs": outputs or new["outputs"]}


def inputs(graph: Graph, **given: Any) -> Graph:
    """A graph with other inputs."""
    new = copy.deepcopy(graph)
    return {**new, "inputs": {**new["inputs"], **given}}


AROUND = changed(
    CODER, both={"op": "concat", "in": ["code", "image"]}, draw=dense("both", 16, "tanh")
)  # the picture sees the input itself
UNDRAWN = changed(CODER, code=dense("mean", 2))
TWICE = changed(
    CODER,
    again={"op": "sampling", "in": {"mean": "mean", "log_var": "log_var"}},
    more={"op": "add", "in": ["code", "again"]},
    draw=dense("more", 16, "tanh"),
)
ELSEWHERE = {"data": {"name": "text_characters", "file": "text.txt", "length": 8, "step": 4, "target": "each"}}
LAST = {"data": {"name": "text_characters", "file": "text.txt", "length": 8, "step": 8}}
FIXED = inputs(READER, text={"shape": [8], "dtype": "int32"})

CASES: dict[str, tuple[str, dict[str, Any], str, str]] = {
    # objective, what is changed, where the finding stands, and what it says
    "loss given": ("variational", {"loss": "mean_squared_error"}, "/loss", "brings its own losses"),
    "metrics given": ("variational", {"metrics": ["accuracy"]}, "/metrics", "measures and weighs by itself"),
    "no such monitor": (
        "variational",
        {"callbacks": [{"name": "early_stopping", "monitor": "val_accuracy"}]},
        "/callbacks/0/monitor",
        "'val_accuracy' is not measured",
    ),
    "unknown field": ("variational", {"objective": {"betta": 1}}, "/objective/betta", "unknown key"),
    "negative beta": ("variational", {"objective": {"beta": -1}}, "/objective/beta", "must be"),
    "no such output": (
        "variational",
        {"objective": {"picture": "pictures"}},
        "/objective/picture",
        "has no output 'pictures'",
    ),
    "a way around the code": ("variational", {"network": AROUND}, "/graph", "without going through 'code'"),
    "no draw": ("variational", {"network": UNDRAWN}, "/graph", "draws its code at 0 nodes"),
    "two draws": ("variational", {"network": TWICE}, "/graph", "draws its code at 2 nodes (code, again)"),
    "another size": (
        "variational",
        {"network": changed(CODER, picture=dense("drop", 32, "sigmoid"))},
        "/objective",
        "the shape (32,)",
    ),
    "no chances": (
        "variational",
        {"network": changed(CODER, picture=dense("drop", 64, "tanh"))},
        "/objective",
        "ends in tanh",
    ),
    "beyond one": ("variational", {"preprocessing": ["flatten"]}, "/data", "goes from 0 to 16"),
    "grey for black and white": (
        "autoregressive",
        {"preprocessing": [*BRIGHT, "flatten"]},
        "/objective",
        "none of 2 levels",
    ),
    "levels without chances": (
        "autoregressive",
        {"objective": {"levels": 17}, "preprocessing": [*BRIGHT, "flatten"]},
        "/objective",
        "needs (64, 17)",
    ),
    "a target": ("autoregressive", {"targets": {"ink": "image"}}, "/targets", "has no output 'ink'"),
    "a softmax": (
        "autoregressive",
        {"network": changed(MADE, ink={**MADE["nodes"]["ink"], "activation": "softmax"})},
        "/objective",
        "ends in softmax",
    ),
    "no such state": ("language", {"objective": {"carry": {"hh": "h"}}}, "/objective/carry/hh", "has no input 'hh'"),
    "a state of another size": (
        "language",
        {"objective": {"carry": {"h": "next"}}},
        "/objective/carry/h",
        "is (12,)",
    ),
    "pieces that overlap": ("language", ELSEWHERE, "/data", "do not follow each other"),
    "one foretold symbol": ("language", LAST, "/data", 'set the "target"'),
    "too many streams": ("language", {"batch_size": 400}, "/batch_size", "too few for 400 streams"),
    "all at once": ("language", {"batch_size": "all"}, "/batch_size", "too few for 360 streams"),
    "pieces of one length": ("language", {"network": FIXED}, "/graph", "pieces of any length"),
    "reset without states": (
        "language",
        {"objective": {"carry": {}, "reset": True}},
        "/objective/reset",
        "nothing to reset",
    ),
    "too few chances": (
        "language",
        {"network": changed(READER, next=dense("memory", 20, "softmax"))},
        "/graph",
        "20 chances",
    ),
    "pictures for text": (
        "language",
        {"data": "digits_sequence", "targets": {"next": "label"}, "inputs": {"text": "sequence"}},
        "/inputs/text",
        "has the shape (8, 8)",
    ),
    "no such written input": (
        "translation",
        {"objective": {"written": "targets"}},
        "/objective/written",
        "has no input 'targets'",
    ),
    "truth that is not late": (
        "translation",
        {"inputs": {"source": "source", "target": "next"}},
        "/inputs",
        "is not 'next', one late",
    ),
    "one mark twice": ("translation", {"objective": {"end": 1}}, "/objective/begin", "not a symbol of its own"),
    "too few symbols": (
        "translation",
        {"network": changed(TRANSLATOR, next=dense("both", 7, "softmax"))},
        "/graph",
        "there are 9 symbols",
    ),
    "no teacher": ("distillation", {"objective": {"teacher": "runs/nobody"}}, "/objective/teacher", "there is no"),
    "no such class": (
        "distillation",
        {"objective": {"omitted": ["three"]}},
        "/objective/omitted/0",
        "there is no class 'three'",
    ),
    "no validation": ("distillation", {"validation": 0}, "/validation", "on which their scores are corrected"),
    "other preparation": (
        "distillation",
        {"preprocessing": ["standardize"]},
        "/preprocessing",
        "prepared otherwise: by rescale",
    ),
    "nothing to be like": (
        "distillation",
        {"objective": {"matching": {"hidden": "deep"}}},
        "/objective",
        "must give the classes",
    ),
    "hints of nothing": (
        "distillation",
        {"network": changed(classifier(12, "softmax"), {"label": "label"}), "objective": {"matching": {}}},
        "/objective/hint_epochs",
        "no output is matched",
    ),
    "fewer classes": (
        "distillation",
        {"network": changed(classifier(12, "softmax"), label=dense("hidden", 9, "softmax"))},
        "/graphs/student",
        "more classes than the 9",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_contradiction_is_told_in_one_placed_line(name: str, project: Path) -> None:
    objective, change, where, message = CASES[name]
    found: tuple[Diagnostic, ...] = check_experiment(make(project, objective, **change))
    assert len(found) == 1, list(map(str, found))
    assert found[0].pointer.startswith(where) or found[0].pointer == where.rpartition("/")[0]
    assert message in str(found[0])
    assert found[0].line > 0


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_good_experiment_has_no_findings(name: str, project: Path) -> None:
    assert check_experiment(make(project, name)) == ()


def test_checking_imports_neither_keras_nor_tensorflow(project: Path) -> None:
    code = (
        "import sys; from archgraph.training.planning import check_experiment; "
        "assert not any(check_experiment(path) for path in sys.argv[1:]); "
        "assert not {'keras', 'tensorflow'} & {name.partition('.')[0] for name in sys.modules}"
    )
    paths = [str(make(project, name)) for name in ("translation", "variational")]
    assert json.loads((project / "net.graph.json").read_text())["name"] == "coder"
    subprocess.run([sys.executable, "-c", code, paths[-1]], check=True, cwd=project)


def test_the_classes_that_are_omitted_are_not_seen(project: Path) -> None:
    from archgraph.training import load_experiment, plan

    planned = plan(load_experiment(make(project, "distillation")))
    whole = planned.dataset()
    seen = planned.experiment.objective.seen(whole, 32)
    assert 3 in whole.train.targets["label"] and 3 not in seen.train.targets["label"]
    assert len(whole.train) - len(seen.train) == (whole.train.targets["label"] == 3).sum()
    assert np.array_equal(whole.test.targets["label"], seen.test.targets["label"])
    assert seen.validation is not None and 3 in seen.validation.targets["label"]
