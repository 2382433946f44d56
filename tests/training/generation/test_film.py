"""A run's pictures as one GIF."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from archgraph.training.generation.film import MOST_FRAMES, chosen, film


def test_the_film_shows_every_picture_and_dwells_on_the_last(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.png" for number in range(3)]
    for number, path in enumerate(paths):
        Image.fromarray(np.full((5, 7, 3), 100 * number, np.uint8)).save(path)
    with Image.open(io.BytesIO(film(paths, seconds=0.1, last_seconds=1.5))) as shown:
        assert (shown.size, shown.n_frames) == ((7, 5), 3)
        seen = []
        for number in range(3):
            shown.seek(number)
            seen.append((shown.convert("RGB").getpixel((3, 3)), shown.info["duration"]))
    assert seen == [((0, 0, 0), 100), ((100, 100, 100), 100), ((200, 200, 200), 1500)]


def test_a_long_run_is_shown_in_even_steps_that_end_with_the_last() -> None:
    paths = [Path(str(number)) for number in range(1000)]
    kept = [int(str(path)) for path in chosen(paths)]
    assert len(kept) == MOST_FRAMES and kept[-1] == 999
    assert set(np.diff(kept)) <= {16, 17}
    assert chosen(paths[:5]) == paths[:5]
