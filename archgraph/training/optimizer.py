"""How the weights move: optimisers as records. Fields have the names of Keras's arguments."""

import re
from typing import Any, ClassVar

from archgraph.kinds import Flag, FrozenMap, Integer, ListOf, Number, Text, optional
from archgraph.record import Named, param, record
from archgraph.training.losses import KerasObject
from archgraph.training.schedules import LEARNING_RATE

OPTIMIZERS: dict[str, type["Rule"]] = {}
"""Every optimiser by the name that an experiment uses."""


def _rate(default: Any = 0.001) -> Any:
    return param(LEARNING_RATE, "Step size: a number, or a schedule.", default=default)


def _share(doc: str, default: float) -> Any:
    return param(Number(0, below=1), doc, default=default)


def _epsilon(default: float = 1e-7) -> Any:
    return param(Number(above=0), "Small number that keeps the division finite.", default=default)


@record
class Rule(KerasObject):
    """How the weights of a network move."""

    whole_tensors: ClassVar[bool] = False
    """Whether the update of a number depends on the others of its tensor."""

    @property
    def by_tensor(self) -> bool:
        """Whether every weight has to be a tensor of its own: stacks of the weights of equal blocks will not do."""
        return self.whole_tensors


@record
class Optimizer(Rule):
    """Turns the gradients of batches into changes of the weights."""

    learning_rate: Any = _rate()
    weight_decay: float | None = param(
        optional(Number(0)), "Decoupled decay of the weights at every step.", default=None
    )
    clipnorm: float | None = param(optional(Number(above=0)), "Largest norm of each gradient.", default=None)
    clipvalue: float | None = param(
        optional(Number(above=0)), "Largest magnitude of each gradient element.", default=None
    )
    global_clipnorm: float | None = param(
        optional(Number(above=0)), "Largest norm of all gradients together (Pascanu et al. 2013).", default=None
    )
    use_ema: bool = param(
        Flag(),
        "Keep a moving average of the weights, which the finished model has (Polyak & Juditsky 1992).",
        default=False,
    )
    ema_momentum: float = _share("How slowly the average moves.", 0.99)
    ema_overwrite_frequency: int | None = param(
        optional(Integer(1)),
        "After how many steps the average replaces the weights. Default: at the end.",
        default=None,
    )
    gradient_accumulation_steps: int | None = param(
        optional(Integer(2)), "Batches whose gradients are averaged before a step.", default=None
    )

    @property
    def by_tensor(self) -> bool:
        """The norm of a gradient is that of a whole tensor too."""
        return self.whole_tensors or self.clipnorm is not None


def _optimizer(name: str, keras: str) -> Any:
    def list_it(cls: type[Rule]) -> type[Rule]:
        sealed = record(cls)
        sealed.keras = keras
        OPTIMIZERS[name] = sealed
        return sealed

    return list_it


@_optimizer("sgd", "SGD")
class Sgd(Optimizer):
    """Stochastic gradient descent, with momentum (Polyak 1964) and Nesterov's look-ahead (1983) if wanted."""

    learning_rate: Any = _rate(0.01)
    momentum: float = _share("Share of the last step that is repeated.", 0.0)
    nesterov: bool = param(Flag(), "Take the gradient where momentum leads.", default=False)


@_optimizer("perceptron", "SGD")
class Perceptron(Optimizer):
    """Rosenblatt's perceptron rule (1958): after a wrong answer, weight += rate * (target - answer) * input.

    With the loss ``perceptron`` and a batch of one sample, descent is this rule. It ends in finitely many changes where
    a plane separates the classes (Novikoff 1962), and never does where none can. The rate is 1000 / (1000 + t).
    """

    learning_rate: Any = _rate(
        FrozenMap(name="inverse_time_decay", initial_learning_rate=1.0, decay_steps=1000, decay_rate=1.0)
    )


@_optimizer("adagrad", "Adagrad")
class Adagrad(Optimizer):
    """Each weight's step shrinks with the squares of its past gradients (Duchi et al. 2011)."""

    initial_accumulator_value: float = param(Number(0), "Start of the sum of squares.", default=0.1)
    epsilon: float = _epsilon()


@_optimizer("adadelta", "Adadelta")
class Adadelta(Optimizer):
    """AdaGrad with a moving window (Zeiler 2012)."""

    rho: float = _share("How slowly the averages move.", 0.95)
    epsilon: float = _epsilon()


@record
class _MeanSquare(Optimizer):
    rho: float = _share("How slowly the average moves.", 0.9)
    momentum: float = _share("Share of the last step that is repeated.", 0.0)
    epsilon: float = _epsilon()


@_optimizer("rmsprop", "RMSprop")
class RmsProp(_MeanSquare):
    """Gradients divided by the root of their recent mean square (Tieleman & Hinton 2012)."""

    centered: bool = param(Flag(), "Divide by the deviation instead.", default=False)


@_optimizer("rmsprop_nesterov", "NesterovRMSprop")
class NesterovRmsProp(_MeanSquare):
    """RMSProp that takes the gradient where momentum leads (Goodfellow et al. 2016, algorithm 8.6)."""

    momentum: float = _share("Share of the last step that is repeated.", 0.9)


@record
class _TwoMoments(Optimizer):
    beta_1: float = _share("How slowly the mean gradient moves.", 0.9)
    beta_2: float = _share("How slowly the mean square moves.", 0.999)
    epsilon: float = _epsilon()


@_optimizer("adam", "Adam")
class Adam(_TwoMoments):
    """Running means of gradients and their squares (Kingma & Ba 2015)."""

    amsgrad: bool = param(Flag(), "Never let the mean square fall (Reddi et al. 2018).", default=False)


@_optimizer("adamw", "AdamW")
class AdamW(_TwoMoments):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019)."""

    weight_decay: float | None = param(Number(0), "Decoupled decay of the weights at every step.", default=0.004)
    amsgrad: bool = param(Flag(), "Never let the mean square fall (Reddi et al. 2018).", default=False)


@_optimizer("nadam", "Nadam")
class Nadam(_TwoMoments):
    """Adam with Nesterov's look-ahead (Dozat 2016)."""


@_optimizer("adamax", "Adamax")
class Adamax(_TwoMoments):
    """Adam with the largest gradient in place of the mean square (Kingma & Ba 2015, section 7)."""


@_optimizer("lamb", "Lamb")
class Lamb(_TwoMoments):
    """Adam scaled layer by layer, for large batches (You et al. 2020)."""

    whole_tensors = True


@_optimizer("lion", "Lion")
class Lion(Optimizer):
    """The sign of a running mean; wants a tenth of Adam's rate (Chen et al. 2023)."""

    beta_1: float = param(Number(above=0, below=1), "Share of the mean in the step.", default=0.9)
    beta_2: float = _share("How slowly the mean moves.", 0.99)


@_optimizer("adafactor", "Adafactor")
class Adafactor(Optimizer):
    """Mean squares by rows and columns, to save memory (Shazeer & Stern 2018)."""

    whole_tensors = True

    beta_2_decay: float = param(Number(below=0), "How the averaging slows down.", default=-0.8)
    epsilon_1: float = _epsilon(1e-30)
    epsilon_2: float = _epsilon(1e-3)
    clip_threshold: float = param(Number(above=0), "Largest mean square of a step.", default=1.0)
    relative_step: bool = param(Flag(), "Let the rate fall by itself.", default=True)


@_optimizer("ftrl", "Ftrl")
class Ftrl(Optimizer):
    """Follow the regularised leader: sparse weights (McMahan et al. 2013)."""

    learning_rate_power: float = param(Number(maximum=0), "How the rate falls.", default=-0.5)
    initial_accumulator_value: float = param(Number(0), "Start of the sum of squares.", default=0.1)
    l1_regularization_strength: float = param(Number(0), "Penalty on magnitudes.", default=0.0)
    l2_regularization_strength: float = param(Number(0), "Penalty on squares.", default=0.0)
    l2_shrinkage_regularization_strength: float = param(Number(0), "Penalty on the step.", default=0.0)
    beta: float = param(Number(0), "Offset of the rate.", default=0.0)


@_optimizer("muon", "Muon")
class Muon(Optimizer):
    """Makes the momentum of every matrix orthogonal by Newton-Schulz steps; Adam moves all else (Jordan et al. 2024).

    Kernels of convolutions, biases and embeddings are among all else. The step is scaled as in Liu et al. (2025), so
    that rates and decay of Adam can be kept.
    """

    whole_tensors = True

    weight_decay: float | None = param(Number(0), "Decoupled decay of the matrices at every step.", default=0.004)
    momentum: float = _share("How slowly the mean gradient of a matrix moves.", 0.95)
    nesterov: bool = param(Flag(), "Take the gradient where momentum leads.", default=True)
    ns_steps: int = param(Integer(1, 100), "Newton-Schulz steps.", default=5)
    rms_rate: float | None = param(
        optional(Number(above=0)), "Scale of a step: sqrt(longer side) times it. null: not scaled.", default=0.2
    )
    exclude_layers: Any = param(
        optional(ListOf(Text(200), longest=100)), "Parts of paths of matrices that Adam moves too.", default=None
    )
    exclude_embeddings: bool = param(Flag(), "Let Adam move embeddings.", default=True)
    adam_lr_ratio: float = param(Number(above=0), "Rate of Adam as a multiple of the rate.", default=1)
    adam_beta_1: float = _share("How slowly Adam's mean gradient moves.", 0.9)
    adam_beta_2: float = _share("How slowly Adam's mean square moves.", 0.999)
    adam_weight_decay: float | None = param(optional(Number(0)), "Decoupled decay of what Adam moves.", default=0.004)
    epsilon: float = _epsilon()

    def arguments(self) -> dict[str, Any]:
        """Null is no default of Keras here; its patterns are given texts."""
        given = {"rms_rate": self.rms_rate, "adam_weight_decay": self.adam_weight_decay, **super().arguments()}
        parts = given.get("exclude_layers")
        return {**given, "exclude_layers": list(map(re.escape, parts))} if parts else given


@_optimizer("schedule_free_adamw", "ScheduleFreeAdamW")
class ScheduleFreeAdamW(Optimizer):
    """AdamW that needs no schedule, since the weights it ends with are the mean of its way (Defazio et al. 2024).

    While it trains, the network has weights between the way and the mean; the finished model has the mean.
    """

    learning_rate: Any = _rate(0.0025)
    beta_1: float = param(Number(above=0, below=1), "How near to the mean gradients are taken.", default=0.9)
    beta_2: float = _share("How slowly the mean square moves.", 0.999)
    epsilon: float = _epsilon(1e-8)
    warmup_steps: int = param(Integer(0), "Steps in which the rate climbs to its value.", default=0)


@_optimizer("lbfgs", "")
class Lbfgs(Rule):
    """Limited-memory BFGS: curvature guessed from the last steps, a line search for the length (Liu & Nocedal 1989).

    It takes all data at once, ``"batch_size": "all"``, and an epoch is one of its steps. The directions and the line
    search (strong Wolfe conditions) are SciPy's.
    """

    memory: int = param(Integer(1, 100), "How many of the last steps tell the curvature.", default=10)
    line_search_steps: int = param(Integer(1, 100), "Lengths of a step that are tried at most.", default=20)
    decrease: float = param(Number(above=0, below=0.5), "Least decrease, as a share of the slope (c1).", default=1e-4)
    curvature: float = param(Number(above=0, below=1), "Largest slope that may be left, as a share (c2).", default=0.9)
    tolerance: float = param(
        Number(0), "The gradient is taken for zero when no element is larger: then nothing moves.", default=1e-7
    )
    samples_at_once: int = param(
        Integer(1, 1_000_000), "Samples whose gradient is worked out together: memory, not result.", default=4096
    )


OPTIMIZER = Named("an optimiser", OPTIMIZERS)
