"""What all layers with a kernel share: bias, initialisers, penalties, spectral normalisation and the two shorthands."""

import abc
from typing import Any

from archgraph.kinds import Flag, optional
from archgraph.record import param, record
from archgraph.shapes import Shape
from archgraph.vocabulary.base import Layer, Primitive, Weight
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


@record
class SpectrallyNormalizable(Weighted, abc.ABC):
    """A `Weighted` layer whose kernel can be divided by its largest singular value (Miyato et al. 2018)."""

    spectral_norm: bool = param(
        Flag(), "Divide the kernel by its largest singular value, estimated by power iteration.", default=False
    )

    def with_spectral_norm(self, layer: Layer) -> Layer:
        """`layer`, wrapped if asked for."""
        return Layer("SpectralNormalization", {"layer": layer}) if self.spectral_norm else layer

    def kernel_vector_and_bias(self, kernel: Shape, units: int) -> tuple[Weight, ...]:
        """The weights in Keras's order; the power iteration's vector is not trained."""
        first, *bias = self.kernel_and_bias(kernel, units)
        vector = (Weight("vector_u", (1, kernel[-1]), trainable=False),) if self.spectral_norm else ()
        return (first, *vector, *bias)
