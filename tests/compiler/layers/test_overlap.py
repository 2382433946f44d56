"""The Dice score against sets counted by hand, and against Keras's overlap over union."""

import keras
import numpy as np
import pytest

from archgraph.compiler.layers import LAYERS

DRAWN = np.random.default_rng(0)


def dice(wanted: np.ndarray, marked: np.ndarray) -> float:
    return float(2 * (wanted & marked).sum() / (wanted.sum() + marked.sum()))


def test_of_yes_and_no_it_is_twice_the_overlap_over_the_sizes_over_all_batches() -> None:
    truth, guess = DRAWN.integers(0, 2, (4, 5, 5, 1)), DRAWN.random((4, 5, 5, 1))
    metric, union = LAYERS["DiceScore"](), keras.metrics.BinaryIoU(target_class_ids=[1])
    for half in (slice(0, 1), slice(1, 4)):
        metric.update_state(truth[half], guess[half])
        union.update_state(truth[half], guess[half])
    assert float(metric.result()) == pytest.approx(dice(truth == 1, guess > 0.5))
    overlap = float(union.result())
    assert float(metric.result()) == pytest.approx(2 * overlap / (1 + overlap))
    metric.reset_state()
    assert float(metric.result()) == 0


@pytest.mark.parametrize("ground", [False, True])
def test_of_classes_it_is_their_mean_with_or_without_the_ground(ground: bool) -> None:
    truth, guess = DRAWN.integers(0, 3, (2, 6, 6)), DRAWN.random((2, 6, 6, 3))
    metric = LAYERS["DiceScore"](num_classes=3, ground=ground)
    metric.update_state(truth, guess)
    scores = [dice(truth == k, guess.argmax(-1) == k) for k in range(0 if ground else 1, 3)]
    assert float(metric.result()) == pytest.approx(np.mean(scores))
    assert LAYERS["DiceScore"].from_config(metric.get_config()).ground is ground


def test_places_without_weight_do_not_count() -> None:
    truth, guess = np.array([[1, 1], [0, 1]]), np.array([[0.9, 0.1], [0.9, 0.9]])
    metric = LAYERS["DiceScore"]()
    metric.update_state(truth, guess, sample_weight=np.array([1.0, 0.0]))
    assert float(metric.result()) == pytest.approx(2 / 3)
