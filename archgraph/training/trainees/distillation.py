"""A student in training beside its teacher."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from archgraph.compiler.backend import load_keras
from archgraph.diagnostics import GraphError, Rejected
from archgraph.shapes import Tensor
from archgraph.training import plots, teachers
from archgraph.training.data.base import Array
from archgraph.training.data.dataset import Part
from archgraph.training.feed import Feed
from archgraph.training.fit import last_function
from archgraph.training.objectives.distillation import Distillation, taught
from archgraph.training.trainees.stepping import Judged, Stepping, only, outputs_of

_LEAST = 1e-37
"""Chances below it count as this much: the least that float32 holds exactly."""
_MOST_CLASSES = 200
_RAISED = np.linspace(0, 15, 301)
"""By how much the scores of omitted classes may be raised."""


class DistillationTrainee(Stepping):
    """Learns from the teacher's chances, from the true classes, and from what the teacher sees on the way."""

    def __init__(self, plan: Any, dataset: Any, networks: Mapping[str, Any]) -> None:
        matched = ("matching",) if plan.experiment.objective.matching else ()
        self.figures = ("loss", "soft", "hard", *matched, "accuracy", "agreement")
        super().__init__(plan, dataset, networks, "student")

    def prepare(self) -> None:
        objective: Distillation = self.objective
        student = self.plan.networks["student"]
        try:
            path = teachers.found(self.experiment, objective.teacher)
            self.teacher = teachers.loaded(path, self.networks.get("teacher"))
            outputs, inputs = _tensors(self.teacher.output), _tensors(self.teacher.input)
            if set(outputs) != {""}:
                objective.need_outputs(inputs if set(inputs) != {""} else {}, outputs, "the teacher", student)
            elif outputs[""].shape != student.outputs[objective.output(student)].shape:
                complaint = f"the teacher gives {outputs[''].shape} scores"
                raise Rejected("AG701", complaint, hint="both need the same classes", field="/objective/teacher")
        except Rejected as rejected:
            raise GraphError(self.experiment.document.place([rejected.at("")])) from None
        self.output = objective.output(student)
        self.taught = taught(outputs, objective.matching, "the teacher")
        found = last_function(student, self.output)
        self.squashed = found is None or found[0] == "softmax"
        self.teacher_squashed = _squashed(self.plan.networks.get("teacher") or teachers.shaped_of(path), self.taught)
        self.maps = {mine: self._map(mine, outputs[other]) for mine, other in objective.matching.items()}

    def _map(self, mine: str, other: Tensor) -> Any:
        """The linear map from an output of the student to what it is matched with."""
        size = self.plan.networks["student"].outputs[mine].shape[-1]
        seed = [self.settings.seed, *mine.encode()]
        start = self.keras.initializers.GlorotUniform(int(np.random.default_rng(seed).integers(2**31)))
        layer = self.keras.layers.Dense(other.shape[-1], kernel_initializer=start, name=f"map_{mine}")
        layer.build((None, size))
        return layer

    @property
    def extra(self) -> Sequence[Any]:
        return [variable for layer in self.maps.values() for variable in layer.variables]

    def moved(self, role: str) -> list[Any]:
        return [*super().moved(role), *self.extra]

    def weigh(
        self, inputs: Mapping[str, Any], targets: Mapping[str, Any], outputs: Mapping[str, Any], *, training: bool
    ) -> Judged:
        ops, objective = self.keras.ops, self.objective
        (truth,) = targets.values()
        theirs = outputs_of(self.teacher, self._teachers(inputs))
        scores = raw(only(outputs, self.output), squashed=self.squashed)
        wisdom = raw(only(theirs, self.taught), squashed=self.teacher_squashed)
        soft = ops.mean(softened(wisdom, scores, objective.temperature))
        hard = ops.mean(ops.sparse_categorical_crossentropy(truth, scores, from_logits=True))
        guess, advice = ops.argmax(scores, axis=-1), ops.argmax(wisdom, axis=-1)
        figures = {
            "soft": soft,
            "hard": hard,
            "accuracy": ops.mean(ops.cast(ops.equal(guess, ops.cast(truth, guess.dtype)), "float32")),
            "agreement": ops.mean(ops.cast(ops.equal(guess, advice), "float32")),
        }
        loss = (1 - objective.hard) * soft + objective.hard * hard
        if self.maps:
            figures["matching"] = self._matching(outputs, theirs)
            hinted = objective.matching_weight * figures["matching"]
            loss = ops.where(self._hinting(), hinted, loss + hinted) if training else loss + hinted
        count = ops.shape(truth)[0]
        return Judged(loss, {name: (value, count) for name, value in {"loss": loss, **figures}.items()})

    def fed(self, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        return {name: inputs[name] for name in self.plan.networks["student"].inputs}

    def _teachers(self, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        wanted = self.teacher.input
        names = (
            list(wanted)
            if isinstance(wanted, Mapping)
            else list(self.plan.networks.get("teacher", self.plan.networks["student"]).inputs)
        )
        return {name: inputs[name] for name in names}

    def _matching(self, mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> Any:
        """Half the squared distance for each sample, over all that is matched."""
        ops, total = self.keras.ops, 0.0
        for name, layer in self.maps.items():
            gap = ops.cast(layer(mine[name]), "float32") - ops.cast(theirs[self.objective.matching[name]], "float32")
            total = total + 0.5 * ops.mean(ops.sum(ops.reshape(ops.square(gap), (ops.shape(gap)[0], -1)), axis=-1))
        return total

    def _hinting(self) -> Any:
        done = self.keras.ops.cast(self.stepper.optimizer.iterations, "float32")
        return done < self.objective.hint_epochs * self.steps

    def outputs(self, part: Part) -> Mapping[str, Array]:
        scores, _ = self._scores(part)
        return {self.output: np.asarray(self.keras.ops.softmax(scores)) if self.squashed else scores}

    def tested(self, feed: Feed) -> dict[str, float]:
        scores = self.evaluate(feed)
        if not self.objective.omitted or self.dataset.validation is None:
            return scores
        classes = self.dataset.classes[self.output]
        omitted = np.array([classes.index(name) for name in self.objective.omitted])
        held, test = (self._scores(part) for part in (self.dataset.validation, self.dataset.test))
        rise = correction(*held, omitted)
        figures = {"": 0.0, "_corrected": rise}
        for ending, more in figures.items():
            guess, truth = raised(test[0], omitted, more).argmax(axis=-1), test[1]
            unseen = np.isin(truth, omitted)
            scores[f"omitted_accuracy{ending}"] = float((guess == truth)[unseen].mean())
            scores[f"all_accuracy{ending}"] = float((guess == truth).mean())
        return {**scores, "correction": rise}

    def illustrate(self, title: str) -> Iterator[tuple[str, bytes]]:
        classes = self.dataset.classes.get(self.output, ())
        if 2 <= len(classes) <= _MOST_CLASSES:
            scores, truth = self._scores(self.dataset.test)
            counts = plots.confusion(truth, scores.argmax(axis=-1), len(classes))
            yield "confusion_matrix", plots.confusion_matrix(title, counts, classes)

    def _scores(self, part: Part) -> tuple[Array, Array]:
        size, names = self.settings.batch_size, self.plan.networks["student"].inputs
        found = []
        for at in range(0, len(part), size):
            piece = {name: part.inputs[name][at : at + size] for name in names}
            found.append(np.asarray(raw(only(self.call(piece, training=False), self.output), squashed=self.squashed)))
        return np.concatenate(found), np.asarray(part.targets[self.output])


def raw(given: Any, *, squashed: bool) -> Any:
    """Scores whose softmax are the chances: as they are given, or the logarithms of chances."""
    ops = load_keras().ops
    given = ops.cast(given, "float32")
    return ops.log(ops.maximum(given, _LEAST)) if squashed else given


def softened(teacher: Any, student: Any, temperature: float) -> Any:
    """T^2 KL(softmax(v/T) || softmax(z/T)) for each sample; its gradient in z is T (softmax(z/T) - softmax(v/T))."""
    ops = load_keras().ops
    p = ops.log_softmax(teacher / temperature, axis=-1)
    q = ops.log_softmax(student / temperature, axis=-1)
    return temperature**2 * ops.sum(ops.exp(p) * (p - q), axis=-1)


def raised(scores: Array, classes: Array, rise: float) -> Array:
    """Scores, those of some classes raised."""
    higher = scores.copy()
    higher[:, classes] += rise
    return higher


def correction(scores: Array, truth: Array, omitted: Array) -> float:
    """By how much the scores of omitted classes must be raised for most right answers; the middle, where many do."""
    right = np.array([(raised(scores, omitted, rise).argmax(axis=-1) == truth).mean() for rise in _RAISED])
    return float(np.median(_RAISED[right == right.max()]))


def _squashed(shaped: Any, output: str) -> bool:
    found = (
        None
        if shaped is None
        else last_function(shaped, output if output in shaped.outputs else next(iter(shaped.outputs)))
    )
    return found is None or found[0] == "softmax"


def _tensors(given: Any) -> dict[str, Tensor]:
    named = given if isinstance(given, Mapping) else {"": given}
    return {name: Tensor(tuple(one.shape[1:]), str(one.dtype)) for name, one in named.items()}
