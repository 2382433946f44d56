"""What a batch costs discriminator and generator: networks, names and formulas of one game."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from archgraph.compiler import layers_by_path
from archgraph.diagnostics import Diagnostic, GraphError
from archgraph.training.fit import last_function
from archgraph.training.generation.latents import latents_of
from archgraph.training.generation.players import DISCRIMINATOR, GENERATOR
from archgraph.training.objectives.adversarial import Game, SemiSupervised
from archgraph.training.objectives.game import CategoryCode, Code, GaussianCode, GradientPenalty
from archgraph.training.planning import Plan
from archgraph.training.trainees import prices
from archgraph.training.trainees.chance import Purpose, drawn, seed

Tensors = Mapping[str, Any]


class Verdict(NamedTuple):
    """What one side pays, and the figures that come with it: values whose mean is of interest."""

    price: Any
    figures: Mapping[str, Any]


class Known(NamedTuple):
    """Pictures whose labels are known, at the front of the real ones."""

    labels: Any
    count: Any


class Rules:
    """One game's networks and formulas; it holds nothing that changes."""

    def __init__(self, plan: Plan, networks: Mapping[str, Any], keras: Any) -> None:
        import tensorflow as tf

        self._tf, self.ops = tf, keras.ops
        self.game: Game = plan.experiment.objective  # type: ignore[assignment]
        self.seed, shaped = plan.experiment.settings.seed, plan.networks
        self.players = self.game.players(shaped)
        self.latents = latents_of(shaped[GENERATOR])
        self.codes = self.game.found_again(shaped)
        self.judging = self.game.judging(shaped)
        self.generator, self.discriminator = networks[GENERATOR], networks[DISCRIMINATOR]
        self._outputs = {role: tuple(one.outputs) for role, one in shaped.items()}
        self._inputs = {role: tuple(one.inputs) for role, one in shaped.items()}
        endings = {name: last_function(shaped[DISCRIMINATOR], name) for name in self._outputs[DISCRIMINATOR]}
        self._endings = {name: ending[0] if ending else "" for name, ending in endings.items()}
        self._prices = prices.prices(self.game.price, self.ops)
        self.classes = 0
        if isinstance(self.game, SemiSupervised):
            self.classes = len(plan.samples.columns[plan.binding.targets[self.judging]].classes)
        self._eye = self._features(keras)

    def _features(self, keras: Any) -> Any:
        """The discriminator up to the node whose features are to match."""
        path = self.game.match_features
        if path is None:
            return None
        layer = layers_by_path(self.discriminator).get(path)
        if layer is None:
            message = f"the node {path!r} has no layer of its own: its block is a loop, or it changes nothing"
            raise GraphError([Diagnostic("AG701", "", message, "name another node for match_features")])
        return keras.Model(self.discriminator.input, layer.output)

    # ---- the networks

    def _called(self, role: str, network: Any, inputs: Tensors, *, training: bool) -> dict[str, Any]:
        names = self._inputs[role]
        fed = {name: inputs[name] for name in names} if len(names) > 1 else inputs[names[0]]
        given = network(fed, training=training)
        return dict(given) if isinstance(given, Mapping) else {self._outputs[role][0]: given}

    def draw(self, inputs: Tensors, *, training: bool) -> Any:
        """A picture for each latent and what it was told."""
        return self._called(GENERATOR, self.generator, inputs, training=training)[self.players.drawn]

    def judge(self, picture: Any, told: Tensors, *, training: bool) -> dict[str, Any]:
        """What the discriminator says of pictures."""
        inputs = {**told, self.players.picture: picture}
        return self._called(DISCRIMINATOR, self.discriminator, inputs, training=training)

    def latent(self, purpose: Purpose, step: Any, count: Any) -> dict[str, Any]:
        """Fresh latents of a step."""
        return {
            one.name: drawn(one, count, seed(self.seed, purpose, step, number))
            for number, one in enumerate(self.latents)
        }

    # ---- scores

    def score(self, outputs: Tensors) -> Any:
        """Raw scores of being real."""
        values = self._wide(outputs[self.judging])
        if self.classes:
            return self._class_scores(values)[0]
        return prices.raw(values, self.ops) if self._endings[self.judging] == "sigmoid" else values

    def _class_scores(self, values: Any) -> tuple[Any, Any]:
        softmax = self._endings[self.judging] == "softmax"
        return prices.of_classes(self._wide(values), self.classes, self.ops, probabilities=softmax)

    def _wide(self, values: Any) -> Any:
        return self.ops.cast(values, "float32")

    # ---- the discriminator

    def judged(self, real: Tensors, fresh: Tensors, step: Any, known: Known | None, *, training: bool) -> Verdict:
        """What the discriminator pays for a batch of real pictures, with what goes with them, and for drawn ones."""
        told = {name: real[name] for name in self.players.conditions}
        picture = real[self.players.picture]
        tail = told if known is None else {name: value[known.count :] for name, value in told.items()}
        of_real = self.judge(picture, told, training=training)
        figures: dict[str, Any] = {}
        price: Any = 0.0
        if self._plays:
            made = self._tf.stop_gradient(self.draw({**fresh, **tail}, training=training))
            of_made = self.judge(made, tail, training=training)
            at_real, at_made = self.score(of_real), self.score(of_made)
            price = self._prices.judge(at_real, at_made) * getattr(self.game, "game_weight", 1.0)
            middle = prices.middle(self.game.price, at_real, at_made, self.ops)
            figures["real_accuracy"] = self.ops.cast(at_real > middle, "float32")
            figures["fake_accuracy"] = self.ops.cast(at_made <= middle, "float32")
            price += self._found(of_real, told, of_made, {**fresh, **tail}, figures)
            if training and self.game.steepness is not None:
                figures["gradient_penalty"] = self._steepness(picture, made, told, step)
                price += figures["gradient_penalty"]
        if known is not None:
            price += self._taught(of_real, known, figures)
        return Verdict(price + self._penalties(self.discriminator), {"discriminator_loss": price, **figures})

    @property
    def _plays(self) -> bool:
        """Whether the discriminator sees drawn pictures at all."""
        return not isinstance(self.game, SemiSupervised) or self.game.game_weight > 0

    def _penalties(self, network: Any) -> Any:
        """Penalties on weights that the graph asks for."""
        return self._tf.add_n([self._wide(loss) for loss in network.losses]) if network.losses else 0.0

    def _steepness(self, picture: Any, made: Any, told: Tensors, step: Any) -> Any:
        penalty, tf = self.game.steepness, self._tf
        assert penalty is not None
        point = picture
        if isinstance(penalty, GradientPenalty):
            count = tf.minimum(tf.shape(picture)[0], tf.shape(made)[0])
            shape = tf.concat([[count], tf.ones([len(picture.shape) - 1], tf.int32)], 0)
            share = tf.cast(tf.random.stateless_uniform(shape, seed(self.seed, Purpose.MIXED, step)), picture.dtype)
            point = share * picture[-count:] + (1 - share) * tf.cast(made, picture.dtype)[-count:]
            told = {name: value[-count:] for name, value in told.items()}
        with tf.GradientTape() as tape:
            tape.watch(point)
            score = self.score(self.judge(point, told, training=True))
        return prices.steepness(penalty, self._wide(tape.gradient(score, point)), self.ops)

    def _taught(self, of_real: Tensors, known: Known, figures: dict[str, Any]) -> Any:
        assert isinstance(self.game, SemiSupervised)
        _, logs = self._class_scores(of_real[self.judging][: known.count])
        chosen = self.ops.one_hot(known.labels, self.classes)
        figures[f"{self.judging}_accuracy"] = self._right(logs, known.labels)
        return -self.game.label_weight * self.ops.mean(self.ops.sum(chosen * logs, axis=-1))

    # ---- codes

    def _found(self, of_real: Tensors, told: Tensors, of_made: Tensors, given: Tensors, figures: dict[str, Any]) -> Any:
        """What it costs not to find the codes again, in drawn and, for classes of the data, in real pictures."""
        price: Any = 0.0
        for name, code in self.codes.items():
            logs = self._logs(code, of_made, given[name])
            price += -code.weight * self.ops.mean(logs)
            if name in self.players.conditions:
                price += -code.weight * self.ops.mean(self._logs(code, of_real, told[name]))
            figures |= self._code_figures(name, code, of_real, told, of_made, given, logs)
        return price

    def _logs(self, code: Code, outputs: Tensors, wanted: Any) -> Any:
        wide = {name: self._wide(outputs[name]) for name in code.outputs}
        softmax = isinstance(code, CategoryCode) and self._endings[code.output] == "softmax"
        return prices.log_probability(code, wide, wanted, self.ops, probabilities=softmax)

    def _code_figures(
        self, name: str, code: Code, of_real: Tensors, told: Tensors, of_made: Tensors, given: Tensors, logs: Any
    ) -> dict[str, Any]:
        if name in self.players.conditions and isinstance(code, CategoryCode):
            return {
                f"{name}_accuracy": self._right(of_real[code.output], told[name]),
                f"{name}_drawn_accuracy": self._right(of_made[code.output], given[name]),
            }
        return {f"{name}_information": logs + self._entropy(name, code)}

    def _right(self, values: Any, labels: Any) -> Any:
        return self.ops.cast(self._tf.equal(self._tf.argmax(values, -1, labels.dtype), labels), "float32")

    def _entropy(self, name: str, code: Code) -> float:
        """Entropy of a code, in nats: with it, mean log q(code | picture) is a lower bound of their information."""
        import math

        latent = next((one for one in self.latents if one.name == name), None)
        if latent is None:
            return 0.0
        numbers = math.prod(latent.shape)
        if latent.distribution == "categorical":
            return math.log(latent.shape[-1])
        if isinstance(code, GaussianCode) and latent.distribution != "uniform":
            return 0.5 * numbers * math.log(2 * math.pi * math.e)
        return numbers * math.log(2)  # uniform on an interval of 2, or one of two numbers

    # ---- the generator

    def paid(self, real: Tensors, fresh: Tensors, *, training: bool) -> Verdict:
        """What the generator pays for drawing with `fresh` latents what the real pictures' conditions tell."""
        told = {name: real[name] for name in self.players.conditions}
        given = {**fresh, **told}
        made = self.draw(given, training=training)
        of_made = self.judge(made, told, training=training)
        price = self._prices.draw(self.score(of_made)) if self._eye is None else self._unlike(real, made, told)
        for name, code in self.codes.items():
            price += -code.weight * self.ops.mean(self._logs(code, of_made, given[name]))
        return Verdict(price + self._penalties(self.generator), {"generator_loss": price})

    def _unlike(self, real: Tensors, made: Any, told: Tensors) -> Any:
        """Squared distance of the mean features of real and drawn pictures."""
        means = []
        for picture in (real[self.players.picture], made):
            inputs = {**told, self.players.picture: picture}
            names = self._inputs[DISCRIMINATOR]
            fed = {name: inputs[name] for name in names} if len(names) > 1 else picture
            means.append(self.ops.mean(self._wide(self._eye(fed, training=True)), axis=0))
        return self.ops.sum(self.ops.square(means[0] - means[1]))
