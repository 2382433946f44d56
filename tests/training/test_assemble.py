"""What an experiment says of a loss, a metric or an optimiser is what Keras is given. Its own configs tell."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from archgraph.kinds import Choice
from archgraph.record import REQUIRED, Field
from archgraph.training.assemble import make_losses, make_metrics, make_optimizer
from archgraph.training.experiment import make_experiment
from archgraph.training.losses import LOSSES, METRICS
from archgraph.training.optimizer import OPTIMIZERS, Optimizer
from tests.training.conftest import DIGITS
from tests.training.test_every_field import CANDIDATES, takes, words

UNTOLD = {("huber", "delta")}
"""What Keras's configs leave out."""


def values(field: Field) -> Iterator[Any]:
    """Every word that a field takes, and a value that is not its default."""
    for value in words(field.kind):
        if isinstance(value, str):
            yield value
    if isinstance(field.kind, Choice):
        return
    default = None if field.default is REQUIRED else field.default
    for value in CANDIDATES:
        if takes(field.kind, value) and value is not None and value != default and type(value) is not str:
            yield value
            return


def cases(table: Any) -> list[Any]:
    """Name, field and value of all that a table's records can say."""
    return [
        pytest.param(name, field.name, value, id=f"{name}-{field.name}-{value}")
        for name, record in table.items()
        for field in record.fields().values()
        if (name, field.name) not in UNTOLD and field.name != "reduction"
        for value in values(field)
    ]


def minimal(record: Any, **given: Any) -> dict[str, Any]:
    needed = {name: 0.5 if name != "num_classes" else 3 for name in record.required()}
    return {**needed, **given}


def assert_given(config: dict[str, Any], name: str, value: Any) -> None:
    found = config[name]
    if isinstance(value, float) or isinstance(found, float):
        assert found == pytest.approx(float(value))
    else:
        assert list(found) == list(value) if isinstance(value, list) else found == value


@pytest.mark.parametrize(("name", "field", "value"), cases({n: r for n, r in OPTIMIZERS.items() if r.keras}))
def test_an_optimiser_is_given_what_the_experiment_says(name: str, field: str, value: Any) -> None:
    rule = {"name": name, **minimal(OPTIMIZERS[name], **{field: value})}
    loss = "perceptron" if name == "perceptron" else DIGITS["loss"]
    with_average = {"use_ema": True} if "ema" in field else {}
    experiment = make_experiment({**DIGITS, "loss": loss, "optimizer": {**rule, **with_average}})
    assert isinstance(experiment.rule(), Optimizer)
    assert_given(make_optimizer(experiment.optimizer(), experiment, 3).get_config(), field, value)


DATASET: Any = SimpleNamespace(masked=False, train=SimpleNamespace(targets={"label": None}))


@pytest.mark.parametrize(("name", "field", "value"), cases(LOSSES))
def test_a_loss_is_given_what_the_experiment_says(name: str, field: str, value: Any) -> None:
    experiment = make_experiment({**DIGITS, "loss": {"name": name, **minimal(LOSSES[name], **{field: value})}})
    assert_given(make_losses(experiment, DATASET)["label"].get_config(), field, value)


def test_huber_is_linear_from_delta_on() -> None:
    experiment = make_experiment({**DIGITS, "loss": {"name": "huber", "delta": 2}})
    assert float(make_losses(experiment, DATASET)["label"]([[0.0]], [[5.0]])) == pytest.approx(2 * 5 - 2**2 / 2)


@pytest.mark.parametrize(("name", "field", "value"), cases(METRICS))
def test_a_metric_is_given_what_the_experiment_says(name: str, field: str, value: Any) -> None:
    experiment = make_experiment({**DIGITS, "metrics": [{"name": name, **minimal(METRICS[name], **{field: value})}]})
    (metric,) = make_metrics(experiment, DATASET, "label")
    assert_given(metric.get_config(), field, value)


@pytest.mark.parametrize("how", ["sum_over_batch_size", "mean_with_sample_weight", "sum"])
def test_a_loss_is_reduced_as_the_experiment_says(how: str) -> None:
    experiment = make_experiment({**DIGITS, "loss": {"name": "huber", "reduction": how}})
    assert make_losses(experiment, DATASET)["label"].get_config()["reduction"] == how
