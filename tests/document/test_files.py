"""Writing files: a reader finds the old content or the new, and a refusal leaves no trace."""

import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from archgraph.diagnostics import GraphError
from archgraph.document.files import remove, replacing, write_atomically


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user may enter (pytest's own are for one user)."""
    path = Path(tempfile.mkdtemp())
    path.chmod(0o755)
    yield path
    path.chmod(0o755)
    shutil.rmtree(path)


@contextmanager
def ordinary_user() -> Iterator[None]:
    """Without the superuser's right to write everywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """The disk is full after `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def refused(error: pytest.ExceptionInfo[GraphError], path: Path | str, words: str) -> None:
    (diagnostic,) = error.value.diagnostics
    assert (diagnostic.code, diagnostic.file) == ("AG109", str(path))
    assert words in diagnostic.message


@pytest.mark.parametrize("data", [b"", b"\x00\xff\r\n", "é\r\n\n", "x" * 1_000_000])
def test_a_file_is_created_and_replaced_with_exactly_these_bytes(folder: Path, data: bytes | str) -> None:
    path = folder / "a.json"
    for _ in range(2):
        write_atomically(path, data)
        assert path.read_bytes() == (data.encode() if isinstance(data, str) else data)
        path.write_text("old")
    assert names(folder) == ["a.json"]


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755, 0o664])
def test_permissions_are_kept(folder: Path, mode: int) -> None:
    path = folder / "a.json"
    path.write_text("old")
    path.chmod(mode)
    write_atomically(path, "new")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", mode)


def test_a_new_file_has_the_permissions_of_any_new_file(folder: Path) -> None:
    (folder / "plain").write_text("")
    write_atomically(folder / "ours", "")
    assert (folder / "ours").stat().st_mode == (folder / "plain").stat().st_mode


def test_a_link_stays_a_link_and_its_target_is_replaced(folder: Path) -> None:
    (folder / "deep").mkdir()
    target = folder / "deep" / "real.json"
    target.write_text("old")
    (folder / "second").symlink_to("deep/real.json")
    (folder / "first").symlink_to("second")
    write_atomically(folder / "first", "new")
    assert (folder / "first").is_symlink() and (folder / "second").is_symlink()
    assert target.read_text() == "new"
    assert names(folder / "deep") == ["real.json"]


def test_a_link_to_nothing_creates_its_target(folder: Path) -> None:
    (folder / "link").symlink_to("real.json")
    write_atomically(folder / "link", "new")
    assert (folder / "link").is_symlink() and (folder / "real.json").read_text() == "new"


def test_a_reader_who_has_the_old_file_open_keeps_the_old_content(folder: Path) -> None:
    path = folder / "a.json"
    path.write_text("old")
    with path.open() as stream:
        write_atomically(path, "new")
        assert stream.read() == "old"


def test_what_cannot_be_written_is_refused(folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "file").write_text("")
    (folder / "loop").symlink_to("loop")
    for name, words in {
        "sub": "folder",
        "no/a.json": "does not exist",
        "file/a.json": "does not exist",
        "loop": "symbolic link",
        "x" * 300: "too long",
        "a\0b": "null",
    }.items():
        path = f"{folder}/{name}"
        with pytest.raises(GraphError) as caught:
            write_atomically(path, "new")
        refused(caught, path, words)
    assert names(folder) == ["file", "loop", "sub"]


def test_a_read_only_folder_is_refused(folder: Path) -> None:
    path = folder / "a.json"
    path.write_text("old")
    path.chmod(0o666)
    folder.chmod(0o555)
    with ordinary_user(), pytest.raises(GraphError) as caught:
        write_atomically(path, "new")
    refused(caught, path, "Permission denied")
    assert (path.read_text(), names(folder)) == ("old", ["a.json"])


def test_a_read_only_file_is_refused(folder: Path) -> None:
    path = folder / "a.json"
    path.write_text("old")
    path.chmod(0o444)
    folder.chmod(0o777)
    with ordinary_user(), pytest.raises(GraphError) as caught:
        write_atomically(path, "new")
    refused(caught, path, "read-only")
    assert (path.read_text(), names(folder)) == ("old", ["a.json"])


def test_a_full_disk_is_refused_and_leaves_the_old_file_alone(folder: Path) -> None:
    path = folder / "a.json"
    path.write_text("old")
    with files_of_at_most(1000), pytest.raises(GraphError) as caught:
        write_atomically(path, "n" * 10_000)
    refused(caught, path, "too large")
    assert (path.read_text(), names(folder)) == ("old", ["a.json"])


def test_a_device_is_written_straight_through() -> None:
    write_atomically(os.devnull, "new")
    assert Path(os.devnull).is_char_device()
    with pytest.raises(GraphError) as caught:
        write_atomically("/dev/full", "new")
    refused(caught, "/dev/full", "No space left")


def test_standard_output_can_be_named() -> None:
    code = "from archgraph.document.files import write_atomically as w; w('/dev/stdout', 'text')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout == b"text"


def test_somebody_else_may_write_the_temporary_file(folder: Path) -> None:
    path = folder / "best.weights.h5"
    path.write_text("old")
    with replacing(path) as temporary:
        assert temporary.parent == folder and temporary.name.endswith(".best.weights.h5")
        assert not temporary.exists()
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert (path.read_text(), names(folder)) == ("new", ["best.weights.h5"])


@pytest.mark.parametrize("error", [ValueError("stop"), KeyboardInterrupt()])
def test_when_that_fails_nothing_is_replaced_and_nothing_is_left(folder: Path, error: BaseException) -> None:
    path = folder / "a.keras"
    path.write_text("old")
    with pytest.raises(type(error)), replacing(path) as temporary:
        temporary.write_text("part")
        raise error
    assert (path.read_text(), names(folder)) == ("old", ["a.keras"])


def test_a_system_error_of_the_other_writer_is_a_refusal(folder: Path) -> None:
    path = folder / "a.keras"
    with files_of_at_most(100), pytest.raises(GraphError) as caught, replacing(path) as temporary:
        temporary.write_text("n" * 1000)
    refused(caught, path, "too large")
    assert names(folder) == []


def test_writing_nothing_or_a_folder_is_a_refusal(folder: Path) -> None:
    path = folder / "a.keras"
    path.write_text("old")
    with pytest.raises(GraphError, match="no file was written"), replacing(path):
        pass
    with pytest.raises(GraphError, match="no file was written"), replacing(path) as temporary:
        temporary.mkdir()
        (temporary / "part").write_text("x")
    assert (path.read_text(), names(folder)) == ("old", ["a.keras"])


def test_a_long_name_leaves_room_for_the_temporary_one(folder: Path) -> None:
    path = folder / ("é" * 120 + ".keras")
    with replacing(path) as temporary:
        assert temporary.suffix == ".keras"
        temporary.write_text("new")
    assert path.read_text() == "new"


def test_a_file_is_removed_once_and_missing_is_as_good(folder: Path) -> None:
    (folder / "a").write_text("")
    remove(folder / "a")
    remove(folder / "a")
    with pytest.raises(GraphError, match="AG109"):
        remove(folder)


KILLER = """
import os, random, signal, sys, time
from pathlib import Path
from archgraph.document.files import replacing, write_atomically
chance, path, way = random.Random(7), Path(sys.argv[1]), sys.argv[2]

def content(number):
    return b"%d " % number + b"x" * (number * 7919 % 400_000) + b" %d" % number

def write_for_ever():
    number = 0
    while True:
        number += 1
        if way == "in place":
            path.write_bytes(content(number))
        elif way == "whole":
            write_atomically(path, content(number))
        else:
            with replacing(path) as temporary, temporary.open("wb", buffering=4096) as stream:
                stream.write(content(number))

torn, numbers = 0, set()
for _ in range(200):
    path.write_bytes(content(0))
    child = os.fork()
    if not child:
        write_for_ever()
    time.sleep(chance.uniform(0, 0.02))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    found = path.read_bytes()
    head = found.split(b" ")[0]
    number = int(head) if head.isdigit() else -1
    numbers.add(number)
    torn += number < 0 or found != content(number)
print(torn, len(numbers))
"""


@pytest.mark.parametrize("way", ["whole", "by another", "in place"])
def test_a_writer_killed_at_any_moment_leaves_the_old_file_or_the_new_one(folder: Path, way: str) -> None:
    command = [sys.executable, "-c", KILLER, str(folder / "a.json"), way]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    torn, different = map(int, done.stdout.split())
    assert different > 1
    assert (torn > 0) == (way == "in place"), "writing in place shows that the kills do hit"


def test_an_interrupted_writer_takes_its_temporary_file_away(folder: Path) -> None:
    code = (
        "import sys; from archgraph.document.files import replacing\n"
        "with replacing(sys.argv[1]) as temporary:\n"
        "    temporary.write_text('part'); print('ready', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(folder / "a")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        assert len(names(folder)) == 1
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
    assert names(folder) == []
