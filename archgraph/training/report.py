"""What the user sees while a model trains: a live bar on a terminal, plain lines elsewhere, and a log file always."""

import abc
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, TextIO

from archgraph.document.files import appending

_REDRAWS_PER_SECOND = 5


def figures(measured: Mapping[str, float]) -> str:
    """Measured quantities as people read them: ``loss 0.231  val_loss 0.28``."""
    return "  ".join(f"{name} {_short(value)}" for name, value in measured.items())


def _short(value: float) -> str:
    return f"{value:.4f}" if 0.001 <= abs(value) < 1000 or value == 0 else f"{value:.3e}"


class Reporter(abc.ABC):
    """Told what happens, in order. `__enter__` and `__exit__` surround the run."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    @abc.abstractmethod
    def say(self, text: str) -> None:
        """A line of its own."""

    @abc.abstractmethod
    def begin(self, epoch: int, epochs: int, steps: int) -> None:
        """An epoch (from 0) of `steps` batches begins."""

    @abc.abstractmethod
    def advance(self, step: int, measure: Any) -> None:
        """`step` batches are done; `measure()` gives the figures so far, and is costly."""

    @abc.abstractmethod
    def end(self, epoch: int, epochs: int, row: Mapping[str, Any], measured: Mapping[str, float]) -> None:
        """An epoch is over: `row` as in metrics.csv, `measured` without epoch, seconds and rate."""


class Silent(Reporter):
    """Says nothing."""

    def say(self, text: str) -> None:
        """Nothing."""

    def begin(self, epoch: int, epochs: int, steps: int) -> None:
        """Nothing."""

    def advance(self, step: int, measure: Any) -> None:
        """Nothing."""

    def end(self, epoch: int, epochs: int, row: Mapping[str, Any], measured: Mapping[str, float]) -> None:
        """Nothing."""


def line(epoch: int, epochs: int, row: Mapping[str, Any], measured: Mapping[str, float]) -> str:
    """An epoch in one line."""
    width = len(str(epochs))
    return f"epoch {epoch + 1:>{width}}/{epochs}  {figures(measured)}  ({row['seconds']:.1f} s)"


class Plain(Silent):
    """A line for each epoch, at most one in a while where epochs are fast."""

    def __init__(self, stream: TextIO, *, every_seconds: float = 1.0) -> None:
        self.stream, self.every_seconds = stream, every_seconds
        self._last = 0.0

    def say(self, text: str) -> None:
        """Print a line."""
        print(text, file=self.stream, flush=True)

    def end(self, epoch: int, epochs: int, row: Mapping[str, Any], measured: Mapping[str, float]) -> None:
        """Print the epoch's line."""
        now = time.monotonic()
        if now - self._last >= self.every_seconds or epoch + 1 == epochs or epoch == 0:
            self._last = now
            self.say(line(epoch, epochs, row, measured))


class Live(Reporter):
    """A bar with the live figures and the time left, redrawn in place."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.table import Column

        self.console = Console()
        columns = (
            TextColumn("[bold]epoch {task.fields[epoch]}", table_column=Column(no_wrap=True)),
            BarColumn(bar_width=12),
            TextColumn(
                "{task.fields[figures]}", style="cyan", table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")
            ),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        self.progress = Progress(*columns, console=self.console, expand=True, refresh_per_second=_REDRAWS_PER_SECOND)
        self.task: Any = None
        self._before, self._last = 0, 0.0

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.stop()

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        self.console.print(text, highlight=False, markup=False)

    def begin(self, epoch: int, epochs: int, steps: int) -> None:
        """Show the epoch's number; the bar counts the batches of the whole training."""
        shown = f"{epoch + 1}/{epochs}"
        if self.task is None:
            self.task = self.progress.add_task(
                "", total=epochs * steps, epoch=shown, figures="", completed=epoch * steps
            )
        self._before = epoch * steps
        self.progress.update(self.task, epoch=shown)

    def advance(self, step: int, measure: Any) -> None:
        """Move the bar, a few times a second."""
        now = time.monotonic()
        if now - self._last >= 1 / _REDRAWS_PER_SECOND:
            self._last = now
            self.progress.update(self.task, completed=self._before + step, figures=figures(measure()))

    def end(self, epoch: int, epochs: int, row: Mapping[str, Any], measured: Mapping[str, float]) -> None:
        """Show the epoch's figures."""
        self.progress.update(self.task, figures=figures(measured))
        if epoch + 1 == epochs:
            self.progress.update(self.task, completed=self.progress.tasks[0].total)


class Logged(Reporter):
    """Another reporter, and every epoch's line in a file."""

    def __init__(self, inner: Reporter, path: Path) -> None:
        self.inner, self.path = inner, path
        self._stream: IO[str] | None = None

    def __enter__(self) -> Self:
        with appending(self.path):
            self._stream = self.path.open("a", encoding="utf-8")
        self.inner.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.inner.__exit__(kind, error, trace)
        if self._stream is not None:
            with suppress(OSError):  # what could not be written has been told
                self._stream.close()

    def _log(self, text: str) -> None:
        if self._stream is None:
            return
        with appending(self.path):
            print(time.strftime("%Y-%m-%d %H:%M:%S"), text, file=self._stream, flush=True)

    def say(self, text: str) -> None:
        """Say it, and write it down."""
        self._log(text)
        self.inner.say(text)

    def begin(self, epoch: int, epochs: int, steps: int) -> None:
        """Hand on."""
        self.inner.begin(epoch, epochs, steps)

    def advance(self, step: int, measure: Any) -> None:
        """Hand on."""
        self.inner.advance(step, measure)

    def end(self, epoch: int, epochs: int, row: Mapping[str, Any], measured: Mapping[str, float]) -> None:
        """Write the epoch's line down."""
        self._log(line(epoch, epochs, row, measured))
        self.inner.end(epoch, epochs, row, measured)


def reporter(stream: TextIO, progress: bool | Reporter) -> Reporter:
    """The reporter that suits `stream`; `progress` is false for none, or a reporter of the caller's own."""
    if isinstance(progress, Reporter):
        return progress
    if not progress:
        return Silent()
    return Live() if stream.isatty() else Plain(stream)
