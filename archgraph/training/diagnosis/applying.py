"""Remedies at work: the edited experiment, and the edited graph beside it, written as files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from archgraph.diagnostics import Diagnostic, GraphError, Rejected
from archgraph.document.files import write_atomically
from archgraph.document.order import ORDER
from archgraph.document.reader import Document, read_file
from archgraph.document.revise import revise
from archgraph.document.writer import PLAIN_ORDER, KeyOrder
from archgraph.editing.patches import apply
from archgraph.training.diagnosis.findings import Finding, Remedy, remedies
from archgraph.training.diagnosis.remedies import EXPERIMENT
from archgraph.training.folder import RunFolder

_ENDING = ".train.json"


def apply_remedies(
    run: str | Path, findings: Sequence[Finding], numbers: Sequence[int], output: str | Path
) -> list[Path]:
    """Write the run's experiment with some remedies applied, counted from 1 through all findings; the files written.

    Edited graphs are written beside it, as ``NAME.ROLE.graph.json``, and the experiment names them. Its other paths
    stay as they are, relative to the file: it belongs where the experiment of the run lay.

    Raises:
        GraphError: there is no such remedy, it does not fit the file any more (AG704), or a file cannot be written.
    """
    folder, path = RunFolder(Path(run)), Path(output)
    chosen = [_remedy(findings, number, folder) for number in numbers]
    if not path.name.endswith(_ENDING):
        raise _refused(path, f"the name of an experiment ends in {_ENDING}, got {path.name!r}", f"NAME{_ENDING}")
    document = read_file(folder.experiment)
    value, written = document.value, []
    for role in dict.fromkeys(remedy.target for remedy in chosen):
        patch = [dict(change) for remedy in chosen if remedy.target == role for change in remedy.patch]
        if role == EXPERIMENT:
            value = _patched(folder.experiment, value, patch)
            continue
        graph = read_file(folder.graph_of(role))
        beside = path.with_name(f"{path.name.removesuffix(_ENDING)}{'' if role == 'model' else '.' + role}.graph.json")
        _write(beside, graph, _patched(folder.graph_of(role), graph.value, patch), ORDER)
        value = _naming(value, role, beside.name)
        written.append(beside)
    _write(path, document, value, PLAIN_ORDER)
    return [path, *written]


def _remedy(findings: Sequence[Finding], number: int, folder: RunFolder) -> Remedy:
    known = remedies(findings)
    if not 1 <= number <= len(known):
        hint = f"there are {len(known)}" if known else "nothing stands out in this run"
        raise _refused(folder.path, f"there is no remedy {number}", hint)
    return known[number - 1]


def _patched(path: Path, value: Any, patch: list[dict[str, Any]]) -> Any:
    try:
        return apply(value, patch)
    except Rejected as rejected:
        raise _refused(path, f"the remedy does not fit the file: {rejected.message}", rejected.hint) from None


def _naming(value: Mapping[str, Any], role: str, name: str) -> dict[str, Any]:
    """The experiment with the graph of a role in another file; variant and parameters stay."""
    old = value["graphs"][role] if "graphs" in value else value["graph"]
    file = old["file"] if isinstance(old, Mapping) else old
    _, sign, variant = file.partition("#")
    named = name + sign + variant
    new = {**old, "file": named} if isinstance(old, Mapping) else named
    return {**value, "graphs": {**value["graphs"], role: new}} if "graphs" in value else {**value, "graph": new}


def _write(path: Path, document: Document, value: Any, order: KeyOrder) -> None:
    write_atomically(path, revise(document, value, order))


def _refused(path: Path, message: str, hint: str) -> GraphError:
    return GraphError([Diagnostic("AG704", "", message, hint, file=str(path))])
