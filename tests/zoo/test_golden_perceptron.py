"""The perceptron rule on the four gates, the network being the judge; and XOR with one hidden layer."""

from collections.abc import Callable

import numpy as np
import pytest

from tests.zoo.golden import compiled, weigh
from tests.zoo.test_golden_sequence import compiled as example

CORNERS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32")
GATES = {"AND": [0, 0, 0, 1], "OR": [0, 1, 1, 1], "NAND": [1, 1, 1, 0], "XOR": [0, 1, 1, 0]}


def constant(step: int) -> float:
    """A rate that stays 1."""
    return 1.0


def falling(step: int) -> float:
    """The rate of Russell & Norvig, 3rd edition, section 18.6.3; a step is one presented example."""
    return 1000 / (1000 + step)


def trace(gate: str, rate: Callable[[int], float], epochs: int = 50) -> tuple[list[int], list[float]]:
    """Mistakes of each epoch, and bias and weights at the end: w <- w + rate(t)·(y - h)·x from zeros, in order."""
    model = compiled({"y": {"op": "dense", "in": "x", "units": 1, "activation": "step"}}, {"y": "y"}, x=[2])
    weights, mistakes, step = np.zeros(3), [], 0
    while len(mistakes) < epochs and (not mistakes or mistakes[-1]):
        mistakes.append(0)
        for corner, label in zip(CORNERS, GATES[gate], strict=True):
            weigh(model, "y", weights[1:], weights[:1])
            error = label - float(model(corner[None])[0, 0])
            weights += rate(step) * error * np.array([1, *corner])
            mistakes[-1] += error != 0
            step += 1
    return mistakes, list(weights)


# Worked out by a plain loop over the rule; a sum of exactly 0 fires.
TRACES = [
    ("AND", constant, [2, 3, 3, 2, 1, 0], [-3, 2, 1]),
    ("AND", falling, [2, 1, 0], [-0.9980159025, 0.9970089731, 0.0019840975]),
    ("OR", constant, [2, 2, 1, 0], [-1, 1, 1]),
    ("OR", falling, [3, 1, 1, 0], [-0.9910744373, 0.998003992, 0.999000999]),
    ("NAND", constant, [1, 3, 3, 2, 1, 0], [2, -2, -1]),
    ("NAND", falling, [1, 4, 2, 1, 0], [1.983172853, -0.9989482368, -0.9930721628]),
    ("XOR", constant, [3, 3] + [4] * 48, [0, -1, 0]),
    ("XOR", falling, [4, 1, 3, 3, 4, 4, 4, 4, 4, 2, 3] + [4] * 39, [0.0254660493, -0.9533346474, -0.9098426388]),
]


@pytest.mark.parametrize(("gate", "rate", "mistakes", "weights"), TRACES)
def test_the_rule_makes_the_mistakes_and_ends_at_the_weights_of_the_trace(
    gate: str, rate: Callable[[int], float], mistakes: list[int], weights: list[float]
) -> None:
    found, last = trace(gate, rate)
    assert found == mistakes
    np.testing.assert_allclose(last, weights, atol=1e-5)


@pytest.mark.parametrize(("gate", "weights"), [(gate, weights) for gate, rate, _, weights in TRACES if gate != "XOR"])
def test_the_perceptron_of_the_zoo_answers_a_gate_with_the_weights_of_the_trace(
    gate: str, weights: list[float]
) -> None:
    model = example("perceptron", features=2)
    weigh(model, "score", weights[1:], weights[:1])
    assert (np.asarray(model(CORNERS))[:, 0] >= 0).astype(int).tolist() == GATES[gate]


def test_two_hidden_units_answer_xor() -> None:
    model = example("mlp_classic", features=2, hidden1=2, classes=1, activation="sigmoid")
    # One unit says "any", the other "both"; the answer is the first without the second.
    weigh(model, "hidden1/dense", [[20, 20], [20, 20]], [-10, -30])
    weigh(model, "label", [[20], [-20]], [-10])
    assert np.round(np.asarray(model(CORNERS))[:, 0]).astype(int).tolist() == GATES["XOR"]
