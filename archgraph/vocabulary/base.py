"""What a primitive is. Its class is the single source of its schema, shape rule, cost, layer and documentation.

A subclass is either abstract or final; nothing concrete is overridden except the methods whose default is stated here.
"""

import abc
import inspect
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, ClassVar, NamedTuple, TypeVar, dataclass_transform

from archgraph.kinds import FrozenMap
from archgraph.record import Record, param, record
from archgraph.shapes import Dim, Shape, Tensor

P = TypeVar("P", bound="Primitive")

REGISTRY: dict[str, type["Primitive"]] = {}
"""Every primitive by its op name."""


class Family(Enum):
    """The shelves of the vocabulary, in the order in which the palette and the docs show them."""

    CONVOLUTION = "convolution"
    DENSE = "dense and embedding"
    SHAPE = "shape"
    POOLING = "pooling"
    NORMALISATION = "normalisation"
    ACTIVATION = "activation"
    REGULARISATION = "regularisation and noise"
    MERGING = "merging"
    GATING = "gating"
    ATTENTION = "attention"
    RECURRENT = "recurrent"
    GRAPH = "graphs"
    GENERATIVE = "generative"


class Port(NamedTuple):
    """One place where an edge enters. Only the last port may be variadic."""

    name: str
    doc: str
    optional: bool = False
    variadic: bool = False


X = (Port("x", "the input"),)


class Weight(NamedTuple):
    """One array that the layer owns, in the order of Keras's ``layer.weights`` (trainable ones first)."""

    name: str
    shape: Shape
    trainable: bool = True


class Call(Enum):
    """How the Keras layer takes its inputs."""

    POSITIONAL = "layer(a, b)"
    LIST = "layer([a, b])"


class Layer(NamedTuple):
    """A Keras layer as data: the compiler makes it, the source emitter prints it.

    `name` is a class of ``keras.layers``, or of ``archgraph.compiler.layers`` when `ours`. Arguments are JSON-like
    values; a nested `Layer` stands for a wrapped one. Keys that end in ``_initializer`` or ``_regularizer`` hold Keras
    identifiers (``"he_normal"``, ``{"l1": 0.0, "l2": 1e-4}``) that the compiler resolves and seeds.
    An argument ``seed`` set to None stands for the seed of the build.
    With `keywords`, the inputs are passed under these names, in port order (``layer(query=…, value=…)``), and absent
    optional inputs are left out. Inputs with one and the same name are passed as a list; an input with several names is
    passed under each. `options` are further, constant arguments of the call (``use_causal_mask=True``).
    """

    name: str
    arguments: Mapping[str, Any]
    ours: bool = False
    call: Call = Call.POSITIONAL
    keywords: tuple[str | tuple[str, ...], ...] = ()
    options: Mapping[str, Any] = FrozenMap()


class Step(NamedTuple):
    """One primitive inside a composition. A feed is the number of an input of the whole, or an earlier step's name.

    The step named ``""`` stands for the node itself: it gets the node's own path, the others a path below it.
    """

    name: str
    primitive: "Primitive"
    feeds: tuple["int | str", ...]


class Composition(NamedTuple):
    """A primitive spelt out in other primitives. Each output is a step's name or the number of an input."""

    steps: tuple[Step, ...]
    outputs: tuple["int | str", ...]


class Window(NamedTuple):
    """How far an output element looks along one spatial axis, in input elements, and how far apart two looks are."""

    extent: Dim
    stride: Dim | float


class Place(Enum):
    """Where an output goes."""

    NEW = "memory of its own"
    OVER = "over an input of its size that nothing reads afterwards"
    SAME = "the first input itself, in another shape"


class Memory(NamedTuple):
    """What computing a primitive takes beside its inputs and outputs, and what it keeps for the way back.

    All tensors are those of one sample.
    """

    place: Place = Place.NEW
    reads: tuple[int, ...] | None = None
    """Inputs whose numbers the way back needs again; None: all."""
    output: bool = False
    """Whether the way back needs the outputs."""
    own: tuple[Tensor, ...] = ()
    """Made in training on the way there, and kept until the way back: masks, states in between."""
    scratch: tuple[Tensor, ...] = ()
    """Needed while it is computed."""
    back: tuple[Tensor, ...] = ()
    """Needed while its gradients are computed, beside them."""
    through: bool = False
    """Whether the gradient of each input of the output's size is the output's, so that it takes no memory."""
    copies: Dim = 0
    """Numbers in changed copies of weights, such as scaled kernels; kept in training, whatever the batch.

    They wait for no input, so TensorFlow makes those of all layers at the start.
    """
    slopes: Dim = 0
    """Numbers in further copies, which only the gradients of weights need, made at the start too."""
    turned: Dim = 0
    """Numbers in weights that are laid out anew while it is computed; for a single sample only if `always`."""
    always: bool = False
    early: bool = False
    """Whether the first input is copied at once, so that it can be given up before the rest of `scratch` is needed."""
    updated: int = 2
    """Tensors of its weights' size that are there while these learn: their gradient and their new values."""
    behind: tuple[str, ...] = ()
    """Ops without a bias with which TensorFlow computes it as one in inference. Behind others, it has memory of its own
    there; empty: all are alike."""


OVERWRITES = Memory(Place.OVER, reads=())
"""A change of each number that the way back can follow without any of them."""
REARRANGES = Memory(reads=())
"""Numbers go to other places; the way back needs none of them."""
VIEW = Memory(Place.SAME, reads=())
"""Nothing is computed."""


EVERYWHERE = "everywhere"
"""What `Primitive.window` returns when each output element sees the whole input (dense over all, global pooling)."""


class Example(NamedTuple):
    """A worked case: documentation, palette preview and test at once. Inputs and outputs are shapes or `Tensor`s."""

    params: Mapping[str, Any]
    inputs: Sequence[Any]
    outputs: Sequence[Any]

    def input_tensors(self) -> tuple[Tensor, ...]:
        """The inputs as tensors; a bare shape is float32."""
        return tuple(x if isinstance(x, Tensor) else Tensor(tuple(x)) for x in self.inputs)

    def output_tensors(self) -> tuple[Tensor, ...]:
        """The outputs as tensors; a bare shape is float32."""
        return tuple(x if isinstance(x, Tensor) else Tensor(tuple(x)) for x in self.outputs)


class Primitive(Record, abc.ABC):
    """One kind of node. Its parameters are its fields; its contract is these methods.

    Every method takes the input tensors positionally in port order; an absent optional input is None. Methods other
    than `infer` may assume that `infer` has accepted the same inputs.
    """

    op: ClassVar[str]
    family: ClassVar[Family]
    icon: ClassVar[str]
    source: ClassVar[str]
    """The paper or section that defines it."""
    inputs: ClassVar[tuple[Port, ...]] = X
    examples: ClassVar[tuple[Example, ...]]
    stochastic: ClassVar[bool] = False
    """Whether training draws random numbers here (the layer takes a ``seed`` argument)."""
    training_inputs: ClassVar[tuple[str, ...]] = ()
    """Optional ports that are read in training alone."""
    rearranges: ClassVar[bool] = False
    """Whether elements change places, so that neighbours in the output need not be neighbours in the input."""

    @abc.abstractmethod
    def infer(self, *inputs: Any) -> Tensor | tuple[Tensor, ...]:
        """Shape and dtype of the output (of each output, in the order of `outputs`), or `Rejected`."""

    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs; ``node`` reads the first, ``node.name`` any. Default: one, ``output``."""
        return ("output",)

    def weights(self, *inputs: Any) -> tuple[Weight, ...]:
        """The arrays it owns. Default: none."""
        return ()

    def macs(self, *inputs: Any) -> Dim:
        """Multiply-accumulate operations of matrix products and convolutions for one sample. Default: 0."""
        return 0

    def window(self, *inputs: Any) -> tuple[Window, ...] | str:
        """Receptive field per spatial axis, or `EVERYWHERE`. Default: pointwise, the empty tuple."""
        return ()

    def memory(self, *inputs: Any) -> Memory:
        """What computing it takes and keeps, on TensorFlow. Default: the way back needs its inputs, and no more."""
        return Memory()

    def training_only(self) -> bool:
        """Whether it hands on its first input as it is once training is over. Default: no."""
        return False

    def compose(self, *inputs: Any) -> Composition | None:
        """The primitives this one stands for, or None (the default) when it is elementary."""
        return None

    @abc.abstractmethod
    def lower(self, *inputs: Any) -> Layer:
        """The Keras layer that computes it. Never called when `compose` gives a composition."""

    @classmethod
    def doc(cls) -> str:
        """The class docstring: plain words first."""
        return inspect.cleandoc(cls.__doc__ or "")


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(param,))
def primitive(cls: type[P]) -> type[P]:
    """Seal `cls` as a frozen record and list it under its op name."""
    sealed = record(cls)
    if REGISTRY.setdefault(sealed.op, sealed) is not sealed:
        raise TypeError(f"the primitive {sealed.op!r} is defined twice")
    return sealed
