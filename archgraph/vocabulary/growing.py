"""Layers that come in gradually while the network learns."""

from archgraph.kinds import Number
from archgraph.record import param
from archgraph.shapes import Tensor, need_equal, need_rank, show
from archgraph.vocabulary.base import Example, Family, Layer, Port, Primitive, Weight, primitive
from archgraph.vocabulary.rules import need_float


@primitive
class FadeIn(Primitive):
    """Pass from an old branch to a new one while the network learns, so that new layers do not upset it.

    y = (1 - α)·old + α·new. α is one number, a weight that is not trained: the training sets it, as in
    `model.get_layer("fade").alpha.assign(0.5)`, and nothing is compiled anew. At 0 y is old, at 1 it is new, exactly.
    """

    op = "fade_in"
    family = Family.GENERATIVE
    icon = "◐"
    source = "Karras, Aila, Laine & Lehtinen 2018, section 2 and figure 2"
    inputs = (Port("old", "what counts at first"), Port("new", "what counts in the end, of the same shape"))
    examples = (
        Example({}, inputs=[(8, 8, 3), (8, 8, 3)], outputs=[(8, 8, 3)]),
        Example({"alpha": 1}, inputs=[(16,), (16,)], outputs=[(16,)]),
    )

    alpha: float = param(Number(0, 1), "What α starts from.", default=0.0)

    def infer(self, old: Tensor, new: Tensor) -> Tensor:
        need_float(old, what="old branch")
        need_float(new, what="new branch")
        need_rank(new, len(old.shape), what="new branch")
        for one, other in zip(old.shape, new.shape, strict=True):
            need_equal(one, other, f"the sizes of old {show(old.shape)} and new {show(new.shape)}")
        return Tensor(old.shape)

    def weights(self, old: Tensor, new: Tensor) -> tuple[Weight, ...]:
        return (Weight("alpha", (), trainable=False),)

    def lower(self, old: Tensor, new: Tensor) -> Layer:
        return Layer("FadeIn", {"alpha": self.alpha}, ours=True)
