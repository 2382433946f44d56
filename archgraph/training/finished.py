"""Which of a run's networks is wanted of it afterwards, and in which file it is."""

from pathlib import Path

from archgraph.training.folder import RunFolder, read_json
from archgraph.training.objectives import OBJECTIVES


def finished(folder: RunFolder) -> Path:
    """The file of the finished network, or of the best so far; of several, that of the objective's first role.

    The file need not exist.
    """
    roles: tuple[str, ...] = ("model",)
    if folder.resolved.is_file():
        objective = read_json(folder.resolved).get("settings", {}).get("objective", {})
        kind = OBJECTIVES.get(objective.get("name", "") if isinstance(objective, dict) else "")
        roles = tuple(kind.roles)[:1] or roles if kind is not None else roles
    files = [path for role in roles for path in (folder.model_of(role), folder.best_of(role))]
    return next((path for path in files if path.is_file()), files[0])
