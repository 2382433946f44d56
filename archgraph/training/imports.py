"""The files that a graph draws blocks from, so that a run folder holds all of its graph."""

from pathlib import Path

from archgraph.document.reader import read_file


def imported(file: Path) -> dict[str, bytes]:
    """Files beside a graph file that it imports, directly or not, by their names.

    Those in other folders are left out: a run folder has no place for them.
    """
    found: dict[str, bytes] = {}
    waiting = [file.name]
    while waiting:
        path = file.parent / waiting.pop()
        value = read_file(path).value
        names = value.get("imports", ()) if isinstance(value, dict) else ()
        for name in {name.removeprefix("./") for name in names}:
            if "/" not in name and name not in found:
                found[name] = (file.parent / name).read_bytes()
                waiting.append(name)
    return found
