"""What several devices cannot do together is one located line, before TensorFlow is imported."""

import json
import os
from typing import Any

import pytest

from archgraph.diagnostics import Rejected
from archgraph.training import load_experiment
from archgraph.training.hardware import SeveralMachines, own_number
from archgraph.training.planning import check_experiment
from tests.training.conftest import Write

TWO = {"name": "several_devices", "devices": ["cpu:0", "cpu:1"]}
LOCAL = {"name": "several_machines", "workers": ["127.0.0.1:4000", "127.0.0.1:4001"]}

SPARSE = "sparse_categorical_crossentropy"

GOOD: list[Any] = [
    "one_device",
    {"name": "one_device", "device": "cpu"},
    "several_devices",
    TWO,
    "several_machines",
    LOCAL,
]


@pytest.mark.parametrize("hardware", GOOD, ids=json.dumps)
def test_what_is_possible_is_accepted(hardware: Any, write: Write) -> None:
    assert check_experiment(write(hardware=hardware)) == ()


def several(**changes: Any) -> dict[str, Any]:
    return {"hardware": TWO, **changes}


BAD: list[tuple[str, dict[str, Any], str, str]] = [
    ("unknown", {"hardware": "two_devices"}, "/hardware", "AG205 must be hardware"),
    ("a device that is none", {"hardware": {"name": "one_device", "device": "tpu"}}, "/hardware/device", 'as "cpu"'),
    ("one of several", {"hardware": {**TWO, "devices": ["cpu"]}}, "/hardware/devices", "2 to 64 items"),
    ("twice", {"hardware": {**TWO, "devices": ["cpu", "cpu:0"]}}, "/hardware/devices/1", "cpu:0 is named twice"),
    ("mixed", {"hardware": {**TWO, "devices": ["cpu", "gpu"]}}, "/hardware/devices/1", "cannot share a batch"),
    ("no port", {"hardware": {**LOCAL, "workers": ["a:1", "b"]}}, "/hardware/workers/1", "must be an address"),
    ("high port", {"hardware": {**LOCAL, "workers": ["a:1", "b:70000"]}}, "/hardware/workers/1", "at most 65535"),
    ("one address", {"hardware": {**LOCAL, "workers": ["a:1", "a:1"]}}, "/hardware/workers/1", "a:1 is named twice"),
    ("odd batch", several(batch_size=33), "/batch_size", "multiple of the 2 devices, got 33"),
    ("small batch", several(batch_size=1), "/batch_size", "multiple of the 2 devices, got 1"),
    ("one left over", several(batch_size=2, data={"name": "digits", "subset": 401}), "/batch_size", "has 1, fewer"),
    ("float16", several(dtype_policy="mixed_float16"), "/dtype_policy", "needs a scaled loss"),
    (
        "accumulation", several(optimizer={"name": "sgd", "gradient_accumulation_steps": 2}),
        "/optimizer/gradient_accumulation_steps", "do not add up gradients",
    ),
    ("a sum", several(loss={"name": SPARSE, "reduction": "sum"}), "/loss", "minimise the mean"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "pointer", "message"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_what_is_not_is_one_located_line(changes: dict[str, Any], pointer: str, message: str, write: Write) -> None:
    (found,) = check_experiment(write(**changes))
    assert found.pointer == pointer and message in str(found)


def test_whole_batches_are_of_one_device(write: Write) -> None:
    found = check_experiment(write(**several(optimizer="lbfgs")))
    assert "this optimiser works on one device" in {one.message for one in found if one.pointer == "/hardware"}


def test_the_nearest_batches_that_can_be_divided_are_told(write: Write) -> None:
    assert check_experiment(write(**several(batch_size=33)))[0].hint == "32 and 34 are the nearest"
    assert check_experiment(write(**several(batch_size=1)))[0].hint == "2 is the nearest"


def test_a_batch_size_that_leaves_enough_is_told(write: Write) -> None:
    path = write(**several(batch_size=2, data={"name": "digits", "subset": 401}))
    (found,) = check_experiment(path)
    assert check_experiment(path, {"batch_size": int(found.hint.split()[0])}) == ()


# ---- which of several machines


def machines(write: Write, workers: list[str] | None) -> SeveralMachines:
    made = load_experiment(write(hardware={"name": "several_machines", "workers": workers})).hardware
    assert isinstance(made, SeveralMachines)
    return made


def configured(index: int, workers: list[str]) -> str:
    return json.dumps({"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}})


def test_the_number_comes_from_the_command_or_from_the_environment(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_CONFIG", "")
    hardware = machines(write, LOCAL["workers"])  # type: ignore[arg-type]
    assert own_number(hardware, 1) == 1
    assert os.environ["TF_CONFIG"] == configured(1, ["127.0.0.1:4000", "127.0.0.1:4001"])
    assert own_number(machines(write, None), None) == 1


@pytest.mark.parametrize(
    ("environment", "workers", "worker", "message"),
    [
        ("", ["a:1", "b:1"], None, "nothing says which of the machines this is"),
        ("", None, 0, "nothing says which of the machines this is"),
        ("", ["a:1", "b:1"], 2, "there is no worker 2"),
        ("{", None, None, "TF_CONFIG is not as TensorFlow wants it"),
        ('{"cluster": 3}', None, None, "TF_CONFIG is not as TensorFlow wants it"),
        (configured(0, ["a:1", "c:1"]), ["a:1", "b:1"], None, "TF_CONFIG names other workers: a:1, c:1"),
    ],
)
def test_without_a_number_there_is_one_line(
    environment: str, workers: list[str] | None, worker: int | None, message: str, write: Write,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("TF_CONFIG", environment)
    with pytest.raises(Rejected, match=message):
        own_number(machines(write, workers), worker)
