"""The experiment file: what is accepted, what is refused and where, and that the schema agrees."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from archgraph.diagnostics import GraphError
from archgraph.training import experiment_schema, load_experiment
from archgraph.training.optimizer import Adam, Sgd
from tests.training.conftest import DIGITS, Write

SCHEMA = experiment_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

GOOD: list[dict[str, Any]] = [
    {},
    {"$schema": "../schemas/train.schema.json", "doc": "why", "meta": {"canvas": {"x": 1}}},
    {"data": "iris", "graph": {"file": "dense.graph.json#wide", "params": {"classes": 3}}},
    {"optimizer": "adamw"},
    {"optimizer": {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9, "nesterov": True, "global_clipnorm": 1}},
    {"optimizer": {"name": "lion", "learning_rate": {"name": "cosine_decay", "initial_learning_rate": 0.1}}},
    {
        "optimizer": {
            "name": "sgd",
            "learning_rate": {
                "name": "piecewise_constant",
                "boundaries": [3, 6],
                "values": [0.1, 0.01, 0.001],
                "per": "epoch",
            },
        }
    },
    {"loss": {"name": "binary_crossentropy", "from_logits": True, "label_smoothing": 0.1}},
    {"loss": {"label": "mean_squared_error", "other": {"name": "huber", "delta": 2}}},
    {"loss": {"name": {"name": "dice"}}},
    {"metrics": []},
    {"metrics": {"label": ["accuracy", {"name": "sparse_top_k_categorical_accuracy", "k": 3}]}},
    {"preprocessing": ["standardize", "flatten", {"name": "pad", "size": [32, 32], "on": ["image"]}]},
    {"callbacks": ["early_stopping", {"name": "checkpoint", "monitor": "val_accuracy"}]},
    {"class_weights": "balanced"},
    {"class_weights": {"0": 2, "1": 0.5}},
    {"inputs": {"image": "image"}, "targets": {"label": "label"}},
    {"validation": 0, "shuffle": False, "seed": 7, "dtype_policy": "mixed_bfloat16", "steps_per_execution": 8},
]

BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"archgraph": 2}, "AG207", "/archgraph"),
    ({"archgraph": True}, "AG207", "/archgraph"),
    ({"name": "a/b"}, "AG206", "/name"),
    ({"name": ""}, "AG206", "/name"),
    ({"name": "x\n"}, "AG206", "/name"),
    ({"name": None}, "AG204", ""),
    ({"graph": "/etc/graph.json"}, "AG205", "/graph"),
    ({"graph": "C:\\graph.json"}, "AG205", "/graph"),
    ({"graph": {"params": {}}}, "AG204", "/graph"),
    ({"graph": {"file": "a.json", "parms": {}}}, "AG203", "/graph/parms"),
    ({"graph": 3}, "AG202", "/graph"),
    ({"data": "digit"}, "AG702", "/data"),
    ({"data": {"name": "mnist"}}, "AG702", "/data/name"),
    ({"data": {"name": "digits", "test": 1}}, "AG201", "/data/test"),
    ({"data": {"name": "digits", "tset": 0.1}}, "AG203", "/data/tset"),
    ({"data": "csv"}, "AG205", "/data"),
    ({"data": {"name": "csv", "file": "a.csv"}}, "AG204", "/data"),
    ({"epochs": 0}, "AG201", "/epochs"),
    ({"epochs": 1.5}, "AG202", "/epochs"),
    ({"epochs": "3"}, "AG202", "/epochs"),
    ({"epochs": True}, "AG202", "/epochs"),
    ({"epochs": None}, "AG204", ""),
    ({"batch_size": -1}, "AG201", "/batch_size"),
    ({"validation": 1}, "AG201", "/validation"),
    ({"seed": -1}, "AG201", "/seed"),
    ({"loss": "mse"}, "AG205", "/loss"),
    ({"loss": {"name": "huber", "delta": 0}}, "AG201", "/loss/delta"),
    ({"loss": {"label": {"name": "huber", "delta": -1}}}, "AG201", "/loss/label/delta"),
    ({"loss": {"name": "categorical_crossentropy", "label_smoothing": 2}}, "AG201", "/loss/label_smoothing"),
    ({"loss": ["mean_squared_error"]}, "AG202", "/loss"),
    ({"metrics": "accuracy"}, "AG202", "/metrics"),
    ({"metrics": ["acuracy"]}, "AG205", "/metrics/0"),
    ({"metrics": ["mean_io_u"]}, "AG205", "/metrics/0"),
    ({"optimizer": "adm"}, "AG205", "/optimizer"),
    ({"optimizer": {"name": "sgd", "learning_rate": 0}}, "AG201", "/optimizer/learning_rate"),
    ({"optimizer": {"name": "sgd", "momentum": 1}}, "AG201", "/optimizer/momentum"),
    ({"optimizer": {"name": "adam", "beta1": 0.9}}, "AG203", "/optimizer/beta1"),
    ({"optimizer": {"name": "sgd", "learning_rate": {"name": "cosine_decay"}}}, "AG204", "/optimizer/learning_rate"),
    ({"preprocessing": [{"name": "rescale"}]}, "AG204", "/preprocessing/0"),
    ({"preprocessing": ["rescale"]}, "AG205", "/preprocessing/0"),
    ({"preprocessing": [{"name": "pad", "size": [1, 2, 3]}]}, "AG201", "/preprocessing/0/size"),
    ({"preprocessing": "flatten"}, "AG202", "/preprocessing"),
    ({"callbacks": [{"name": "early_stopping", "patience": -1}]}, "AG201", "/callbacks/0/patience"),
    ({"class_weights": "balance"}, "AG205", "/class_weights"),
    ({"dtype_policy": "float8"}, "AG205", "/dtype_policy"),
    ({"steps_per_execution": 0}, "AG201", "/steps_per_execution"),
    ({"optimiser": "adam"}, "AG203", "/optimiser"),
    ({"$schema": 3}, "AG202", "/$schema"),
    ({"meta": []}, "AG202", "/meta"),
]  # fmt: skip

CYCLE = {"name": "one_cycle", "highest": 0.1, "lowest_momentum": 0.85}
CYCLED = {"name": "sgd", "momentum": 0.95, "learning_rate": CYCLE}
AVERAGED: dict[str, Any] = {"callbacks": ["stochastic_weight_averaging"]}
STEPWISE = {"name": "piecewise_constant", "boundaries": [3], "values": [1, 1, 1]}
FLAT = {"name": "constant", "learning_rate": 0.1}
CONTRADICTIONS: list[tuple[dict[str, Any], str]] = [
    ({"optimizer": {"name": "sgd", "clipnorm": 1, "clipvalue": 1}}, "/optimizer/clipvalue"),
    ({"optimizer": {"name": "sgd", "learning_rate": FLAT}, "callbacks": ["reduce_lr_on_plateau"]}, "/callbacks/0"),
    ({"optimizer": {"name": "sgd", "learning_rate": STEPWISE}}, "/optimizer/learning_rate/values"),
    (
        {"optimizer": {"name": "sgd", "learning_rate": {**STEPWISE, "boundaries": [3, 3]}}},
        "/optimizer/learning_rate/boundaries",
    ),
    ({"optimizer": {**CYCLED, "momentum": 0.5}}, "/optimizer/learning_rate/lowest_momentum"),
    ({"optimizer": {"name": "adam", "learning_rate": CYCLE}}, "/optimizer/learning_rate/lowest_momentum"),
    (
        {"optimizer": {**CYCLED, "learning_rate": {"name": "warmup", "steps": 3, "then": CYCLE}}},
        "/optimizer/learning_rate/then/lowest_momentum",
    ),
    ({"optimizer": {"name": "sgd", "use_ema": True}, **AVERAGED}, "/callbacks/0"),
    ({"optimizer": "schedule_free_adamw", **AVERAGED}, "/callbacks/0"),
    ({"optimizer": "lbfgs", "batch_size": "all", **AVERAGED}, "/callbacks/0"),
    ({"hardware": {"name": "several_devices", "devices": ["cpu:0", "cpu:1"]}, **AVERAGED}, "/callbacks/0"),
    ({"validation": 0, "callbacks": [{"name": "checkpoint", "monitor": "val_loss"}]}, "/callbacks/0/monitor"),
]


def whole(changes: dict[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in {**DIGITS, **changes}.items() if item is not None}


def refused(path: Path) -> list[tuple[str, str]]:
    with pytest.raises(GraphError) as error:
        load_experiment(path)
    assert all(one.line > 0 and one.column > 0 and one.file == str(path) for one in error.value.diagnostics)
    return [(one.code, one.pointer) for one in error.value.diagnostics]


@pytest.mark.parametrize("changes", GOOD, ids=json.dumps)
def test_good_files_are_read_and_fit_the_schema(changes: dict[str, Any], project: Path) -> None:
    path = project / "good.train.json"
    path.write_text(json.dumps(whole(changes)))
    assert load_experiment(path).name == "digits"
    assert list(VALIDATOR.iter_errors(whole(changes))) == []


@pytest.mark.parametrize(("changes", "code", "pointer"), BAD, ids=[json.dumps(bad[0]) for bad in BAD])
def test_bad_files_are_refused_where_they_are_wrong_and_by_the_schema(
    changes: dict[str, Any], code: str, pointer: str, project: Path
) -> None:
    path = project / "bad.train.json"
    path.write_text(json.dumps(whole(changes), indent=1))
    assert refused(path) == [(code, pointer)]
    assert not VALIDATOR.is_valid(whole(changes))


@pytest.mark.parametrize(("changes", "pointer"), CONTRADICTIONS, ids=[case[1] for case in CONTRADICTIONS])
def test_entries_that_contradict_each_other_are_refused(changes: dict[str, Any], pointer: str, write: Write) -> None:
    assert refused(write(**changes)) == [("AG210", pointer)]


@pytest.mark.parametrize("text", ["[]", "3", '"x"', "null"])
def test_a_file_that_is_no_object_is_refused_also_by_the_schema(text: str, project: Path) -> None:
    path = project / "bad.train.json"
    path.write_text(text)
    assert refused(path) == [("AG202", "")]
    assert not VALIDATOR.is_valid(json.loads(text))


def test_all_faults_are_reported_at_once_also_those_in_one_record(write: Write) -> None:
    changes = {
        "epochs": 0,
        "optimizer": {"name": "sgd", "momentum": 2, "nestrov": True},
        "preprocessing": ["flaten", {"name": "pad", "size": 0, "value": "x"}],
    }
    assert set(refused(write(**changes))) == {
        ("AG201", "/epochs"),
        ("AG201", "/optimizer/momentum"),
        ("AG203", "/optimizer/nestrov"),
        ("AG205", "/preprocessing/0"),
        ("AG201", "/preprocessing/1/size"),
        ("AG202", "/preprocessing/1/value"),
    }


def test_a_misspelt_name_gets_the_nearest_one_as_a_hint(write: Write) -> None:
    with pytest.raises(GraphError, match=r"did you mean 'fashion_mnist'\?"):
        load_experiment(write(data="fashion_minst"))


def test_the_graph_may_not_lie_outside_the_project_folder(write: Write) -> None:
    assert refused(write(graph="../other.graph.json")) == [("AG410", "/graph")]


def test_a_symbolic_link_does_not_lead_out_of_the_project(write: Write, project: Path, tmp_path_factory: Any) -> None:
    outside = tmp_path_factory.mktemp("outside") / "other.graph.json"
    outside.write_text((project / "dense.graph.json").read_text())
    (project / "link.graph.json").symlink_to(outside)
    assert refused(write(graph="link.graph.json")) == [("AG410", "/graph")]


def test_a_graph_in_a_sibling_folder_of_the_project_is_found(project: Path) -> None:
    (project / "experiments").mkdir()
    path = project / "experiments" / "a.train.json"
    path.write_text(json.dumps(whole({"graph": "../dense.graph.json"})))
    assert load_experiment(path).networks["model"].file.resolve() == project / "dense.graph.json"


def test_overrides_replace_entries_by_dotted_path(write: Write) -> None:
    path = write(optimizer="sgd", metrics=["accuracy"])
    changed = load_experiment(
        path, {"optimizer.momentum": 0.9, "epochs": 7, "data.subset": 100, "graph.params": {"n": 1}}
    )
    assert changed.optimizer() == Sgd(momentum=0.9)
    assert changed.settings.epochs == 7
    assert changed.source.subset == 100
    assert changed.networks["model"].params == {"n": 1}


@pytest.mark.parametrize("path", ["nothing.there", "preprocessing.7.name", "epochs.x.y"])
def test_an_override_of_nothing_is_refused(path: str, write: Write) -> None:
    with pytest.raises(GraphError, match="AG20"):
        load_experiment(write(), {path: 1})


def test_defaults_are_spelt_out_in_the_resolved_form(write: Write) -> None:
    resolved = load_experiment(write(optimizer="adam")).resolved()
    assert resolved["optimizer"]["beta_1"] == Adam.fields()["beta_1"].default == 0.9
    assert resolved["shuffle"] is True
    assert resolved["data"]["test"] == 0.2
    assert json.loads(json.dumps(resolved)) == resolved


def test_every_field_has_a_description_in_the_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert all(entry.get("description") for entry in SCHEMA["properties"].values())


def test_reading_and_checking_an_experiment_imports_neither_keras_nor_tensorflow(write: Write) -> None:
    path = write()
    code = (
        "import sys; from archgraph.training import check_experiment, experiment_schema; experiment_schema(); "
        f"assert check_experiment({str(path)!r}) == (); "
        "sys.exit(any(name in sys.modules for name in ('keras', 'tensorflow')))"
    )
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
