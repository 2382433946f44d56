"""Numbers that are names: each gets a vector of its own."""

from typing import Any

from archgraph.diagnostics import Rejected
from archgraph.kinds import Integer
from archgraph.record import param
from archgraph.shapes import Tensor
from archgraph.vocabulary.base import Example, Family, Layer, Memory, Primitive, Weight, primitive
from archgraph.vocabulary.parameters import INITIALIZER, REGULARIZER
from archgraph.vocabulary.weighted import SpectrallyNormalizable

WHOLE = ("int8", "int16", "int32", "int64", "uint8")


def need_whole(x: Tensor) -> None:
    """Reject a tensor that does not hold whole numbers."""
    if x.dtype not in WHOLE:
        complaint = f"the input must hold whole numbers ({', '.join(WHOLE)}), got {x.dtype}"
        raise Rejected("AG306", complaint, hint='give the graph\'s input "dtype": "int32"')


@primitive
class Embedding(SpectrallyNormalizable):
    """Look up a learned vector for every whole number: words, letters or categories become points in a space.

    y[p] = E[x[p]], where E is a learned table of `input_dim` rows and `output_dim` columns. The numbers must lie from 0
    to `input_dim` - 1.
    """

    op = "embedding"
    family = Family.DENSE
    icon = "☷"
    source = "Bengio, Ducharme, Vincent & Jauvin 2003, section 2; keras.layers.Embedding"
    examples = (
        Example({"input_dim": 10000, "output_dim": 64}, inputs=[Tensor((80,), "int32")], outputs=[(80, 64)]),
        Example(
            {"input_dim": 10, "output_dim": 4, "spectral_norm": True}, inputs=[Tensor((), "int64")], outputs=[(4,)]
        ),
    )

    input_dim: int = param(Integer(1), "Number of rows: one more than the largest number that occurs.")
    output_dim: int = param(Integer(1), "Size of each vector.")
    embeddings_initializer: Any = param(INITIALIZER, "How the table starts.", default="random_uniform")
    embeddings_regularizer: Any = param(REGULARIZER, "Penalty on the table, added to the loss.", default=None)

    def infer(self, x: Tensor) -> Tensor:
        need_whole(x)
        return Tensor((*x.shape, self.output_dim))

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        table = Weight("embeddings", (self.input_dim, self.output_dim))
        return (*self.vectors(vector_u=self.output_dim), table)

    def memory(self, x: Tensor) -> Memory:
        # The gradient names rows; with it Keras works out the changes of both of Adam's slots for the whole table.
        return Memory(updated=4)

    def lower(self, x: Tensor) -> Layer:
        names = "input_dim", "output_dim", "embeddings_initializer", "embeddings_regularizer"
        arguments = {name: getattr(self, name) for name in names}
        return self.with_spectral_norm(Layer("Embedding", arguments), embeddings=(-1,))


@primitive
class OneHot(Primitive):
    """Write every whole number as a row of zeros with a single 1, in the place that it names.

    y[p, k] = 1 where x[p] = k, else 0. A number outside 0 to `num_classes` - 1 becomes a row of zeros.
    """

    op = "one_hot"
    family = Family.DENSE
    icon = "◳"
    source = "keras.ops.one_hot"
    examples = (
        Example({"num_classes": 10}, inputs=[Tensor((), "int32")], outputs=[(10,)]),
        Example({"num_classes": 4}, inputs=[Tensor((8, 8), "uint8")], outputs=[(8, 8, 4)]),
    )

    num_classes: int = param(Integer(1), "Number of places in a row.")

    def infer(self, x: Tensor) -> Tensor:
        need_whole(x)
        return Tensor((*x.shape, self.num_classes))

    def lower(self, x: Tensor) -> Layer:
        return Layer("OneHot", {"num_classes": self.num_classes}, ours=True)
