"""What all layers with a kernel share: bias, initialisers, penalties, spectral normalisation and the two shorthands."""

import abc
from typing import Any

from archgraph.diagnostics import Rejected
from archgraph.kinds import Flag, Number, optional, shown
from archgraph.record import param, record
from archgraph.shapes import Dim, Shape, prod
from archgraph.vocabulary.base import Layer, Memory, Primitive, Weight
from archgraph.vocabulary.parameters import ACTIVATION, INITIALIZER, NORM, REGULARIZER, VECTOR_INITIALIZER


@record
class Dressed(Primitive, abc.ABC):
    """A primitive with the ``norm`` and ``activation`` shorthands; analysis rewrites both into nodes of their own."""

    norm: Any = param(NORM, "Normalisation after the layer, before its activation.", default=None)
    activation: Any = param(ACTIVATION, "Activation after the layer (and after `norm`).", default=None)


@record
class Biased(Dressed, abc.ABC):
    """A layer with learned weights and perhaps a bias."""

    use_bias: bool | None = param(
        optional(Flag()), "Add a learned bias. Default: true, or false where `norm` is set.", default=None
    )
    bias_initializer: Any = param(VECTOR_INITIALIZER, "How the bias starts.", default="zeros")
    bias_regularizer: Any = param(REGULARIZER, "Penalty on the bias, added to the loss.", default=None)
    activity_regularizer: Any = param(REGULARIZER, "Penalty on the layer's output, added to the loss.", default=None)

    @property
    def biased(self) -> bool:
        """Whether there is a bias, once the default is resolved."""
        return self.norm is None if self.use_bias is None else self.use_bias

    def bias(self, units: int) -> tuple[Weight, ...]:
        """The bias, if there is one."""
        return (Weight("bias", (units,)),) if self.biased else ()

    def weight_arguments(self) -> dict[str, Any]:
        """Keras arguments that say how weights start and are penalised; those at their default are left out."""
        names = [name for name in self.fields() if name.endswith(("_initializer", "_regularizer"))]
        fields = self.fields()
        changed = {name: getattr(self, name) for name in names if getattr(self, name) != fields[name].default}
        return changed if self.biased else {"use_bias": False, **changed}


@record
class Weighted(Biased, abc.ABC):
    """A layer with one kernel and perhaps a bias."""

    kernel_initializer: Any = param(INITIALIZER, "How the kernel starts.", default="glorot_uniform")
    kernel_regularizer: Any = param(REGULARIZER, "Penalty on the kernel, added to the loss.", default=None)

    def kernel_and_bias(self, kernel: Shape, units: int) -> tuple[Weight, ...]:
        """The weights, in Keras's order."""
        return (Weight("kernel", kernel), *self.bias(units))


def kernel_numbers(weights: tuple[Weight, ...]) -> Dim:
    """Numbers in the kernels among some weights."""
    return sum((prod(w.shape) for w in weights if w.trainable and len(w.shape) > 1), start=0)


@record
class SpectrallyNormalizable(Primitive, abc.ABC):
    """A layer whose kernels can be divided by their largest singular values (Miyato et al. 2018)."""

    spectral_norm: bool = param(
        Flag(), "Divide each kernel by its largest singular value, estimated by power iteration.", default=False
    )

    def with_spectral_norm(self, layer: Layer, **kernels: tuple[int, ...]) -> Layer:
        """`layer`, wrapped if asked for. `kernels` names the axes of the output channels of each of its kernels."""
        if not self.spectral_norm:
            return layer
        axes = {name: list(kernel) for name, kernel in kernels.items()}
        return Layer("SpectralNormalization", {"layer": layer, "kernels": axes}, ours=True)

    def changed_kernels(self, weights: tuple[Weight, ...]) -> Dim:
        """Numbers in kernels that are not used as they are kept, but divided or multiplied."""
        return kernel_numbers(weights) if self.spectral_norm or getattr(self, "equalized", False) else 0

    def with_copies(self, memory: Memory, weights: tuple[Weight, ...]) -> Memory:
        """`memory` with that of changed kernels; the slope of W/σ by σ needs another copy, -W/σ²."""
        slopes = kernel_numbers(weights) if self.spectral_norm else 0
        return memory._replace(copies=self.changed_kernels(weights), slopes=slopes)

    def vectors(self, **widths: int) -> tuple[Weight, ...]:
        """The vectors of the power iteration, by name, as wide as their kernels have output channels; not trained."""
        if not self.spectral_norm:
            return ()
        return tuple(Weight(name, (1, width), trainable=False) for name, width in widths.items())


@record
class Equalizable(SpectrallyNormalizable, Weighted, abc.ABC):
    """A layer whose kernel can be scaled wherever it is used, so that all layers learn at one speed.

    Karras et al. 2018 (progressive growing), section 4.1; the multiplier: Karras, Laine & Aila 2019, appendix C.
    """

    equalized: bool = param(
        Flag(),
        "Equalised learning rate: the kernel starts from N(0, 1) and is used multiplied by gain/√n, where n is the "
        "number of inputs of one output.",
        default=False,
    )
    gain: float | None = param(
        optional(Number(above=0)), "With `equalized`: see there. Default: √2, which suits relu.", default=None
    )
    lr_multiplier: float = param(
        Number(above=0),
        "With `equalized`: kernel and bias are used multiplied by this, and the kernel starts divided by it; 0.01 lets "
        "them learn as with a hundredth of the learning rate.",
        default=1.0,
    )

    def need_one_scale(self) -> None:
        """Reject parameters that say nothing without `equalized`, or contradict it."""
        changed = dict(self.given())
        if not self.equalized:
            for name in {"gain", "lr_multiplier"} & changed.keys():
                hint = f'add "equalized": true, or leave {name} out'
                raise Rejected("AG210", f"{name} {shown(changed[name])} needs equalized", hint=hint, field=f"/{name}")
        elif self.spectral_norm:
            complaint = "spectral_norm undoes every scale, and so equalized"
            raise Rejected("AG210", complaint, hint="leave one of the two out", field="/spectral_norm")
        elif "kernel_initializer" in changed:
            complaint = "an equalized kernel starts from N(0, 1)"
            raise Rejected("AG210", complaint, hint="leave kernel_initializer out", field="/kernel_initializer")

    def scaled(self, layer: Layer, **kernels: tuple[int, ...]) -> Layer:
        """`layer` with its kernel equalised or normalised, where asked for. `kernels` as in `with_spectral_norm`."""
        if not self.equalized:
            return self.with_spectral_norm(layer, **kernels)
        given = {name: value for name, value in self.given() if name in ("gain", "lr_multiplier")}
        return Layer(f"Equalized{layer.name}", {**layer.arguments, **given}, ours=True)
