"""Random inputs of generators, drawn from a seed, and the ways from one to another."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from archgraph.analysis.shaped import ShapedGraph
from archgraph.training.data.base import Array


class Latent(NamedTuple):
    """A random input of a generator."""

    name: str
    shape: tuple[int, ...]
    distribution: str
    dtype: str = "float32"


def latents_of(generator: ShapedGraph) -> tuple[Latent, ...]:
    """The random inputs of a graph."""
    return tuple(
        Latent(name, tuple(int(str(size)) for size in generator.inputs[name].shape), entry.distribution, entry.dtype)
        for name, entry in generator.graph.inputs.items()
        if entry.kind == "vector_latent"
    )


def draw(latent: Latent, count: int, chance: np.random.Generator, truncation: float | None = None) -> Array:
    """`count` draws. Normal numbers larger than `truncation` are drawn again (Brock et al. 2019, section 3.1)."""
    shape = (count, *latent.shape)
    if latent.distribution == "categorical":
        values: Array = np.eye(shape[-1])[chance.integers(0, shape[-1], shape[:-1])]
    elif latent.distribution == "bernoulli":
        values = chance.integers(0, 2, shape)
    elif latent.distribution == "uniform":
        values = chance.uniform(-1, 1, shape) * (1 if truncation is None else min(truncation, 1))
    else:
        widest = 2.0 if latent.distribution == "truncated_normal" else np.inf
        values = _normal(shape, chance, min(widest, np.inf if truncation is None else truncation))
    return values.astype(latent.dtype)


def _normal(shape: tuple[int, ...], chance: np.random.Generator, widest: float) -> Array:
    values = chance.normal(size=shape)
    beyond = np.abs(values) > widest
    while beyond.any():
        values[beyond] = chance.normal(size=int(beyond.sum()))
        beyond = np.abs(values) > widest
    return values


def drawn(latents: tuple[Latent, ...], count: int, seed: int, truncation: float | None = None) -> dict[str, Array]:
    """`count` draws of every latent, by name."""
    chance = np.random.default_rng(seed)
    return {latent.name: draw(latent, count, chance, truncation) for latent in latents}


def between(latent: Latent, one: Array, other: Array, steps: int) -> Array:
    """The way from `one` to `other` in `steps` draws, both ends included: (steps, *shape).

    Normal latents turn on the sphere, on which nearly all of them lie; others go straight; categories change half way.
    """
    shares = np.linspace(0, 1, steps)
    if latent.distribution in ("normal", "truncated_normal"):
        return spherical(one, other, shares).astype(latent.dtype)
    shares = shares.reshape(-1, *(1,) * one.ndim)
    if latent.distribution in ("categorical", "bernoulli"):
        return np.where(shares < 0.5, one, other).astype(latent.dtype)
    return ((1 - shares) * one + shares * other).astype(latent.dtype)


def ways(latent: Latent, ends: Array, steps: int) -> Array:
    """The ways from each even one of `ends` to the one after it, one behind the other."""
    return np.concatenate([between(latent, ends[at], ends[at + 1], steps) for at in range(0, len(ends), 2)])


def spherical(one: Array, other: Array, shares: Array) -> Array:
    """sin((1-t)Ω)/sin Ω · p + sin(tΩ)/sin Ω · q, Ω the angle between p and q (Shoemake 1985; White 2016)."""
    p, q = np.asarray(one, np.float64), np.asarray(other, np.float64)
    cosine = (p * q).sum() / max(float(np.linalg.norm(p) * np.linalg.norm(q)), 1e-12)
    angle = float(np.arccos(np.clip(cosine, -1, 1)))
    shares = np.asarray(shares, np.float64).reshape(-1, *(1,) * p.ndim)
    if np.sin(angle) < 1e-6:
        return (1 - shares) * p + shares * q
    return np.asarray((np.sin((1 - shares) * angle) * p + np.sin(shares * angle) * q) / np.sin(angle))


def traversal(latent: Latent, rest: Mapping[str, Array], place: int, values: Array) -> dict[str, Array]:
    """One draw, repeated with one number of `latent`, or its category where it is one-hot, set to each of `values`."""
    found = {name: np.repeat(array[:1], len(values), axis=0) for name, array in rest.items()}
    if latent.distribution == "categorical":
        found[latent.name] = np.eye(latent.shape[-1], dtype=latent.dtype)[np.asarray(values, int)]
    else:
        flat = found[latent.name].reshape(len(values), -1)
        flat[:, place] = values
        found[latent.name] = flat.reshape(len(values), *latent.shape)
    return found
