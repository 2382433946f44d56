"""Where in a sequence something stands, told to layers that cannot see it."""

from typing import Any

from archgraph.kinds import Choice, Number
from archgraph.record import param
from archgraph.shapes import Tensor, need_known, need_rank
from archgraph.vocabulary.base import Example, Family, Layer, Primitive, Weight, primitive
from archgraph.vocabulary.parameters import INITIALIZER, REGULARIZER
from archgraph.vocabulary.rules import need_float
from archgraph.vocabulary.sliding import channels_of


@primitive
class PositionalEncoding(Primitive):
    """Add to every step of a sequence a vector that says which step it is; attention alone does not see the order.

    sinusoidal: y[t, 2i] = x[t, 2i] + sin(t / L^(2i/C)) and y[t, 2i+1] = x[t, 2i+1] + cos(t / L^(2i/C)), for C features
    and L the `max_wavelength`. learned: y = x + E, with one vector in E for each step.
    """

    op = "positional_encoding"
    family = Family.ATTENTION
    icon = "≀"
    source = "Vaswani et al. 2017, section 3.5; learned: Gehring et al. 2017, section 3.1"
    examples = (
        Example({}, inputs=[(20, 512)], outputs=[(20, 512)]),
        Example({"kind": "learned"}, inputs=[(7, 6)], outputs=[(7, 6)]),
        Example({"max_wavelength": 100}, inputs=[(4, 5)], outputs=[(4, 5)]),
    )

    kind: str = param(Choice("sinusoidal", "learned"), "Waves of fixed lengths, or weights.", default="sinusoidal")
    max_wavelength: float = param(
        Number(1), "Sinusoidal: base L of the wavelengths, which run from 2π to nearly 2πL steps.", default=10_000
    )

    embeddings_initializer: Any = param(INITIALIZER, "Learned: how E starts.", default="random_uniform")
    embeddings_regularizer: Any = param(REGULARIZER, "Learned: penalty on E, added to the loss.", default=None)

    def infer(self, x: Tensor) -> Tensor:
        need_rank(x, 2)
        need_float(x)
        channels_of(x)
        if self.kind == "learned":
            need_known(x.shape[0], "the number of steps")
        return Tensor(x.shape)

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        return (Weight("embeddings", x.shape),) if self.kind == "learned" else ()

    def lower(self, x: Tensor) -> Layer:
        names = "kind", "max_wavelength", "embeddings_initializer", "embeddings_regularizer"
        return Layer("PositionalEncoding", {name: getattr(self, name) for name in names}, ours=True)
