"""Text as sequences of characters."""

import numpy as np

from archgraph.diagnostics import Rejected
from archgraph.kinds import Choice, Integer, Text
from archgraph.record import param
from archgraph.training.data.base import Column, Samples, Source, Surroundings, source

_LARGEST_CHARACTERS = 50_000_000


@source
class TextCharacters(Source):
    """Windows of a text file as character numbers; the target is the character that follows, or that follows each.

    Windows keep the order of the text, and the parts are runs of neighbours with a gap between them, so no part sees
    characters of another.
    """

    name = "text_characters"
    licence = "the file's own"
    shape = "text (length,) of character numbers; next: a class, or (length,) of them"

    file: str = param(Text(), "The text file, in UTF-8.")
    length: int = param(Integer(2, 10_000), "Characters in a window.", default=64)
    step: int = param(Integer(1), "Characters from the start of one window to the next.", default=16)
    target: str = param(
        Choice("next", "each"), "Learn the one character after the window, or the one after each.", default="next"
    )

    def read(self, around: Surroundings) -> Samples:
        path = around.find(self.file, "file")
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError as error:
            raise Rejected("AG703", f"{self.file} is not UTF-8 at byte {error.start}", field="/file") from None
        except OSError as error:
            raise Rejected("AG702", f"{path} cannot be read: {error.strerror or error}", field="/file") from None
        if not self.length + self.step < len(text) <= _LARGEST_CHARACTERS:
            bounds = f"from {self.length + self.step + 1} to {_LARGEST_CHARACTERS}"
            raise Rejected("AG703", f"{self.file} must have {bounds} characters, got {len(text)}", field="/file")
        return self._windows(text)

    def _windows(self, text: str) -> Samples:
        alphabet = tuple(sorted(set(text)))
        code = {character: number for number, character in enumerate(alphabet)}
        numbers = np.fromiter((code[character] for character in text), np.int32, len(text))
        starts = np.arange(0, len(text) - self.length, self.step)
        windows = np.lib.stride_tricks.sliding_window_view(numbers, self.length + 1)[starts]
        follows = windows[:, -1] if self.target == "next" else windows[:, 1:]
        columns = {"text": Column(windows[:, :-1], alphabet), "next": Column(follows, alphabet)}
        return Samples(columns, inputs=("text",), targets=("next",), gap=-(-self.length // self.step))
