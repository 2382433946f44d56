"""Whether generator, discriminator, data and loss fit each other."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from archgraph.analysis.shaped import ShapedGraph
from archgraph.diagnostics import Rejected, nearest
from archgraph.shapes import Tensor, show
from archgraph.training.data.base import Column
from archgraph.training.fit import Fit, last_function, tables
from archgraph.training.generation.players import DISCRIMINATOR, GENERATOR, Players, fading, told
from archgraph.training.generation.source import label_column
from archgraph.training.objectives.checks import fed, set_in_vain
from archgraph.training.objectives.game import CategoryCode, Code, GaussianCode, GradientPenalty, Minimax, Wasserstein

if TYPE_CHECKING:
    from archgraph.training.objectives.adversarial import Game

_RANGES = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0)}
"""What the last function of a generator can give."""
_TOLERANCE = 1e-3


class Match(NamedTuple):
    """What is to be compared."""

    fit: Fit
    game: "Game"
    players: Players
    generator: ShapedGraph
    discriminator: ShapedGraph

    def column(self, name: str) -> Column:
        """The preprocessed column that feeds an input."""
        return self.fit.columns[self.fit.binding.inputs[name]]


def misfits(fit: Fit, game: "Game") -> Iterator[Rejected]:
    """Every complaint, its field below the experiment."""
    generator, discriminator = fit.networks[GENERATOR], fit.networks[DISCRIMINATOR]
    match = Match(fit, game, game.players(fit.networks), generator, discriminator)
    try:
        game.judging(fit.networks)
    except Rejected as rejected:
        yield rejected
        return
    wrong = list(_passed(match)) or _fed(match)
    yield from wrong
    if wrong:
        return
    for check in (_range, _classes, _ending, _critic, _codes, _features, _fading, _labels, _figures, _precision):
        yield from check(match)
    yield from set_in_vain(fit)
    yield from _defaults_watched(fit)


# ---- pictures


def _passed(match: Match) -> Iterator[Rejected]:
    """What is drawn can be judged."""
    drawn = match.generator.outputs[match.players.drawn]
    taken = match.discriminator.inputs[match.players.picture]
    if drawn.shape != taken.shape:
        complaint = (
            f"the generator draws {match.players.drawn!r} of shape {show(drawn.shape)}, "
            f"but the discriminator takes {match.players.picture!r} of {show(taken.shape)}"
        )
        hint = f"give one of the graphs other parameters, so that both are {show(taken.shape)} or {show(drawn.shape)}"
        yield Rejected("AG701", complaint, hint=hint, field=f"/graphs/{GENERATOR}")
    for name, tensor in match.discriminator.inputs.items():
        if name in match.generator.inputs and match.generator.inputs[name] != tensor:
            given = match.generator.inputs[name]
            complaint = f"both graphs take {name!r}, but as {_tensor(given)} and as {_tensor(tensor)}"
            yield Rejected("AG701", complaint, hint="make them equal", field=f"/graphs/{DISCRIMINATOR}")


def _tensor(tensor: Tensor) -> str:
    return f"{show(tensor.shape)} {tensor.dtype}"


def _fed(match: Match) -> list[Rejected]:
    wanted = told(match.fit.networks, match.players)

    class Told(NamedTuple):
        inputs: Any

    found, _ = fed(match.fit, Told(wanted))  # type: ignore[arg-type]
    return found


def _range(match: Match) -> Iterator[Rejected]:
    """The generator can reach what the data holds, and no more."""
    ending = last_function(match.generator, match.players.drawn)
    if ending is None or ending[0] not in _RANGES:
        return
    function, node = ending
    low, high = _RANGES[function]
    values = match.column(match.players.picture).values
    lowest, highest = float(values.min()), float(values.max())
    one_sided = low < 0 <= lowest
    if low - _TOLERANCE <= lowest and highest <= high + _TOLERANCE and not one_sided:
        return
    complaint = (
        f"the generator ends in {function} at node {node!r}, which gives {low:g} to {high:g}, "
        f"but real pictures go from {lowest:g} to {highest:g}"
    )
    target = "" if low == 0 else ', "to_range": [-1, 1]'
    hint = f'rescale them: {{"name": "rescale", "from_range": [LOWEST, HIGHEST]{target}}} in preprocessing'
    yield Rejected("AG701", complaint, hint=hint, field="/preprocessing" if match.fit.experiment.steps else "/data")


# ---- classes


def _classes(match: Match) -> Iterator[Rejected]:
    """Class numbers have their place in both graphs."""
    for name in match.players.conditions:
        tensor = match.generator.inputs[name]
        if not tensor.dtype.startswith(("int", "uint")):
            continue
        column = match.fit.samples.columns[match.fit.binding.inputs[name]]
        highest = int(column.values.max())
        for role, shaped in ((GENERATOR, match.generator), (DISCRIMINATOR, match.discriminator)):
            for path, _, places in tables(shaped, name):
                if highest >= places:
                    complaint = f"the {role}'s node {path!r} has {places} classes, but {name!r} goes up to {highest}"
                    hint = f"give the graph {highest + 1} classes"
                    yield Rejected("AG701", complaint, hint=hint, field=f"/graphs/{role}")


def _labels(match: Match) -> Iterator[Rejected]:
    """The labels of a semi-supervised game."""
    labelled = getattr(match.game, "labelled", None)
    if labelled is None:
        return
    output = match.game.judging(match.fit.networks)
    column = match.fit.samples.columns[match.fit.binding.targets[output]]
    classes, units = len(column.classes), match.discriminator.outputs[output].shape[-1]
    if not classes or column.shape != ():
        complaint = f"the column {match.fit.binding.targets[output]!r} does not hold one class number for each sample"
        yield Rejected("AG701", complaint, field="/targets" if match.fit.experiment.settings.targets else "/data")
        return
    if units not in (classes, classes + 1):
        complaint = f"the data has {classes} classes, but output {output!r} of the discriminator has {units} numbers"
        hint = f"give it {classes + 1}: one more, for drawn pictures"
        yield Rejected("AG701", complaint, hint=hint, field=f"/graphs/{DISCRIMINATOR}")
    elif units == classes and (last_function(match.discriminator, output) or ("",))[0]:
        complaint = f"output {output!r} gives probabilities of {classes} classes, and none is left for drawn pictures"
        hint = f"give it {classes + 1} classes, or no activation"
        yield Rejected("AG701", complaint, hint=hint, field=f"/graphs/{DISCRIMINATOR}")
    if not classes <= labelled <= len(match.fit.parts.train):
        complaint = f"must be from {classes} (the classes) to {len(match.fit.parts.train)} (the training samples)"
        yield Rejected("AG701", f"{complaint}, got {labelled}", field="/objective/labelled")


# ---- scores


def _ending(match: Match) -> Iterator[Rejected]:
    """The loss can read the scores."""
    output = match.game.judging(match.fit.networks)
    ending = last_function(match.discriminator, output)
    if ending is None or not ending[0]:
        return
    function, node = ending
    if hasattr(match.game, "labelled"):
        accepted: tuple[str, ...] = ("softmax",)
    else:
        accepted = ("sigmoid",) if isinstance(match.game.price, Minimax) else ()
    if function in accepted:
        return
    loss = match.game.loss if isinstance(match.game.loss, str) else match.game.loss["name"]
    complaint = f"the loss {loss} takes raw scores, but output {output!r} ends in {function} at node {node!r}"
    hint = "leave out the activation" + (f", or end in {accepted[0]}" if accepted else ", or use non_saturating")
    yield Rejected("AG701", complaint, hint=hint, field="/objective")


def _critic(match: Match) -> Iterator[Rejected]:
    """A Wasserstein critic is held; a gradient penalty is not mixed up over the batch."""
    primitives = [(node.path, node.leaf.primitive) for node in match.discriminator.walk()]
    held = match.game.penalty is not None or match.game.weight_clip is not None
    held = held or any(getattr(primitive, "spectral_norm", False) for _, primitive in primitives)
    if isinstance(match.game.price, Wasserstein) and not held:
        complaint = "the Wasserstein loss needs a critic whose scores are nowhere steep, and nothing holds this one"
        hint = 'add "penalty": "gradient_penalty", or "weight_clip": 0.01'
        yield Rejected("AG701", complaint, hint=hint, field="/objective")
    if isinstance(match.game.steepness, GradientPenalty):
        mixed = [path for path, primitive in primitives if primitive.op == "batch_norm"]
        if mixed:
            complaint = f"the gradient penalty is of single pictures, but batch_norm at {mixed[0]!r} mixes the batch"
            hint = "use layer_norm or no normalisation in the discriminator (Gulrajani et al. 2017, section 4)"
            yield Rejected("AG701", complaint, hint=hint, field="/objective/penalty")


def _codes(match: Match) -> Iterator[Rejected]:
    """What is to be found again is there, and has its shape; every output has a part."""
    codes = match.game.found_again(match.fit.networks)
    wrong = [rejected for name, code in codes.items() for rejected in _code(match, name, code)]
    yield from wrong
    used = {match.game.judging(match.fit.networks), *(output for code in codes.values() for output in code.outputs)}
    for output in match.discriminator.outputs:
        if output not in used and not wrong:
            complaint = f"output {output!r} of the discriminator has no part in the game"
            hint = 'say in "codes" which input of the generator it finds again'
            yield Rejected("AG701", complaint, hint=hint, field="/objective")


def _code(match: Match, name: str, code: Code) -> Iterator[Rejected]:
    field = f"/objective/codes/{name}" if match.game.codes else f"/graphs/{DISCRIMINATOR}"
    inputs, outputs = match.generator.inputs, match.discriminator.outputs
    if name not in inputs:
        hint = nearest(name, inputs) or "it has: " + ", ".join(inputs)
        yield Rejected("AG701", f"the generator has no input {name!r}", hint=hint, field=field)
        return
    missing = [output for output in code.outputs if output not in outputs]
    for output in missing:
        hint = nearest(output, outputs) or "it has: " + ", ".join(outputs)
        yield Rejected("AG701", f"the discriminator has no output {output!r}", hint=hint, field=field)
    if not missing:
        yield from _code_shape(match, name, code, field)


def _code_shape(match: Match, name: str, code: Code, field: str) -> Iterator[Rejected]:
    given = match.generator.inputs[name]
    if isinstance(code, CategoryCode):
        units = match.discriminator.outputs[code.output].shape[-1]
        of_classes = given.dtype.startswith(("int", "uint"))
        wanted: Any = given.shape[-1] if given.shape else None
        if of_classes and name in match.players.conditions:
            wanted = int(match.fit.samples.columns[match.fit.binding.inputs[name]].values.max()) + 1
        if units != wanted:
            complaint = f"{name!r} has {wanted} classes, but output {code.output!r} has {units} numbers"
            yield Rejected("AG701", complaint, hint=f"give it {wanted}", field=field)
    elif isinstance(code, GaussianCode):
        for output in code.outputs:
            shape = match.discriminator.outputs[output].shape
            if shape != given.shape:
                complaint = f"{name!r} has the shape {show(given.shape)}, but output {output!r} {show(shape)}"
                yield Rejected("AG701", complaint, hint="make them equal", field=field)


def _features(match: Match) -> Iterator[Rejected]:
    wanted = match.game.match_features
    paths = [node.path for node in match.discriminator.walk()]
    if wanted is not None and wanted not in paths:
        hint = nearest(wanted, paths) or "it has: " + ", ".join(paths[:20])
        yield Rejected(
            "AG701", f"the discriminator has no node {wanted!r}", hint=hint, field="/objective/match_features"
        )


def _fading(match: Match) -> Iterator[Rejected]:
    """Sizes fade in on both sides, at a pace."""
    drawn, judged = len(fading(match.generator)), len(fading(match.discriminator))
    if drawn != judged:
        complaint = f"{drawn} sizes fade in in the generator, but {judged} in the discriminator"
        yield Rejected("AG701", complaint, hint='give both the same "fading"', field=f"/graphs/{DISCRIMINATOR}")
    elif drawn and not match.game.fade_steps:
        complaint = f"{drawn} sizes are to fade in, but at no pace: they would stay out"
        yield Rejected("AG701", complaint, hint='give "fade_steps"', field="/objective")
    elif match.game.fade_steps and not drawn:
        complaint = "nothing fades in: neither graph has a fade_in"
        hint = 'choose another variant of the graphs, or leave out "fade_steps"'
        yield Rejected("AG701", complaint, hint=hint, field="/objective/fade_steps")


# ---- settings


def _figures(match: Match) -> Iterator[Rejected]:
    """Whoever looks at the pictures has learned from labels."""
    needed = [name for name, figure in match.game.measures.items() if figure.needs_features]
    own = (
        match.game.features == "classifier" or getattr(match.game.features, "get", lambda _: "")("name") == "classifier"
    )
    if needed and own and label_column(match.fit.samples) is None:
        complaint = f"{needed[0]} needs a classifier of the data, but no column holds its classes"
        hint = 'give Inception-v3\'s weights: "features": {"name": "inception_v3", "file": …}'
        yield Rejected("AG701", complaint, hint=hint, field="/objective/figures")


def _precision(match: Match) -> Iterator[Rejected]:
    policy = match.fit.experiment.settings.dtype_policy
    if policy in ("mixed_float16", "float64"):
        complaint = f"adversarial games are not played in {policy}"
        yield Rejected("AG701", complaint, hint="use float32 or mixed_bfloat16", field="/dtype_policy")


def _defaults_watched(fit: Fit) -> Iterator[Rejected]:
    """Callbacks that act say what they watch, for there is no one loss."""
    for number, callback in enumerate(fit.experiment.settings.callbacks):
        name = callback if isinstance(callback, str) else callback["name"]
        watched = None if isinstance(callback, str) else callback.get("monitor")
        if name != "checkpoint" and watched is None:
            complaint = f"{name} needs to be told what to watch: an adversarial game has no one loss"
            hint = 'give "monitor", such as "val_frechet_distance"'
            yield Rejected("AG701", complaint, hint=hint, field=f"/callbacks/{number}")
