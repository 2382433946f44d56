"""What the learning curves alone tell."""

import itertools
import math
import statistics
from collections.abc import Sequence
from typing import Any

from archgraph.training.diagnosis import remedies
from archgraph.training.diagnosis.case import Case, mean, shown, tail
from archgraph.training.diagnosis.findings import Finding, Remedy, diagnosis

_GAP_IN_ACCURACY = 0.08
_LITTLE = 0.03
"""A share of what can be explained that is as good as none."""


@diagnosis("diverging")
def diverging(case: Case) -> Finding | None:
    """The steps are so long that they leap over the valley and climb its other side: the loss grows instead of
    falling, until numbers overflow. Shorter steps (a lower learning rate) help first, then a bound on the length of
    the gradient (Goodfellow, Bengio & Courville 2016, sections 8.2.4 and 10.11.1)."""
    if not case.loss:
        return None
    broken = next((n for n, value in enumerate(case.loss, 1) if not math.isfinite(value)), 0)
    if broken:
        before = [value for value in case.loss[: broken - 1] if math.isfinite(value)]
        summary = f"the loss was not a finite number in epoch {broken}"
        evidence: dict[str, Any] = {"epoch": broken, "loss before": before[-3:]}
        return Finding("diverging", summary, evidence, _calmer(case, 0.1))
    if not case.judged:
        return None
    return _rising(case) or _jumping(case)


def _rising(case: Case) -> Finding | None:
    first, last, least = case.loss[0], mean(tail(case.loss, 0.1, 1)), min(case.loss)
    risen = case.epochs >= 3 and last > 1.2 * first and last > 1.5 * least
    beyond = case.constant is not None and last > case.floor + 1.5 * case.span
    if not (risen or beyond):
        return None
    evidence = {"first loss": first, "lowest loss": least, "last loss": last}
    than = f"it began at {shown(first)} and was {shown(least)} at best"
    if beyond:
        evidence["loss of the best constant answer"] = case.constant or 0.0
        than = f"always giving the same best answer would score {shown(case.constant or 0.0)}"
    return Finding("diverging", f"the training loss ended at {shown(last)}; {than}", evidence, _calmer(case, 0.1))


def _jumping(case: Case) -> Finding | None:
    pairs = list(itertools.pairwise(case.loss))
    jumps = [n + 2 for n, (old, new) in enumerate(pairs) if new > 1.3 * old and new - old > 0.08 * case.span]
    if case.epochs < 5 or len(jumps) < max(2, 0.2 * len(pairs)):
        return None
    summary = f"the training loss jumped up in {len(jumps)} of {case.epochs} epochs"
    return Finding("diverging", summary, {"epochs with a jump": jumps, "loss": case.loss[-10:]}, _calmer(case, 0.3))


def _calmer(case: Case, factor: float) -> tuple[Remedy, ...]:
    clip = "cut gradients that are longer than 1"
    return (
        *remedies.scaled_rate(case, factor, "shorter steps"),
        *remedies.with_option(case, "global_clipnorm", 1.0, clip),
    )


@diagnosis("over-fitting")
def over_fitting(case: Case) -> Finding | None:
    """The network learns the training samples by heart, with what is accidental in them, and gets worse on samples
    that it has not seen. Stop earlier, make it harder to learn by heart (weight decay, dropout, augmentation), or
    give it more data (Goodfellow, Bengio & Courville 2016, sections 5.2 and 7.8)."""
    if case.epochs < 4 or not case.judged or not case.held:
        return None
    best = min(range(case.epochs), key=lambda n: case.held[n])
    last, held = mean(tail(case.loss, 0.1, 2)), mean(tail(case.held, 0.1, 2))
    rise, gap = held - case.held[best], held - last
    noise = 2 * _jitter(tail(case.held, 0.5, 4)) * held
    turned = rise > max(0.1 * case.held[best], _LITTLE * case.span, noise) and last < case.loss[best]
    score, held_score = (mean(tail(case.curve(name), 0.1, 2)) for name in ("accuracy", "val_accuracy"))
    apart = held > 1.5 * last and gap > _LITTLE * case.span and score - held_score > _GAP_IN_ACCURACY
    wide = held > 2 * last and gap > 0.25 * case.span
    if not (turned or apart or wide):
        return None
    evidence: dict[str, Any] = {
        "best epoch": best + 1,
        "validation loss then": case.held[best],
        "validation loss at the end": held,
        "training loss then": case.loss[best],
        "training loss at the end": last,
    }
    if math.isfinite(score - held_score):
        evidence |= {"training accuracy": score, "validation accuracy": held_score}
    if turned:
        summary = (
            f"validation loss was best in epoch {best + 1} ({shown(case.held[best])}) and then rose to {shown(held)}, "
            f"while training loss fell from {shown(case.loss[best])} to {shown(last)}"
        )
    else:
        summary = f"training loss is {shown(last)}, but validation loss {shown(held)}"
        if math.isfinite(score - held_score):
            summary += f" (accuracy {score:.1%} against {held_score:.1%})"
    return Finding("over-fitting", summary, evidence, _regularised(case, best + 1))


def _regularised(case: Case, best: int) -> tuple[Remedy, ...]:
    patience = max(2, case.epochs // 10)
    early = {"name": "early_stopping", "patience": patience}
    return (
        *remedies.callback(case, early, f"stop when validation loss has not got better for {patience} epochs"),
        *remedies.dropout(case, 0.5, "drop half of the features while training, so that none can be relied upon alone"),
        *remedies.with_option(case, "weight_decay", 0.01, "let weights decay, so that only what is needed grows"),
    )


@diagnosis("under-fitting")
def under_fitting(case: Case) -> Finding | None:
    """The network does badly on the very samples that it learns from. Either it had too little time, or it is too
    small (or held back too strongly) for what there is to learn, or the inputs do not tell more (Goodfellow, Bengio &
    Courville 2016, section 5.2)."""
    if case.epochs < 3 or not case.judged or case.constant is None:
        return None
    last = mean(tail(case.loss, 0.1, 1))
    share = case.explained(last) or 0.0
    held = mean(tail(case.held, 0.1, 1)) if case.held else last
    if share < _LITTLE or held - last > 0.1 * case.span:
        return None
    coming = _coming(case.loss) / max(last - case.floor, 1e-12)
    if not (share < 0.6 or (coming > 0.3 and share < 0.9)):
        return None
    evidence = {
        "training loss": last,
        "loss of the best constant answer": case.constant,
        "share explained": share,
        "share of the rest that as many epochs more would take off at the present pace": coming,
    }
    summary = f"training loss ended at {shown(last)}, which is {share:.0%} of the way from a constant answer to none"
    if coming > 0.1 or _coming(case.loss) > 0.3 * (case.loss[0] - last) > 0:
        summary += "; it was still falling"
        more = remedies.setting(case, "epochs", 3 * case.epochs, f"train longer: {3 * case.epochs} epochs")
        return Finding("under-fitting", summary, evidence, (*more, *remedies.scaled_rate(case, 3, "longer steps")))
    return Finding("under-fitting", summary + "; it had stopped falling", evidence, _stronger(case))


def _stronger(case: Case) -> tuple[Remedy, ...]:
    return (
        *remedies.wider(case, "make inner layers twice as wide"),
        *remedies.scaled_rate(case, 3, "longer steps may lead to a better place"),
    )


@diagnosis("plateau")
def plateau(case: Case) -> Finding | None:
    """The loss has stopped moving although much is left to gain. If it never moved, steps are too short, or no
    gradient arrives. If it moves up and down about one level, steps are too long to descend further, and a rate that
    falls with time lets it settle (Bengio 2012, "Practical recommendations", section 3.1.1)."""
    if case.epochs < 5 or not case.judged:
        return None
    flat = _stuck(case)
    if flat is not None:
        return flat
    recent = tail(case.loss, 0.4, 4)
    level, noise = mean(recent), _jitter(recent)
    share = case.explained(level)
    trend = abs(_falls(recent, share=0.5))
    rates = [rate for rate in case.curve("learning_rate") if math.isfinite(rate)]
    settled = bool(rates) and rates[-1] < 0.1 * max(rates)
    if settled or noise < 0.03 or trend > max(0.05, 1.5 * noise) or share is None or share > 0.9:
        return None
    if level - min(case.loss) < 0.01 * case.span:
        return None
    summary = (
        f"the training loss has gone up and down about {shown(level)} (by {noise:.0%} from epoch to epoch) for "
        f"the last {len(recent)} epochs, with {min(1 - share, 1):.0%} left to explain"
    )
    evidence = {"level": level, "change from epoch to epoch": noise, "share explained": share, "epochs": len(recent)}
    lower = {"name": "reduce_lr_on_plateau", "monitor": "loss", "factor": 0.3, "patience": 2}
    words = "lower the learning rate whenever the loss has not got better for 2 epochs"
    cures = (*remedies.callback(case, lower, words), *remedies.scaled_rate(case, 0.3, "steps short enough to settle"))
    return Finding("plateau", summary, evidence, cures)


def _stuck(case: Case) -> Finding | None:
    gain = (case.loss[0] - min(case.loss)) / max(abs(case.loss[0]), 1e-12)
    share = case.explained(min(case.loss))
    at_start = share < _LITTLE if share is not None else gain < 0.01
    if not at_start or gain > 0.1 or case.loss[-1] > 1.5 * case.loss[0]:
        return None
    summary = f"the training loss has hardly left its start: {shown(case.loss[0])}, now {shown(case.loss[-1])}"
    evidence: dict[str, Any] = {"first loss": case.loss[0], "last loss": case.loss[-1], "gain": gain}
    if case.constant is not None:
        evidence["loss of the best constant answer"] = case.constant
        summary += f", where a constant answer gets {shown(case.constant)}"
    look = remedies.listed(case, "watch", "nodes", "look at the gradients of every node in the next run")
    return Finding("plateau", summary, evidence, (*remedies.scaled_rate(case, 10, "longer steps"), *look))


# ---- arithmetic


def _falls(values: Sequence[float], share: float = 0.2) -> float:
    """By which share a curve fell from the part before the last `share` of it to the last part."""
    number = max(1, round(share * len(values)))
    if len(values) <= number:
        return 0.0
    before, after = mean(values[-2 * number : -number]), mean(values[-number:])
    return (before - after) / max(abs(before), 1e-12)


def _coming(values: Sequence[float]) -> float:
    """By how much a curve would fall in as many epochs as there were, at the pace of the last fifth of them."""
    number = max(1, round(0.2 * len(values)))
    if len(values) <= number:
        return 0.0
    return (mean(values[-2 * number : -number]) - mean(values[-number:])) / number * len(values)


def _jitter(values: Sequence[float]) -> float:
    """How much neighbours differ, as a share of the level, apart from a steady trend."""
    steps = [new - old for old, new in itertools.pairwise(values)]
    if len(steps) < 2:
        return 0.0
    return statistics.pstdev(steps) / max(abs(mean(values)), 1e-12)
