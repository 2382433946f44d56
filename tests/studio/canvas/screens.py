"""Pictures of what a test has on its screen, kept where the environment says; somebody looks at them."""

import os
from pathlib import Path
from typing import Any

FOLDER = "ARCHGRAPH_SCREENSHOTS"
"""The environment variable that names the folder; without it nothing is kept."""


def keep(page: Any, name: str) -> None:
    """Write a picture of the window."""
    folder = os.environ.get(FOLDER, "")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(folder) / f"{name}.png"))
