"""Every example with a repeat, rolled and not: the same start, the same outputs, the same step of training."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from archgraph.analysis import infer
from archgraph.analysis.shaped import ShapedGraph
from archgraph.compiler import compile_model, get_weights
from archgraph.compiler.plan import lowered
from archgraph.compiler.rolling import chosen
from archgraph.document.load import load_graph
from tests.compiler.build import arrays
from tests.networks import EXAMPLES

SIZES = {"H": 32, "W": 32, "T": 5, "S": 6, "N": 12}
QUICK = 1_500_000
"""Parameters of an example that is compared in every run."""


def repeats(path: Path) -> bool:
    return any(True for _ in chosen(lowered(infer(load_graph(path)).root), True))


def case(path: Path) -> Any:
    shaped = infer(load_graph(path))
    quick = shaped.parameters <= QUICK and shaped.count <= 200 and isinstance(shaped.macs, int) and shaped.macs < 2e8
    return pytest.param(path, id=path.name.split(".")[0], marks=() if quick else pytest.mark.slow)


CASES = [case(path) for path in EXAMPLES if repeats(path)]


def inputs_of(shaped: ShapedGraph) -> Any:
    found = arrays(shaped, batch=2, **SIZES)
    return next(iter(found.values())) if len(found) == 1 else found


def flat(outputs: Any) -> np.ndarray:
    return np.concatenate([np.ravel(np.asarray(one, "float32")) for one in keras.tree.flatten(outputs)])


@pytest.mark.parametrize("path", CASES)
def test_an_example_rolled_is_the_example(path: Path) -> None:
    shaped = infer(load_graph(path))
    found = []
    for rolled in (False, True):
        keras.utils.clear_session()
        model = compile_model(shaped, seed=1, rolled=rolled, fused=False)
        start = get_weights(model)
        x = inputs_of(shaped)
        outputs = [flat(model(x, training=training)) for training in (False, True)]
        shapes = keras.tree.map_structure(lambda tensor: np.zeros(np.shape(tensor), "float32"), model(x))
        losses = keras.tree.map_structure(lambda _: "mse", shapes)
        model.compile(keras.optimizers.SGD(1e-3, momentum=0.9), losses)
        learned = [float(np.ravel(model.train_on_batch(x, shapes))[0]) for _ in range(3)]
        found.append((start, outputs, learned))
        del model
    (start, outputs, learned), (other, others, relearned) = found
    assert list(start) == list(other)
    assert all(np.array_equal(value, other[name]) for name, value in start.items())
    for one, two in zip(outputs, others, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-5 * max(1.0, float(np.abs(one).max())))
    np.testing.assert_allclose(learned, relearned, rtol=1e-4)
