"""Two checkpoints are kept, and a damaged one gives way to the one before it."""

from pathlib import Path

import numpy as np
import pytest

from archgraph.diagnostics import GraphError
from archgraph.training.checkpoints import Checkpoints
from archgraph.training.state import State


def moment(epoch: int) -> State:
    return State({"epoch": epoch}, (np.full(9, epoch),))


def names(kept: Checkpoints) -> list[str]:
    return [path.stem.lstrip("0") for path in kept.files()]


@pytest.fixture
def kept(tmp_path: Path) -> Checkpoints:
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    for epoch in (1, 2, 3):
        checkpoints.write(moment(epoch))
    return checkpoints


def newest(kept: Checkpoints) -> tuple[int, list[str]]:
    said: list[str] = []
    found = kept.newest(said.append)
    assert found is not None
    return found.progress["epoch"], said


def damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def test_only_the_newest_two_are_kept_and_the_newest_is_read(kept: Checkpoints) -> None:
    assert names(kept) == ["3", "2"]
    assert newest(kept) == (3, [])


def test_a_damaged_one_gives_way_to_the_one_before_it_with_one_line(kept: Checkpoints) -> None:
    damage(kept.files()[0])
    epoch, said = newest(kept)
    assert epoch == 2 and len(said) == 1
    assert said[0].startswith("00000003.state: the checkpoint cannot be read: it is cut off in array 0; going on from")


def test_the_damaged_one_goes_before_a_whole_one_does(kept: Checkpoints) -> None:
    damage(kept.files()[0])
    newest(kept)
    kept.write(moment(4))
    assert names(kept) == ["4", "2"]


def test_where_all_are_damaged_each_is_told(kept: Checkpoints) -> None:
    for path in kept.files():
        damage(path)
    with pytest.raises(GraphError) as error:
        newest(kept)
    assert [(one.code, Path(one.file).name) for one in error.value.diagnostics] == [
        ("AG704", "00000003.state"), ("AG704", "00000002.state"),
    ]  # fmt: skip


def test_where_there_is_none_there_is_none(tmp_path: Path) -> None:
    assert Checkpoints(tmp_path / "nowhere").newest(print) is None


def test_one_that_cannot_be_written_leaves_the_others(kept: Checkpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, moment: State) -> None:
        from archgraph.document.files import appending

        with appending(path):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("archgraph.training.state.write", full)
    with pytest.raises(GraphError, match=r"AG109 cannot write the file: No space left on device\n.*free some space"):
        kept.write(moment(4))
    assert newest(kept)[0] == 3 and names(kept) == ["3", "2"]
