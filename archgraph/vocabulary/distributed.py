"""A layer applied to every step of a sequence."""

from dataclasses import replace
from typing import Any

from archgraph.diagnostics import Rejected
from archgraph.kinds import FrozenMap, Shared
from archgraph.record import Named, param
from archgraph.shapes import Dim, Tensor, show
from archgraph.vocabulary.base import (
    EVERYWHERE,
    REGISTRY,
    Call,
    Composition,
    Example,
    Family,
    Layer,
    Memory,
    Port,
    Primitive,
    Step,
    Weight,
    Window,
    primitive,
)
from archgraph.vocabulary.parameters import (
    ACTIVATION,
    ACTIVATION_FUNCTION,
    NORM,
    NORMALISATION,
)
from archgraph.vocabulary.rules import FLOATS
from archgraph.vocabulary.weighted import Biased


def _distributable() -> dict[str, type[Primitive]]:
    """Primitives that read one tensor; without the one that spreads layers over time, lest it nest for ever."""
    return {
        op: kind
        for op, kind in REGISTRY.items()
        if op != "time_distributed" and all(port.optional for port in kind.inputs[1:]) and not kind.inputs[0].variadic
    }


SPREAD = Named("a layer", _distributable, key="op")


@primitive
class TimeDistributed(Primitive):
    """Apply one layer, with the same weights, to every step of a sequence: to every frame of a film, say.

    y_t = layer(x_t). `layer` is a node record without `in`, such as {"op": "conv", "filters": 8, "kernel_size": 3};
    its `norm` and `activation` are spread over time too. Multiply-adds: time · those of the layer.
    """

    op = "time_distributed"
    family = Family.RECURRENT
    icon = "☰"
    source = "keras.layers.TimeDistributed"
    inputs = (Port("x", "the sequence: (time, …)"),)
    stochastic = True
    examples = (
        Example({"layer": {"op": "dense", "units": 4}}, inputs=[(7, 3)], outputs=[(7, 4)]),
        Example({"layer": "flatten"}, inputs=[(5, 4, 3)], outputs=[(5, 12)]),
        Example({"layer": {"op": "lstm", "units": 4}}, inputs=[(5, 6, 3)], outputs=[(5, 4)]),
    )

    layer: Any = param(
        Shared("layer", SPREAD), "The layer: a node record without `in`, or the name of an op that needs no parameters."
    )

    def infer(self, x: Tensor) -> Tensor:
        if len(x.shape) < 2:
            raise Rejected("AG301", f"needs a time axis and at least one more, got {show(x.shape)}")
        try:
            frame = self._through(_frame(x))
        except Rejected as rejected:
            raise rejected.under("layer") from None
        return Tensor((x.shape[0], *frame.shape), frame.dtype)

    def weights(self, x: Tensor) -> tuple[Weight, ...]:
        return tuple(weight for inner, frame in self._applied(x) for weight in inner.weights(frame))

    def macs(self, x: Tensor) -> Dim:
        counts = [inner.macs(frame) for inner, frame in self._applied(x)]
        return x.shape[0] * sum(counts[1:], start=counts[0])

    def window(self, x: Tensor) -> tuple[Window, ...] | str:
        (inner, frame), *further = self._applied(x)
        seen = inner.window(frame)
        if further or isinstance(seen, str):
            return EVERYWHERE if isinstance(seen, str) else ()
        return (Window(1, 1), *seen) if seen else ()

    def compose(self, x: Tensor) -> Composition | None:
        chain = self._chain(_frame(x))
        if len(chain) == 1:
            return None
        names = [name for name, _ in chain]
        feeds: list[int | str] = [0, *names[:-1]]
        steps = (
            Step(name, replace(self, layer=FrozenMap({"op": inner.op, **dict(inner.given())})), (feed,))
            for (name, inner), feed in zip(chain, feeds, strict=True)
        )
        return Composition(tuple(steps), (names[-1],))

    def memory(self, x: Tensor) -> Memory:
        (inner, frame), *_ = self._applied(x)
        needs = inner.memory(frame)

        def spread(tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            return tuple(Tensor((x.shape[0], *one.shape), one.dtype) for one in tensors)

        return needs._replace(own=spread(needs.own), scratch=spread(needs.scratch), back=spread(needs.back))

    def lower(self, x: Tensor) -> Layer:
        (inner, frame), *_ = self._applied(x)
        return Layer("TimeDistributed", {"layer": inner.lower(frame)})

    def _inner(self) -> Primitive:
        made = SPREAD.make(self.layer)
        assert isinstance(made, Primitive)
        return made

    def _chain(self, frame: Tensor) -> list[tuple[str, Primitive]]:
        """The elementary layers that follow each other on one frame, by name."""
        return _spelt_out("", self._inner(), frame)

    def _applied(self, x: Tensor) -> list[tuple[Primitive, Tensor]]:
        """Each elementary layer with the frame that it reads."""
        frame, found = _frame(x), []
        for _, inner in self._chain(frame):
            found.append((inner, frame))
            frame = _single(inner, frame)
        return found

    def _through(self, frame: Tensor) -> Tensor:
        for _, inner in self._chain(frame):
            before, frame = frame, _single(inner, frame)
            layer = inner.lower(before)
            if layer.call is not Call.POSITIONAL or layer.keywords or layer.options:
                raise Rejected("AG802", f"{inner.op} cannot be spread over time: Keras calls it in a way of its own")
            if frame.dtype not in FLOATS:
                # Keras would state a dtype that the numbers do not have.
                complaint = f"what is spread over time must give floating-point numbers, got {frame.dtype}"
                raise Rejected(
                    "AG306", complaint, hint=f"put rescale before it, or use {inner.op} on the whole sequence"
                )
        return frame


def _frame(x: Tensor) -> Tensor:
    return Tensor(x.shape[1:], x.dtype)


def _single(inner: Primitive, frame: Tensor) -> Tensor:
    """The one output of `inner`, or `Rejected` where it has several."""
    output = inner.infer(frame)
    if isinstance(output, Tensor):
        return output
    raise Rejected("AG403", f"{inner.op} has {len(output)} outputs here, but one can be spread over time")


def _spelt_out(name: str, inner: Primitive, frame: Tensor) -> list[tuple[str, Primitive]]:
    """The chain of elementary layers, by name, that `inner` stands for on one frame, or `Rejected`."""
    parts = _shorthands(inner)
    if parts:
        chain = _spelt_out(name, _undressed(inner), frame)
        return chain + [(_below(name, part), made) for part, made in parts]
    output = _single(inner, frame)
    composition = inner.compose(frame)
    if composition is None:
        return [(name, inner)]
    chain, last = [], _INPUT
    for step in composition.steps:
        if step.feeds != (last,):
            break
        chain += _spelt_out(_below(name, step.name), step.primitive, frame)
        frame, last = _single(step.primitive, frame), step.name
    if composition.outputs != (last,) or frame != output:
        raise Rejected("AG802", f"{inner.op} is more than a chain of layers here, and cannot be spread over time")
    return chain


_INPUT: int | str = 0
"""The feed of a composition's first step."""


def _below(name: str, part: str) -> str:
    return "/".join(filter(None, (name, part)))


def _shorthands(inner: Primitive) -> list[tuple[str, Primitive]]:
    """What `norm` and `activation` of a layer stand for; the `activation` of a recurrent cell is no shorthand."""
    found: list[tuple[str, Primitive]] = []
    fields = inner.fields()
    for part, short, kind in (("norm", NORM, NORMALISATION), ("activation", ACTIVATION, ACTIVATION_FUNCTION)):
        if part in fields and fields[part].kind is short and getattr(inner, part) is not None:
            made = kind.make(getattr(inner, part))
            assert isinstance(made, Primitive)
            found.append((part, made))
    return found


def _undressed(inner: Primitive) -> Primitive:
    """The layer without its shorthands; its bias stays as it was with them."""
    changes: dict[str, Any] = {part: None for part in ("norm", "activation") if part in inner.fields()}
    if isinstance(inner, Biased):
        changes["use_bias"] = inner.biased
    return replace(inner, **changes)  # type: ignore[type-var]
