"""An uploaded table -> what its columns hold, what is missing, and how an experiment is to read it."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from statistics import StatisticsError, median, mode
from typing import Any, Final

from archgraph.studio.workspace import Workspace, refused

MISSING: Final = frozenset({"", "na", "n/a", "nan", "null", "none", "?", "-"})
"""What stands in a table where a value is missing."""
REMEDIES: Final = {
    "Leave those rows out": "rows", "Fill in the usual value of the column": "fill",
    "Leave those columns out": "columns",
}  # fmt: skip
"""What can be done with missing values, and the ending of the file that is written."""
DELIMITERS: Final = ",;\t|"
MOST_COLUMNS: Final = 2_000
MOST_CELLS: Final = 5_000_000
MOST_KINDS: Final = 50
"""Different words in a column up to which each becomes a number of its own; columns with more are left out."""
MOST_CLASSES: Final = 100
MOST_AMOUNTS: Final = 20
"""Different numbers in a column up to which they are taken for classes."""


@dataclass(frozen=True)
class Column:
    """What a column holds."""

    name: str
    missing: int
    numeric: bool
    """Whether every value that is there is a number."""
    kinds: int
    """Different values."""


@dataclass(frozen=True)
class Table:
    """The cells of a table; the first row names the columns."""

    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    delimiter: str

    def columns(self) -> tuple[Column, ...]:
        """What each column holds."""
        return tuple(_column(name, [row[place] for row in self.rows]) for place, name in enumerate(self.names))


def read_table(path: Path) -> Table:
    """The cells of a CSV file. Raises `GraphError` for what is no table, or one that is too large for a page."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            delimiter = _delimiter(stream.readline())
            stream.seek(0)
            rows = _rows(stream, delimiter, path.name)
    except UnicodeDecodeError as error:
        raise refused(path.name, f"it is not UTF-8 at byte {error.start}; save it as “CSV UTF-8”") from None
    except (csv.Error, OSError) as error:
        raise refused(path.name, f"it is no table that can be read: {error}") from None
    if len(rows) < 2 or len(rows[0]) < 2:
        raise refused(path.name, "a table needs a line that names two columns or more, and a line of values")
    names = rows[0]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise refused(path.name, f"two columns are called {twice[:40]!r}; does the first line name the columns?")
    uneven = next((number for number, row in enumerate(rows, 1) if len(row) != len(names)), 0)
    if uneven:
        raise refused(path.name, f"row {uneven} has {len(rows[uneven - 1])} cells, the first has {len(names)}")
    return Table(names, tuple(rows[1:]), delimiter)


def _delimiter(line: str) -> str:
    return max(DELIMITERS, key=line.count)


def _rows(stream: Any, delimiter: str, name: str) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    cells = 0
    for row in csv.reader(stream, delimiter=delimiter, strict=True):
        cells += len(row)
        if len(row) > MOST_COLUMNS:
            raise refused(name, f"it has {len(row):,} columns, at most {MOST_COLUMNS:,} can be used here")
        if cells > MOST_CELLS:
            raise refused(name, f"it has more than {MOST_CELLS:,} cells; train on it with `archgraph train`")
        if any(cell.strip() for cell in row):
            rows.append(tuple(cell.strip() for cell in row))
    return rows


def _column(name: str, cells: Sequence[str]) -> Column:
    known = {cell for cell in cells if not is_missing(cell)}
    return Column(name, sum(map(is_missing, cells)), all(map(_is_number, known)), len(known))


def is_missing(cell: str) -> bool:
    """Whether a cell says that there is no value."""
    return cell.strip().casefold() in MISSING


def _is_number(cell: str) -> bool:
    try:
        return isfinite(float(cell))
    except ValueError:
        return False


def completed(workspace: Workspace, name: str, remedy: str) -> str:
    """Write a table without gaps beside the one that has them; returns its path in the workspace."""
    table = read_table(workspace.path(name))
    lacking = [bool(column.missing) for column in table.columns()]
    head, rows = table.names, table.rows
    if remedy == "columns":
        head = tuple(column for column, gap in zip(head, lacking, strict=True) if not gap)
        rows = tuple(tuple(cell for cell, gap in zip(row, lacking, strict=True) if not gap) for row in rows)
    elif remedy == "fill":
        usual = [_usual([row[place] for row in rows]) if gap else "" for place, gap in enumerate(lacking)]
        rows = tuple(
            tuple(usual[place] if is_missing(cell) else cell for place, cell in enumerate(row)) for row in rows
        )
    else:
        rows = tuple(row for row in rows if not any(map(is_missing, row)))
    target = f"{name.removesuffix('.csv')}_{remedy}.csv"
    made = io.StringIO()
    csv.writer(made, delimiter=table.delimiter, lineterminator="\n").writerows([head, *rows])
    path = workspace.path(target)
    if not path.is_file() or path.read_text("utf-8") != made.getvalue():
        workspace.write(target, made.getvalue())
    return target


def _usual(cells: Sequence[str]) -> str:
    """The middle of numbers; of words the commonest."""
    known = [cell for cell in cells if not is_missing(cell)]
    try:
        return f"{median(map(float, known)):g}"
    except (ValueError, StatisticsError):
        return mode(known) if known else ""


def is_amount(column: Column) -> bool:
    """Whether a column that is to be predicted is rather a number than a class."""
    return column.numeric and column.kinds > MOST_AMOUNTS


@dataclass(frozen=True)
class Reading:
    """How the columns of a table are read when one of them is to be predicted."""

    target: Column
    amount: bool
    words: tuple[Column, ...]
    """Columns of words, each of which becomes a number of its own."""
    unused: tuple[Column, ...]
    """Columns of words in which nearly every row has another."""

    def data(self, file: str, delimiter: str) -> dict[str, Any]:
        """The same as an experiment has it."""
        return {
            "name": "csv", "file": file, "target": self.target.name,
            **({"task": "regression"} if self.amount else {}),
            **({"delimiter": delimiter} if delimiter != "," else {}),
            **({"categorical": [one.name for one in self.words]} if self.words else {}),
            **({"ignore": [one.name for one in self.unused]} if self.unused else {}),
        }  # fmt: skip


def reading(columns: Sequence[Column], target: str, *, amount: bool) -> Reading:
    """How to read a table in which `target` is to be predicted. Raises `GraphError` where nothing could be learned."""
    learned = next(one for one in columns if one.name == target)
    if learned.kinds < 2:
        raise refused(target, "every row has the same value there: there is nothing to predict")
    if not amount and learned.kinds > MOST_CLASSES:
        raise refused(target, f"it has {learned.kinds:,} different values: too many for classes; choose another column")
    words = [one for one in columns if one.name != target and not one.numeric]
    kept = tuple(one for one in words if one.kinds <= MOST_KINDS)
    unused = tuple(one for one in words if one.kinds > MOST_KINDS)
    if len(columns) - 1 == len(unused):
        raise refused(target, "no other column holds numbers, or words that occur again and again, to learn from")
    return Reading(learned, amount, kept, unused)
