"""What is shown while training: a live bar on a terminal, lines elsewhere."""

import io
from pathlib import Path

import pytest

from archgraph.training.report import Live, Logged, Plain, Silent, figures, reporter


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_reporter_suits_the_stream() -> None:
    assert isinstance(reporter(Terminal(), True), Live)
    assert isinstance(reporter(io.StringIO(), True), Plain)
    assert isinstance(reporter(Terminal(), False), Silent)
    own = Silent()
    assert reporter(Terminal(), own) is own


def test_figures_are_short() -> None:
    assert (
        figures({"loss": 0.123456, "val_loss": 1e-7, "big": 123456.0})
        == "loss 0.1235  val_loss 1.000e-07  big 1.235e+05"
    )


def test_fast_epochs_do_not_flood_the_output_but_the_log_has_them_all(tmp_path: Path) -> None:
    stream = io.StringIO()
    with Logged(Plain(stream), tmp_path / "log") as reports:
        for epoch in range(50):
            reports.begin(epoch, 50, 2)
            reports.advance(2, dict)
            reports.end(epoch, 50, {"seconds": 0.0}, {"loss": 1.0})
    assert [line.split()[1] for line in stream.getvalue().splitlines()] == ["1/50", "50/50"]
    assert len((tmp_path / "log").read_text().splitlines()) == 50


def test_the_live_bar_shows_epoch_figures_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"COLUMNS": "140", "TTY_COMPATIBLE": "1", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)
    live = Live()
    live.console.file = Terminal()
    with live:
        for epoch in range(2):
            live.begin(epoch, 2, 3)
            for step in range(3):
                live.advance(step + 1, lambda: {"loss": 0.5})
            live.end(epoch, 2, {"seconds": 1.0}, {"loss": 0.25, "val_loss": 0.5})
        live.say("a [line] of its own")
    shown = live.console.file.getvalue()
    assert "2/2" in shown and "left" in shown and "loss 0.2500  val_loss 0.5000" in shown
    assert "a [line] of its own" in shown and "left" in shown
