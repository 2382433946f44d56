"""A variational auto-encoder in training: both terms of its bound, and what its codes stand for."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from archgraph.compiler.backend import load_keras
from archgraph.training.data.base import Array
from archgraph.training.data.dataset import spread
from archgraph.training.feed import Feed
from archgraph.training.fit import last_function
from archgraph.training.generation import charts
from archgraph.training.generation.codes import Coder
from archgraph.training.generation.mosaic import as_pictures, mosaic, rows_of
from archgraph.training.objectives.variational import Variational
from archgraph.training.trainees.stepping import Judged, Stepping

_SHOWN = 10
_STEPS = 11
_MOST_TRAVERSED = 10
_PLANE = 15
_PURPOSE = 41
"""Sets the seeds of pictures drawn here apart from others."""


class VariationalTrainee(Stepping):
    """Learns by the reparameterisation trick: the gradient goes through the draw of the code."""

    figures = ("loss", "reconstruction", "divergence", "elbo", "beta")

    def __init__(self, plan: Any, dataset: Any, networks: Mapping[str, Any]) -> None:
        super().__init__(plan, dataset, networks, next(iter(networks)))

    def prepare(self) -> None:
        objective: Variational = self.objective
        (shaped,) = self.plan.networks.values()
        found = last_function(shaped, objective.picture)
        self.raw = objective.likelihood == "bernoulli" and found is not None and not found[0]
        self.coder = Coder.cut(self.network, objective.picture, objective.mean, objective.log_var, raw=self.raw)

    def weigh(
        self, inputs: Mapping[str, Any], targets: Mapping[str, Any], outputs: Mapping[str, Any], *, training: bool
    ) -> Judged:
        ops, objective = self.keras.ops, self.objective
        (given,) = inputs.values()
        reconstruction = unlikelihood(objective, given, outputs[objective.picture], raw=self.raw)
        divergence = gaussian_divergence(outputs[objective.mean], outputs[objective.log_var])
        beta = self.beta() if training else ops.convert_to_tensor(objective.beta, "float32")
        missing, apart = ops.mean(reconstruction), ops.mean(divergence)
        count = ops.shape(given)[0]
        figures = {
            "loss": (missing, count),
            "reconstruction": (missing, count),
            "divergence": (apart, count),
            "elbo": (-missing - apart, count),
        }
        return Judged(missing + beta * apart, {**figures, "beta": (beta, count)} if training else figures)

    def beta(self) -> Any:
        """The weight of the divergence at this step."""
        ops, objective = self.keras.ops, self.objective
        steps = max(1.0, objective.warm_up * self.steps)
        done = ops.cast(self.stepper.optimizer.iterations, "float32") + (0.0 if objective.warm_up else 1.0)
        return objective.beta * ops.minimum(1.0, done / steps)

    def tested(self, feed: Feed) -> dict[str, float]:
        scores = self.evaluate(feed)
        if self.objective.draws is None:
            return scores
        (test,) = self.dataset.test.inputs.values()
        return {**scores, "log_likelihood": self.log_likelihood(test)}

    def log_likelihood(self, inputs: Array) -> float:
        """Mean logarithm of the probability, in nats, estimated by weighted codes (Burda et al. 2016, equation 8)."""
        objective, drawn = self.objective, np.random.default_rng([self.settings.seed, _PURPOSE, 1])
        means, log_vars = self.coder.encode(inputs)
        found = []
        for given, mean, log_var in zip(inputs, means, log_vars, strict=True):
            noise = drawn.normal(size=(objective.draws, *mean.shape))
            codes = mean + np.exp(log_var / 2) * noise
            pictures = np.asarray(self.coder.decoder(codes.astype(np.float32), training=False))
            each = -np.asarray(unlikelihood(objective, np.broadcast_to(given, pictures.shape), pictures, raw=self.raw))
            axes = tuple(range(1, noise.ndim))
            weight = each + 0.5 * (noise**2 - codes**2 + log_var).sum(axis=axes)
            found.append(np.logaddexp.reduce(weight) - math.log(objective.draws))
        return float(np.mean(found))

    def shown(self, epoch: int) -> Iterator[tuple[str, bytes | str]]:
        (given,) = spread(self.dataset.test, _SHOWN).inputs.values()
        drawn = as_pictures(self.coder.drawn(self.objective.samples, (self.settings.seed, _PURPOSE)))
        pictures, again = as_pictures(given), as_pictures(self.coder.decode(self.coder.encode(given)[0]))
        if drawn is not None and pictures is not None and again is not None:
            low, high = float(pictures.min()), float(pictures.max())
            yield "prior.png", mosaic(drawn, low=low, high=high)
            yield "reconstructions.png", mosaic(rows_of(pictures, again), len(given), low=low, high=high)

    def illustrate(self, title: str) -> Iterator[tuple[str, bytes]]:
        (given,) = self.dataset.test.inputs.values()
        if as_pictures(given[:1]) is None:
            return
        low, high = float(given.min()), float(given.max())
        mean, _ = self.coder.encode(given)
        used = self.coder.divergences(given)
        order = np.argsort(-used.ravel(), kind="stable")
        for name, content in self.shown(self.settings.epochs):
            yield name.removesuffix(".png"), content if isinstance(content, bytes) else content.encode()
        if mean.ndim != 2:
            return
        numbers = order[:_MOST_TRAVERSED]
        walked = self.coder.traversal(mean[0], numbers, _STEPS)
        labels = [f"z{number}: {used[number]:.2f} nats" for number in numbers]
        yield "traversal", charts.labelled_rows(f"{title}: one number of a code at a time", labels, walked, low, high)
        if mean.shape[1] == 2:
            yield "plane", mosaic(_need(as_pictures(self.coder.plane(_PLANE))), _PLANE, low=low, high=high)
        if mean.shape[1] >= 2:
            first, second = sorted(order[:2])
            names, numbers_of = self._classes()
            axes = (f"z{first}", f"z{second}")
            yield "codes", charts.scatter(f"{title}: codes", axes, mean[:, [first, second]], numbers_of, names)

    def _classes(self) -> tuple[tuple[str, ...], Array | None]:
        """Names of the classes and the class of every test sample, where the data knows them."""
        samples = self.plan.samples
        if not samples.strata:
            return (), None
        column = samples.columns[samples.strata]
        return column.classes, column.values[self.plan.parts.test]


def _need(pictures: Array | None) -> Array:
    assert pictures is not None  # the inputs are pictures, and what is decoded has their shape
    return pictures


def gaussian_divergence(mean: Any, log_var: Any) -> Any:
    """Nats from the standard normal to N(mean, exp(log_var)), for each sample (Kingma & Welling 2014, appendix B)."""
    ops = load_keras().ops
    mean, log_var = ops.cast(mean, "float32"), ops.cast(log_var, "float32")
    each = ops.exp(log_var) + ops.square(mean) - 1 - log_var
    return 0.5 * ops.sum(ops.reshape(each, (ops.shape(mean)[0], -1)), axis=-1)


def unlikelihood(objective: Variational, given: Any, picture: Any, *, raw: bool) -> Any:
    """-log p(given | picture) in nats for each sample."""
    ops = load_keras().ops
    given, picture = ops.cast(given, "float32"), ops.cast(picture, "float32")
    if objective.likelihood == "bernoulli":
        each = ops.binary_crossentropy(given, picture, from_logits=raw)
    else:
        each = 0.5 * ops.square((given - picture) / objective.deviation)
        each = each + math.log(objective.deviation) + 0.5 * math.log(2 * math.pi)
    return ops.sum(ops.reshape(each, (ops.shape(given)[0], -1)), axis=-1)
