"""What went wrong, where, and how to mend it: the one error vocabulary of the project."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Literal

Severity = Literal["error", "warning"]

CODES: Mapping[str, str] = {
    # reading text
    "AG101": "the text is not JSON (RFC 8259)",
    "AG102": "an object has the same key twice",
    "AG103": "NaN and Infinity are not JSON numbers",
    "AG104": "the file is not UTF-8, or begins with a byte order mark",
    "AG105": "a string holds half of a surrogate pair",
    "AG106": "a number has too many digits",
    "AG107": "values are nested too deeply",
    "AG108": "the file is too large",
    "AG109": "the file cannot be read or written",
    # the form of a file
    "AG201": "a value is out of bounds",
    "AG202": "a value has the wrong type",
    "AG203": "a key is unknown",
    "AG204": "a key is missing",
    "AG205": "a value is none of the choices",
    "AG206": "a name is not an identifier",
    "AG207": "the format version is not supported",
    "AG208": "an expression cannot be read",
    "AG209": "an expression cannot be evaluated",
    "AG210": "keys of a record contradict each other",
    # shapes and dtypes
    "AG301": "a tensor has the wrong number of axes",
    "AG302": "a size must be known here",
    "AG303": "shapes do not agree",
    "AG304": "a size would not be positive",
    "AG305": "a statement about a symbolic size cannot be proven",
    "AG306": "a tensor has the wrong dtype",
    "AG307": "a size is not divisible as required",
    # references
    "AG401": "a name is not defined here",
    "AG402": "nodes feed each other in a circle",
    "AG403": "a node's inputs do not match its ports",
    "AG404": "a node reaches no output (warning)",
    "AG405": "a block or parameter is not used (warning)",
    "AG406": "the operation is not in the vocabulary",
    "AG407": "the block is not defined",
    "AG408": "blocks contain each other in a circle",
    "AG409": "weights cannot be shared here",
    "AG410": "an import is refused",
    "AG411": "the variant is not defined",
    "AG412": "a block is called with an argument it does not take, or without one it needs",
    "AG413": "two variants say the same (warning)",
    "AG414": "a node has the name of an input",
    # limits
    "AG501": "the graph expands to too many nodes",
    "AG502": "the graph has too many parameters",
    "AG503": "a tensor is too large",
    # contracts
    "AG601": "a contract stated in `expect` does not hold",
    # learning
    "AG602": "weights that all start alike cannot learn, or hardly (then a warning)",
    # experiments
    "AG701": "the experiment does not fit its graph",
    "AG702": "the data set is unknown or not available",
    "AG703": "the data does not have the expected form",
    "AG704": "the run folder cannot be used",
    "AG705": "an augmentation may change what a sample is (warning)",
    "AG706": "another process of the training is gone",
    "AG707": "a setting of the experiment cannot act, or is surely not meant (warning)",
    # compiling
    "AG801": "Keras refused a graph that analysis had accepted (a defect of archgraph)",
    "AG802": "this combination is not supported by Keras",
    "AG803": "the weights are none of this graph",
    "AG804": "the model cannot be exported in this format",
    # drawing
    "AG901": "the program that draws is missing or fails",
}
"""Every code and its meaning. A code, once released, keeps its meaning for good."""


def escaped(text: str) -> str:
    """`text` with every control, format and unpaired character written as an escape, safe to print."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii") for c in text)


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint naming the real name that `name` most resembles, or the empty string."""
    close = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else ""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding: a permanent code, a JSON pointer, what was received and expected, and a remedy."""

    code: str
    pointer: str
    message: str
    hint: str = ""
    severity: Severity = "error"
    file: str = ""
    line: int = 0
    column: int = 0

    def located(self, file: str, line: int, column: int) -> "Diagnostic":
        """The same finding with its place in a text; lines and columns count from 1."""
        return replace(self, file=file, line=line, column=column)

    def __str__(self) -> str:
        place = f"{self.file or '<graph>'}:{self.line}:{self.column}" if self.line else self.file or "<graph>"
        kind = "warning: " if self.severity == "warning" else ""
        text = escaped(f"{place} {self.pointer or '/'}: {self.code} {kind}{self.message}")
        return f"{text}\n  hint: {escaped(self.hint)}" if self.hint else text


class Rejected(Exception):  # noqa: N818 - house style: the operation says what, the driver says where
    """Raised by the one that knows what is wrong but not where it stands; the driver calls `at`."""

    def __init__(self, code: str, message: str, *, hint: str = "", field: str = "") -> None:
        """`field` is a pointer below the place that the driver knows, such as ``/kernel_size/1``."""
        super().__init__(message)
        self.code, self.message, self.hint, self.field = code, message, hint, field

    def under(self, key: str | int) -> "Rejected":
        """The same complaint about a value one level further up."""
        return Rejected(self.code, self.message, hint=self.hint, field=f"/{key}{self.field}")

    def at(self, pointer: str) -> Diagnostic:
        """Give the complaint an address."""
        return Diagnostic(self.code, pointer + self.field, self.message, self.hint)


class GraphError(Exception):
    """Every finding of one stage, raised once, at the boundary.

    ``error.diagnostics`` holds them in the order of the text; ``str(error)`` prints one line for each.
    """

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(dict.fromkeys(diagnostics))
        super().__init__("\n".join(map(str, self.diagnostics)))
