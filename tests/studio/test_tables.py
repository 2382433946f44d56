"""Uploaded tables: read whatever their delimiter, completed where values are missing, words told from numbers."""

import json
from pathlib import Path

import pytest

from archgraph.diagnostics import GraphError
from archgraph.studio import tables
from archgraph.studio.profiling import profile
from archgraph.studio.suggesting import experiment, suggestions
from archgraph.studio.tables import completed, is_amount, read_table, reading
from archgraph.studio.uploads import kept
from archgraph.studio.workspace import Workspace
from archgraph.training.experiment import make_experiment
from archgraph.training.planning import plan

GAPPY = "size,colour,kind\n1,red,a\n,red,b\n3,?,a\n5,blue,b\n"


@pytest.mark.parametrize(("remedy", "text"), [
    ("rows", "size,colour,kind\n1,red,a\n5,blue,b\n"),
    ("fill", "size,colour,kind\n1,red,a\n3,red,b\n3,red,a\n5,blue,b\n"),
    ("columns", "kind\na\nb\na\nb\n"),
])  # fmt: skip
@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_a_table_with_gaps_is_completed_beside_the_one_that_was_uploaded(
    remedy: str, text: str, mark: str, tmp_path: Path
) -> None:
    gappy = GAPPY.replace(",", mark)
    name = kept(Workspace(tmp_path), "t.csv", gappy.encode())
    assert [(one.name, one.missing, one.numeric, one.kinds) for one in read_table(tmp_path / name).columns()] == [
        ("size", 1, True, 3), ("colour", 1, False, 2), ("kind", 0, False, 2)]  # fmt: skip
    assert (tmp_path / completed(Workspace(tmp_path), name, remedy)).read_text() == text.replace(",", mark)
    assert (tmp_path / name).read_text() == gappy


TABLE = "id;colour;size;price;kind\n" + "\n".join(
    f"person {n};{['red', 'blue', 'green'][n % 3]};{n % 7};{n * 1.5};{'ab'[n % 2]}" for n in range(90)
)


@pytest.mark.parametrize(("target", "amount", "classes"), [("kind", False, 2), ("price", True, 0), ("size", False, 7)])
def test_every_column_can_be_predicted_from_the_others(target: str, amount: bool, classes: int, tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    name = kept(place, "t.csv", TABLE.encode())
    table = read_table(tmp_path / name)
    columns = table.columns()
    assert [is_amount(one) for one in columns if one.name == target] == [amount]
    found = reading(columns, target, amount=amount)
    assert [one.name for one in found.unused] == ["id"]
    data = found.data(name, table.delimiter)
    known = profile(data, tmp_path)
    assert (known.kind, known.count, len(known.classes)) == ("table", 90, classes)
    width = {"kind": 3 + 2, "price": 3 + 1 + 2, "size": 3 + 1 + 2}[target]
    assert known.shape == (width,), "each word of a column is a number of its own"
    for one in suggestions(known):
        (tmp_path / "g.graph.json").write_text(json.dumps(one.graph))
        plan(make_experiment(experiment(known, data, "x", "g.graph.json", one.epochs), tmp_path))


@pytest.mark.parametrize(("data", "message"), [
    (b"", "needs a line"), (b"a,b\n", "needs a line"), (b"a\n1\n2\n", "two columns"),
    (b"a,a\n1,2\n", "two columns are"),
    (b"a,b\n1,2\n3\n", "row 3 has 1 cells"), (b"a,b\n\xff,2\n", "UTF-8"), (b'a,b\n"1,2\n', "no table"),
    (b"a,b\n1," + b"x" * 200_000 + b"\n", "no table"), (b"a,b\n\0,1\n", ""),
    (b"," * 1_000_000 + b"\n", "1,000,001 columns"), (b"\x89PNG\r\n\x1a\n\0\0", "UTF-8"),
])  # fmt: skip
def test_what_is_no_table_is_refused_in_words(data: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(data)
    if data == b"a,b\n\0,1\n":
        assert read_table(tmp_path / "t.csv").columns()[0].numeric is False
        return
    with pytest.raises(GraphError, match=message):
        read_table(tmp_path / "t.csv")


def test_a_table_that_would_fill_the_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MOST_CELLS", 100)
    (tmp_path / "t.csv").write_text("a,b\n" + "1,2\n" * 60)
    with pytest.raises(GraphError, match="more than 100 cells"):
        read_table(tmp_path / "t.csv")


@pytest.mark.parametrize(("target", "message"), [("same", "nothing to predict"), ("id", "too many for classes")])
def test_a_column_from_which_nothing_can_be_learned_is_refused(target: str, message: str, tmp_path: Path) -> None:
    rows = "\n".join(f"{n},word {n},1,{n % 2}" for n in range(150))
    (tmp_path / "t.csv").write_text(f"number,id,same,kind\n{rows}")
    with pytest.raises(GraphError, match=message):
        reading(read_table(tmp_path / "t.csv").columns(), target, amount=False)
