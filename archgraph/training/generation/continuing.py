"""A run folder -> what its network makes, by the objective that it was trained for: pictures, texts, translations."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from archgraph.compiler import load_model
from archgraph.diagnostics import Diagnostic, GraphError, Rejected
from archgraph.training.data.base import Array
from archgraph.training.folder import RunFolder, read_json
from archgraph.training.generation.beam import write
from archgraph.training.generation.codes import Coder
from archgraph.training.generation.mosaic import as_pictures
from archgraph.training.generation.numbers import Foreteller
from archgraph.training.generation.writing import Writer

PICTURES = ("variational", "autoregressive")
TEXTS = ("language", "translation")
_LONGEST_PROMPT = 10_000


class Trained:
    """A finished network, and what its run knows of the objective."""

    def __init__(self, run: str | Path) -> None:
        """Raises `GraphError` AG704: the folder holds no such run."""
        self.folder = RunFolder(Path(run))
        resolved = read_json(self.folder.resolved)
        self.objective: Mapping[str, Any] = resolved.get("settings", {}).get("objective", {})
        self.about: Mapping[str, Any] = resolved.get("objective", {})
        self.name = str(self.objective.get("name", ""))

    def model(self) -> Any:
        """The Keras model. Raises `GraphError` AG704: there is none, or Keras cannot load it."""
        for path in (self.folder.model, self.folder.best):
            if path.is_file():
                try:
                    return load_model(path, fused=True)
                except (ValueError, OSError, TypeError, KeyError) as error:
                    raise self.refused(f"Keras cannot load the model: {str(error)[:200]}") from error
        raise self.refused(f"the folder holds no {self.folder.model.name}", "let the run finish, or resume it")

    def refused(self, message: str, hint: str = "", code: str = "AG704") -> GraphError:
        """A complaint about the run."""
        return GraphError([Diagnostic(code, "", message, hint, file=str(self.folder.path))])


def pictures(trained: Trained, count: int, seed: int, temperature: float) -> tuple[Array, Array | None]:
    """What a network draws from the prior, or number by number; and the same as pictures from 0 to 1."""
    model = trained.model()
    if trained.name == "variational":
        names = (trained.objective[name] for name in ("picture", "mean", "log_var"))
        drawn = Coder.cut(model, *names, raw=trained.about["raw"]).drawn(count, (seed,))
        low, high = trained.about["lowest"], trained.about["highest"]
    else:
        drawn = Foreteller(model, trained.objective["levels"]).draw(count, (seed,), temperature=temperature)
        low, high = 0.0, 1.0
    shown = as_pictures(drawn)
    return drawn, None if shown is None else np.clip((shown - low) / (high - low or 1), 0, 1)


def text(
    trained: Trained, prompt: str | None, symbols: int | None, temperature: float | None, top_k: int | None, seed: int
) -> str:
    """A text that begins with `prompt`. What is not given is as in the experiment.

    Raises:
        GraphError: AG703, the prompt holds what the network has never read.
    """
    objective, about = trained.objective, trained.about
    begun = about["begins"] if prompt is None else prompt[:_LONGEST_PROMPT]
    writer = Writer(
        trained.model(), about["alphabet"], carry=objective["carry"], output=about["output"], window=about["window"]
    )
    try:
        return begun + writer.write(
            begun,
            objective["symbols"] if symbols is None else symbols,
            (seed,),
            temperature=objective["temperature"] if temperature is None else temperature,
            top_k=objective["top_k"] if top_k is None else top_k,
        )
    except Rejected as rejected:
        raise trained.refused(rejected.message, rejected.hint, rejected.code) from None


def translations(trained: Trained, prompt: str | None, best: int = 3) -> list[tuple[str, float]]:
    """The likeliest ways to write what `prompt` says, with their chances.

    Raises:
        GraphError: AG703, the prompt is missing, too long, or holds unknown symbols.
    """
    objective, about = trained.objective, trained.about
    read = _numbers(trained, prompt or "")
    model = trained.model()

    def outputs(inputs: Mapping[str, Array]) -> Mapping[str, Array]:
        given = model(dict(inputs), training=False)
        named = given if isinstance(given, Mapping) else {about["output"]: given}
        return {name: np.asarray(value) for name, value in named.items()}

    names = (about["read"], objective["written"], about["output"])
    marks = (objective["padding"], objective["begin"], objective["end"])
    width = max(best, objective["beam"])
    found = write(outputs, read, names, marks, about["longest"], width, objective["length_penalty"])[0][:best]
    spelt = about["symbols"]
    return [
        (" ".join(spelt[number] if spelt else str(number) for number in numbers), float(np.exp(score)))
        for numbers, score in found
    ]


def _numbers(trained: Trained, prompt: str) -> Array:
    letters, width = trained.about["letters"], trained.about["width"]
    symbols = list(prompt) if letters and all(len(letter) <= 1 for letter in letters) else prompt.split()
    code = {letter: number for number, letter in enumerate(letters)} if letters else None
    unknown = [one for one in symbols if (one not in code if code else not one.isdecimal())]
    if not symbols or unknown or len(symbols) > width:
        why = f"{unknown[0]!r} is unknown" if unknown else f"it has {len(symbols)} symbols"
        hint = f"give 1 to {width} of: " + (" ".join(filter(None, letters)) if letters else "numbers")
        raise trained.refused(f"cannot read {prompt!r}: {why}", hint, "AG703")
    read = np.full((1, width), trained.objective["padding"], np.int32)
    read[0, : len(symbols)] = [code[one] if code else int(one) for one in symbols]
    return read
