"""Several processes of one training on this machine: started together, and again when one of them dies."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import FrameType
from typing import Any

from archgraph.training.checkpoints import Checkpoints
from archgraph.training.folder import RunFolder

_LOOKS_PER_SECOND = 10
_PATIENCE_SECONDS = 30.0
"""How long processes may take to end after the first one did."""


def launch(folder: RunFolder, count: int, arguments: Sequence[str], *, resume: bool, say: Callable[[str], None]) -> int:
    """Train in `folder` with `count` processes that talk over 127.0.0.1; returns the exit status.

    Each runs ``archgraph train`` with `arguments`. When one dies, all are started again from the last checkpoint,
    as long as there was a new one since the last time.
    """
    kept = Checkpoints(folder.checkpoints)
    while True:
        before = _newest(kept)
        place = ["--resume" if resume else "--run-dir", str(folder.path)]
        status, victim = _together(count, [*arguments, *place], say)
        if victim is None:
            return status
        if _newest(kept) == before:
            say(f"{victim}; there is no newer checkpoint than when it began, so it is not tried again")
            return status
        say(f"{victim}: starting all {count} again from the last checkpoint")
        resume = True


def _newest(kept: Checkpoints) -> str:
    return next((path.name for path in kept.files()), "")


def _together(count: int, arguments: Sequence[str], say: Callable[[str], None]) -> tuple[int, str | None]:
    """The exit status of the first process, and what is to be said of one that died."""
    addresses = _free_addresses(count)
    processes = [_started(number, addresses, arguments) for number in range(count)]
    say(f"{count} processes: " + ", ".join(str(process.pid) for process in processes))

    def hand_on(number: int, frame: FrameType | None) -> None:
        for process in processes:
            process.terminate()

    # Ctrl-C reaches the processes by itself.
    before = {signal.SIGINT: signal.signal(signal.SIGINT, signal.SIG_IGN)}
    before[signal.SIGTERM] = signal.signal(signal.SIGTERM, hand_on)
    try:
        return _watched(processes)
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
            process.wait()
        for number, handler in before.items():
            signal.signal(number, handler)


def _watched(processes: Sequence["subprocess.Popen[bytes]"]) -> tuple[int, str | None]:
    deadline: float | None = None
    while any(process.poll() is None for process in processes):
        for number, process in enumerate(processes):
            if process.poll() is not None and process.returncode < 0:
                return 128 - process.returncode, f"process {number} was killed by signal {-process.returncode}"
        if deadline is None and any(process.poll() is not None for process in processes):
            deadline = time.monotonic() + _PATIENCE_SECONDS
        if deadline is not None and time.monotonic() > deadline:
            break
        time.sleep(1 / _LOOKS_PER_SECOND)
    return processes[0].poll() or 0, None


def _started(number: int, addresses: Sequence[str], arguments: Sequence[str]) -> "subprocess.Popen[bytes]":
    task = {"cluster": {"worker": list(addresses)}, "task": {"type": "worker", "index": number}}
    environment = {**os.environ, "TF_CONFIG": json.dumps(task)}
    command = [sys.executable, "-m", "archgraph", "train", *arguments, "--set", 'hardware="several_machines"']
    silent: dict[str, Any] = {} if number == 0 else {"stdout": subprocess.DEVNULL}
    return subprocess.Popen(command, env=environment, **silent)


def _free_addresses(count: int) -> list[str]:
    """Ports that are free at this moment; all are held open until the last has been found."""
    with ExitStack() as held:
        found = []
        for _ in range(count):
            listener = held.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            found.append(f"127.0.0.1:{listener.getsockname()[1]}")
        return found
