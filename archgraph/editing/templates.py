"""The examples as beginnings: where they lie, and their values without the files they import from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import archgraph
from archgraph.document.reader import read_file

GRAPH: Final = ".graph.json"
EXPERIMENT: Final = ".train.json"


def gallery() -> Path:
    """The folder of the examples: that in the package, or of the source tree that it runs from."""
    package = Path(archgraph.__file__).parent
    return package / "examples" if (package / "examples").is_dir() else package.parent / "examples"


def templates() -> dict[str, Path]:
    """The examples by name."""
    return {path.name.removesuffix(GRAPH): path for path in sorted(gallery().glob(f"*{GRAPH}"))}


def alone(value: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The value of a graph file without its imports: the blocks that it uses of theirs are its own."""
    if "imports" not in value:
        return dict(value)
    own = {key: item for key, item in value.items() if key != "imports"}
    blocks = {**_imported(value, path), **value.get("blocks", {})}
    used = used_blocks({key: item for key, item in own.items() if key != "blocks"}, blocks)
    return {**own, "blocks": {name: block for name, block in blocks.items() if name in used}} if used else own


def used_blocks(value: Any, blocks: Mapping[str, Any]) -> set[str]:
    """Names of those of `blocks` that `value` may mean, and of those that they may mean."""
    used: set[str] = set()
    named = _strings(value)
    while fresh := (named & blocks.keys()) - used:
        used |= fresh
        named = {name for block in fresh for name in _strings(blocks[block])}
    return used


def _imported(value: Mapping[str, Any], path: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in value.get("imports", ()):
        file = path.parent / name
        theirs = read_file(file).value
        found |= {**_imported(theirs, file), **theirs.get("blocks", {})}
    return found


def _strings(value: Any) -> set[str]:
    """Every string in a JSON value that may name a block: what feeds a node, or leaves it, is none."""
    if isinstance(value, str):
        return {value}
    if isinstance(value, Mapping):
        items = [item for key, item in value.items() if key not in ("in", "output", "outputs", "doc", "op")]
    else:
        items = value if isinstance(value, list) else []
    return {text for item in items for text in _strings(item)}
