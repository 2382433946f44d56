"""What predictions on samples apart tell of their labels."""

from typing import Any

from archgraph.training.diagnosis import remedies
from archgraph.training.diagnosis.case import Case
from archgraph.training.diagnosis.findings import Finding, Remedy, diagnosis

_FEWEST_ERRORS = 15
_ERRORS_FROM = 0.05
_SURE_ENOUGH = 0.5
_TELLING = 0.72
"""How well confidence tells right from wrong answers (area under the ROC curve) below which labels are suspected."""
_LEARNED = 0.3
"""Of the way from guessing to no error, how much must be learned before a network may doubt labels."""


@diagnosis("label noise")
def label_noise(case: Case) -> Finding | None:
    """Where a network errs on hard samples it is unsure. Here it is as sure when it contradicts the labels as when it
    agrees, on samples it was not trained on: so many of these labels are probably wrong themselves. Look at the listed
    samples first; a loss that bears wrong labels, and an early stop, keep the network from learning them by heart
    (Arpit et al. 2017; Zhang & Sabuncu 2018; Northcutt, Jiang & Chuang 2021)."""
    for output, about in case.held_out.get("outputs", {}).items():
        errors, samples, separation = about["errors"], about["samples"], about["separation"]
        chance = 1 / about["classes"]
        learned = about["accuracy"] > chance + _LEARNED * (1 - chance)
        sure = (about["confidence_when_right"] or 0.0) >= _SURE_ENOUGH
        if separation is None or not learned or not sure or errors < _FEWEST_ERRORS or errors < _ERRORS_FROM * samples:
            continue
        if separation > _TELLING:
            continue
        suspects = about["suspects"]
        evidence: dict[str, Any] = {
            "output": output,
            "samples": samples,
            "errors": errors,
            "mean confidence when right": about["confidence_when_right"],
            "mean confidence when wrong": about["confidence_when_wrong"],
            "area under the ROC curve of confidence": separation,
            "suspects": suspects,
        }
        summary = (
            f"{errors} of {samples} held-out labels are contradicted with a confidence of "
            f"{about['confidence_when_wrong']:.0%} ({about['confidence_when_right']:.0%} where both agree); "
            f"confidence tells right from wrong in {separation:.0%} of pairs only; {len(suspects)} samples are listed"
        )
        return Finding("label noise", summary, evidence, _robust(case, output))
    return None


def _robust(case: Case, output: str) -> tuple[Remedy, ...]:
    loss = case.experiment.get("loss")
    at, one = "/loss", loss
    if isinstance(loss, dict) and "name" not in loss:
        at, one = f"/loss/{output}", loss.get(output)
    cures: list[Remedy] = []
    name = one.get("name") if isinstance(one, dict) else one
    if name == "sparse_categorical_crossentropy" and not (isinstance(one, dict) and one.get("from_logits")):
        robust = {"name": "categorical_generalized_cross_entropy", "q": 0.7}
        words = "use a loss that gives up on samples whose label it cannot believe"
        cures.append(Remedy(words, remedies.EXPERIMENT, (remedies.put(at, robust),)))
    elif name in ("categorical_crossentropy", "binary_crossentropy"):
        smooth = {**(one if isinstance(one, dict) else {"name": name}), "label_smoothing": 0.1}
        words = "smooth the labels, so that none is believed wholly"
        cures.append(Remedy(words, remedies.EXPERIMENT, (remedies.put(at, smooth),)))
    early = {"name": "early_stopping", "patience": max(2, case.epochs // 10)}
    cures += remedies.callback(case, early, "stop before wrong labels are learned by heart")
    return tuple(cures)
