"""One step of a recurrent layer, for cells of one's own: put one into a block with states, and scan that."""

import abc
from typing import Any, ClassVar

from archgraph.kinds import Choice, Flag, Integer
from archgraph.record import param, record
from archgraph.shapes import Dim, Shape, Tensor, need_equal, need_known, need_rank
from archgraph.vocabulary.base import (
    EVERYWHERE,
    Example,
    Family,
    Layer,
    Memory,
    Port,
    Primitive,
    Weight,
    Window,
    primitive,
)
from archgraph.vocabulary.parameters import INITIALIZER, MATRIX_INITIALIZER, REGULARIZER, VECTOR_INITIALIZER
from archgraph.vocabulary.recurrent import KERAS_ACTIVATIONS
from archgraph.vocabulary.rules import need_float


def _ports(*states: str) -> tuple[Port, ...]:
    return (
        Port("x", "the input of this step: (features,)"),
        *(Port(f"state_{s}", f"the state {s} after the step before: (units,)") for s in states),
    )


@record
class Cell(Primitive, abc.ABC):
    """A step that maps an input and the states before it to the states after it."""

    keras_class: ClassVar[str]
    gates: ClassVar[int]
    """How many linear maps of input and state it needs."""

    units: int = param(Integer(1), "Size of each state.")
    activation: str = param(Choice(*KERAS_ACTIVATIONS), "Function of the candidate and the output.", default="tanh")
    recurrent_activation: str = param(Choice(*KERAS_ACTIVATIONS), "Function of the gates.", default="sigmoid")
    use_bias: bool = param(Flag(), "Add a learned bias.", default=True)
    kernel_initializer: Any = param(INITIALIZER, "How the weights of the input start.", default="glorot_uniform")
    recurrent_initializer: Any = param(MATRIX_INITIALIZER, "How the weights of the state start.", default="orthogonal")
    bias_initializer: Any = param(VECTOR_INITIALIZER, "How the bias starts.", default="zeros")
    kernel_regularizer: Any = param(REGULARIZER, "Penalty on the weights of the input.", default=None)
    recurrent_regularizer: Any = param(REGULARIZER, "Penalty on the weights of the state.", default=None)
    bias_regularizer: Any = param(REGULARIZER, "Penalty on the bias.", default=None)

    @abc.abstractmethod
    def bias_shape(self, width: int) -> Shape:
        """Shape of the bias; `width` is the number of rows of all gates together."""

    def infer(self, x: Tensor, *states: Tensor) -> Tensor | tuple[Tensor, ...]:
        need_float(x)
        need_rank(x, 1)
        need_known(x.shape[0], "the number of features")
        for port, state in zip(self.inputs[1:], states, strict=True):
            need_float(state, what=port.name)
            need_rank(state, 1, what=port.name)
            need_equal(state.shape[0], self.units, f"the sizes of {port.name} and of the cell's state")
        after = tuple(Tensor((self.units,)) for _ in states)
        return after if len(after) > 1 else after[0]

    def weights(self, x: Tensor, *states: Tensor) -> tuple[Weight, ...]:
        width = self.gates * self.units
        bias = (Weight("bias", self.bias_shape(width)),) if self.use_bias else ()
        return (Weight("kernel", (x.shape[0], width)), Weight("recurrent_kernel", (self.units, width)), *bias)

    def macs(self, x: Tensor, *states: Tensor) -> Dim:
        return (x.shape[0] + self.units) * self.gates * self.units

    def window(self, x: Tensor, *states: Tensor) -> tuple[Window, ...] | str:
        return EVERYWHERE

    def memory(self, x: Tensor, *states: Tensor) -> Memory:
        return Memory(own=(self.gates + 2) * (Tensor((self.units,)),))

    def lower(self, x: Tensor, *states: Tensor) -> Layer:
        return Layer(self.keras_class, dict(self.given()), ours=True)


@primitive
class LstmCell(Cell):
    """One step of an `lstm`: from an input, an output h and a memory c to the next h and c.

    The formulas and the weights are those of `lstm`. The output is h; the port `state_c` gives the memory.
    Multiply-adds: 4 · units · (features + units).
    """

    op = "lstm_cell"
    family = Family.RECURRENT
    icon = "⇢"
    source = "Hochreiter & Schmidhuber 1997; forget gate: Gers, Schmidhuber & Cummins 2000; keras.layers.LSTMCell"
    inputs = _ports("h", "c")
    examples = (
        Example({"units": 8}, inputs=[(3,), (8,), (8,)], outputs=[(8,), (8,)]),
        Example({"units": 4, "use_bias": False}, inputs=[(6,), (4,), (4,)], outputs=[(4,), (4,)]),
    )
    keras_class = "LstmCell"
    gates = 4

    unit_forget_bias: bool = param(
        Flag(), "Start the forget gate's bias at 1 (Jozefowicz et al. 2015, section 2.2).", default=True
    )

    def outputs(self) -> tuple[str, ...]:
        return ("state_h", "state_c")

    def bias_shape(self, width: int) -> Shape:
        return (width,)


@primitive
class GruCell(Cell):
    """One step of a `gru`: from an input and a state to the next state.

    The formulas and the weights are those of `gru`. Multiply-adds: 3 · units · (features + units).
    """

    op = "gru_cell"
    family = Family.RECURRENT
    icon = "⇝"
    source = "Cho et al. 2014, section 2.3; keras.layers.GRUCell"
    inputs = _ports("h")
    examples = (
        Example({"units": 8}, inputs=[(3,), (8,)], outputs=[(8,)]),
        Example({"units": 4, "reset_after": False}, inputs=[(6,), (4,)], outputs=[(4,)]),
    )
    keras_class = "GruCell"
    gates = 3

    reset_after: bool = param(
        Flag(), "Apply the reset gate after the product with the state's weights (with a second bias).", default=True
    )

    def bias_shape(self, width: int) -> Shape:
        return (2, width) if self.reset_after else (width,)
