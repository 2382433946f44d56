"""What augmentations do to batches. The oracles are NumPy's own flips and shifts, and arithmetic by hand."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from archgraph.training.augmentation import AUGMENTATIONS
from archgraph.training.augmentation.draws import Draws
from archgraph.training.augmentation.stages import Batch, Mixed, Noisy, Stage, Warp, stages

Array = np.ndarray[Any, Any]
PICTURES = np.random.default_rng(0).uniform(0, 1, (40, 6, 7, 2)).astype(np.float32)
LABELS = np.eye(4, dtype=np.float32)[np.arange(40) % 4]
NUMBERS = np.arange(40)


def chain(*values: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(AUGMENTATIONS[v["name"]].make({k: x for k, x in v.items() if k != "name"}) for v in values)


def applied(
    *values: dict[str, Any], inputs: Array = PICTURES, targets: Array = LABELS, same: Any = None, epoch: int = 0
) -> tuple[Array, Array]:
    made = stages(chain(*values), {"x": inputs}, {"y": targets}, same or {})
    batch = Batch({"x": tf.constant(inputs)}, {"y": tf.constant(targets)}, {})
    for stage in made:
        drawn = [tf.constant(array) for array in stage.draw(1, epoch, NUMBERS[: len(inputs)])]
        assert tuple((array.dtype.name, tuple(array.shape[1:])) for array in drawn) == stage.drawn
        batch = stage.apply(tf, batch, drawn)
    return batch.inputs["x"].numpy(), batch.targets["y"].numpy()


def matched(results: Array, choices: list[Array]) -> list[int]:
    """For each sample, which of the choices it is."""
    found = []
    for number, picture in enumerate(results):
        hits = [k for k, choice in enumerate(choices) if np.allclose(picture, choice[number], atol=1e-5)]
        assert hits, number
        found.append(hits[0])
    return found


@pytest.mark.parametrize(("axis", "flips"), [("horizontal", [2]), ("vertical", [1]), ("both", [1, 2])])
def test_half_of_the_pictures_are_mirrored_exactly(axis: str, flips: list[int]) -> None:
    choices = [PICTURES, np.flip(PICTURES, flips[0])]
    if axis == "both":
        choices += [np.flip(PICTURES, 2), np.flip(PICTURES, (1, 2))]
    found = matched(applied({"name": "flip", "axis": axis})[0], choices)
    counts = np.bincount(found, minlength=len(choices))
    assert counts.min() >= 40 / len(choices) / 4


def test_a_crop_moves_by_whole_pixels_with_zeros_around_if_asked() -> None:
    moves = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    padded = np.pad(PICTURES, [(0, 0), (1, 1), (1, 1), (0, 0)])
    choices = [padded[:, 1 + y : 7 + y, 1 + x : 8 + x] for y, x in moves]
    found = matched(applied({"name": "crop", "padding": 1, "fill": "constant"})[0], choices)
    assert len(set(found)) >= 7


@pytest.mark.parametrize(
    ("fill", "mode"), [("reflect", "symmetric"), ("wrap", "wrap"), ("constant", "constant"), ("nearest", "edge")]
)
def test_what_comes_in_over_the_edge_is_what_the_fill_says(fill: str, mode: Any) -> None:
    value = {"constant_values": 0.75} if fill == "constant" else {}
    wide = np.pad(PICTURES, [(0, 0), (0, 0), (2, 2), (0, 0)], mode=mode, **value)
    choices = [wide[:, :, 2 + x : 9 + x] for x in range(-2, 3)]
    found = matched(applied({"name": "crop", "padding": [0, 2], "fill": fill, "fill_value": 0.75})[0], choices)
    assert len(set(found)) >= 4


def test_nearest_fills_with_the_edge() -> None:
    choices = [
        np.pad(PICTURES, [(0, 0), (0, 0), (2, 2), (0, 0)], mode="edge")[:, :, 2 + x : 9 + x] for x in range(-2, 3)
    ]
    found = matched(applied({"name": "crop", "padding": [0, 2]})[0], choices)
    assert len(set(found)) >= 4


def test_a_rotation_of_a_half_turn_is_that_of_numpy() -> None:
    rotate = chain({"name": "rotate", "degrees": 180})[0]
    half = rotate.matrices(np.array([[1.0, 0.0]]), 6, 7)  # drawn at the end of the range: +180 degrees
    stage = Warp(((0, rotate),), {"x": (6, 7)}, {})
    moved = stage.apply(tf, Batch({"x": tf.constant(PICTURES[:1])}, {}, {}), [half.reshape(1, 9)[:, :8].astype("f4")])
    np.testing.assert_allclose(moved.inputs["x"][0], np.rot90(PICTURES[0], 2), atol=1e-4)


def test_angles_shifts_and_scales_stay_within_their_bounds() -> None:
    drawn = Draws(0, 0, np.arange(2000), 0)
    (rotate, shift, zoom) = chain(
        {"name": "rotate", "degrees": 20}, {"name": "shift", "by": [0.1, 0.5]}, {"name": "zoom", "by": [0.5, 2]}
    )
    turned = rotate.drawn_matrices(drawn, 10, 10)
    angles = np.degrees(np.arctan2(turned[:, 1, 0], turned[:, 0, 0]))
    assert -20 <= angles.min() < -19 and 19 < angles.max() <= 20
    moved = shift.drawn_matrices(drawn, 10, 20)
    assert 9 < np.abs(moved[:, 0, 2]).max() <= 10 and 0.9 < np.abs(moved[:, 1, 2]).max() <= 1
    sizes = 1 / zoom.drawn_matrices(drawn, 10, 10)[:, 0, 0]
    assert 0.5 <= sizes.min() < 0.55 and 1.9 < sizes.max() <= 2


def test_several_changes_of_place_are_one_resampling_in_their_order() -> None:
    made = stages(
        chain({"name": "flip"}, {"name": "crop"}, {"name": "noise"}, {"name": "zoom"}), {"x": PICTURES}, {}, {}
    )
    assert [type(stage) for stage in made] == [Warp, Noisy, Warp]
    flip, crop = chain({"name": "flip"}, {"name": "crop", "padding": 2, "fill": "nearest"})
    both = Warp(((0, flip), (1, crop)), {"x": (6, 7)}, {}).draw(0, 0, NUMBERS)[0]
    for number in range(5):
        first = flip.drawn_matrices(Draws(0, 0, NUMBERS, 0), 6, 7)[number]
        then = crop.drawn_matrices(Draws(0, 0, NUMBERS, 1), 6, 7)[number]
        np.testing.assert_allclose(both[number], (first @ then).ravel()[:8], atol=1e-5)


def test_a_share_leaves_the_rest_as_it_was() -> None:
    done, _ = applied({"name": "rotate", "degrees": 90, "share": 0.3})
    kept = sum(np.allclose(a, b, atol=1e-5) for a, b in zip(done, PICTURES, strict=True))
    assert 20 <= kept <= 36


def test_targets_that_are_pictures_move_with_the_input() -> None:
    mask = (PICTURES[..., :1] > 0.5).astype(np.float32)
    done, moved = applied({"name": "flip"}, targets=mask)
    np.testing.assert_array_equal((done[..., :1] > 0.5).astype(np.float32), moved)
    turned, shared = applied({"name": "rotate", "degrees": 30}, targets=PICTURES, same={"y": "x"})
    np.testing.assert_array_equal(turned, shared)
    _, classes = applied({"name": "rotate", "degrees": 30}, targets=(mask[..., 0] * 3).astype(np.int32))
    assert set(np.unique(classes)) <= {0, 3}


def test_noise_has_the_deviation_that_is_asked_and_leaves_targets_clean() -> None:
    large = np.zeros((40, 30, 30, 1), np.float32)
    done, targets = applied({"name": "noise", "stddev": 0.5}, inputs=large, targets=large)
    assert done.std() == pytest.approx(0.5, rel=0.02) and abs(done.mean()) < 0.01
    assert not targets.any()
    assert len({float(picture.sum()) for picture in done}) == 40


def test_mixup_mixes_samples_and_targets_in_the_same_shares() -> None:
    ones = np.tile(np.arange(40, dtype=np.float32)[:, None], (1, 3))
    done, targets = applied({"name": "mixup", "alpha": 1.0}, inputs=ones, targets=np.eye(40, dtype=np.float32))
    np.testing.assert_allclose(targets.sum(1), 1, atol=1e-6)
    np.testing.assert_allclose(targets @ np.arange(40), done[:, 0], atol=1e-4)
    kept = np.diag(targets)
    assert 0.3 < kept.mean() < 0.7 and (targets.astype(bool).sum(1) == 2).sum() > 30


def test_the_shares_of_mixup_follow_the_beta_distribution() -> None:
    kept = chain({"name": "mixup", "alpha": 0.4})[0].pairs(Draws(0, 0, np.arange(20_000), 0)).kept
    assert kept.mean() == pytest.approx(0.5, abs=0.01)
    assert kept.var() == pytest.approx(1 / (4 * (2 * 0.4 + 1)), rel=0.03)  # of Beta(a, a)


def test_cutmix_pastes_a_box_and_mixes_targets_by_its_area() -> None:
    grey = np.tile(np.arange(40, dtype=np.float32)[:, None, None, None], (1, 8, 8, 1))
    done, targets = applied({"name": "cutmix"}, inputs=grey, targets=np.eye(40, dtype=np.float32))
    for number, (picture, target) in enumerate(zip(done[..., 0], targets, strict=True)):
        shares = {int(value): np.mean(picture == value) for value in np.unique(picture)}
        assert len(shares) <= 2
        for value, share in shares.items():
            assert target[value] == pytest.approx(share, abs=1e-5)
        pasted = np.argwhere(picture != number)
        if len(pasted):
            (top, left), (bottom, right) = pasted.min(0), pasted.max(0)
            assert len(pasted) == (bottom - top + 1) * (right - left + 1)  # a box
    assert (np.diag(targets) < 1).sum() > 20


def test_another_epoch_draws_anew_and_the_same_epoch_the_same() -> None:
    for one in ({"name": "rotate", "degrees": 30}, {"name": "noise"}, {"name": "mixup"}, {"name": "cutmix"}):
        first, again, other = applied(one)[0], applied(one)[0], applied(one, epoch=1)[0]
        np.testing.assert_array_equal(first, again)
        assert not np.array_equal(first, other)


def test_every_augmentation_is_drawn_by_the_sample_and_not_by_its_place_in_the_batch() -> None:
    for one in ({"name": "flip"}, {"name": "rotate", "degrees": 30}, {"name": "noise"}):
        made: tuple[Stage, ...] = stages(chain(one), {"x": PICTURES}, {}, {})
        for whole, part in zip(made[0].draw(0, 0, NUMBERS), made[0].draw(0, 0, NUMBERS[10:12]), strict=True):
            np.testing.assert_array_equal(whole[10:12], part)


def test_mixed_is_the_stage_of_both_mixtures() -> None:
    made = stages(chain({"name": "mixup"}, {"name": "cutmix"}), {"x": PICTURES}, {"y": LABELS}, {})
    assert [type(stage) for stage in made] == [Mixed, Mixed]
