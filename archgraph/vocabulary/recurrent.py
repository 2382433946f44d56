"""Layers that read a sequence step by step and carry a state."""

import abc
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from archgraph.diagnostics import Rejected
from archgraph.kinds import Choice, Flag, Integer, Number
from archgraph.record import param, record
from archgraph.shapes import Dim, Shape, Tensor, at_least, need_equal, need_known, need_rank, prod, window_output
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
from archgraph.vocabulary.parameters import (
    ACTIVATIONS,
    INITIALIZER,
    MATRIX_INITIALIZER,
    REGULARIZER,
    VECTOR_INITIALIZER,
    PerAxis,
    each_axis,
    per_axis,
)
from archgraph.vocabulary.rules import need_float
from archgraph.vocabulary.sliding import span

KERAS_ACTIVATIONS = tuple(name for name in ACTIVATIONS if name not in ("scaled_tanh", "step", "threshold"))
"""Names that Keras itself can call without further arguments, for the functions inside a cell."""


WRITTEN_OUT = 100
"""Steps of an LSTM that are written out at most; longer ones are a loop."""
TOGETHER = 32
"""Steps of a loop that TensorFlow works on at a time, as far as they do not wait for each other."""


def _ports(*states: str) -> tuple[Port, ...]:
    return (
        Port("x", "the sequence: (time, features)"),
        *(Port(f"state_{s}", f"the state {s} to start from; zeros if absent", optional=True) for s in states),
        *(
            Port(f"backward_{s}", f"the state {s} from which the backward reading starts", optional=True)
            for s in states
        ),
    )


def _larger(one: tuple[Tensor, ...], other: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """What takes more memory; the first where that cannot be told."""
    sizes = [sum((prod(tensor.shape) for tensor in each), start=0) for each in (one, other)]
    return other if at_least(sizes[1] - sizes[0], 0) else one


@record
class Recurrent(Primitive, abc.ABC):
    """A layer that is applied to one step after the other and hands its state on."""

    keras_class: ClassVar[str]
    gates: ClassVar[int]
    """How many linear maps of input and state one step needs."""
    state_names: ClassVar[tuple[str, ...]]
    kept_by_a_step: ClassVar[int]
    """Tensors of the state's size that a step keeps for the way back: states, gates, products."""

    activation: str = param(Choice(*KERAS_ACTIVATIONS), "Function of the candidate and the output.", default="tanh")
    use_bias: bool = param(Flag(), "Add a learned bias.", default=True)
    kernel_initializer: Any = param(INITIALIZER, "How the weights of the input start.", default="glorot_uniform")
    recurrent_initializer: Any = param(MATRIX_INITIALIZER, "How the weights of the state start.", default="orthogonal")
    bias_initializer: Any = param(VECTOR_INITIALIZER, "How the bias starts.", default="zeros")
    kernel_regularizer: Any = param(REGULARIZER, "Penalty on the weights of the input.", default=None)
    recurrent_regularizer: Any = param(REGULARIZER, "Penalty on the weights of the state.", default=None)
    bias_regularizer: Any = param(REGULARIZER, "Penalty on the bias.", default=None)
    activity_regularizer: Any = param(REGULARIZER, "Penalty on the layer's output.", default=None)
    dropout: float = param(
        Number(0, below=1), "Share of the inputs dropped in training, the same ones at every step.", default=0.0
    )
    recurrent_dropout: float = param(
        Number(0, below=1), "Share of the state dropped in training, the same one at every step.", default=0.0
    )
    return_sequences: bool = param(Flag(), "Give the output of every step, not of the last alone.", default=False)
    return_state: bool = param(Flag(), "Give the last state too, on ports of its own.", default=False)
    go_backwards: bool = param(Flag(), "Read from the end; the outputs come in that order.", default=False)
    bidirectional: bool = param(
        Flag(), "Read forwards and, with weights of its own, backwards (Schuster & Paliwal 1997).", default=False
    )
    merge_mode: str = param(
        Choice("concat", "sum", "mul", "ave"), "How the outputs of both directions are joined.", default="concat"
    )

    @abc.abstractmethod
    def step_output(self, x: Tensor) -> Shape:
        """Shape of one direction's output at one step, or `Rejected`. The states have it too."""

    @abc.abstractmethod
    def step_weights(self, x: Tensor) -> tuple[Weight, ...]:
        """The arrays of one direction."""

    @abc.abstractmethod
    def step_macs(self, x: Tensor) -> Dim:
        """Multiply-adds of one direction at one step; products of gates with states are not counted."""

    @abc.abstractmethod
    def layer_name(self, x: Tensor) -> str:
        """The Keras class of one direction."""

    def memory(self, x: Tensor, *states: Tensor | None) -> Memory:
        state, ways = Tensor((x.shape[0], *self.step_output(x))), 2 if self.bidirectional else 1
        own = (x, *self.kept_by_a_step * (state,))
        if self.recurrent_dropout:  # each gate has masks of its own for the state, and for the input if it has any
            own = (*(self.gates if self.dropout else 1) * (x,), *(self.kept_by_a_step + self.gates - 1) * (state,))
        # The steps' inputs are copied apart; the gates of some steps are ready before the state before them is.
        ahead = Tensor((self._together(x.shape[0]), *state.shape[1:]))
        gates = self.gates - self.return_sequences  # as outputs are written down, less is ahead
        scratch = (x, *_larger((x,), gates * (ahead,)))
        scratch = _larger(scratch, (state,)) if self.return_sequences else scratch
        back = (state,) if self.return_sequences else ()
        return Memory(reads=(), own=ways * own, scratch=ways * scratch, back=back, early=True)

    @staticmethod
    def _together(steps: Dim) -> Dim:
        """Steps that TensorFlow works on at a time."""
        return min(steps, TOGETHER) if isinstance(steps, int) else steps

    @abc.abstractmethod
    def layer_arguments(self, x: Tensor) -> Mapping[str, Any]:
        """Keras arguments besides those declared on this class."""

    def infer(self, x: Tensor, *states: Tensor | None) -> Tensor | tuple[Tensor, ...]:
        need_float(x)
        self._need_agreeing_directions()
        step = self.step_output(x)
        self._need_states(states, step)
        both = self.bidirectional and self.merge_mode == "concat"
        joined = (*step[:-1], 2 * step[-1]) if both else step
        output = Tensor((x.shape[0], *joined) if self.return_sequences else joined)
        if not self.return_state:
            return output
        return (output, *[Tensor(step)] * len(self._wanted()))

    def outputs(self) -> tuple[str, ...]:
        return ("output", *self._wanted()) if self.return_state else ("output",)

    def weights(self, x: Tensor, *states: Tensor | None) -> tuple[Weight, ...]:
        once = self.step_weights(x)
        if not self.bidirectional:
            return once
        return tuple(w._replace(name=f"{way}_{w.name}") for way in ("forward", "backward") for w in once)

    def macs(self, x: Tensor, *states: Tensor | None) -> Dim:
        return x.shape[0] * self.step_macs(x) * (2 if self.bidirectional else 1)

    def window(self, x: Tensor, *states: Tensor | None) -> tuple[Window, ...] | str:
        return EVERYWHERE

    def lower(self, x: Tensor, *states: Tensor | None) -> Layer:
        outer = ("bidirectional", "merge_mode")
        arguments = {**self.layer_arguments(x), **{k: v for k, v in self.given() if k not in outer}}
        if self.dropout or self.recurrent_dropout:
            arguments["seed"] = None
        layer = Layer(self.layer_name(x), arguments)
        if self.bidirectional:
            layer = Layer("Bidirectional", {"layer": layer, "merge_mode": self.merge_mode})
        if not any(states):
            return layer
        return layer._replace(keywords=("sequences", *["initial_state"] * len(states)))

    def _wanted(self) -> tuple[str, ...]:
        """Names of the states that flow in and out."""
        forward = tuple(f"state_{s}" for s in self.state_names)
        return (*forward, *(f"backward_{s}" for s in self.state_names)) if self.bidirectional else forward

    def _need_agreeing_directions(self) -> None:
        if self.bidirectional and self.go_backwards:
            raise Rejected(
                "AG210",
                "reads both ways and also backwards",
                hint="leave out go_backwards, or bidirectional",
                field="/go_backwards",
            )
        if self.merge_mode != "concat" and not self.bidirectional:
            raise Rejected(
                "AG210",
                f'merge_mode "{self.merge_mode}" joins two directions, but there is one',
                hint='add "bidirectional": true, or leave out merge_mode',
                field="/merge_mode",
            )

    def _need_states(self, states: Sequence[Tensor | None], step: Shape) -> None:
        """Keras takes no state or all of them, each of the shape of one step's output."""
        ports = [port.name for port in self.inputs[1:]]
        given = {name: state for name, state in zip(ports, states, strict=False) if state is not None}
        wanted = self._wanted()
        if given and set(given) != set(wanted):
            raise Rejected(
                "AG403",
                f"needs {' and '.join(wanted)}, or no state at all; got {' and '.join(given)}",
                hint="" if self.bidirectional else "backward states belong to a bidirectional layer",
            )
        for name, state in given.items():
            need_float(state, what=name)
            need_rank(state, len(step), what=name)
            for size, own in zip(state.shape, step, strict=True):
                need_equal(size, own, f"the sizes of {name} and of the layer's state")


@record
class Stepwise(Recurrent, abc.ABC):
    """A recurrent layer over vectors: (time, features) -> (units,)."""

    units: int = param(Integer(1), "Size of the state and of the output.")

    def step_output(self, x: Tensor) -> Shape:
        need_rank(x, 2)
        need_known(x.shape[1], "the number of features")
        return (self.units,)

    def step_weights(self, x: Tensor) -> tuple[Weight, ...]:
        width = self.gates * self.units
        bias = (Weight("bias", self.bias_shape(width)),) if self.use_bias else ()
        return (Weight("kernel", (x.shape[1], width)), Weight("recurrent_kernel", (self.units, width)), *bias)

    @abc.abstractmethod
    def bias_shape(self, width: int) -> Shape:
        """Shape of the bias; `width` is the number of rows of all gates together."""

    def step_macs(self, x: Tensor) -> Dim:
        return (x.shape[1] + self.units) * self.gates * self.units

    def layer_name(self, x: Tensor) -> str:
        return self.keras_class

    def layer_arguments(self, x: Tensor) -> Mapping[str, Any]:
        return {"units": self.units}


@primitive
class Rnn(Stepwise):
    """Read a sequence step by step; each new state mixes the input with the state before.

    h_t = tanh(x_t·W + h_(t-1)·U + b), and the output is the state. It forgets fast; `lstm` and `gru` remember longer.
    Multiply-adds: time · units · (features + units), twice for both directions.
    """

    op = "rnn"
    family = Family.RECURRENT
    icon = "↻"
    source = "Elman 1990; keras.layers.SimpleRNN"
    inputs = _ports("h")
    stochastic = True
    examples = (
        Example({"units": 8}, inputs=[(20, 3)], outputs=[(8,)]),
        Example({"units": 8, "return_sequences": True, "use_bias": False}, inputs=[(20, 3)], outputs=[(20, 8)]),
        Example({"units": 8, "return_state": True, "dropout": 0.2}, inputs=[(20, 3), (8,)], outputs=[(8,), (8,)]),
        Example({"units": 4, "bidirectional": True, "merge_mode": "sum"}, inputs=[(20, 3)], outputs=[(4,)]),
    )
    keras_class = "SimpleRNN"
    gates = 1
    state_names = ("h",)
    kept_by_a_step = 1

    def bias_shape(self, width: int) -> Shape:
        return (width,)


@primitive
class Lstm(Stepwise):
    """Read a sequence step by step with a memory that is written, kept and read through gates.

    With z = x_t·W + h_(t-1)·U + b cut into i, f, g, o:
    c_t = σ(f)·c_(t-1) + σ(i)·tanh(g), h_t = σ(o)·tanh(c_t). The output is h.
    Multiply-adds: time · 4 · units · (features + units), twice for both directions.
    """

    op = "lstm"
    family = Family.RECURRENT
    icon = "⇶"
    source = "Hochreiter & Schmidhuber 1997; forget gate: Gers, Schmidhuber & Cummins 2000; keras.layers.LSTM"
    inputs = _ports("h", "c")
    stochastic = True
    examples = (
        Example({"units": 8}, inputs=[(20, 3)], outputs=[(8,)]),
        Example({"units": 8, "return_sequences": True, "return_state": True}, [(20, 3)], [(20, 8), (8,), (8,)]),
        Example({"units": 8, "recurrent_dropout": 0.1}, inputs=[(20, 3), (8,), (8,)], outputs=[(8,)]),
        Example({"units": 8, "bidirectional": True, "return_sequences": True}, inputs=[(20, 3)], outputs=[(20, 16)]),
        Example(
            {"units": 4, "bidirectional": True, "merge_mode": "ave", "return_state": True},
            inputs=[(20, 3), (4,), (4,), (4,), (4,)],
            outputs=[(4,), (4,), (4,), (4,), (4,)],
        ),
    )
    keras_class = "LSTM"
    gates = 4
    state_names = ("h", "c")
    kept_by_a_step = 7

    recurrent_activation: str = param(Choice(*KERAS_ACTIVATIONS), "Function of the gates.", default="sigmoid")
    unit_forget_bias: bool = param(
        Flag(), "Start the forget gate's bias at 1 (Jozefowicz et al. 2015, section 2.2).", default=True
    )

    def bias_shape(self, width: int) -> Shape:
        return (width,)

    def memory(self, x: Tensor, *states: Tensor | None) -> Memory:
        if not self._written_out(x):
            return super().memory(x, *states)
        state, ways = Tensor((x.shape[0], self.units)), 2 if self.bidirectional else 1
        # The inputs' parts of all gates come first, in one product. Kept are three gates, the candidate, the memory,
        # what is shown of it and the outputs, these once more as one tensor; and the slopes of all gates become one.
        own = (x, *(self.kept_by_a_step + (not self.return_sequences)) * (state,))
        ahead, step = self.gates * (state,), self.kept_by_a_step * (Tensor((self.units,)),)
        turned = () if self.return_sequences else (x,)  # gone before there are outputs
        scratch = ways * (*turned, *ahead, *step)
        return Memory(reads=(), own=ways * own, scratch=scratch, back=ways * ahead, early=True)

    def _written_out(self, x: Tensor) -> bool:
        """Whether `archgraph train` has the steps written out one by one, with the gradient in closed form."""
        plain = (self.activation, self.recurrent_activation) == ("tanh", "sigmoid") and not self.recurrent_dropout
        return plain and isinstance(x.shape[0], int) and x.shape[0] <= WRITTEN_OUT


@primitive
class Gru(Stepwise):
    """Read a sequence step by step; two gates decide what to keep of the state and what to renew.

    z and r are σ(x_t·W + h_(t-1)·U + b); the candidate is g = tanh(x_t·W_g + r·(h_(t-1)·U_g + b')),
    and h_t = z·h_(t-1) + (1-z)·g. With `reset_after` false, r multiplies the state before U_g, as in the first paper.
    Multiply-adds: time · 3 · units · (features + units), twice for both directions.
    """

    op = "gru"
    family = Family.RECURRENT
    icon = "⇉"
    source = "Cho et al. 2014, section 2.3; keras.layers.GRU"
    inputs = _ports("h")
    stochastic = True
    examples = (
        Example({"units": 8}, inputs=[(20, 3)], outputs=[(8,)]),
        Example({"units": 8, "reset_after": False, "return_state": True}, inputs=[(20, 3)], outputs=[(8,), (8,)]),
        Example({"units": 8, "bidirectional": True}, inputs=[(20, 3), (8,), (8,)], outputs=[(16,)]),
    )
    keras_class = "GRU"
    gates = 3
    state_names = ("h",)
    kept_by_a_step = 6

    recurrent_activation: str = param(Choice(*KERAS_ACTIVATIONS), "Function of the gates.", default="sigmoid")
    reset_after: bool = param(
        Flag(), "Apply the reset gate after the product with the state's weights (with a second bias).", default=True
    )

    def bias_shape(self, width: int) -> Shape:
        return (2, width) if self.reset_after else (width,)


@primitive
class ConvLstm(Recurrent):
    """An LSTM whose state is a picture: its products are convolutions, so it can follow motion in a film.

    The formulas are those of `lstm`, with x_t * W and h_(t-1) * U convolutions; the one over the state has stride 1 and
    padding "same". Multiply-adds: time · places · kernel cells · 4 · filters · (channels + filters).
    """

    op = "conv_lstm"
    family = Family.RECURRENT
    icon = "⟳"
    source = "Shi et al. 2015, section 3.1; keras.layers.ConvLSTM2D"
    inputs = (Port("x", "the film: (time, space…, channels)"), *_ports("h", "c")[1:])
    stochastic = True
    examples = (
        Example({"filters": 4, "kernel_size": 3}, inputs=[(5, 9, 2)], outputs=[(9, 4)]),
        Example(
            {"filters": 4, "kernel_size": 3, "strides": 2, "return_sequences": True, "return_state": True},
            inputs=[(5, 8, 7, 2)],
            outputs=[(5, 4, 4, 4), (4, 4, 4), (4, 4, 4)],
        ),
        Example({"filters": 2, "kernel_size": [3, 2, 1], "padding": "valid"}, [(3, 6, 5, 4, 1)], [(4, 4, 4, 2)]),
        Example({"filters": 2, "kernel_size": 3, "bidirectional": True}, inputs=[(3, 6, 5, 1)], outputs=[(6, 5, 4)]),
    )
    keras_class = "ConvLSTM"
    gates = 4
    state_names = ("h", "c")
    kept_by_a_step = 7

    filters: int = param(Integer(1), "Number of channels of the state and of the output.")
    kernel_size: PerAxis = param(per_axis(), "Size of the convolutions' windows.")
    strides: PerAxis = param(per_axis(), "Step of the input's convolution.", default=1)
    padding: str = param(Choice("same", "valid"), "Padding of the input's convolution.", default="same")
    dilation_rate: PerAxis = param(per_axis(), "Distance between cells of the input's window.", default=1)
    recurrent_activation: str = param(Choice(*KERAS_ACTIVATIONS), "Function of the gates.", default="sigmoid")
    unit_forget_bias: bool = param(Flag(), "Start the forget gate's bias at 1.", default=True)

    def step_output(self, x: Tensor) -> Shape:
        need_rank(x, 3, 4, 5)
        space = tuple(need_known(size, "each spatial size (Keras demands it here)") for size in x.shape[1:-1])
        need_known(x.shape[-1], "the number of channels")
        start = self.recurrent_initializer
        if (start if isinstance(start, str) else start["name"]) == "identity":
            hint = "orthogonal is the usual choice"
            raise Rejected(
                "AG802", "a convolution cannot start as the identity", hint=hint, field="/recurrent_initializer"
            )
        kernel, strides, dilation = self._geometry(x)
        if max(strides) > 1 and max(dilation) > 1:
            raise Rejected(
                "AG802",
                f"strides {list(strides)} and dilation_rate {list(dilation)} are both above 1",
                hint="set one of them to 1",
                field="/dilation_rate",
            )
        extents = tuple(span(k, d) for k, d in zip(kernel, dilation, strict=True))
        sizes = zip(space, extents, strides, strict=True)
        return (*(window_output(n, extent, stride, self.padding) for n, extent, stride in sizes), self.filters)

    def step_weights(self, x: Tensor) -> tuple[Weight, ...]:
        kernel, width = self._geometry(x)[0], self.gates * self.filters
        bias = (Weight("bias", (width,)),) if self.use_bias else ()
        own = Weight("kernel", (*kernel, x.shape[-1], width))
        return (own, Weight("recurrent_kernel", (*kernel, self.filters, width)), *bias)

    def step_macs(self, x: Tensor) -> Dim:
        cells = prod(self._geometry(x)[0])
        places = prod(self.step_output(x)[:-1])
        return places * cells * (x.shape[-1] + self.filters) * self.gates * self.filters

    def layer_name(self, x: Tensor) -> str:
        return f"ConvLSTM{len(x.shape) - 2}D"

    def layer_arguments(self, x: Tensor) -> Mapping[str, Any]:
        return {"filters": self.filters, "padding": self.padding}

    def _geometry(self, x: Tensor) -> tuple[tuple[int, ...], ...]:
        rank, names = len(x.shape) - 2, ("kernel_size", "strides", "dilation_rate")
        return tuple(each_axis(getattr(self, name), rank, name) for name in names)
