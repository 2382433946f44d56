"""Text as sequences of characters."""

import abc
import importlib

import numpy as np

from archgraph.diagnostics import Rejected
from archgraph.kinds import Choice, Integer, Text
from archgraph.record import param, record
from archgraph.training.data.base import Column, Samples, Source, Surroundings, source

_LARGEST_CHARACTERS = 50_000_000
_TYPED = ("\n", *map(chr, range(ord(" "), ord("~") + 1)))
"""The characters of a keyboard: the end of a line and the 95 of ASCII that can be seen or left blank."""


@record
class Windows(Source):
    """Windows of a text as character numbers; the target is the character that follows, or that follows each.

    Windows keep the order of the text, and the parts are runs of neighbours with a gap between them, so no part sees
    characters of another.
    """

    length: int = param(Integer(2, 10_000), "Characters in a window.", default=64)
    step: int = param(Integer(1), "Characters from the start of one window to the next.", default=16)
    target: str = param(
        Choice("next", "each"), "Learn the one character after the window, or the one after each.", default="next"
    )

    @abc.abstractmethod
    def text(self, around: Surroundings) -> tuple[str, tuple[str, ...]]:
        """The text and the different characters that it may hold, in the order of their numbers."""

    def read(self, around: Surroundings) -> Samples:
        text, alphabet = self.text(around)
        code = {character: number for number, character in enumerate(alphabet)}
        numbers = np.fromiter((code[character] for character in text), np.int32, len(text))
        starts = np.arange(0, len(text) - self.length, self.step)
        windows = np.lib.stride_tricks.sliding_window_view(numbers, self.length + 1)[starts]
        follows = windows[:, -1] if self.target == "next" else windows[:, 1:]
        columns = {"text": Column(windows[:, :-1], alphabet), "next": Column(follows, alphabet)}
        return Samples(columns, inputs=("text",), targets=("next",), gap=-(-self.length // self.step))


@source
class TextCharacters(Windows):
    """Windows of a text file as character numbers; the target is the character that follows, or that follows each.

    Windows keep the order of the text, and the parts are runs of neighbours with a gap between them, so no part sees
    characters of another.
    """

    name = "text_characters"
    licence = "the file's own"
    shape = "text (length,) of character numbers; next: a class, or (length,) of them"

    file: str = param(Text(), "The text file, in UTF-8.")

    def text(self, around: Surroundings) -> tuple[str, tuple[str, ...]]:
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
        return text, tuple(sorted(set(text)))


@source
class PythonTopics(Windows):
    """Python's own help on its language, in English and code, as windows of character numbers.

    The text is that of the Python that runs. Its alphabet is always the end of a line and the 95 printing characters
    of ASCII; other characters, a few quotation marks and dashes, become question marks.
    """

    name = "python_topics"
    licence = "ships with Python (PSF-2.0)"
    shape = "text (length,) of 96 character numbers; next: a class, or (length,) of them; some 465,000 characters"

    def text(self, around: Surroundings) -> tuple[str, tuple[str, ...]]:
        topics: dict[str, str] = importlib.import_module("pydoc_data.topics").topics
        text = "\n".join(topics[name] for name in sorted(topics))
        other = {ord(character): "?" for character in set(text) - set(_TYPED)}
        return text.translate(other), _TYPED
