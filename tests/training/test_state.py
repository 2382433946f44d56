"""A checkpoint comes back as it was written, or is refused: never a third."""

import random
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from archgraph.diagnostics import GraphError
from archgraph.training.state import State, read, write

FLIPS, TRUNCATIONS = 1000, 200


def moment() -> State:
    drawn = np.random.default_rng(0)
    arrays = (
        drawn.normal(size=(5, 7)).astype("float32"),
        np.array(3, "int64"),
        np.array([True, False]),
        drawn.normal(size=4).astype("float16"),
        drawn.normal(size=(2, 3)).astype(ml_dtypes.bfloat16),
        np.arange(4, dtype="uint32"),
        np.zeros((0, 3), "float64"),
        np.asfortranarray(drawn.normal(size=(3, 2))),
    )
    progress = {"epoch": 2, "step": 5, "history": [{"loss": float("nan"), "name": "größer"}], "stopped": ""}
    return State(progress, arrays, (drawn.normal(size=(6,)).astype("float32"),))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "1.state"
    write(path, moment())
    return path


def test_what_was_written_comes_back_to_the_last_bit(file: Path) -> None:
    before, after = moment(), read(file)
    assert repr(after.progress) == repr(before.progress)  # NaN is not equal to itself
    for a, b in zip((*before.arrays, *before.best), (*after.arrays, *after.best), strict=True):
        assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())


def test_no_flipped_bit_is_read_over(file: Path) -> None:
    content = file.read_bytes()
    positions = random.Random(1).sample(range(8 * len(content)), FLIPS)
    for position in positions:
        damaged = bytearray(content)
        damaged[position // 8] ^= 1 << position % 8
        file.write_bytes(damaged)
        with pytest.raises(GraphError, match="AG704 the checkpoint cannot be read"):
            read(file)


def test_no_truncation_is_read_over(file: Path) -> None:
    content = file.read_bytes()
    for length in random.Random(2).sample(range(len(content)), TRUNCATIONS):
        file.write_bytes(content[:length])
        with pytest.raises(GraphError, match="AG704 the checkpoint cannot be read"):
            read(file)


@pytest.mark.parametrize("added", [b"\0", b"more", b"\0" * 4096])
def test_nothing_may_follow_the_last_array(added: bytes, file: Path) -> None:
    file.write_bytes(file.read_bytes() + added)
    with pytest.raises(GraphError, match=f"{len(added)} bytes follow its last array"):
        read(file)


def test_swapped_arrays_are_noticed(file: Path) -> None:
    content = file.read_bytes()
    first, second = moment().arrays[0].tobytes()[:4], moment().arrays[0].tobytes()[4:8]
    file.write_bytes(content.replace(first + second, second + first))
    with pytest.raises(GraphError, match="array 0 is damaged"):
        read(file)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GraphError, match="AG704 the checkpoint cannot be read: No such file"):
        read(tmp_path / "none.state")
