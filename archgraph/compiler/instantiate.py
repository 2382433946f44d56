"""Layer as data -> Keras layer. The only place that turns names from the vocabulary into Keras objects."""

import contextlib
import importlib
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from archgraph.compiler.backend import load_keras
from archgraph.vocabulary.base import Call, Layer


@contextlib.contextmanager
def seeded(seed: int | None) -> Iterator[None]:
    """Give every weight that is made meanwhile a start that follows from `seed`, each its own.

    None leaves it to Keras, and so to ``keras.utils.set_random_seed``.
    """
    if seed is None:
        yield
        return
    # Keras draws the seed of whatever is given none from here. No seeds for initialisers instead: Keras copies them
    # within a layer (for the kernels of attention, and both ways of Bidirectional), and the copies would start equal.
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)


def instantiate(layer: Layer, name: str, *, dtype: Any = None, seed: int | None = None) -> Any:
    """The Keras layer that `layer` describes, called `name`; nested layers are called ``name`` too.

    `seed` seeds what the layer draws when it is called. How its weights start is up to `seeded`.
    """
    keras = load_keras()
    cls = _class(layer)
    inner = None if layer.name == "Bidirectional" else seed  # Keras copies it, and both ways would draw alike
    arguments = {
        key: instantiate(value, name, dtype=dtype, seed=inner)
        if isinstance(value, Layer)
        else _value(keras, key, value, seed)
        for key, value in layer.arguments.items()
    }
    if dtype is not None:
        arguments["dtype"] = dtype
    return cls(name=name, **arguments)


def apply(layer: Layer, built: Any, inputs: Sequence[Any]) -> Any:
    """Call `built`, made from `layer`, on Keras tensors in port order; absent optional inputs are None."""
    if layer.keywords:
        return built(**_by_keyword(layer, inputs), **layer.options)
    present = [value for value in inputs if value is not None]
    return built(present, **layer.options) if layer.call is Call.LIST else built(*present, **layer.options)


def _by_keyword(layer: Layer, inputs: Sequence[Any]) -> dict[str, Any]:
    named: dict[str, list[Any]] = {}
    for names, value in zip(layer.keywords, inputs, strict=True):
        if value is not None:
            for name in (names,) if isinstance(names, str) else names:
                named.setdefault(name, []).append(value)
    return {name: values if len(values) > 1 else values[0] for name, values in named.items()}


def _class(layer: Layer) -> Any:
    if layer.ours:
        return importlib.import_module("archgraph.compiler.layers").LAYERS[layer.name]
    return getattr(load_keras().layers, layer.name)


def _value(keras: Any, key: str, value: Any, seed: int | None) -> Any:
    if key.endswith("_initializer"):
        return _initializer(keras, value)
    if key.endswith("_regularizer") and value is not None:
        return keras.regularizers.L1L2(**value)
    return seed if key == "seed" and value is None else value


def _initializer(keras: Any, value: Any) -> Any:
    config: Mapping[str, Any] = {"name": value} if isinstance(value, str) else value
    # Not initializers.get: it makes an instance, and Constant has none without its value.
    cls = getattr(keras.initializers, config["name"], None)
    if cls is None:
        cls = importlib.import_module("archgraph.compiler.layers.starting").INITIALIZERS[config["name"]]
    return cls(**{key: item for key, item in config.items() if key != "name"})
