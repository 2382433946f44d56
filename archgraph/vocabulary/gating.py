"""One signal decides how much of another passes."""

from collections.abc import Mapping

from archgraph.diagnostics import Rejected
from archgraph.kinds import Choice
from archgraph.record import param
from archgraph.shapes import Tensor, need_divisible, need_known, show
from archgraph.vocabulary.activation import Activation
from archgraph.vocabulary.base import Example, Family, Layer, Memory, Place, Port, Primitive, primitive
from archgraph.vocabulary.rules import broadcast, disagreement, need_axes, need_float

NEEDED: Mapping[str, tuple[str, ...]] = {"multiplicative": ("gate",), "highway": ("gate", "h"), "glu": ()}
"""The optional ports that each kind of gate needs; it takes no others."""

REMEDIES = {
    "multiplicative": '"in": {"x": "…", "gate": "…"}',
    "highway": '"in": {"x": "…", "gate": "…", "h": "…"}',
    "glu": '"in": "…", with twice the channels',
}


@primitive
class Gate(Primitive):
    """Let one signal decide, number by number, how much of another passes.

    multiplicative: y = σ(gate)·x; the gate may have axes of size 1, such as (1, 1, channels), which stretch.
    highway: y = σ(gate)·h + (1 - σ(gate))·x: either the new value h passes or the old one, x.
    glu: y = a·σ(b), where a is the first half of the channels of x and b the second; needs nothing but x.
    σ is `activation`. The gate comes from a layer of its own, usually a dense or conv of x without activation.
    """

    op = "gate"
    family = Family.GATING
    icon = "⋈"
    source = (
        "Srivastava, Greff & Schmidhuber 2015, Highway Networks, section 2; Dauphin, Fan, Auli & Grangier 2017, "
        "Language Modeling with Gated Convolutional Networks, section 2; Shazeer 2020, GLU Variants"
    )
    inputs = (
        Port("x", "what passes; for highway, the old value"),
        Port("gate", "how much passes, before the activation; not for glu", optional=True),
        Port("h", "for highway alone: the new value", optional=True),
    )
    examples = (
        Example({}, inputs=[(8, 8, 16), (1, 1, 16)], outputs=[(8, 8, 16)]),
        Example({"kind": "highway"}, inputs=[(50,), (50,), (50,)], outputs=[(50,)]),
        Example({"kind": "glu"}, inputs=[(12, 64)], outputs=[(12, 32)]),
    )

    kind: str = param(Choice(*NEEDED), "How the gate acts.", default="multiplicative")
    activation: str = param(
        Choice("sigmoid", "hard_sigmoid", "tanh", "relu", "gelu", "silu", "linear"),
        "What makes a gate of the signal. With glu: gelu gives GEGLU, silu SwiGLU, linear the bilinear form.",
        default="sigmoid",
    )

    def infer(self, x: Tensor, gate: Tensor | None = None, h: Tensor | None = None) -> Tensor:
        self.ports(gate=gate, h=h)
        need_float(x)
        if gate is None:
            return self.halved(x)
        need_float(gate, what="gate")
        if h is not None:
            need_float(h, what="port h")
            self.alike(x, h)
        verb, hint = "gate", "give the layer of the gate as many units or filters as x has channels"
        if broadcast((x, gate), verb=verb, hint=hint) != x.shape:
            message = f"the gate {show(gate.shape)} must fit into x {show(x.shape)}"
            raise Rejected("AG303", message, hint="the two ports may have changed places")
        return Tensor(x.shape)

    def ports(self, **given: Tensor | None) -> None:
        """Reject a port that is missing or does not belong to this kind."""
        for name, tensor in given.items():
            if (tensor is not None) != (name in NEEDED[self.kind]):
                needs = "takes no" if tensor is not None else "needs the"
                raise Rejected("AG403", f"a {self.kind} gate {needs} port {name!r}", hint=REMEDIES[self.kind])

    @staticmethod
    def alike(x: Tensor, h: Tensor) -> None:
        """Reject a new value of another shape than the old one."""
        if len(x.shape) != len(h.shape):
            message = f"h must have the shape of x, {show(x.shape)}, got {show(h.shape)}"
            raise Rejected("AG301", message, hint="put a reshape before one of them")
        for a, b in zip(x.shape, h.shape, strict=True):
            if a != b:
                raise disagreement(a, b, (x, h), verb="choose between", hint="project x to the width of h first")

    @staticmethod
    def halved(x: Tensor) -> Tensor:
        """`x` with half its channels."""
        need_axes(x, 1, hint="put a reshape before it")
        channels = need_known(x.shape[-1], "the last axis")
        need_divisible(channels, 2, "the last axis, which is cut in two,")
        return Tensor((*x.shape[:-1], channels // 2))

    def memory(self, x: Tensor, gate: Tensor | None = None, h: Tensor | None = None) -> Memory:
        if gate is None:
            half = self.halved(x)
            slope = Activation(activation=self.activation).memory(half)
            return Memory(reads=(), own=(half, half, *slope.own), scratch=(half,), back=(half, *slope.back))
        slope = Activation(activation=self.activation).memory(gate)
        reads = (*((0,) if h is None else (0, 2)), *((1,) if slope.reads is None else ()))
        # The share that passes is needed for the slope of what passes; so is, of a highway, the share that does not.
        shares = (gate,) if h is None else (gate, gate)
        own, back = (*shares, *slope.own), (*shares, *slope.back)
        return Memory(Place.OVER, reads=reads, own=own, scratch=shares[1:], back=back)

    def lower(self, x: Tensor, gate: Tensor | None = None, h: Tensor | None = None) -> Layer:
        return Layer("Gate", {"kind": self.kind, "activation": self.activation}, ours=True)
