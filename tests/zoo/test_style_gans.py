"""Progressive GAN and StyleGAN: layers by the rule of the papers, pictures by their formulas in NumPy.

The rules are those of Karras et al. 2018 (progressive growing), table 2 and section 4, and Karras, Laine & Aila 2019
(StyleGAN), figure 1b and section 2, in the form of the authors' networks.py and networks_stylegan.py.
"""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal

from archgraph.analysis import infer
from archgraph.analysis.shaped import ShapedGraph
from archgraph.compiler import compile_model
from archgraph.diagnostics import GraphError
from archgraph.document.load import load_graph
from tests.compiler.build import model

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = ["progan_generator", "progan_discriminator", "stylegan_generator", "stylegan_discriminator"]
SIZES = [4, 8, 16, 32, 64, 128, 256, 512, 1024]
SMALL: dict[str, Any] = {"resolution": 16, "fmap_base": 32, "fmap_max": 10}
CLOSE: dict[str, Any] = {"rtol": 1e-4, "atol": 1e-5}


def shaped(name: str, **params: Any) -> ShapedGraph:
    """An example for parameters."""
    return infer(load_graph(EXAMPLES / f"{name}.graph.json", params))


def small(name: str, **params: Any) -> Any:
    """The compiled model of an example with few maps, all of whose weights are random numbers."""
    if name == "stylegan_generator":
        params = {"latent": 6, "style": 7, "mapping": 3, "stored_noise": True, **params}
    made = compile_model(shaped(name, **{**SMALL, **params}), seed=1)
    random = np.random.default_rng(2)
    for weight in made.weights:
        if "seed_generator" not in weight.path:
            spread = 1 / made.get_layer(weight.path.split("/")[0]).lr_multiplier if "mapping" in weight.path else 1
            weight.assign(random.normal(size=weight.shape) * spread)
    return made


def latents(made: Any, count: int = 3) -> np.ndarray:
    """Normal numbers for a generator."""
    return np.random.default_rng(5).normal(size=(count, *made.input.shape[1:])).astype("float32")


def fades(made: Any) -> list[Any]:
    """The layers that fade in, the lowest number first."""
    return [layer for layer in made.layers if type(layer).__name__ == "FadeIn"]


# ---- layers: output shape, parameters and multiply-adds of all that have any, by path

Layers = dict[str, tuple[tuple[int, ...], int, int]]


def maps(size: int, base: int = 8192, most: int = 512) -> int:
    """Maps at a size of 2**k pixels: base / 2**(k - 1), at most `most`."""
    return min(int(base / 2.0 ** (math.log2(size) - 1)), most)


def conv(size: int, kernel: int, taken: int, given: int, *, bias: bool = True) -> tuple[tuple[int, ...], int, int]:
    """A convolution of stride 1."""
    weights = kernel * kernel * taken * given
    return (size, size, given), weights + (given if bias else 0), size * size * weights


def dense(taken: int, given: int, *, bias: bool = True) -> tuple[tuple[int, ...], int, int]:
    """A layer that sees all of a vector."""
    return (given,), taken * given + (given if bias else 0), taken * given


def places(resolution: int, fading: int, inner: str) -> Iterator[tuple[int, str]]:
    """The sizes above 4, each with the path of its stage in a generator."""
    above = [size for size in SIZES if 4 < size <= resolution]
    for number, size in enumerate(above):
        late = number - (len(above) - fading)
        yield size, f"stage/{number}/{inner}" if late < 0 else f"fade/{late}/stage/{inner}"


def pictures(resolution: int, fading: int, **widths: int) -> Layers:
    """The layers that make pictures of maps."""
    found: Layers = {}
    for back in range(fading + 1):
        size, path = resolution // 2**back, f"fade/{fading - 1 - back}/rgb"
        path = "picture" if not fading else "begin/rgb" if back == fading else path
        found[path] = conv(size, 1, maps(size, **widths), 3)
        if back < fading:
            found[path.replace("rgb", "fade")] = ((size, size, 3), 1, 0)
    return found


def progan_generator(resolution: int, fading: int, **widths: int) -> Layers:
    """Table 2, left."""
    least, latent = maps(4, **widths), min(widths.get("base", 8192), widths.get("most", 512))
    found = {
        "project": dense(latent, 16 * least, bias=False),
        "bias": ((4, 4, least), least, 0),
        "unit/conv": conv(4, 3, least, least),
    }
    for size, path in places(resolution, fading, "unit"):
        here = maps(size, **widths)
        found[f"{path}/0/conv"] = conv(size, 3, maps(size // 2, **widths), here)
        found[f"{path}/1/conv"] = conv(size, 3, here, here)
    return found | pictures(resolution, fading, **widths)


def discriminator(resolution: int, fading: int, **widths: int) -> Layers:
    """Table 2, right; StyleGAN's has the same."""
    found = {"from_rgb": conv(resolution, 1, 3, maps(resolution, **widths))}
    size, number = resolution, 0
    while size > 4:
        here, after = maps(size, **widths), maps(size // 2, **widths)
        path = f"fade/{number}/stage" if number < fading else f"stage/{number - fading}"
        found[f"{path}/conv0"] = conv(size, 3, here, here)
        found[f"{path}/conv1"] = conv(size, 3, here, after)
        size, number = size // 2, number + 1
        if number <= fading:
            found[f"fade/{number - 1}/from_rgb"] = conv(size, 1, 3, after)
            found[f"fade/{number - 1}/fade"] = ((size, size, after), 1, 0)
    least, hidden = maps(4, **widths), maps(2, **widths)
    found["conv"] = conv(4, 3, least + 1, least)
    return found | {"hidden": dense(16 * least, hidden), "real": dense(hidden, 1)}


def stylegan_generator(resolution: int, fading: int, **widths: int) -> Layers:
    """Figure 1b, with one learned strength of noise and one bias for each map, and no bias in the convolutions."""
    found = {f"mapping/{number}": dense(512, 512) for number in range(8)}
    found["styles"] = ((2 * int(math.log2(resolution)) - 2, 512), 512, 0)  # the average style, not trained
    least = maps(4, **widths)
    found["constant"] = ((4, 4, least), 16 * least, 0)
    found["conv1"] = conv(4, 3, least, least, bias=False)
    drawn = [(4, f"drawn{half}") for half in (0, 1)]
    for size, path in places(resolution, fading, ""):
        here = maps(size, **widths)
        found[f"{path}conv0"] = conv(size, 3, maps(size // 2, **widths), here, bias=False)
        found[f"{path}conv1"] = conv(size, 3, here, here, bias=False)
        drawn += [(size, f"{path}drawn{half}") for half in (0, 1)]
    for size, path in drawn:
        here = maps(size, **widths)
        found[f"{path}/noise"] = found[f"{path}/bias"] = ((size, size, here), here, 0)
        found[f"{path}/style"] = dense(512, 2 * here)
    return found | pictures(resolution, fading, **widths)


RULES = {
    "progan_generator": progan_generator,
    "progan_discriminator": discriminator,
    "stylegan_generator": stylegan_generator,
    "stylegan_discriminator": discriminator,
}
FORMS = [(size, fading) for size in SIZES for fading in {0, 1, int(math.log2(size)) - 2} if size > 4 or fading == 0]


@pytest.mark.parametrize("widths", [{}, {"base": 4096, "most": 512}, {"base": 8192, "most": 40}], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_every_size_and_form_has_the_layers_of_the_papers_rule(name: str, widths: dict[str, int]) -> None:
    for resolution, fading in FORMS:
        graph = shaped(
            name,
            resolution=resolution,
            fading=fading,
            **{f"fmap_{k.replace('most', 'max')}": v for k, v in widths.items()},
        )
        found = {
            node.path: (node.leaf.outputs[0].shape, node.leaf.parameters, node.leaf.macs)
            for node in graph.walk()
            if node.leaf.parameters or node.leaf.macs
        }
        assert found == RULES[name](resolution, fading, **widths), (resolution, fading)


# Trainable and other parameters. Karras et al. 2018, table 2: 23.1M; Karras et al. 2019, figure 1: 26.2M.
COUNTS = [
    ("progan_generator", {}, 23_071_507, 0),
    ("progan_generator", {"fading": 1}, 23_071_507 + 32 * 3 + 3, 1),
    ("progan_generator", {"fading": 8}, 23_079_115, 8),
    ("progan_discriminator", {}, 23_077_137, 0),
    ("progan_discriminator", {"fading": 1}, 23_077_137 + 3 * 32 + 32, 1),
    ("progan_discriminator", {"fading": 8}, 23_087_249, 8),
    ("stylegan_generator", {}, 26_212_019, 512),
    ("stylegan_generator", {"fading": 8}, 26_219_627, 512 + 8),
    # two pictures of noise for each of the nine sizes
    ("stylegan_generator", {"stored_noise": True}, 26_212_019, 512 + 2 * sum(size * size for size in SIZES)),
    ("stylegan_discriminator", {}, 23_077_137, 0),
]  # fmt: skip


@pytest.mark.parametrize(("name", "params", "trainable", "other"), COUNTS)
def test_the_published_counts_are_met(name: str, params: dict[str, Any], trainable: int, other: int) -> None:
    graph = shaped(name, **params)
    assert (graph.trainable, graph.parameters - graph.trainable) == (trainable, other)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("fading", [0, 1, 2])
def test_the_compiled_model_has_the_same_counts(name: str, fading: int) -> None:
    made = small(name, fading=fading)
    own = {"latent": 6, "style": 7, "mapping": 3, "stored_noise": True} if name == "stylegan_generator" else {}
    graph = shaped(name, fading=fading, **SMALL, **own)
    trainable = sum(math.prod(weight.shape) for weight in made.trainable_weights)
    counted = sum(math.prod(weight.shape) for weight in made.weights if "seed_generator" not in weight.path)
    assert (trainable, counted) == (graph.trainable, graph.parameters)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("params", [{"resolution": 48}, {"resolution": 4, "fading": 1}, {"fading": 9}])
def test_a_size_that_cannot_grow_is_refused(name: str, params: dict[str, int]) -> None:
    with pytest.raises(GraphError):
        shaped(name, **params)


# ---- the networks in NumPy, in double precision, on the weights of a compiled model

Weights = Mapping[str, np.ndarray]


def numbers(made: Any) -> dict[str, np.ndarray]:
    """Every weight by path in the graph and name: stage/0/up/kernel."""
    return {weight.path.replace(".", "/"): np.asarray(weight, "float64") for weight in made.weights}


def lrelu(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, 0.2 * x)


def convolved(x: np.ndarray, kernel: np.ndarray, gain: float = math.sqrt(2)) -> np.ndarray:
    """Equalised, with zeros around the picture."""
    kernel = kernel * gain / math.sqrt(math.prod(kernel.shape[:3]))
    side = kernel.shape[0] // 2
    wide = np.pad(x, [(0, 0), (side, side), (side, side), (0, 0)])
    height, width = x.shape[1:3]
    return sum(
        np.asarray(wide[:, i : i + height, j : j + width] @ kernel[i, j])
        for i in range(kernel.shape[0])
        for j in range(kernel.shape[1])
    )  # type: ignore[return-value]


def product(x: np.ndarray, w: Weights, path: str, gain: float = math.sqrt(2), multiplier: float = 1) -> np.ndarray:
    """An equalised dense layer."""
    kernel = w[f"{path}/kernel"]
    y = x @ kernel * (gain / math.sqrt(len(kernel)) * multiplier)
    return y + multiplier * w[f"{path}/bias"] if f"{path}/bias" in w else y


def doubled(x: np.ndarray) -> np.ndarray:
    return x.repeat(2, 1).repeat(2, 2)


def halved(x: np.ndarray) -> np.ndarray:
    return (x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, 1::2]) / 4


def unit(x: np.ndarray) -> np.ndarray:
    """Pixel normalisation, section 4.2."""
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-8)


def blurred(x: np.ndarray) -> np.ndarray:
    """(1, 2, 1)/4 along both axes."""
    for axis in (1, 2):
        wide = np.pad(x, [(1, 1) if a == axis else (0, 0) for a in range(4)])
        low, mid, high = (np.take(wide, np.arange(x.shape[axis]) + k, axis) for k in range(3))
        x = (low + 2 * mid + high) / 4
    return x


def rgb(x: np.ndarray, w: Weights, path: str) -> np.ndarray:
    return convolved(x, w[f"{path}/kernel"], gain=1) + w[f"{path}/bias"]


def faded(w: Weights, path: str, old: np.ndarray, new: np.ndarray) -> np.ndarray:
    alpha = w[f"{path}/alpha"]
    return old + (new - old) * alpha


def shown(x: np.ndarray, stages: list[str], fading: int, w: Weights, stage: Any) -> np.ndarray:
    """The picture of maps of 4x4 that grow by `stages`, the last ones fading in, as the authors' linear structure."""
    picture = None
    for number, path in enumerate(stages):
        if fading and number == len(stages) - fading:
            picture = rgb(x, w, "begin/rgb")
        x = stage(x, path, number)
        if picture is not None:
            place = path.removesuffix("/stage")
            picture = faded(w, f"{place}/fade", doubled(picture), rgb(x, w, f"{place}/rgb"))
    return rgb(x, w, "picture") if picture is None else picture


def stages_of(resolution: int, fading: int) -> list[str]:
    return [path.removesuffix("/") for _, path in places(resolution, fading, "")]


def progan_picture(z: np.ndarray, w: Weights, resolution: int, fading: int) -> np.ndarray:
    """The generator of progressive growing."""

    def grown(x: np.ndarray, path: str, number: int) -> np.ndarray:
        x = doubled(x)
        for half in (0, 1):
            x = unit(lrelu(convolved(x, w[f"{path}/unit/{half}/conv/kernel"]) + w[f"{path}/unit/{half}/conv/bias"]))
        return x

    x = product(unit(z), w, "project", gain=math.sqrt(2) / 4).reshape(len(z), 4, 4, -1)
    x = unit(lrelu(x + w["bias/beta"]))
    x = unit(lrelu(convolved(x, w["unit/conv/kernel"]) + w["unit/conv/bias"]))
    return shown(x, stages_of(resolution, fading), fading, w, grown)


def stylegan_picture(z: np.ndarray, w: Weights, resolution: int, fading: int, *, psi: float, cutoff: int) -> np.ndarray:
    """The generator of StyleGAN after training, with stored noise."""
    style = unit(z)
    for number in range(3):
        style = lrelu(product(style, w, f"mapping/{number}", multiplier=0.01))
    near = w["styles/average"] + psi * (style - w["styles/average"])

    def drawn(x: np.ndarray, path: str, layer: int) -> np.ndarray:
        x = lrelu(x + w[f"{path}/noise/strength"] * w[f"{path}/noise/picture"] + w[f"{path}/bias/beta"])
        x = (x - x.mean((1, 2), keepdims=True)) / np.sqrt(x.var((1, 2), keepdims=True) + 1e-8)
        both = product(near if layer < cutoff else style, w, f"{path}/style", gain=1)[:, None, None]
        scale, offset = np.split(both, 2, axis=-1)
        return x * (scale + 1) + offset

    def grown(x: np.ndarray, path: str, number: int) -> np.ndarray:
        x = drawn(blurred(convolved(doubled(x), w[f"{path}/conv0/kernel"])), f"{path}/drawn0", 2 * number + 2)
        return drawn(convolved(x, w[f"{path}/conv1/kernel"]), f"{path}/drawn1", 2 * number + 3)

    x = drawn(np.broadcast_to(w["constant/value"], (len(z), *w["constant/value"].shape)), "drawn0", 0)
    x = drawn(convolved(x, w["conv1/kernel"]), "drawn1", 1)
    return shown(x, stages_of(resolution, fading), fading, w, grown)


def judged(picture: np.ndarray, w: Weights, resolution: int, fading: int, *, style: bool) -> np.ndarray:
    """Either discriminator; StyleGAN's blurs, and bends after it has made the picture smaller."""

    def seen(x: np.ndarray, path: str) -> np.ndarray:
        return lrelu(convolved(x, w[f"{path}/kernel"]) + w[f"{path}/bias"])

    x = seen(picture, "from_rgb")
    for number in range(int(math.log2(resolution)) - 2):
        path = f"fade/{number}/stage" if number < fading else f"stage/{number - fading}"
        x = seen(x, f"{path}/conv0")
        if style:
            x = lrelu(halved(convolved(blurred(x), w[f"{path}/conv1/kernel"])) + w[f"{path}/conv1/bias"])
        else:
            x = halved(seen(x, f"{path}/conv1"))
        picture = halved(picture)
        if number < fading:
            x = faded(w, f"fade/{number}/fade", seen(picture, f"fade/{number}/from_rgb"), x)
    spread = np.sqrt(x.var(0) + 1e-8).mean()  # one group of all
    x = np.concatenate([x, np.full((*x.shape[:3], 1), spread)], axis=-1)
    x = lrelu(product(seen(x, "conv").reshape(len(x), -1), w, "hidden"))
    return product(x, w, "real", gain=1)


def alphas(made: Any) -> None:
    """Put something between the ends into all fades."""
    for number, layer in enumerate(fades(made)):
        layer.alpha.assign([0.25, 0.75][number % 2])


@pytest.mark.parametrize("fading", [0, 1, 2])
def test_the_growing_generator_draws_what_the_formulas_say(fading: int) -> None:
    made = small("progan_generator", fading=fading)
    alphas(made)
    z = latents(made)
    assert_allclose(made(z), progan_picture(z, numbers(made), 16, fading), **CLOSE)


@pytest.mark.parametrize("fading", [0, 1, 2])
@pytest.mark.parametrize(("psi", "truncated"), [(0.7, 8), (0.5, 3)])
def test_the_style_based_generator_draws_what_the_formulas_say(fading: int, psi: float, truncated: int) -> None:
    made = small("stylegan_generator", fading=fading, psi=psi, truncated=truncated)
    alphas(made)
    z = latents(made)
    expected = stylegan_picture(z, numbers(made), 16, fading, psi=psi, cutoff=truncated)
    assert_allclose(made(z), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("fading", [0, 1, 2])
@pytest.mark.parametrize("name", ["progan_discriminator", "stylegan_discriminator"])
def test_the_discriminators_judge_as_the_formulas_say(name: str, fading: int) -> None:
    made = small(name, fading=fading)
    alphas(made)
    x = latents(made)
    assert_allclose(made(x), judged(x, numbers(made), 16, fading, style="style" in name), **CLOSE)


# ---- fading in


def copied(source: Any, target: Any, names: Mapping[str, str]) -> Any:
    """`target` with the weights of `source` at equal paths, where `names` says what paths of `source` begin with."""
    held = numbers(source)
    for weight in target.weights:
        path = weight.path.replace(".", "/")
        begins = next((begin for begin in names if path.startswith(begin)), "")
        path = names.get(begins, "") + path.removeprefix(begins)
        if path in held:
            weight.assign(held[path])
    return target


@pytest.mark.parametrize("name", ["progan_generator", "stylegan_generator"])
def test_a_generator_fades_from_the_enlarged_smaller_picture_to_the_new_one(name: str) -> None:
    fading = small(name, fading=1)
    before = copied(fading, small(name, resolution=8), {"picture": "begin/rgb"})
    after = copied(fading, small(name), {"stage/1": "fade/0/stage", "picture": "fade/0/rgb"})
    z = latents(fading)
    [fade] = fades(fading)
    fade.alpha.assign(0)
    assert_array_equal(fading(z), doubled(np.asarray(before(z))))
    fade.alpha.assign(1)
    assert_array_equal(fading(z), after(z))
    fade.alpha.assign(0.25)
    assert_allclose(
        fading(z), 0.75 * doubled(np.asarray(before(z))) + 0.25 * np.asarray(after(z)), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("name", ["progan_discriminator", "stylegan_discriminator"])
def test_a_discriminator_fades_from_judging_the_smaller_picture(name: str) -> None:
    fading = small(name, fading=1)
    before = copied(fading, small(name, resolution=8), {"from_rgb": "fade/0/from_rgb"})
    after = copied(fading, small(name), {"stage/0": "fade/0/stage", "stage/1": "stage/0"})
    x = latents(fading)
    [fade] = fades(fading)
    fade.alpha.assign(0)
    assert_allclose(fading(x), before(halved(x)), rtol=1e-6)
    fade.alpha.assign(1)
    assert_array_equal(fading(x), after(x))


# ---- what the layers of both do, and training

FOUR = np.array([1.0, 2.0, 3.0, 4.0], "float32")


def test_pixel_normalisation_of_four_numbers() -> None:
    built = model({"n": {"op": "pixel_norm", "in": "x"}}, "n", inputs={"x": {"shape": [4]}})
    assert_allclose(built(FOUR[None])[0], [0.3651483714, 0.7302967429, 1.095445114, 1.460593486], rtol=1e-5)


def test_a_style_is_applied_after_instance_normalisation() -> None:
    """x·(ys + 1) + yb for ys = 0.5, yb = -1."""
    inputs = {"x": {"shape": [4, 1]}, "style": {"shape": [2]}}
    built = model({"n": {"op": "adain", "in": ["x", "style"], "project": False}}, "n", inputs=inputs)
    y = built({"x": FOUR[None, :, None], "style": np.array([[0.5, -1.0]], "float32")})
    assert_allclose(np.ravel(y), [-3.012461172, -1.670820391, -0.3291796094, 1.012461172], rtol=1e-5)


def test_the_multiplier_of_a_kernel_of_three_by_three_by_512() -> None:
    node = {"op": "conv", "in": "x", "filters": 1, "kernel_size": 3, "use_bias": False, "equalized": True}
    built = model({"c": node}, "c", inputs={"x": {"shape": [3, 3, 512]}})
    x = np.zeros((1, 3, 3, 512), "float32")
    x[0, 1, 1, 7] = 1
    built.get_layer("c").kernel.assign(np.ones((3, 3, 512, 1)))
    assert_allclose(built(x), np.full((1, 3, 3, 1), 0.02083333333), rtol=1e-5)


def test_the_spread_of_a_batch_of_one_and_three() -> None:
    node = {"op": "minibatch_stddev", "in": "x", "group_size": 2}
    built = model({"s": node}, "s", inputs={"x": {"shape": [1, 1, 1]}})
    y = built(np.array([1.0, 3.0], "float32").reshape(2, 1, 1, 1))
    assert_allclose(np.reshape(y, (2, 2)), [[1, 1.000000005], [3, 1.000000005]], rtol=1e-5)


def test_without_any_distance_left_all_pictures_are_the_average() -> None:
    made = small("stylegan_generator", psi=0.0, truncated=20)
    pictures = np.asarray(made(latents(made)))
    assert_allclose(pictures, np.broadcast_to(pictures[:1], pictures.shape), rtol=1e-5, atol=1e-5)
    assert np.std(pictures[0]) > 0.01


def test_training_moves_the_average_style_and_mixes_styles() -> None:
    made = small("stylegan_generator", mixing=1.0)
    style = keras.Model(made.input, made.get_layer("mapping.2.activation").output)
    before = np.asarray(made.get_layer("styles").average)
    z = latents(made, 8)
    drawn = made(z, training=True)
    moved = 0.995 * before + 0.005 * np.asarray(style(z)).mean(0)
    assert_allclose(made.get_layer("styles").average, moved, rtol=1e-5, atol=1e-6)
    assert not np.allclose(drawn, made(z, training=True))


@pytest.mark.parametrize("fading", [0, 1])
@pytest.mark.parametrize("name", NAMES)
def test_every_weight_learns(name: str, fading: int) -> None:
    made = small(name, fading=fading)
    alphas(made)
    with tf.GradientTape() as tape:
        y = made(latents(made, 4), training=True)
        price = tf.reduce_mean(tf.square(y - 1))
    gradients = tape.gradient(price, [weight.value for weight in made.trainable_weights])
    still = [w.path for w, g in zip(made.trainable_weights, gradients, strict=True) if g is None or not np.any(g)]
    assert still == []


@pytest.mark.parametrize("name", NAMES)
def test_it_is_saved_and_loaded(name: str, tmp_path: Path) -> None:
    made = small(name, fading=1)
    alphas(made)
    made.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    x = latents(made)
    assert_array_equal(loaded(x), made(x))
    assert float(fades(loaded)[0].alpha) == 0.25
