"""Every example with a repeat, rolled and not: equal outputs and gradients, twenty equal steps, weights that convert.

Both are computed in float64, so that what differs is no rounding: a kink that one rounding error crosses would be told
from a wrong formula only on smooth activations otherwise.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest

from archgraph.analysis import infer
from archgraph.analysis.shaped import ShapedGraph
from archgraph.compiler import compile_model, get_weights, load_model, set_weights
from archgraph.compiler.inference import for_inference
from archgraph.compiler.plan import lowered
from archgraph.compiler.rolling import chosen
from archgraph.document.load import load_graph
from tests.compiler.build import arrays
from tests.networks import EXAMPLES

STEPS = 20
BATCH = 4
TOLERANCE = 1e-6
SIZES = {"T": 5}


class Small(NamedTuple):
    """An example made small enough to be trained on two cores, its repeats as they are or shorter."""

    params: Mapping[str, Any] = MappingProxyType({})
    pictures: int | None = None
    """Height and width of the input, where no parameter sets them."""
    quick: bool = False


RESNET = {"classes": 10, "size": 64}
"""Of 32, the last stage would have one place, and normalising four numbers blows rounding errors up step by step."""
SMALL: dict[str, Small] = {
    "attention_classifier": Small(),
    "autogan_discriminator": Small({"width": 16}),
    "highway_mlp": Small(quick=True),
    "lstm_ptb": Small({"words": 60, "units": 12, "steps": 6}, quick=True),
    "mobilenet": Small({"alpha": 0.25, "resolution": 64, "classes": 10}),
    "nas_cell": Small({"words": 60, "units": 12, "steps": 5}),
    "pixelcnn": Small({"size": 10, "width": 16}),
    "pixelrnn": Small({"size": 8, "width": 6, "layers": 4, "maps": 12, "levels": 8}),
    "preactivation_resnet": Small({"depth": 38, "width": 4, "size": 16}),
    "progan_generator": Small({"resolution": 64, "fmap_max": 12}),
    "resnet": Small(RESNET),
    "resnet50": Small({"classes": 10}, pictures=64),
    "resnet_cifar": Small({"depth": 26, "width": 4, "size": 16}),
    "resnet_v2": Small({**RESNET, "width": 16}),
    "sngan_resnet_discriminator": Small({"width": 16, "widest": 16, "last": 16}),
    "squeeze_excite_resnet": Small({**RESNET, "width": 16}),
    "transformer_encoder": Small({"tokens": 60, "width": 16, "heads": 2, "layers": 3}),
    "vgg": Small({"width": 4, "hidden": 16, "size": 32, "classes": 10}),
    "wide_resnet": Small({"k": 1, "size": 16}),
    "xception": Small({"alpha": 0.125, "size": 96, "classes": 10}),
}


def named(path: Path) -> str:
    return path.name.removesuffix(".graph.json")


def rolls(shaped: ShapedGraph) -> bool:
    return any(True for _ in chosen(lowered(shaped.root), True))


def small(path: Path) -> ShapedGraph:
    made = SMALL[named(path)]
    graph = load_graph(path, made.params)
    if made.pictures is not None:
        size = made.pictures
        inputs = {name: dataclasses.replace(x, shape=(size, size, *x.shape[2:])) for name, x in graph.inputs.items()}
        graph = dataclasses.replace(graph, inputs=inputs)
    return infer(graph)


def case(path: Path) -> Any:
    quick = named(path) in SMALL and SMALL[named(path)].quick
    return pytest.param(path, id=named(path), marks=() if quick else pytest.mark.slow)


CASES = [case(path) for path in EXAMPLES if rolls(infer(load_graph(path)))]


def compiled(shaped: ShapedGraph, rolled: bool, seed: int = 1) -> Any:
    model = compile_model(shaped, seed=seed, rolled=rolled, dtype_policy="float64")
    assert any(type(layer).__name__ == "Repeated" for layer in model.layers) is rolled
    return model


def fed(shaped: ShapedGraph) -> Any:
    found = arrays(shaped, batch=BATCH, **SIZES)
    return next(iter(found.values())) if len(found) == 1 else found


def flat(outputs: Any) -> list[np.ndarray]:
    return [np.asarray(one) for one in keras.tree.flatten(outputs)]


def close(one: np.ndarray, other: np.ndarray, about: str, nothing: float = 0.0) -> None:
    """Equal, to one part in a million of the largest number or of each; what is below `nothing` counts as zero."""
    scale = max(float(np.max(np.abs(one), initial=0)), nothing)
    np.testing.assert_allclose(other, one, rtol=TOLERANCE, atol=TOLERANCE * scale, err_msg=about)


def by_path(model: Any, values: list[Any]) -> dict[str, np.ndarray]:
    """`values`, one for each trained weight, by the paths of nodes; other weights are left out."""
    kept = get_weights(model)
    for weight, value in zip(model.trainable_weights, values, strict=True):
        weight.assign(value)
    found = get_weights(model)
    for weight in model.trainable_weights:
        weight.assign(keras.ops.full_like(weight, np.nan))
    trained = [path for path, value in get_weights(model).items() if np.isnan(value).any()]
    set_weights(model, kept)
    return {path: found[path] for path in trained}


class Learned(NamedTuple):
    """What twenty steps showed."""

    gradients: dict[str, np.ndarray]
    """Those of the first step."""
    losses: list[float]


def learn(model: Any, x: Any) -> Learned:
    """Twenty steps towards random targets."""
    import tensorflow as tf

    optimizer = keras.optimizers.SGD(1e-3, momentum=0.9, global_clipnorm=1.0)
    optimizer.build(model.trainable_variables)
    variables = [weight.value for weight in model.trainable_weights]
    random = np.random.default_rng(5)
    targets = [tf.constant(random.normal(size=one.shape)) for one in flat(model(x))]

    @tf.function
    def step() -> Any:
        with tf.GradientTape() as tape:
            given = keras.tree.flatten(model(x, training=True))
            errors = [tf.reduce_mean((tf.cast(y, "float64") - t) ** 2) for y, t in zip(given, targets, strict=True)]
            loss = tf.add_n([*errors, *(tf.cast(one, "float64") for one in model.losses)])
        gradients = tape.gradient(loss, variables, unconnected_gradients="zero")
        optimizer.apply(gradients, model.trainable_variables)
        return loss, gradients

    before = [np.array(weight) for weight in model.trainable_weights]
    loss, gradients = step()
    losses = [float(loss), *(float(step()[0]) for _ in range(STEPS - 1))]
    assert losses[-1] != losses[0]
    assert any(np.any(np.array(w) != b) for w, b in zip(model.trainable_weights, before, strict=True))
    return Learned(by_path(model, [tf.convert_to_tensor(one) for one in gradients]), losses)


def through_a_file(shaped: ShapedGraph, model: Any, rolled: bool, file: Path) -> Any:
    """What a trained model's weights, saved and loaded, are in a fresh model that is rolled as is asked for."""
    model.save(file)
    fresh = compiled(shaped, rolled, seed=2)
    set_weights(fresh, get_weights(load_model(file)))
    return fresh


@pytest.mark.parametrize("path", CASES)
def test_an_example_rolled_is_the_example(path: Path, tmp_path: Path) -> None:
    assert named(path) in SMALL, "say how the example is made small"
    keras.utils.clear_session()
    shaped = small(path)
    assert rolls(shaped)
    x = fed(shaped)
    plain, rolled = (compiled(shaped, choice) for choice in (False, True))
    start = get_weights(plain)
    assert list(start) == list(get_weights(rolled))
    assert all(np.array_equal(start[name], value) for name, value in get_weights(rolled).items())
    for training in (False, True):
        for one, other in zip(flat(plain(x, training=training)), flat(rolled(x, training=training)), strict=True):
            close(one, other, f"outputs, training={training}")
    (gradients, losses), (others, relearned) = learn(plain, x), learn(rolled, x)
    # Where a bias cannot change the result (before a normalisation, or as a key), its gradient is but rounding errors.
    largest = max(float(np.max(np.abs(value))) for value in gradients.values())
    for name, value in gradients.items():
        close(value, others[name], f"the gradient of {name}", nothing=1e-8 * largest)
    np.testing.assert_allclose(relearned, losses, rtol=TOLERANCE)
    learned, again = get_weights(plain), get_weights(rolled)
    for name, value in learned.items():
        close(value, again[name], f"{name} after {STEPS} steps", nothing=1e-8)
    outputs = flat(plain(x))
    for model, other in ((plain, True), (rolled, False)):
        converted = through_a_file(shaped, model, other, tmp_path / f"{other}.keras")
        for one, found in zip(outputs, flat(converted(x)), strict=True):
            close(one, found, f"outputs of the one converted to rolled={other}")
    lean = for_inference(shaped, rolled, dtype_policy="float64", rolled=True)
    assert len(lean.layers) <= len(rolled.layers)
    for one, found in zip(outputs, flat(lean(x)), strict=True):
        close(one, found, "outputs of the one for inference")
