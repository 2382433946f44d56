"""``archgraph studio``: the canvas in a browser, on this computer alone unless another address is named."""

import argparse
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from archgraph.cli import Misused
from archgraph.cli.arguments import positive
from archgraph.cli.output import say

ROOT = "ARCHGRAPH_WORKSPACE"
UPLOAD_MB = 200
EPILOG = """\
The studio shows the graphs and experiments of one folder, the workspace, and what it writes goes there: files when you
save, runs when you train, uploads into data/. Nothing outside of that folder is read or written. Unsaved changes are
kept as drafts in .archgraph/ and come back after a reload. Training goes on when the page or the studio is closed.

It answers on 127.0.0.1, so only this computer reaches it. There are no passwords: with --host 0.0.0.0 everybody on your
network can read and write the workspace, and train on your computer.

examples:
  archgraph studio                 this folder
  archgraph studio nets            another one
  archgraph studio nets --port 8600 --no-browser
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = EPILOG
    parser.add_argument("folder", metavar="FOLDER", nargs="?", default=".", help="the workspace (default: this folder)")
    parser.add_argument("--port", metavar="N", type=positive, default=8501, help="where it answers (default 8501)")
    parser.add_argument("--host", metavar="ADDRESS", default="127.0.0.1", help="address to bind (default 127.0.0.1)")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser window")


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted; returns the exit status."""
    folder = Path(arguments.folder)
    if not folder.is_dir():
        raise Misused(f"{arguments.folder!r} is not a folder; make it first")
    if importlib.util.find_spec("streamlit") is None:
        raise Misused("the studio needs Streamlit: pip install 'archgraph[studio]'")
    if arguments.port > 65_535:
        raise Misused(f"--port must be at most 65535, got {arguments.port}")
    say(f"workspace: {folder.resolve()}")
    command = streamlit_command(arguments.host, arguments.port, browser=not arguments.no_browser)
    environment = {**os.environ, ROOT: str(folder.resolve())}
    if os.name == "posix":
        sys.stdout.flush()
        os.execve(command[0], command, environment)  # one process: what stops this command stops the studio
    return subprocess.run(command, env=environment, check=False).returncode


def streamlit_command(host: str, port: int, *, browser: bool) -> list[str]:
    """The command that serves the pages: no telemetry, no stack traces on pages, limits on uploads.

    Nor a full garbage collection after every answer, which Streamlit forces otherwise: it took 9 in 10 of the
    processor time of an edit.
    """
    spec = importlib.util.find_spec("archgraph.studio")
    assert spec is not None and spec.origin is not None
    settings = {
        "server.address": host, "server.port": port, "server.headless": str(not browser).lower(),
        "server.maxUploadSize": UPLOAD_MB, "server.fileWatcherType": "none", "browser.gatherUsageStats": "false",
        "runner.postScriptGC": "false",
        "client.showErrorDetails": "none", "client.showErrorLinks": "false",
        "client.toolbarMode": "minimal", "theme.light.primaryColor": "#4338ca", "theme.dark.primaryColor": "#a5a0ff",
    }  # fmt: skip
    app = Path(spec.origin).with_name("app.py")
    return [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(app),
        *(f"--{key}={value}" for key, value in settings.items()),
    ]
