"""How the weights move: Keras's optimisers and learning-rate schedules as records."""

from typing import Any

from archgraph.kinds import AnyOf, Choice, Flag, Integer, ListOf, Number, optional
from archgraph.record import Named, Record, param, record
from archgraph.training.losses import KerasObject

# ---- schedules


@record
class Schedule(KerasObject):
    """A learning rate that changes with the step."""

    per: str = param(
        Choice("step", "epoch"), "What decay_steps and boundaries count: batches, or epochs.", default="step"
    )


SCHEDULES: dict[str, type[Record]] = {}
OPTIMIZERS: dict[str, type["Optimizer"]] = {}

_RATE = Number(above=0, maximum=1000)
_WHOLE_TRAINING = "Default: the whole training."


def _initial() -> Any:
    return param(_RATE, "Learning rate at the start.")


def _decay_steps() -> Any:
    return param(
        optional(Number(above=0)),
        f"After how long the decay is done (or has acted once). {_WHOLE_TRAINING}",
        default=None,
    )


def _schedule(name: str, keras: str) -> Any:
    def list_it(cls: type[Record]) -> type[Record]:
        sealed: Any = record(cls)
        sealed.keras = keras
        SCHEDULES[name] = sealed
        return sealed  # type: ignore[no-any-return]

    return list_it


@_schedule("constant", "")
class ConstantRate(KerasObject):
    """The same rate throughout."""

    learning_rate: float = param(_RATE, "The rate.")


@_schedule("exponential_decay", "ExponentialDecay")
class ExponentialDecay(Schedule):
    """initial * decay_rate ^ (step / decay_steps)."""

    initial_learning_rate: float = _initial()
    decay_steps: float | None = _decay_steps()
    decay_rate: float = param(Number(above=0, maximum=1), "Factor over decay_steps.")
    staircase: bool = param(Flag(), "Only whole multiples of decay_steps count.", default=False)


@_schedule("inverse_time_decay", "InverseTimeDecay")
class InverseTimeDecay(ExponentialDecay):
    """initial / (1 + decay_rate * step / decay_steps)."""

    decay_rate: float = param(Number(above=0), "How fast it falls.")


@_schedule("polynomial_decay", "PolynomialDecay")
class PolynomialDecay(Schedule):
    """From the initial rate to the end rate along a power of the remaining time."""

    initial_learning_rate: float = _initial()
    decay_steps: float | None = _decay_steps()
    end_learning_rate: float = param(Number(0), "Rate at the end.", default=0.0001)
    power: float = param(Number(above=0), "1 is a straight line.", default=1.0)
    cycle: bool = param(Flag(), "Begin again after decay_steps.", default=False)


@_schedule("cosine_decay", "CosineDecay")
class CosineDecay(Schedule):
    """Half a cosine from the initial rate to alpha times it, perhaps after a warm-up (Loshchilov & Hutter 2017)."""

    initial_learning_rate: float = _initial()
    decay_steps: float | None = _decay_steps()
    alpha: float = param(Number(0, 1), "Share of the rate that is left at the end.", default=0.0)
    warmup_target: float | None = param(optional(_RATE), "Rate that the warm-up climbs to.", default=None)
    warmup_steps: int = param(Integer(0), "Length of the warm-up, counted like decay_steps.", default=0)


@_schedule("cosine_restarts", "CosineDecayRestarts")
class CosineRestarts(Schedule):
    """Cosine decay that begins again, each time longer (SGDR, Loshchilov & Hutter 2017)."""

    initial_learning_rate: float = _initial()
    first_decay_steps: float = param(Number(above=0), "Length of the first decay.")
    t_mul: float = param(Number(1), "How much longer each decay is than the one before.", default=2.0)
    m_mul: float = param(Number(above=0, maximum=1), "How much lower each begins.", default=1.0)
    alpha: float = param(Number(0, 1), "Share of the rate that is left at the end of each.", default=0.0)


@_schedule("piecewise_constant", "PiecewiseConstantDecay")
class PiecewiseConstant(Schedule):
    """One rate until the first boundary, another until the second, and so on."""

    boundaries: Any = param(ListOf(Integer(1), shortest=1, longest=1000), "Where the rate changes, rising.")
    values: Any = param(ListOf(_RATE, shortest=2, longest=1001), "The rates: one more than there are boundaries.")


SCHEDULE = Named("a schedule", SCHEDULES)

# ---- optimisers


def _rate(default: float = 0.001) -> Any:
    return param(AnyOf(_RATE, SCHEDULE), "Step size: a number, or a schedule.", default=default)


def _share(doc: str, default: float) -> Any:
    return param(Number(0, below=1), doc, default=default)


def _epsilon(default: float = 1e-7) -> Any:
    return param(Number(above=0), "Small number that keeps the division finite.", default=default)


@record
class Optimizer(KerasObject):
    """Turns gradients into changes of the weights."""

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
    use_ema: bool = param(Flag(), "Keep a moving average of the weights.", default=False)
    ema_momentum: float = _share("How slowly the average moves.", 0.99)
    ema_overwrite_frequency: int | None = param(
        optional(Integer(1)),
        "After how many steps the average replaces the weights. Default: at the end.",
        default=None,
    )
    gradient_accumulation_steps: int | None = param(
        optional(Integer(2)), "Batches whose gradients are averaged before a step.", default=None
    )


def _optimizer(name: str, keras: str) -> Any:
    def list_it(cls: type[Optimizer]) -> type[Optimizer]:
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


@_optimizer("rmsprop", "RMSprop")
class RmsProp(Optimizer):
    """Gradients divided by the root of their recent mean square (Tieleman & Hinton 2012)."""

    rho: float = _share("How slowly the average moves.", 0.9)
    momentum: float = _share("Share of the last step that is repeated.", 0.0)
    epsilon: float = _epsilon()
    centered: bool = param(Flag(), "Divide by the deviation instead.", default=False)


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


@_optimizer("lion", "Lion")
class Lion(Optimizer):
    """The sign of a running mean; wants a tenth of Adam's rate (Chen et al. 2023)."""

    beta_1: float = _share("Share of the mean in the step.", 0.9)
    beta_2: float = _share("How slowly the mean moves.", 0.99)


@_optimizer("adafactor", "Adafactor")
class Adafactor(Optimizer):
    """Mean squares by rows and columns, to save memory (Shazeer & Stern 2018)."""

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


OPTIMIZER = Named("an optimiser", OPTIMIZERS)
