"""Uploads: kept inside the workspace and within limits; nobody's is written over, nothing hostile is kept."""

import io
import random
import struct
import threading
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from archgraph.diagnostics import GraphError
from archgraph.studio import uploads
from archgraph.studio.profiling import profile
from archgraph.studio.uploads import kept, need_picture
from archgraph.studio.workspace import Workspace


def picture(colour: int = 0, side: int = 4) -> bytes:
    stream = io.BytesIO()
    Image.new("L", (side, side), colour).save(stream, "PNG")
    return stream.getvalue()


def archive(*entries: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as opened:
        for name, data in entries:
            opened.writestr(name, data)
    return stream.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A picture of few bytes that would unpack to `width` by `height` cells."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    (tmp_path / "w").mkdir()
    return Workspace(tmp_path / "w")


def written(place: Workspace) -> list[str]:
    every = (path.relative_to(place.root.parent).as_posix() for path in place.root.parent.rglob("*") if path.is_file())
    return sorted(one for one in every if ".archgraph" not in one and not one.endswith(uploads.MARK))


@pytest.mark.parametrize(("name", "target"), [
    ("../../evil.csv", "data/evil.csv"), ("/etc/passwd.csv", "data/passwd.csv"), ("C:\\x\\y.csv", "data/y.csv"),
    ("a\0b.csv", "data/a_b.csv"), ("..csv", "data/csv.csv"), ("CON.csv", "data/CON.csv"), ("é<b>.CSV", "data/__b_.csv"),
    ("x" * 400 + ".csv", f"data/{'x' * 100}.csv"), (".hidden.csv", "data/hidden.csv"),
])  # fmt: skip
def test_whatever_its_name_an_upload_is_kept_in_the_folder_for_data(place: Workspace, name: str, target: str) -> None:
    if name == "..csv":
        with pytest.raises(GraphError, match="must end in"):
            kept(place, name, b"a,b\n1,2\n")
        return
    assert kept(place, name, b"a,b\n1,2\n") == target and written(place) == [f"w/{target}"]


def test_the_pictures_of_a_zip_file_go_into_the_folders_of_their_classes(place: Workspace) -> None:
    names = ("cats/1.png", "../../../dogs/2.png", "/etc/birds/3.png", "cats/.hidden.png", "__MACOSX/cats/1.png",
             "a/cats/1.png")  # fmt: skip
    data = archive(*((name, picture(number)) for number, name in enumerate(names)), ("notes.txt", b"x"))
    assert kept(place, "pets.zip", data) == "data/pets"
    assert written(place) == [f"w/data/pets/{one}.png" for one in ("birds/3", "cats/1", "cats/1_2", "dogs/2")]
    assert kept(place, "pets.zip", data) == "data/pets", "the same again"
    assert kept(place, "pets.zip", archive(("fish/1.png", picture(9)))) == "data/pets_2", "another of that name"
    assert len(written(place)) == 5


def test_nobody_writes_over_the_upload_of_another(place: Workspace) -> None:
    def upload(number: int) -> None:
        found[number] = kept(place, "train.csv", b"a,b\n1,%d\n" % (number // 2))

    found: dict[int, str] = {}
    threads = [threading.Thread(target=upload, args=(number,)) for number in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert {number: (place.root / name).read_bytes() for number, name in found.items()} == {
        number: b"a,b\n1,%d\n" % (number // 2) for number in range(8)
    }
    assert len(set(found.values())) == 4


def huge(size: int) -> bytes:
    """An archive whose one entry says that it has so many bytes."""
    data = bytearray(archive(("x.npy", bytes(1000))))
    at = data.index(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", size)
    return bytes(data)


def hostile() -> dict[str, tuple[str, bytes, str]]:
    good = archive(("cats/1.png", picture()), ("dogs/2.png", picture(1)))
    lied = bytearray(good)
    at = lied.index(b"PK\x01\x02")
    lied[at + 24 : at + 28] = struct.pack("<I", 2**31)  # the size that it will have
    return {
        "nothing": ("x.zip", b"", "no zip file"), "no zip": ("x.zip", b"PK\x03\x04" + bytes(200), "no zip file"),
        "cut": ("x.zip", good[: len(good) // 2], "no zip file"),
        "no pictures": ("x.zip", archive(("a.txt", b"")), "no pictures"),
        "no arrays": ("x.npz", b"\x93NUMPY", "no npz"),
        "arrays that unpack to 3 GB": ("x.npz", huge(3 * 2**30), "3,072 MB"),
        "no folders": ("x.zip", archive(("1.png", picture())), "folders"),
        "a lie about its size": ("x.zip", bytes(lied), "too large"),
        "no picture": ("x.zip", archive(("cats/1.png", b"<script>")), "no picture"),
        "a bomb": ("x.zip", archive(("cats/1.png", bomb(60_000, 60_000))), "pi"),
        "a smaller bomb": ("x.zip", archive(("cats/1.png", bomb(9_000, 9_000))), "81,000,000 pixels"),
        "many files": ("x.zip", b"PK\x01\x02" * 50_000, "more than 40,000 files"),
        "encrypted": ("x.zip", good.replace(b"PK\x03\x04\x14\x00\x00", b"PK\x03\x04\x14\x00\x01")
                      .replace(b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01"), "no zip file"),
        "another ending": ("x.exe", b"MZ", "must end in"), "no ending": ("passwd", b"", "must end in"),
    }  # fmt: skip


@pytest.mark.parametrize("what", hostile())
def test_what_cannot_be_used_is_refused_in_words_and_leaves_nothing(place: Workspace, what: str) -> None:
    name, data, message = hostile()[what]
    with pytest.raises(GraphError, match=message):
        kept(place, name, data)
    assert written(place) == []


def test_what_unpacks_to_too_much_is_refused(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "LARGEST_PICTURE", 1000)
    with pytest.raises(GraphError, match="too large"):
        kept(place, "x.zip", archive(("cats/1.png", bytes(5000))))
    monkeypatch.setattr(uploads, "LARGEST_MB", 0)
    with pytest.raises(GraphError, match="larger than"):
        kept(place, "x.csv", b"a")


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n", bomb(2**31 - 1, 2**31 - 1), bomb(0, 9),
                                  b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.4"])  # fmt: skip
def test_pictures_that_are_none_are_refused(data: bytes) -> None:
    with pytest.raises(GraphError):
        need_picture(data, "x.png")


def test_damaged_files_of_every_kind_are_refused_and_never_crash(place: Workspace) -> None:
    stream = io.BytesIO()
    np.savez(stream, x=np.zeros((20, 4)), y=np.arange(20) % 2)
    sound: dict[str, tuple[bytes, dict[str, Any]]] = {
        "npz": (stream.getvalue(), {"name": "npz"}),
        "zip": (archive(("cats/1.png", picture()), ("dogs/2.png", picture(1))),
                {"name": "image_folder", "size": [8, 8]}),
    }  # fmt: skip
    drawn = random.Random(1)
    for ending, (data, about) in sound.items():
        for number in range(60):
            damaged = bytearray(data)
            for _ in range(drawn.randrange(1, 6)):
                damaged[drawn.randrange(len(damaged))] = drawn.randrange(256)
            try:
                name = kept(place, f"{ending}{number}.{ending}", bytes(damaged))
                assert profile({**about, "file": name}, place.root).count
            except GraphError as error:
                assert error.diagnostics[0].message


def test_arrays_of_objects_are_refused(place: Workspace) -> None:
    stream = io.BytesIO()
    np.savez(stream, x=np.array([print, {}], object), y=np.arange(2))
    name = kept(place, "objects.npz", stream.getvalue())
    with pytest.raises(GraphError, match="Python objects"):
        profile({"name": "npz", "file": name}, place.root)
