"""Feature networks: who looks at pictures, so that figures compare what is in them rather than their pixels."""

import abc
import hashlib
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from archgraph.compiler.backend import load_keras
from archgraph.diagnostics import Diagnostic, GraphError
from archgraph.document.files import replacing
from archgraph.training.data.base import Array, Surroundings
from archgraph.training.generation.figures import FeatureNetwork, InceptionV3, OwnClassifier

_BATCH = 64
_RECIPE = 1
"""Of the classifier; counted up when it changes, so that no cached one of another recipe is taken."""
_INCEPTION_SIDE = 299


class Seen(NamedTuple):
    """What a feature network makes of pictures."""

    features: Array
    """(pictures, features)."""
    probabilities: Array
    """(pictures, classes)."""

    @property
    def labels(self) -> Array:
        """The likeliest class of each."""
        return np.asarray(self.probabilities.argmax(-1))


class Labelled(NamedTuple):
    """Pictures from 0 to 1 (count, height, width, channels) and their class numbers."""

    pictures: Array
    labels: Array
    classes: int


class Eye(abc.ABC):
    """A feature network at work."""

    comparable: str
    """What its figures compare with."""

    @abc.abstractmethod
    def see(self, pictures: Array) -> Seen:
        """Features and classes of pictures from 0 to 1."""


def eye(record: FeatureNetwork, known: Labelled | None, around: Surroundings) -> Eye:
    """The feature network that a record stands for; `known` is what a classifier may learn from."""
    if isinstance(record, InceptionV3):
        return Inception(around.find(record.file, "objective/features/file"))
    assert isinstance(record, OwnClassifier) and known is not None  # `plan` rejects data without classes
    return Classifier(record, known)


class Classifier(Eye):
    """Two convolutions and a hidden layer, trained on the data itself; kept in the user's cache."""

    comparable = OwnClassifier.comparable

    def __init__(self, record: OwnClassifier, known: Labelled) -> None:
        self._keras = load_keras()
        path = _cache() / f"{_key(record, known)}.keras"
        network = _loaded(self._keras, path)
        if network is None:
            network = _trained(self._keras, record, known)
            _keep(network, path)
        self._network = self._keras.Model(network.input, [network.layers[-2].output, network.output])

    def see(self, pictures: Array) -> Seen:
        """What the network makes of pictures."""
        features, probabilities = self._network.predict(pictures, batch_size=250, verbose=0)
        return Seen(np.asarray(features), np.asarray(probabilities))


def _cache() -> Path:
    named = os.environ.get("ARCHGRAPH_CACHE")
    if named:
        return Path(named)
    above = os.environ.get("XDG_CACHE_HOME")
    return (Path(above) if above else Path.home() / ".cache") / "archgraph"


def _key(record: OwnClassifier, known: Labelled) -> str:
    digest = hashlib.sha256(f"{_RECIPE} {record.epochs} {record.seed} {known.classes} {known.pictures.shape}".encode())
    digest.update(np.ascontiguousarray(known.pictures).data)
    digest.update(np.ascontiguousarray(known.labels, np.int32).data)
    return f"classifier-{digest.hexdigest()[:32]}"


def _loaded(keras: Any, path: Path) -> Any:
    if not path.is_file():
        return None
    try:
        return keras.saving.load_model(path, compile=False)
    except (ValueError, OSError, KeyError, TypeError):
        return None  # a damaged file of the cache: it is replaced


def _keep(network: Any, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            network.save(temporary)
    except (OSError, GraphError):
        return  # a home that cannot be written: the next run trains it again


def _trained(keras: Any, record: OwnClassifier, known: Labelled) -> Any:
    network = _network(keras, record.seed, known.pictures.shape[1:], known.classes)
    network.compile(keras.optimizers.Adam(2e-3), "sparse_categorical_crossentropy", jit_compile=False)
    chance, labels = np.random.default_rng(record.seed), np.asarray(known.labels, np.int32)
    for _ in range(record.epochs):
        order = chance.permutation(len(labels))
        network.fit(known.pictures[order], labels[order], batch_size=_BATCH, shuffle=False, verbose=0)
    return network


def _network(keras: Any, seed: int, shape: tuple[int, ...], classes: int) -> Any:
    layers, start = keras.layers, keras.initializers.GlorotUniform
    seen = keras.Input(shape)
    x, size, width = seen, min(shape[:2]), 16
    x = layers.Conv2D(
        width, 3, strides=1 if size <= 8 else 2, padding="same", activation="relu", kernel_initializer=start(seed)
    )(x)
    size = size if size <= 8 else -(-size // 2)
    number = 1
    while size > 4:
        width, size = min(2 * width, 64), -(-size // 2)
        x = layers.Conv2D(
            width, 3, strides=2, padding="same", activation="relu", kernel_initializer=start(seed + number)
        )(x)
        number += 1
    x = layers.Dropout(0.2, seed=seed)(layers.Flatten()(x))
    x = layers.Dense(64, activation="relu", kernel_initializer=start(seed + number), name="features")(x)
    given = layers.Dense(classes, activation="softmax", kernel_initializer=start(seed + number + 1))(x)
    return keras.Model(seen, given)


class Inception(Eye):
    """Inception-v3, with weights from a file."""

    comparable = InceptionV3.comparable

    def __init__(self, path: Path) -> None:
        self._keras = load_keras()
        try:
            network = self._keras.applications.InceptionV3(weights=str(path), include_top=True)
        except (ValueError, OSError, KeyError) as error:
            message = f"Keras cannot load the weights of Inception-v3: {str(error)[:200]}"
            hint = "it takes the file inception_v3_weights_tf_dim_ordering_tf_kernels.h5"
            raise GraphError([Diagnostic("AG704", "", message, hint, file=str(path))]) from error
        pooled = network.get_layer("avg_pool").output
        self._network = self._keras.Model(network.input, [pooled, network.output])

    def see(self, pictures: Array) -> Seen:
        """Enlarged pictures, grey ones in three equal channels."""
        found = [self._piece(pictures[start : start + _BATCH]) for start in range(0, len(pictures), _BATCH)]
        return Seen(*(np.concatenate(parts) for parts in zip(*found, strict=True)))

    def _piece(self, pictures: Array) -> tuple[Array, Array]:
        coloured = np.repeat(pictures, 3, axis=-1) if pictures.shape[-1] == 1 else pictures
        large = self._keras.ops.image.resize(coloured, (_INCEPTION_SIDE, _INCEPTION_SIDE), antialias=True)
        features, probabilities = self._network.predict(np.asarray(large) * 2 - 1, verbose=0)
        return np.asarray(features), np.asarray(probabilities)
