"""Several inputs become one."""

from archgraph.diagnostics import Rejected
from archgraph.shapes import Tensor, show
from archgraph.vocabulary.base import Call, Example, Family, Layer, Port, primitive
from archgraph.vocabulary.weighted import Dressed

TERMS = (Port("terms", "tensors of one shape", variadic=True),)


@primitive
class Add(Dressed):
    """Sum tensors of one shape, element by element."""

    op = "add"
    family = Family.MERGING
    icon = "+"
    source = "He, Zhang, Ren & Sun 2015, section 3.2; keras.layers.Add"
    inputs = TERMS
    examples = (Example({}, inputs=[(8, 8, 3), (8, 8, 3)], outputs=[(8, 8, 3)]),)

    def infer(self, *terms: Tensor) -> Tensor:
        first = terms[0]
        for other in terms[1:]:
            if other.shape != first.shape:
                shapes = " and ".join(show(term.shape) for term in terms)
                raise Rejected("AG303", f"cannot add {shapes}", hint="use skip, or project one side with a 1x1 conv")
        return first

    def lower(self, *terms: Tensor) -> Layer:
        return Layer("Add", {}, call=Call.LIST)
