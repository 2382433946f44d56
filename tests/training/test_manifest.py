"""What the manifest vouches for is used, and nothing else is."""

import hashlib
import json
import random
from pathlib import Path

import pytest

from archgraph.diagnostics import GraphError
from archgraph.training import manifest


def read(folder: Path) -> dict[str, list[str]]:
    files: dict[str, list[str]] = json.loads((folder / "manifest.json").read_text())["files"]
    return files


def test_the_sums_are_those_that_anybody_gets(tmp_path: Path) -> None:
    manifest.seal(tmp_path, {"a": b"first", "b": "zweite Ü"})
    manifest.write_sealed(tmp_path / "c", b"third")
    contents = {"a": b"first", "b": "zweite Ü".encode(), "c": b"third"}
    assert {name: (tmp_path / name).read_bytes() for name in contents} == contents
    assert read(tmp_path) == {name: [hashlib.sha256(content).hexdigest()] for name, content in contents.items()}
    manifest.verify(*(tmp_path / name for name in contents))


@pytest.mark.parametrize("victim", ["model.keras", "manifest.json"])
def test_no_flipped_bit_and_no_truncation_is_read_over(victim: str, tmp_path: Path) -> None:
    model = tmp_path / "model.keras"
    manifest.write_sealed(model, bytes(range(256)))
    content, drawn = (tmp_path / victim).read_bytes(), random.Random(3)
    cases = [content[: drawn.randrange(len(content))] for _ in range(50)]
    for position in drawn.sample(range(8 * len(content)), 300):
        damaged = bytearray(content)
        damaged[position // 8] ^= 1 << position % 8
        cases.append(bytes(damaged))
    for case in cases:
        (tmp_path / victim).write_bytes(case)
        with pytest.raises(GraphError, match="AG704"):
            manifest.verify(model)


def test_whoever_is_killed_while_replacing_leaves_a_file_that_is_vouched_for(tmp_path: Path) -> None:
    path = tmp_path / "best.keras"
    manifest.write_sealed(path, b"old")

    class Killed(BaseException):
        pass

    with pytest.raises(Killed), pytest.MonkeyPatch.context() as patched:

        def die(self: Path, target: Path) -> Path:
            if target == path:
                raise Killed
            return replace(self, target)

        replace = Path.replace
        patched.setattr(Path, "replace", die)
        manifest.write_sealed(path, b"new")
    assert path.read_bytes() == b"old" and len(read(tmp_path)["best.keras"]) == 2
    manifest.verify(path)
    path.write_bytes(b"new")
    manifest.verify(path)
    path.write_bytes(b"odd")
    with pytest.raises(GraphError, match="damaged"):
        manifest.verify(path)


def test_a_file_that_the_manifest_does_not_know_is_refused(tmp_path: Path) -> None:
    manifest.write_sealed(tmp_path / "a", b"")
    (tmp_path / "b").write_bytes(b"")
    with pytest.raises(GraphError, match=r"manifest\.json does not know the file"):
        manifest.verify(tmp_path / "b")
    manifest.verify_known(tmp_path / "b")  # a model that was put there by somebody else


def test_without_a_manifest_nothing_is_vouched_for(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    assert not manifest.whole(tmp_path / "a")
    manifest.verify_known(tmp_path / "a")
