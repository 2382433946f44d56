"""After training, batch normalisation is a factor and an offset a channel: a neighbouring layer's weights take both."""

from archgraph.analysis.shaped import Value
from archgraph.compiler.passes.conditions import SOUND
from archgraph.compiler.passes.rewiring import Step, before, exchanged, forwarded, readers, single
from archgraph.compiler.passes.training import NO_TRAINING
from archgraph.compiler.plan import Condition, Operation, Pass, Plan
from archgraph.compiler.recipes import Ahead, Behind, Norm, Own
from archgraph.vocabulary.base import Layer

EPSILON = 1e-3
"""What Keras adds to the variance where nothing is said."""

OUTPUTS: dict[str, tuple[str, tuple[int, ...]]] = {
    **dict.fromkeys(("Dense", "Conv1D", "Conv2D", "Conv3D"), ("kernel", (-1,))),
    **dict.fromkeys(("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"), ("kernel", (-2,))),
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D"), ("kernel", (-2, -1))),
    **dict.fromkeys(("SeparableConv1D", "SeparableConv2D"), ("pointwise_kernel", (-1,))),
}
"""Layers that take a normalisation behind them: the kernel that gives the outputs, and the axes of its channels."""

INPUTS: dict[str, str] = {
    **dict.fromkeys(("Dense", "Conv1D", "Conv2D", "Conv3D"), "full"),
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D"), "depthwise"),
    **dict.fromkeys(("SeparableConv1D", "SeparableConv2D"), "separable"),
}
"""Layers that take a normalisation before them: how their kernels read channels."""

Pair = tuple[int, Operation, Operation]
"""The place of the layer that takes a normalisation, that layer, and the normalisation."""


def fold_norms_behind(plan: Plan) -> Plan:
    """Fold batch normalisations into the layer before them, where they alone read that layer's output."""
    while pairs := _behind(plan):  # normalisations in a row, one after the other
        new: dict[int, Step] = {}
        gone: dict[int, Value] = {}
        for index, (place, layer, norm) in pairs.items():
            kernel, axes = OUTPUTS[layer.layer.name]
            recipe = Behind(layer.recipe or Own(layer.name), _norm(norm), kernel, axes)
            new[place] = layer._replace(layer=_biased(layer.layer), recipe=recipe)
            gone[index] = Value(place, 0)
        plan = forwarded(exchanged(plan, new), gone)
    return plan


def fold_norms_ahead(plan: Plan) -> Plan:
    """Fold batch normalisations into the layer behind them, where that alone reads them and sees no padding."""
    while pairs := _ahead(plan):
        new: dict[int, Step] = {}
        gone: dict[int, Value] = {}
        for index, (place, layer, norm) in pairs.items():
            recipe = Ahead(layer.recipe or Own(layer.name), _norm(norm), INPUTS[layer.layer.name])
            new[place] = layer._replace(layer=_biased(layer.layer), recipe=recipe)
            feed = norm.feeds[0]
            if feed is not None:
                gone[index] = feed
        plan = forwarded(exchanged(plan, new), gone)
    return plan


def _behind(plan: Plan) -> dict[int, Pair]:
    """The places of normalisations that the layer before can take."""
    read, own = readers(plan), single(plan)
    found: dict[int, Pair] = {}
    for index, step in enumerate(plan.steps):
        if not (isinstance(step, Operation) and own[index] and _normalises(step)):
            continue
        taker = before(plan, step)
        if taker is None or not own[taker[0]] or read[taker[0]] != 1:
            continue
        layer = taker[1].layer
        if not layer.ours and layer.name in OUTPUTS and "activation" not in layer.arguments:
            found[index] = (*taker, step)
    return found


def _ahead(plan: Plan) -> dict[int, Pair]:
    """The places of normalisations that the layer behind can take."""
    read, own = readers(plan), single(plan)
    found: dict[int, Pair] = {}
    for index, step in enumerate(plan.steps):
        if not (isinstance(step, Operation) and own[index] and _unpadded(step.layer)):
            continue
        given = before(plan, step)
        if given is not None and own[given[0]] and read[given[0]] == 1 and _normalises(given[1]):
            found[given[0]] = (index, step, given[1])
    return found


def _normalises(step: Operation) -> bool:
    return not step.layer.ours and step.layer.name == "BatchNormalization" and step.recipe is None


def _unpadded(layer: Layer) -> bool:
    if layer.ours or layer.name not in INPUTS:
        return False
    sizes = layer.arguments.get("kernel_size", (1,))
    return set(sizes) == {1} or layer.arguments["padding"] == "valid"


def _norm(step: Operation) -> Norm:
    return Norm(step.name, step.layer.arguments.get("epsilon", EPSILON))


def _biased(layer: Layer) -> Layer:
    return layer._replace(arguments={key: value for key, value in layer.arguments.items() if key != "use_bias"})


def _before(plan: Plan) -> str | None:
    return next((f"{layer.name} could take {norm.name}" for _, layer, norm in _behind(plan).values()), None)


def _after(plan: Plan) -> str | None:
    return next((f"{layer.name} could take {norm.name}" for _, layer, norm in _ahead(plan).values()), None)


NO_NORM_BEHIND = Condition("no batch normalisation stands behind a layer that could take it", _before)
NO_NORM_AHEAD = Condition("no batch normalisation stands before a layer that could take it", _after)

FOLD_NORMS_BEHIND = Pass(
    "fold-norms-behind",
    "fold batch normalisations into the layers before them",
    fold_norms_behind,
    requires=(SOUND, NO_TRAINING),
    ensures=(SOUND, NO_NORM_BEHIND),
)
FOLD_NORMS_AHEAD = Pass(
    "fold-norms-ahead",
    "fold batch normalisations into the layers behind them, where those see no padding",
    fold_norms_ahead,
    requires=(SOUND, NO_TRAINING, NO_NORM_BEHIND),
    ensures=(SOUND, NO_NORM_BEHIND, NO_NORM_AHEAD),
)
