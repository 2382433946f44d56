"""Splits: every sample in one part, classes in their shares, the same every time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archgraph.diagnostics import Rejected
from archgraph.training.data import SOURCES, Column, Samples
from archgraph.training.data.splits import split

Iris = SOURCES["iris"]


def samples(labels: list[int], **more: object) -> Samples:
    values = np.array(labels)
    columns = {"x": Column(np.zeros((len(labels), 1))), "label": Column(values, tuple(map(str, range(10))))}
    return Samples(columns, ("x",), ("label",), **{"strata": "label", **more})  # type: ignore[arg-type]


@given(
    st.lists(st.integers(0, 3), min_size=40, max_size=200),
    st.floats(0.1, 0.5),
    st.just(0) | st.floats(0.1, 0.5),
    st.integers(0, 9),
)
def test_parts_are_disjoint_complete_and_stratified(
    labels: list[int], test: float, validation: float, seed: int
) -> None:
    given = samples(labels)
    parts = split(given, Iris(test=test, split_seed=seed), validation)
    together = np.concatenate(parts)
    assert sorted(together) == list(range(len(labels)))
    assert len(parts.test) == round(test * len(labels))
    classes = np.array(labels)
    for one in set(labels):
        share = (classes == one).sum() * len(parts.test) / len(labels)
        assert abs((classes[parts.test] == one).sum() - share) <= 1


def test_the_same_seed_gives_the_same_split_and_another_seed_another() -> None:
    given = samples([0, 1] * 50)
    first, again, other = (split(given, Iris(split_seed=seed), 0.1) for seed in (1, 1, 2))
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first.test, other.test)


def test_a_test_part_of_the_data_itself_is_kept() -> None:
    parts = split(samples([0, 1] * 20, test=np.arange(30, 40)), Iris(test=0.9), 0)
    assert parts.test.tolist() == list(range(30, 40))
    assert parts.train.tolist() == list(range(30))


def test_a_subset_keeps_the_shares_of_the_classes_and_of_the_parts() -> None:
    labels = [0] * 60 + [1] * 40
    parts = split(samples(labels, test=np.arange(50, 100)), Iris(subset=20), 0)
    assert (len(parts.train), len(parts.test)) == (10, 10)
    drawn = split(samples(labels), Iris(subset=50, test=0.2), 0)
    assert sum(map(len, drawn)) == 50
    assert (np.array(labels)[np.concatenate(drawn)] == 0).sum() == 30


def test_overlapping_neighbours_are_split_into_runs_with_gaps() -> None:
    parts = split(samples([0] * 100, strata="", gap=4), Iris(test=0.2), 0.1)
    assert parts.test.tolist() == list(range(80, 100))
    assert parts.validation.max() < 80 - 4
    assert parts.train.max() < parts.validation.min() - 4
    assert parts.train.tolist() == list(range(len(parts.train)))


def test_samples_of_one_group_stay_together() -> None:
    groups = np.repeat(np.arange(10), 4)
    parts = split(samples([0] * 40, strata="", groups=groups), Iris(test=0.2), 0.1)
    found = [set(groups[part].tolist()) for part in parts]
    assert [len(one) for one in found] == [7, 1, 2]
    assert set.union(*found) == set(range(10))
    assert sorted(np.concatenate(parts)) == list(range(40))


def test_a_subset_of_groups_is_spread_over_all_of_them() -> None:
    groups = np.repeat(np.arange(10), 4)
    parts = split(samples([0] * 40, strata="", groups=groups), Iris(test=0.2, subset=20), 0)
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (16, 0, 4)
    assert not set(groups[parts.train]) & set(groups[parts.test])


def test_groups_that_are_too_few_are_refused() -> None:
    with pytest.raises(Rejected, match="no sample is left for the train part"):
        split(samples([0] * 8, strata="", groups=np.zeros(8)), Iris(), 0)


def test_an_empty_part_is_refused() -> None:
    with pytest.raises(Rejected, match="no sample is left for the test part"):
        split(samples([0, 1, 0]), Iris(test=0.01), 0)
