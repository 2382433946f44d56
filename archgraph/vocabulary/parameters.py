"""Parameters that many primitives share: their kinds and their standard wording."""

from archgraph.diagnostics import Rejected
from archgraph.kinds import ABSENT, AnyOf, Choice, Flag, FrozenMap, Integer, Kind, ListOf, Number, Shared, optional
from archgraph.record import Named, Record, param, record
from archgraph.vocabulary.base import REGISTRY

PerAxis = int | tuple[int, ...]
Padding = str | int | tuple[int | tuple[int, int], ...]


def per_axis(minimum: int = 1) -> Kind:
    """One integer for every spatial axis, or a list with one for each."""
    return AnyOf(Integer(minimum), ListOf(Integer(minimum), shortest=1, longest=3))


def each_axis(value: PerAxis, rank: int, name: str) -> tuple[int, ...]:
    """`value` spelt out for `rank` spatial axes, or `Rejected` when its length differs."""
    if isinstance(value, int):
        return (value,) * rank
    if len(value) != rank:
        raise Rejected(
            "AG301", f"{name} has {len(value)} items, but the input has {rank} spatial axes", field=f"/{name}"
        )
    return value


EXPLICIT_PADDING = AnyOf(
    Integer(0), ListOf(AnyOf(Integer(0), ListOf(Integer(0), shortest=2, longest=2)), shortest=1, longest=3)
)
"""Numbers of cells: one for all sides, one for each spatial axis, or ``[before, after]`` for each."""

PADDING = Shared("padding", AnyOf(Choice("same", "valid", "causal"), EXPLICIT_PADDING))


def explicit_padding(value: Padding, rank: int) -> tuple[tuple[int, int], ...]:
    """Explicit `value` as ``(before, after)`` for each of `rank` spatial axes."""
    if isinstance(value, int):
        return ((value, value),) * rank
    if len(value) != rank:
        raise Rejected(
            "AG301", f"padding has {len(value)} items, but the input has {rank} spatial axes", field="/padding"
        )
    assert not isinstance(value, str), "padding by name is never explicit"
    sides = [(side, side) if isinstance(side, int) else side for side in value]
    return tuple(sides)


# ---- initialisers: Keras's names and arguments; the seed comes from the compiler


class _Plain(Record):
    pass


PlainInitializer = record(_Plain)


@record
class RandomNormal(Record):
    """Normal distribution."""

    mean: float = param(Number(), "Mean.", default=0.0)
    stddev: float = param(Number(0), "Standard deviation.", default=0.05)


@record
class RandomUniform(Record):
    """Uniform distribution."""

    minval: float = param(Number(), "Lower bound.", default=-0.05)
    maxval: float = param(Number(), "Upper bound.", default=0.05)


@record
class Constant(Record):
    """One value everywhere."""

    value: float = param(Number(), "The value.", default=0.0)


@record
class VarianceScaling(Record):
    """Scaled by the number of connections (He et al. 2015; Glorot & Bengio 2010)."""

    scale: float = param(Number(above=0), "Positive factor.", default=1.0)
    mode: str = param(Choice("fan_in", "fan_out", "fan_avg"), "Which connections count.", default="fan_in")
    distribution: str = param(
        Choice("truncated_normal", "untruncated_normal", "uniform"), "Distribution.", default="truncated_normal"
    )


@record
class Orthogonal(Record):
    """Rows or columns of a random orthogonal matrix (Saxe et al. 2013)."""

    gain: float = param(Number(above=0), "Factor.", default=1.0)


@record
class IdentityKernel(Record):
    """A convolution that at first hands its maps on (Yu & Koltun 2016, equations 4 and 5)."""

    groups: int | None = param(
        optional(Integer(1)),
        "Groups of maps that are told apart. Default: as many as the maps before and after can both be cut into.",
        default=None,
    )
    stddev: float = param(Number(0), "Standard deviation of noise on every weight.", default=0.0)


@record
class Bilinear(Record):
    """A transposed convolution that at first enlarges its maps smoothly (Long et al. 2015, section 4.3)."""


_SCALED = ("glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal")
VECTOR_INITIALIZERS: dict[str, type[Record]] = {
    **dict.fromkeys((*_SCALED, "zeros", "ones"), PlainInitializer),
    "random_normal": RandomNormal,
    "truncated_normal": RandomNormal,
    "random_uniform": RandomUniform,
    "constant": Constant,
    "variance_scaling": VarianceScaling,
}
INITIALIZERS = {
    **VECTOR_INITIALIZERS,
    "orthogonal": Orthogonal,
    "identity_kernel": IdentityKernel,
    "bilinear": Bilinear,
}

VECTOR_INITIALIZER = Shared("vector-initializer", Named("an initialiser", VECTOR_INITIALIZERS))
"""For weights of any rank, such as a bias: `orthogonal` needs at least two axes."""
INITIALIZER = Shared("initializer", Named("an initialiser", INITIALIZERS))
"""For weights with at least two axes."""
MATRIX_INITIALIZER = Shared("matrix-initializer", Named("an initialiser", {**INITIALIZERS, "identity": Orthogonal}))
"""For weights with exactly two axes, which can start as the identity (Le, Jaitly & Hinton 2015)."""


@record
class L1L2(Record):
    """A penalty added to the loss: l1·Σ|w| + l2·Σw²."""

    l1: float = param(Number(0), "Factor of the sum of magnitudes.", default=0.0)
    l2: float = param(Number(0), "Factor of the sum of squares (not halved, as in Keras).", default=0.0)


class RegularizerKind(Kind):
    """``{"l1": …, "l2": …}``."""

    def parse(self, value: object, open: bool) -> object:
        if not isinstance(value, dict):
            raise self.wrong(value)
        taken, found = L1L2.check(value, open=open)
        if found:
            raise found[0]
        return FrozenMap(taken)

    def rule(self, open: bool) -> dict[str, object]:
        return L1L2.schema(open=open)

    def __str__(self) -> str:
        return 'a record such as {"l2": 1e-4}'


REGULARIZER = optional(Shared("regularizer", RegularizerKind()))

ACTIVATIONS = (
    "linear", "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "mish", "sigmoid", "hard_sigmoid",
    "log_sigmoid", "tanh", "hard_tanh", "scaled_tanh", "softplus", "softsign", "softmax", "log_softmax", "exponential",
    "hard_silu", "tanh_shrink", "soft_shrink", "hard_shrink", "threshold", "squareplus", "sparse_plus", "sparsemax",
    "step",
)  # fmt: skip
"""Functions that the op ``activation`` knows; each is also a short name for the ``activation`` of a layer."""

NORM_OPS = ("batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm", "lrn", "pixel_norm", "unit_norm")

NORMALISATION = Named(
    "a normalisation",
    lambda: {op: REGISTRY[op] for op in NORM_OPS},
    key="op",
    short={op.removesuffix("_norm"): {"op": op} for op in NORM_OPS},
)

NORM = AnyOf(Shared("norm", NORMALISATION), ABSENT)
"""The ``norm`` shorthand: rewritten into a node of its own after the layer, before its activation."""

ACTIVATION_FUNCTION = Named(
    "an activation",
    lambda: {op: REGISTRY[op] for op in ("activation", "prelu")},
    key="op",
    short={**{name: {"op": "activation", "activation": name} for name in ACTIVATIONS}, "prelu": {"op": "prelu"}},
)
ACTIVATION = optional(Shared("activation", ACTIVATION_FUNCTION))
"""The ``activation`` shorthand: rewritten into a node of its own after the layer and its normalisation."""


def flag(doc: str, *, default: bool) -> bool:
    """A parameter that is true or false."""
    return param(Flag(), doc, default=default)  # type: ignore[no-any-return]
