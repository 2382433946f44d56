"""Formulas that say how good drawn pictures are, from features, probabilities and pixels."""

from collections.abc import Sequence

import numpy as np

from archgraph.training.data.base import Array


def frechet(one: Array, other: Array) -> float:
    """|m - n|² + tr(C + D - 2·√(C·D)) of the Gaussians that fit two sets of features (samples, features)."""
    (m, c), (n, d) = (moments(features) for features in (one, other))
    return frechet_of_gaussians(m, c, n, d)


def moments(features: Array) -> tuple[Array, Array]:
    """Mean and covariance of features (samples, features)."""
    features = np.asarray(features, np.float64)
    return features.mean(0), np.atleast_2d(np.cov(features, rowvar=False))


def frechet_of_gaussians(m: Array, c: Array, n: Array, d: Array) -> float:
    """The Fréchet distance of N(m, c) and N(n, d): Dowson & Landau 1982."""
    # tr √(C·D) is the sum of the roots of the eigenvalues of √C·D·√C, which is symmetric and never negative.
    root = _root(c)
    eigenvalues = np.linalg.eigvalsh(root @ d @ root).clip(min=0)
    return float(np.square(m - n).sum() + np.trace(c) + np.trace(d) - 2 * np.sqrt(eigenvalues).sum())


def _root(matrix: Array) -> Array:
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.sqrt(values.clip(min=0))) @ vectors.T)


def kernel_distance(one: Array, other: Array, subsets: int, subset_size: int, seed: int = 0) -> float:
    """Mean over random subsets of the unbiased squared MMD under (x·y/d + 1)³."""
    chance, size = np.random.default_rng(seed), min(subset_size, len(one), len(other))
    if size < len(one) or size < len(other):
        pairs = [(_some(one, size, chance), _some(other, size, chance)) for _ in range(subsets)]
    else:
        pairs = [(one, other)]
    return float(np.mean([squared_mmd(x, y) for x, y in pairs]))


def _some(features: Array, size: int, chance: np.random.Generator) -> Array:
    return features[chance.choice(len(features), size, replace=False)]


def squared_mmd(one: Array, other: Array) -> float:
    """Unbiased estimate of the squared maximum mean discrepancy under the kernel (x·y/d + 1)³."""
    x, y = np.asarray(one, np.float64), np.asarray(other, np.float64)
    width = x.shape[1]
    xx, yy, xy = ((a @ b.T / width + 1) ** 3 for a, b in ((x, x), (y, y), (x, y)))
    m, n = len(x), len(y)
    within = (xx.sum() - np.trace(xx)) / (m * (m - 1)) + (yy.sum() - np.trace(yy)) / (n * (n - 1))
    return float(within - 2 * xy.mean())


def inception_score(probabilities: Array) -> float:
    """exp of the mean divergence of each picture's classes from those of all of them."""
    p = np.asarray(probabilities, np.float64).clip(min=1e-12)
    p /= p.sum(-1, keepdims=True)
    return float(np.exp((p * (np.log(p) - np.log(p.mean(0)))).sum(-1).mean()))


def coverage(seen: Array, real: Array, classes: int) -> float:
    """Share of the classes in `real` that are in `seen` at least a tenth as often."""
    of_seen, of_real = (np.bincount(labels, minlength=classes) / len(labels) for labels in (seen, real))
    occurring = of_real > 0
    return float((of_seen[occurring] >= 0.1 * of_real[occurring]).mean())


def spread(features: Array, seed: int = 0, most: int = 500) -> float:
    """Mean Euclidean distance of two different samples, among `most` of them."""
    chance = np.random.default_rng(seed)
    some = np.asarray(features if len(features) <= most else _some(features, most, chance), np.float64)
    squares = np.square(some).sum(-1)
    distances = np.sqrt((squares[:, None] + squares - 2 * some @ some.T).clip(min=0))
    return float(distances.sum() / (len(some) * (len(some) - 1)))


def agreement(seen: Array, asked: Array) -> float:
    """Share of pictures that are seen as what was asked for."""
    return float((seen == asked).mean())


def purity(seen: Array, code: Array) -> float:
    """Share of pictures of the class that is seen most often with their code."""
    return float(sum(np.bincount(seen[code == one]).max() for one in np.unique(code)) / len(seen))


# ---- structural similarity

_POWERS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Weights of the scales, fine to coarse: Wang, Simoncelli & Bovik 2003, section 4."""
_WINDOW, _SIGMA = 11, 1.5


def structural_similarity(one: Array, other: Array) -> Array:
    """MS-SSIM of pairs of pictures (pairs, height, width, channels) from 0 to 1, over as many scales as fit."""
    a, b = np.asarray(one, np.float64), np.asarray(other, np.float64)
    powers = _scales(min(a.shape[1:3]))
    result = np.ones((len(a), a.shape[-1]))
    for number, power in enumerate(powers):
        if number:
            a, b = _halved(a), _halved(b)
        whole, contrast = _similarity(a, b)
        factor = whole if number == len(powers) - 1 else contrast
        result *= factor.clip(min=0) ** power
    return np.asarray(result.mean(-1))


def _scales(size: int) -> Sequence[float]:
    """The weights of the scales whose pictures hold the window, summing to 1."""
    most = sum(size >> scale >= _WINDOW for scale in range(len(_POWERS)))
    powers = np.array(_POWERS[: max(most, 1)])
    return list(powers / powers.sum())


def _halved(pictures: Array) -> Array:
    height, width = (size // 2 * 2 for size in pictures.shape[1:3])
    cut = pictures[:, :height, :width]
    return np.asarray(cut.reshape(len(cut), height // 2, 2, width // 2, 2, -1).mean((2, 4)))


def _similarity(a: Array, b: Array) -> tuple[Array, Array]:
    """SSIM and its part of contrast and structure, for each picture and channel: Wang et al. 2004, equation 13."""
    mean_a, mean_b = _blurred(a), _blurred(b)
    variances = _blurred(a * a) - mean_a**2 + _blurred(b * b) - mean_b**2
    covariance = _blurred(a * b) - mean_a * mean_b
    c1, c2 = 0.01**2, 0.03**2
    contrast = (2 * covariance + c2) / (variances + c2)
    light = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return (light * contrast).mean((1, 2)), contrast.mean((1, 2))


def _blurred(pictures: Array) -> Array:
    """Weighted means in all windows that lie inside: 11 x 11, or as large as the picture."""
    for axis in (1, 2):
        size = min(_WINDOW, pictures.shape[axis])
        taps = np.exp(-np.square(np.arange(size) - (size - 1) / 2) / (2 * _SIGMA**2))
        windows = np.lib.stride_tricks.sliding_window_view(pictures, size, axis=axis)
        pictures = windows @ (taps / taps.sum())
    return pictures
