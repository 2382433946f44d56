"""DOT -> picture: the system's Graphviz if there is one, else the program that pip installed."""

import shutil
import subprocess
import sysconfig
from pathlib import Path

from archgraph.diagnostics import Diagnostic, GraphError

PROGRAM = "graphviz-pure"
"""Graphviz as one program, from the package of the same name. pydot does not find it by itself."""


def program() -> str:
    """The path of ``dot``, or of the program that stands in for it. Raises `GraphError` (AG901) where neither is.

    The folder for scripts need not be on PATH: that of the running Python is asked too.
    """
    system = shutil.which("dot")
    if system:
        return system
    schemes = ("", f"{sysconfig.get_default_scheme().split('_')[0]}_user")
    folders = [sysconfig.get_path("scripts", scheme) if scheme else sysconfig.get_path("scripts") for scheme in schemes
               if not scheme or scheme in sysconfig.get_scheme_names()]  # fmt: skip
    for folder in folders:
        found = shutil.which(PROGRAM, path=folder)
        if found:
            return str(Path(found).resolve())
    found = shutil.which(PROGRAM)
    if found:
        return found
    hint = "run `pip install graphviz-pure`, or install Graphviz, or ask for the format dot"
    raise GraphError([Diagnostic("AG901", "", "no Graphviz is installed to draw with", hint)])


def drawn(text: str, format: str) -> bytes:
    """DOT laid out and drawn. Raises `GraphError` (AG901) when Graphviz fails."""
    try:
        done = subprocess.run([program(), f"-T{format}", "-q"], input=text.encode(), capture_output=True, check=False)
    except OSError as error:
        raise _failed(error.strerror or str(error)) from error
    if done.returncode or not done.stdout:
        raise _failed(done.stderr.decode(errors="replace").strip() or f"exit status {done.returncode}")
    return done.stdout


def _failed(reason: str) -> GraphError:
    return GraphError([Diagnostic("AG901", "", f"Graphviz failed: {reason.splitlines()[0]}")])
