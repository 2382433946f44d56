"""Random numbers of a step: a function of the experiment's seed, the purpose and the number of the step alone."""

import enum
from typing import Any

from archgraph.training.generation.latents import Latent

_PURPOSES = 16


class Purpose(enum.IntEnum):
    """What random numbers are for; each has a stream of its own."""

    JUDGED = 0
    DRAWN = 1
    MIXED = 2
    LABELLED = 3
    LOOKED_AT = 4


def seed(experiment: int, purpose: Purpose, step: Any, number: int = 0) -> Any:
    """The seed of a stateless draw: two integers."""
    import tensorflow as tf

    stream = (experiment * _PURPOSES + int(purpose)) * 64 + number
    return tf.stack([tf.constant(stream, tf.int64), tf.cast(step, tf.int64)])


def drawn(latent: Latent, count: Any, key: Any) -> Any:
    """`count` draws of a latent."""
    import tensorflow as tf

    shape = tf.concat([[count], tf.constant(latent.shape, tf.int32)], 0)
    if latent.distribution == "categorical":
        places = latent.shape[-1]
        chosen = tf.random.stateless_uniform(shape[:-1], key, 0, places, tf.int32)
        return tf.cast(tf.one_hot(chosen, places), latent.dtype)
    if latent.distribution == "bernoulli":
        return tf.cast(tf.random.stateless_uniform(shape, key) < 0.5, latent.dtype)
    of = {
        "normal": tf.random.stateless_normal,
        "truncated_normal": tf.random.stateless_truncated_normal,
        "uniform": lambda shape, key: tf.random.stateless_uniform(shape, key, -1.0, 1.0),
    }[latent.distribution]
    return tf.ensure_shape(tf.cast(of(shape, key), latent.dtype), [None, *latent.shape])
