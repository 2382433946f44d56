"""Pictures of one run, epoch after epoch -> one GIF."""

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

MOST_FRAMES = 60
"""Longer runs are shown in as many even steps."""


def film(paths: Sequence[Path], *, seconds: float = 0.15, last_seconds: float = 2.0) -> bytes:
    """A film of PNG files of one size that repeats: every picture for `seconds`, the last one longer."""
    frames = [_frame(path) for path in chosen(paths)]
    durations = [int(1000 * seconds)] * (len(frames) - 1) + [int(1000 * last_seconds)]
    stream = io.BytesIO()
    frames[0].save(stream, format="GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0)
    return stream.getvalue()


def chosen(paths: Sequence[Path]) -> list[Path]:
    """At most `MOST_FRAMES` of the paths, evenly, the last among them."""
    count = min(len(paths), MOST_FRAMES)
    return [paths[round((number + 1) * len(paths) / count) - 1] for number in range(count)]


def _frame(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB").quantize(64)
