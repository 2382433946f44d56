"""Kernels that are worked out from other weights at every step are worked out once: plain layers of Keras remain."""

from collections.abc import Callable
from typing import Any

from archgraph.compiler.passes.conditions import SOUND
from archgraph.compiler.passes.rewiring import Step, exchanged, single
from archgraph.compiler.plan import Condition, Operation, Pass, Plan
from archgraph.compiler.recipes import Divided, Equalized, Masked, Own, Recipe
from archgraph.vocabulary.base import Layer

Folded = tuple[Layer, Recipe]


def fold_kernels(plan: Plan) -> Plan:
    """Make equalised, spectrally normalised and masked layers plain ones, whose kernels are what was used."""
    own, new = single(plan), dict[int, Step]()
    for index, step in enumerate(plan.steps):
        if isinstance(step, Operation) and own[index]:
            folded = _folded(step)
            if folded is not None:
                new[index] = step._replace(layer=folded[0], recipe=folded[1])
    return exchanged(plan, new)


def _folded(step: Operation) -> Folded | None:
    if not step.layer.ours:
        return None
    for fold in FOLDS:
        found = fold(step.layer, step.recipe or Own(step.name))
        if found is not None:
            return found
    return None


def _without(layer: Layer, *names: str) -> dict[str, Any]:
    return {key: value for key, value in layer.arguments.items() if key not in names}


def _equalized(layer: Layer, own: Recipe) -> Folded | None:
    if not layer.name.startswith("Equalized"):
        return None
    name = layer.name.removeprefix("Equalized")
    arguments = layer.arguments
    transposed = name.endswith("Transpose")
    rank = len(arguments["kernel_size"]) if "kernel_size" in arguments else 0
    axes = (*range(rank), rank + 1) if transposed else tuple(range(rank + 1))
    recipe = Equalized(own, arguments.get("gain", 2**0.5), arguments.get("lr_multiplier", 1.0), axes)
    return Layer(name, _without(layer, "gain", "lr_multiplier")), recipe


def _divided(layer: Layer, own: Recipe) -> Folded | None:
    if layer.name != "SpectralNormalization":
        return None
    kernels = tuple((name, tuple(axes)) for name, axes in layer.arguments["kernels"].items())
    return layer.arguments["layer"], Divided(own, kernels)


def _masked(layer: Layer, own: Recipe) -> Folded | None:
    masking = layer._replace(arguments={**_without(layer, "activation")})
    if layer.name == "MaskedDense":
        return Layer("Dense", _without(layer, "steps", "kind")), Masked(own, masking)
    if layer.name != "MaskedConv":
        return None
    rank = len(layer.arguments["kernel_size"])
    arguments = {**_without(layer, "mask_type", "colors"), "padding": "same"}
    return Layer(f"Conv{rank}D", arguments), Masked(own, masking)


FOLDS: tuple[Callable[[Layer, Recipe], Folded | None], ...] = (_equalized, _divided, _masked)
"""Each gives a layer with the weights that it uses, or None where the layer is not of its kind."""


def _worked_out(plan: Plan) -> str | None:
    own = single(plan)
    for index, step in enumerate(plan.steps):
        if isinstance(step, Operation) and own[index] and _folded(step) is not None:
            return f"{step.name} works out its kernel at every step"
    return None


PLAIN_KERNELS = Condition("layers that are only their own use the kernels that they hold", _worked_out)

FOLD_KERNELS = Pass(
    "fold-kernels",
    "work out equalised, spectrally normalised and masked kernels once",
    fold_kernels,
    requires=(SOUND,),
    ensures=(SOUND, PLAIN_KERNELS),
)
