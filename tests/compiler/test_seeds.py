"""A seed decides every weight, each by its own path; without one Keras decides."""

import hashlib
import itertools
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from archgraph.compiler import compile_model
from tests.compiler.build import model, shaped, weights

NODES: dict[str, dict[str, Any]] = {
    "c": {"op": "conv", "in": "x", "filters": 4, "kernel_size": 3, "norm": "batch", "spectral_norm": True},
    "d": {"op": "dropout", "in": "c", "rate": 0.5},
    "l": {"op": "lstm", "in": "d", "units": 4, "return_sequences": True, "bidirectional": True, "dropout": 0.2},
    "a": {"op": "attention", "in": {"query": "l", "value": "c"}, "num_heads": 2, "key_dim": 3, "dropout": 0.1},
    "s": {"op": "dense", "in": "a", "units": 4, "repeat": 2},
    "g": {"op": "global_avg_pool", "in": "s"},
}
SEQUENCE = {"x": {"shape": [8, 3]}}
ROOT = Path(__file__).parents[2]
BUILD = """
import hashlib, json, sys
from tests.compiler.build import model, weights
nodes, inputs = json.load(sys.stdin)
found = weights(model(nodes, "g", inputs=inputs, seed=3))
print(hashlib.sha256(b"".join(found[path].tobytes() for path in sorted(found))).hexdigest())
"""


def start(seed: int | None = 3, nodes: dict[str, dict[str, Any]] = NODES) -> dict[str, np.ndarray]:
    return weights(model(nodes, "g", inputs=SEQUENCE, seed=seed))


def same(one: dict[str, np.ndarray], two: dict[str, np.ndarray]) -> list[str]:
    """Paths in both whose weights are equal to the last bit."""
    return [path for path in one if path in two and one[path].tobytes() == two[path].tobytes()]


def drawn(found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The weights that start with random numbers."""
    return {path: array for path, array in found.items() if len(np.unique(array)) > 2}


def test_two_builds_with_one_seed_are_bit_identical() -> None:
    one, two = start(), start()
    assert list(one) == list(two) == same(one, two)


def test_another_process_builds_the_same() -> None:
    command = [sys.executable, "-c", BUILD]
    given = json.dumps([NODES, SEQUENCE])
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=True, cwd=ROOT)
    here = weights(model(NODES, "g", inputs=SEQUENCE, seed=3))
    assert done.stdout.strip() == hashlib.sha256(b"".join(here[path].tobytes() for path in sorted(here))).hexdigest()


def test_other_seeds_give_other_weights() -> None:
    one, two = drawn(start(3)), drawn(start(4))
    assert len(one) > 10 and same(one, two) == []


def test_no_two_weights_start_with_the_same_numbers() -> None:
    firsts = {path: tuple(array.ravel()[:3]) for path, array in drawn(start()).items()}
    assert len(set(firsts.values())) == len(firsts)


def test_a_weight_depends_on_its_own_path_alone() -> None:
    before = start()
    more = {"other": {"op": "dense", "in": "x", "units": 3}, **dict(reversed(NODES.items()))}
    after = weights(model(more, {"y": "g", "z": "other"}, inputs=SEQUENCE, seed=3))
    assert set(after) == {*before, "other/kernel", "other/bias"}
    assert same(before, after) == list(before)


def test_without_a_seed_every_build_starts_anew() -> None:
    one, two = drawn(start(None)), drawn(start(None))
    assert same(one, two) == []


def test_without_a_seed_it_is_keras_that_decides() -> None:
    state = random.getstate()
    numpy_state = np.random.get_state()
    try:
        keras.utils.set_random_seed(7)
        one = start(None)
        keras.utils.set_random_seed(7)
        assert same(one, start(None)) == list(one)
    finally:
        random.setstate(state)
        np.random.set_state(numpy_state)


def test_the_callers_random_numbers_go_on_undisturbed() -> None:
    state = random.getstate()
    numpy_state = np.random.get_state()[1].tolist()
    start(3)
    assert random.getstate() == state and np.random.get_state()[1].tolist() == numpy_state


# ---- within one layer: Keras copies initialisers, so a seed given to them would make weights start equal

NORMAL = {"name": "random_normal", "stddev": 0.02}
SPREAD = {"name": "variance_scaling", "scale": 1.0, "mode": "fan_in", "distribution": "uniform"}
TWINS = [
    ("attention", {"num_heads": 2, "key_dim": 3}, ("kernel", "bias")),
    ("additive_attention", {"units": 6}, ("kernel", "bias")),
    ("spatial_attention", {"key_reduction": 1, "value_reduction": 1, "use_bias": True}, ("kernel", "bias")),
    ("rnn", {"units": 6, "bidirectional": True}, ("kernel", "recurrent", "bias")),
    ("lstm", {"units": 6, "bidirectional": True, "unit_forget_bias": False}, ("kernel", "recurrent", "bias")),
    ("gru", {"units": 6, "bidirectional": True}, ("kernel", "recurrent", "bias")),
    ("separable_conv", {"filters": 6, "kernel_size": 3}, ("depthwise", "pointwise", "bias")),
    ("conv", {"filters": 6, "kernel_size": 1, "spectral_norm": True}, ("kernel", "bias")),
    ("batch_norm", {}, ("gamma", "beta", "moving_mean", "moving_variance")),
    ("maxout", {"units": 6}, ("kernel", "bias")),
]


@pytest.mark.parametrize("initializer", [NORMAL, SPREAD, "glorot_uniform"], ids=["normal", "spread", "name"])
@pytest.mark.parametrize(("op", "params", "names"), TWINS, ids=[op for op, *_ in TWINS])
def test_no_two_weights_of_a_layer_start_alike(
    op: str, params: dict[str, Any], names: tuple[str, ...], initializer: Any
) -> None:
    named = {f"{name}_initializer": initializer for name in names}
    feeds: Any = {"query": "x", "value": "x"} if op in ("attention", "additive_attention") else "x"
    found = weights(model({"n": {"op": op, "in": feeds, **params, **named}}, "n", inputs={"x": {"shape": [6, 6]}}))
    assert len(found) >= 2
    for (one, first), (two, second) in itertools.combinations(found.items(), 2):
        count = min(first.size, second.size)
        # Scaled alike or not: what is drawn from one seed is the same up to a factor.
        a, b = first.ravel()[:count], second.ravel()[:count]
        likeness = abs(np.dot(a, b)) / (np.linalg.norm(a) * np.linalg.norm(b) + 1e-12)
        assert likeness < 0.999, f"{one} and {two} start alike"


# ---- what is drawn in training


def dropped(built: Any, name: str) -> np.ndarray:
    layer = built.get_layer(name)
    return np.asarray(layer(np.ones((4, 50), "float32"), training=True)) == 0


def dropouts(**more: Any) -> Any:
    nodes = {"a": {"op": "dropout", "in": "x", "rate": 0.5}, "b": {"op": "dropout", "in": "x", "rate": 0.5}}
    return model(nodes, {"a": "a", "b": "b"}, inputs={"x": {"shape": [50]}}, **more)


def test_dropout_draws_alike_in_builds_with_one_seed_and_apart_in_different_nodes() -> None:
    one, two = dropouts(seed=1), dropouts(seed=1)
    first = dropped(one, "a")
    assert (first == dropped(two, "a")).all()
    assert (first != dropped(one, "a")).any(), "each call draws anew"
    assert (dropped(dropouts(seed=1), "b") != first).any()
    assert (dropped(dropouts(seed=2), "a") != first).any()


def test_a_saved_model_still_draws_by_its_seed(tmp_path: Path) -> None:
    built = dropouts(seed=1)
    built.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    assert (dropped(loaded, "a") == dropped(dropouts(seed=1), "a")).all()


def test_the_two_ways_of_a_bidirectional_layer_drop_apart() -> None:
    nodes = {"l": {"op": "lstm", "in": "x", "units": 4, "bidirectional": True, "dropout": 0.5}}
    layer = compile_model(shaped(nodes, "l", inputs={"x": {"shape": [8, 30]}}), seed=1).get_layer("l")
    states = [np.asarray(way.cell.seed_generator.state) for way in (layer.forward_layer, layer.backward_layer)]
    assert (states[0] != states[1]).any()
