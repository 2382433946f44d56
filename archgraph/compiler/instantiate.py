"""Layer as data -> Keras layer. The only place that turns names from the vocabulary into Keras objects."""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from archgraph.compiler.backend import load_keras
from archgraph.vocabulary.base import Call, Layer


def instantiate(layer: Layer, name: str, *, dtype: Any = None, seed: int | None = None) -> Any:
    """The Keras layer that `layer` describes, called `name`; nested layers are called ``name`` too.

    `seed` seeds its initialisers and, if it draws random numbers in training, those too.
    """
    keras = load_keras()
    cls = _class(layer)
    arguments = {key: _value(keras, key, value, name, dtype, seed) for key, value in layer.arguments.items()}
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


def _value(keras: Any, key: str, value: Any, name: str, dtype: Any, seed: int | None) -> Any:
    if isinstance(value, Layer):
        return instantiate(value, name, dtype=dtype, seed=seed)
    if key.endswith("_initializer"):
        return _initializer(keras, value, seed)
    if key.endswith("_regularizer") and value is not None:
        return keras.regularizers.L1L2(**value)
    if key == "seed" and value is None:
        return seed
    return value


def _initializer(keras: Any, value: Any, seed: int | None) -> Any:
    config: Mapping[str, Any] = {"name": value} if isinstance(value, str) else value
    # Not initializers.get: it makes an instance, and Constant has none without its value.
    cls = getattr(keras.initializers, config["name"])
    arguments = {key: item for key, item in config.items() if key != "name"}
    if seed is not None and config["name"] not in ("zeros", "ones", "constant", "identity"):
        arguments["seed"] = seed
    return cls(**arguments)
