"""Code -> the parts of the manual that must not differ from it: ``python -m docs.generate`` writes them anew.

The op reference (docs/ops/) and docs/cli.md are written whole. In other pages, what stands between
``<!-- generated: NAME -->`` and ``<!-- end -->`` is replaced. With ``--check`` nothing is written, and the exit status
is 1 if something is stale.
"""

import contextlib
import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from archgraph.analysis import Limits, ShapedGraph, infer
from archgraph.cli import COMMANDS
from archgraph.cli import main as cli
from archgraph.diagnostics import CODES
from archgraph.document import form, parse, reader, scanner
from archgraph.document.load import MAXIMUM_IMPORTS, library, load_text
from archgraph.document.order import ORDER
from archgraph.expression import DEEPEST as DEEPEST_EXPRESSION
from archgraph.expression import LARGEST_EXPONENT
from archgraph.expression import LONGEST as LONGEST_EXPRESSION
from archgraph.graph import MISSING, Block
from archgraph.kinds import LARGEST, AnyOf, Integer, Kind, ListOf, Shared, shown
from archgraph.record import Field, Named, Record
from archgraph.shapes import show
from archgraph.training.augmentation import AUGMENTATIONS, Augmentation
from archgraph.training.callbacks import CALLBACKS
from archgraph.training.data import SOURCES, Source
from archgraph.training.diagnosis import DIAGNOSES
from archgraph.training.experiment import DataSource, PerOutput, Settings
from archgraph.training.folder import RunFolder
from archgraph.training.generation.figures import FEATURES, FIGURES
from archgraph.training.hardware import HARDWARES
from archgraph.training.initial import InitialWeights
from archgraph.training.losses import LOSSES, METRICS, Loss
from archgraph.training.objectives import OBJECTIVES
from archgraph.training.objectives.adversarial import Game, SemiSupervised
from archgraph.training.objectives.game import CODES as CODES_OF_A_GAME
from archgraph.training.objectives.game import GAME_LOSSES, PENALTIES
from archgraph.training.optimizer import OPTIMIZERS, Optimizer
from archgraph.training.preprocessing import STEPS, Step
from archgraph.training.pretraining import Pretraining
from archgraph.training.schedules import SCHEDULES, Schedule
from archgraph.training.watching import FIGURES_OF_NODES, WATCHERS
from archgraph.vocabulary import REGISTRY, Example, Family, Primitive
from archgraph.vocabulary.parameters import ACTIVATIONS, EXPLICIT_PADDING, INITIALIZERS, L1L2, NORM_OPS

DOCS = Path(__file__).parent
NOTICE = "<!-- Written by `python -m docs.generate`; edit the code that it describes instead. -->"

# ---- Markdown


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table; cells are Markdown."""
    names = list(head)
    lines = [names, ["---"] * len(names), *(list(row) for row in rows)]
    return "\n".join("| " + " | ".join(cell(text) for text in line) + " |" for line in lines)


def cell(text: str) -> str:
    """Text that does not end its cell; literals of docstrings become those of Markdown."""
    return text.replace("|", "\\|").replace("\n", " ").replace("``", "`").strip()


def code(text: str) -> str:
    """Literal text."""
    return f"`{text}`"


def spelt(value: Any) -> str:
    """A default as JSON writes it."""
    return json.dumps(value, ensure_ascii=False, default=list)


# ---- parameters


PLACES = {
    "padding": "[padding](README.md#padding)",
    "initializer": "[an initialiser](README.md#initialisers)",
    "vector-initializer": "[an initialiser](README.md#initialisers)",
    "matrix-initializer": "[an initialiser](README.md#initialisers)",
    "regularizer": "[a penalty](README.md#penalties)",
    "norm": "[a normalisation](README.md#the-norm-and-activation-shorthands)",
    "activation": "[an activation](README.md#the-norm-and-activation-shorthands)",
}
"""Kinds with a section of their own in the op reference."""


def words(kind: Kind) -> str:
    """What a parameter takes, in words, with links to what is explained elsewhere."""
    if isinstance(kind, Shared):
        return PLACES.get(kind.name) or words(kind.kind)
    if kind is EXPLICIT_PADDING:
        return "[numbers](README.md#padding)"
    if isinstance(kind, AnyOf):
        one, *others = kind.kinds
        if len(others) == 1 and isinstance(others[0], ListOf) and isinstance(one, Integer) and others[0].longest == 3:
            return f"{one}, or one for each axis"
        return " or ".join(map(words, kind.kinds))
    if isinstance(kind, ListOf):
        return str(kind).replace(str(kind.item), words(kind.item))
    if isinstance(kind, PerOutput):
        return f"{words(kind.item)}, or an object with one for each output"
    if isinstance(kind, DataSource):
        return "a [data set](#data)"
    if isinstance(kind, Named):
        places = {
            "a loss": "[loss](#losses)", "a metric": "[metric](#metrics)", "an optimiser": "[optimiser](#optimisers)",
            "a schedule": "[schedule](#schedules)", "a callback": "[callback](#callbacks)",
            "a preprocessing step": "[preprocessing step](#preprocessing)",
            "an augmentation": "[augmentation](#augmentation)",
        }  # fmt: skip
        if kind.noun in places:
            return f"{kind.noun.partition(' ')[0]} {places[kind.noun]}"
    return str(kind)


def parameters(fields: Iterable[Field]) -> str:
    """The table of a record's fields."""
    return table(("parameter", "takes", "default", "meaning"), (parameter(field) for field in fields))


def parameter(field: Field) -> tuple[str, str, str, str]:
    """The row of one field."""
    default = "required" if field.required else code(spelt(field.default))
    unit = f" Unit: {field.unit}." if field.unit else ""
    return code(field.name), words(field.kind), default, field.doc + unit


# ---- the op reference


def op_pages() -> Iterator[tuple[str, str]]:
    """Names and texts of the files in docs/ops."""
    yield "README.md", op_index()
    for family in Family:
        yield f"{stem(family)}.md", family_page(family)


def stem(family: Family) -> str:
    """The file name of a family."""
    return family.name.lower()


def members(family: Family) -> list[type[Primitive]]:
    """The primitives of a family by name."""
    return sorted((kind for kind in REGISTRY.values() if kind.family is family), key=lambda kind: kind.op)


def first_line(kind: type[Primitive]) -> str:
    """What a primitive does, in a sentence."""
    return kind.doc().partition("\n")[0]


def op_index() -> str:
    """The page that lists every op, and explains what they share."""
    parts = [
        NOTICE,
        "# The vocabulary",
        f"{len(REGISTRY)} ops. Parameters have Keras's own names. The batch axis is implicit, channels are last. Every "
        "example here is compared with Keras by a test.",
    ]
    for family in Family:
        rows = (
            (f"{kind.icon} [`{kind.op}`]({stem(family)}.md#{kind.op})", first_line(kind)) for kind in members(family)
        )
        parts += [f"## [{family.value.capitalize()}]({stem(family)}.md)", table(("op", "what it does"), rows)]
    return "\n\n".join([*parts, "# What many ops share", *shared_sections()]) + "\n"


def shared_sections() -> Iterator[str]:
    """Kinds of parameters that many ops take."""
    norms = ", ".join(code(op.removesuffix("_norm")) for op in NORM_OPS)
    yield "## The norm and activation shorthands"
    yield (
        '`"norm": "batch", "activation": "relu"` on a layer puts a normalisation and then an activation behind it. '
        "Both become nodes of their own, `NODE/norm` and `NODE/activation`. An object gives their parameters: "
        '`"norm": {"op": "group_norm", "groups": 8}`, `"activation": {"op": "prelu"}`.'
    )
    yield f"Normalisations: {norms}; `none`, which an expression can give, is the same as null."
    yield f"Activations: {', '.join(map(code, ACTIVATIONS))}, `prelu`."
    yield "## Padding"
    yield (
        "`same` (the default everywhere): the output has the size of the input divided by the stride, rounded up. "
        "`valid`: none. `causal`: only before, for one spatial axis. Numbers: one for all sides, one for each axis, or "
        "`[before, after]` for each axis."
    )
    yield "## Initialisers"
    yield 'How weights start. A name, or an object: `{"name": "random_normal", "stddev": 0.02}`. The build seeds it.'
    yield named_table("initialiser", {**INITIALIZERS})
    yield "`identity` (with `gain`) is one more for square kernels of recurrent layers; a bias cannot be `orthogonal`."
    yield "## Penalties"
    yield f'`{{"l2": 1e-4}}`: {(L1L2.__doc__ or "").strip()}'
    yield parameters(L1L2.fields().values())


def family_page(family: Family) -> str:
    """One page of the op reference."""
    head = [NOTICE, f"# {family.value.capitalize()}", "[All ops](README.md)"]
    return "\n\n".join([*head, *(part for kind in members(family) for part in op_section(kind))]) + "\n"


def op_section(kind: type[Primitive]) -> Iterator[str]:
    """Everything about one op."""
    yield f"## {kind.op}"
    lead, _, rest = kind.doc().replace("``", "`").partition("\n\n")
    yield f"{kind.icon} {one_line(lead)}"
    if rest:
        yield rest
    yield f"Source: {kind.source}."
    yield ports(kind)
    yield from outputs(kind)
    order = ORDER.parameters({"op": kind.op})
    fields = kind.fields()
    yield parameters(fields[name] for name in order) if fields else "No parameters."
    yield table(
        ("example", "input", "output", "parameters", "multiply-adds"), (example(kind, one) for one in kind.examples)
    )


def one_line(text: str) -> str:
    """A paragraph without its line breaks."""
    return " ".join(text.split())


def ports(kind: type[Primitive]) -> str:
    """What feeds an op."""
    if len(kind.inputs) == 1 and not kind.inputs[0].variadic:
        return f"Input: {kind.inputs[0].doc}."
    rows = (
        (code(port.name), "any number" if port.variadic else "optional" if port.optional else "", port.doc)
        for port in kind.inputs
    )
    return table(("input", "", "meaning"), rows)


def outputs(kind: type[Primitive]) -> Iterator[str]:
    """Names of the outputs, where there are several in some example."""
    names = dict.fromkeys(name for one in kind.examples for name in kind.make(one.params).outputs())
    if len(names) > 1:
        yield f"Outputs, as the parameters say: {', '.join(map(code, names))}."


def example(kind: type[Primitive], one: Example) -> tuple[str, ...]:
    """The row of an example, reckoned by the analysis."""
    shaped = analysed(kind, one)
    record = {"op": kind.op, "in": fed(kind, list(shaped.inputs)), **one.params}
    into = ", ".join(f"{show(x.shape)}{'' if x.dtype == 'float32' else ' ' + x.dtype}" for x in shaped.inputs.values())
    out = ", ".join(
        f"{name + ' ' if len(shaped.outputs) > 1 else ''}{show(x.shape)}{'' if x.dtype == 'float32' else ' ' + x.dtype}"
        for name, x in shaped.outputs.items()
    )
    return code(spelt(record)), into, out, f"{shaped.parameters:,}", f"{shaped.macs:,}"


def analysed(kind: type[Primitive], one: Example) -> ShapedGraph:
    """A graph that holds the example alone."""
    tensors = one.input_tensors()
    names = [port.name for port in kind.inputs if not port.variadic]
    names += [f"x{number + 1}" for number in range(len(names), len(tensors))]
    inputs = dict(zip(names, tensors, strict=False))
    outputs = kind.make(one.params).outputs()
    graph = {
        "archgraph": 1,
        "name": kind.op,
        "inputs": {name: {"shape": list(map(str_or_int, x.shape)), "dtype": x.dtype} for name, x in inputs.items()},
        "nodes": {"node_": {"op": kind.op, "in": fed(kind, list(inputs)), **one.params}},
        "outputs": {name: f"node_.{name}" for name in outputs},
    }
    return infer(load_text(json.dumps(graph)))


def str_or_int(size: Any) -> Any:
    """A size as a graph file has it."""
    return size if isinstance(size, int) else str(size)


def fed(kind: type[Primitive], names: list[str]) -> Any:
    """The ``in`` of an op whose ports are fed by inputs of these names."""
    if kind.inputs[-1].variadic:
        return names
    return names[0] if len(names) == 1 else dict(zip((port.name for port in kind.inputs), names, strict=False))


# ---- regions of other pages


def limits() -> str:
    """Every limit of the format, from the code that enforces it."""
    budgets = Limits()
    rows: list[tuple[str, int, str]] = [
        ("bytes of a file", reader.LARGEST_FILE, "AG108"),
        ("values (objects, lists, scalars) in a file", scanner.MOST_VALUES, "AG108"),
        ("objects and lists inside each other", scanner.DEEPEST, "AG107"),
        ("characters of a number", scanner.LONGEST_NUMBER, "AG106"),
        ("characters of a key", scanner.LONGEST_KEY, "AG108"),
        ("magnitude of a number", LARGEST, "AG201"),
        ("faults of the text after which reading stops", scanner.MOST_FAULTS, ""),
        ("findings about one file after which checking stops", parse.MOST_FINDINGS, ""),
        ("node records in one `nodes` map", parse.MAXIMUM_RECORDS, "AG501"),
        ("files that one graph imports blocks from", MAXIMUM_IMPORTS, "AG410"),
        ("characters of an expression", LONGEST_EXPRESSION, "AG208"),
        ("levels inside an expression", DEEPEST_EXPRESSION, "AG208"),
        ("magnitude of an exponent", LARGEST_EXPONENT, "AG209"),
        ("primitives after expansion", budgets.nodes, "AG501"),
        ("blocks inside blocks, when expanded", budgets.depth, "AG501"),
        ("numbers in all weights", budgets.parameters, "AG502"),
        ("elements of one tensor of one sample", budgets.elements, "AG503"),
    ]
    return table(("limit", "at most", "beyond it"), ((what, f"{most:,}", found) for what, most, found in rows))


def codes() -> str:
    """Every diagnostics code."""
    return table(("code", "meaning"), CODES.items())


def blocks() -> str:
    """The library."""
    rows = ((code(block.name), signature(block), block.doc) for block in library().values())
    return table(("block", "parameters", "what it is"), rows)


def signature(block: Block) -> str:
    """Parameters of a block with their defaults."""
    return ", ".join(
        code(name) + ("" if one.default is MISSING else f" = {shown(one.default)}")
        for name, one in block.params.items()
    )


def fields_of(kind: type[Record]) -> Callable[[], str]:
    """The table of a record's fields, later."""
    return lambda: parameters(kind.fields().values())


def named_table(noun: str, kinds: Mapping[str, type[Record]], base: type[Record] = Record) -> str:
    """Records by name, with the parameters that they have beyond those of `base`."""
    common = {name: field.default for name, field in base.fields().items()} if base is not Record else {}
    return table(
        (noun, "what it is", "parameters"), ((code(n), summary(k), options(k, common)) for n, k in kinds.items())
    )


def summary(kind: type[Record]) -> str:
    """The first paragraph of a record's docstring."""
    doc = one_line((kind.__doc__ or "").partition("\n\n")[0])
    return "As in Keras." if kind.__name__.startswith("_") else doc


def options(kind: type[Record], common: Mapping[str, Any]) -> str:
    """The parameters of a record in one cell."""
    return "<br>".join(
        option(field)
        for field in kind.fields().values()
        if field.name not in common or field.default != common[field.name]
    )


def option(field: Field) -> str:
    """One parameter in one line."""
    return (
        code(field.name) + (" (required)" if field.required else f" = {code(spelt(field.default))}") + f": {field.doc}"
    )


def sources() -> str:
    """The data sets."""
    common = {name: field.default for name, field in Source.fields().items()}
    rows = (
        (code(name), f"{summary(kind)} Gives {kind.shape}." + needs(kind), options(kind, common), kind.licence)
        for name, kind in SOURCES.items()
    )
    return table(("data", "what it is", "options", "terms"), rows)


def needs(kind: type[Source]) -> str:
    """What to install for a data set."""
    return f" Needs: `{kind.extra}`." if kind.extra else ""


def objectives() -> str:
    """Objectives with losses of their own and one network that learns: what each is, and its options."""
    alone = {name: kind for name, kind in OBJECTIVES.items() if kind.fields() and not issubclass(kind, Game)}
    parts = (f"### {name}\n\n{kind.doc()}\n\n{parameters(kind.fields().values())}" for name, kind in alone.items())
    return "\n\n".join(parts)


def diagnoses() -> str:
    """What may be wrong with a run."""
    return table(("diagnosis", "what it means"), ((one.name, one.explanation) for one in DIAGNOSES.values()))


def node_figures() -> str:
    """What is written of every node."""
    return table(("figure", "meaning"), ((code(name), words) for name, words in FIGURES_OF_NODES.items()))


def run_folder() -> str:
    """The files of a run."""
    folder = RunFolder(Path())
    rows = [
        (code(getattr(folder, name).name), one_line(member.fget.__doc__ or ""))
        for name, member in vars(RunFolder).items()
        if isinstance(member, property)
    ]
    pictures = one_line(RunFolder.picture.__doc__ or "")
    return table(("file", "what it holds"), [*rows, ("`*.png`", pictures)])


REGIONS: Mapping[str, Callable[[], str]] = {
    "limits": limits,
    "codes": codes,
    "library": blocks,
    "input": fields_of(form.InputForm),
    "dims": fields_of(form.DimensionForm),
    "scan": fields_of(form.ScanForm),
    "state": fields_of(form.StateForm),
    "parameter": fields_of(form.ParameterForm),
    "expect": fields_of(form.ExpectForm),
    "settings": fields_of(Settings),
    "data": sources,
    "data options": fields_of(Source),
    "augmentation options": fields_of(Augmentation),
    "augmentations": lambda: named_table("augmentation", AUGMENTATIONS, Augmentation),
    "initial weights": fields_of(InitialWeights),
    "pretraining": fields_of(Pretraining),
    "step options": fields_of(Step),
    "steps": lambda: named_table("step", STEPS, Step),
    "loss options": fields_of(Loss),
    "losses": lambda: named_table("loss", LOSSES, Loss),
    "metrics": lambda: named_table("metric", METRICS),
    "optimizer": fields_of(Optimizer),
    "optimizers": lambda: named_table("optimiser", OPTIMIZERS, Optimizer),
    "schedules": lambda: named_table("schedule", SCHEDULES, Schedule),
    "callbacks": lambda: named_table("callback", CALLBACKS),
    "hardware": lambda: named_table("hardware", HARDWARES),
    "objectives": objectives,
    "game options": lambda: parameters(Game.fields().values()),
    "semi-supervised options": lambda: parameters(
        field for name, field in SemiSupervised.fields().items() if name not in Game.fields()
    ),
    "game losses": lambda: named_table("loss", GAME_LOSSES),
    "penalties": lambda: named_table("penalty", PENALTIES),
    "codes of a game": lambda: named_table("code", CODES_OF_A_GAME),
    "figures": lambda: named_table("figure", FIGURES),
    "feature networks": lambda: named_table("features", FEATURES),
    "run folder": run_folder,
    "onlookers": lambda: named_table("onlooker", WATCHERS),
    "diagnoses": diagnoses,
    "node figures": node_figures,
}
"""What may stand between the marks, by name."""


def filled(text: str) -> str:
    """A page with its generated regions written anew."""
    parts = text.split("<!-- generated: ")
    return parts[0] + "".join(map(_region, parts[1:]))


def _region(part: str) -> str:
    name, mark, rest = part.partition(" -->")
    _, end, after = rest.partition("<!-- end -->")
    if not mark or not end:
        raise ValueError(f"the region {name[:40]!r} does not end")
    return f"<!-- generated: {name} -->\n{REGIONS[name]()}\n{end}{after}"


# ---- the commands


HELP_WIDTH = 110


def cli_page() -> str:
    """What every command says of itself."""
    parts = [
        NOTICE,
        "# The command line",
        "What `--help` says. Only `compile`, `train` and `predict` load TensorFlow; all else starts at once.",
        *(f"## {f'archgraph {name}'.strip()}\n\n```text\n{help_text(name)}```" for name in ("", *COMMANDS)),
    ]
    return "\n\n".join(parts) + "\n"


def help_text(command: str) -> str:
    """The help of a command; of the whole, if it has no name."""
    text, before = io.StringIO(), os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(HELP_WIDTH)
    try:
        with contextlib.redirect_stdout(text):
            cli([command, "--help"] if command else ["--help"])
    finally:
        os.environ.pop("COLUMNS")
        os.environ |= {} if before is None else {"COLUMNS": before}
    return text.getvalue()


def pages() -> Iterator[tuple[Path, str]]:
    """Every file that this module writes, with its text."""
    if sys.version_info < (3, 13):  # later ones lay help texts out differently
        yield DOCS / "cli.md", cli_page()
    for name, text in op_pages():
        yield DOCS / "ops" / name, text
    for path in sorted(DOCS.glob("*.md")):
        text = path.read_text("utf-8")
        if "<!-- generated: " in text:
            yield path, filled(text)


def stale() -> list[Path]:
    """Files that do not say what the code says, or that nothing writes any more."""
    expected = dict(pages())
    old = [path for path, text in expected.items() if not path.exists() or path.read_text("utf-8") != text]
    return old + [path for path in (DOCS / "ops").glob("*.md") if path not in expected]


def main(arguments: list[str]) -> int:
    """Write the pages, or only look whether they are fresh."""
    if arguments == ["--check"]:
        for path in stale():
            print(f"{path.relative_to(DOCS.parent)} is stale: run `python -m docs.generate`")
        return 1 if stale() else 0
    for path, text in pages():
        path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
