"""A batch that cannot fit in memory is refused before TensorFlow is imported, with the largest that does."""

from pathlib import Path
from typing import Any

import pytest

from archgraph.diagnostics import GraphError
from archgraph.training import load_experiment, memory, plan
from archgraph.training.planning import check_experiment
from tests.training.conftest import Write

WEIGHTS = 64 * 32 + 32 + 32 * 10 + 10
DATA: dict[str, Any] = {"name": "digits", "subset": 400}


def complaints(path: Path, **overrides: Any) -> list[str]:
    return [str(one) for one in check_experiment(path, overrides)]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "machine_bytes", lambda: 100_000)
    monkeypatch.setattr(memory, "_CARD", Path("/nowhere"))


@pytest.mark.usefixtures("small")
def test_a_batch_that_does_not_fit_is_one_located_line_with_the_largest_that_does(write: Write) -> None:
    path = write(data=DATA, batch_size=288)
    (told,) = complaints(path)
    assert "/batch_size: AG701 a step on 288 samples needs about 0.2 MiB, and this machine has 0.1 MiB" in told
    largest = int(told.partition("at most ")[2].partition(" ")[0])
    assert complaints(path, batch_size=largest) == []
    assert "AG701" in complaints(path, batch_size=largest + 1)[0]


def test_weights_and_slots_count_by_hand(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    needed = memory._needed

    def note(fit: Any, samples: int) -> int | None:
        found = needed(fit, samples)
        asked.append(found or 0)
        return found

    monkeypatch.setattr(memory, "_needed", note)
    monkeypatch.setattr(memory, "_CARD", Path("/nowhere"))
    for optimizer in ("sgd", {"name": "sgd", "momentum": 0.9}, "rmsprop", "adam"):
        plan(load_experiment(write(data=DATA, optimizer=optimizer)))
    assert [value - asked[0] for value in asked] == [slots * 4 * WEIGHTS for slots in (0, 1, 1, 2)]


@pytest.mark.usefixtures("small")
def test_no_sample_at_all_may_fit(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "machine_bytes", lambda: 10)
    assert "not even one sample fits" in complaints(write(data=DATA))[0]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("device", ["gpu", "gpu:1"])
def test_a_graphics_card_has_memory_of_its_own(device: str, write: Write) -> None:
    changes = {"data": DATA, "batch_size": 288, "hardware": {"name": "one_device", "device": device}}
    assert complaints(write(**changes)) == []


def test_the_machine_has_some_memory_and_a_group_may_have_less(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = memory.machine_bytes()
    assert whole is not None and whole > 2**28
    group = tmp_path / "memory.max"
    monkeypatch.setattr(memory, "_LIMIT_OF_GROUP", group)
    group.write_text("1048576\n")
    assert memory.machine_bytes() == 2**20
    group.write_text("max\n")
    assert (memory.machine_bytes() or 0) >= whole


def test_what_fits_is_trained_on_without_a_word(write: Write) -> None:
    with pytest.raises(GraphError, match="AG201"):
        load_experiment(write(batch_size=0))
    assert complaints(write(data=DATA)) == []
