"""What can be wrong between generator, discriminator, data and loss: each is told in one line, before TensorFlow."""

from pathlib import Path
from typing import Any

import pytest

from archgraph.diagnostics import GraphError
from archgraph.training import check_experiment, load_experiment, plan
from tests.training.games import (
    BY_NAME,
    CLASSIFYING_DISCRIMINATOR,
    CONDITIONAL_DISCRIMINATOR,
    CONDITIONAL_GENERATOR,
    DISCRIMINATOR,
    EXPERIMENT,
    GENERATOR,
    NAMING_DISCRIMINATOR,
    ONE_HOT,
    write_game,
)


def with_node(graph: dict[str, Any], name: str, **changes: Any) -> dict[str, Any]:
    """The graph with a node changed."""
    return {**graph, "nodes": {**graph["nodes"], name: {**graph["nodes"].get(name, {}), **changes}}}


TANH = with_node(GENERATOR, "picture", activation="tanh")
RAW_DATA = [{"name": "flatten", "on": ["image"]}]
SIGMOID = with_node(DISCRIMINATOR, "real", activation="sigmoid")
TOLD: dict[str, Any] = {"inputs": BY_NAME}
SEMI = {"name": "semi_supervised_adversarial", "labelled": 50}
NORMED = with_node(DISCRIMINATOR, "hidden", norm="batch")
CODED: dict[str, Any] = {
    **GENERATOR,
    "inputs": {**GENERATOR["inputs"], "code": {"shape": [2], "kind": "vector_latent", "distribution": "uniform"}},
    "nodes": {
        "both": {"op": "concat", "in": ["z", "code"]}, **GENERATOR["nodes"],
        "hidden": {**GENERATOR["nodes"]["hidden"], "in": "both"},
    },
}  # fmt: skip
FINDING: dict[str, Any] = {
    **DISCRIMINATOR,
    "nodes": {**DISCRIMINATOR["nodes"], "mean": {"op": "dense", "in": "drop", "units": 2}},
    "outputs": {"real": "real", "mean": "mean"},
}
GAUSSIAN = {"name": "gaussian", "mean": "mean"}


def coded(**code: Any) -> dict[str, Any]:
    return {"name": "adversarial", "codes": {"code": {**GAUSSIAN, **code}}}


GOOD: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ("plain", GENERATOR, DISCRIMINATOR, {}),
    ("sigmoid", GENERATOR, SIGMOID, {"objective": {"name": "adversarial", "loss": "minimax"}}),
    ("conditional", CONDITIONAL_GENERATOR, CONDITIONAL_DISCRIMINATOR, TOLD),
    ("class named", CONDITIONAL_GENERATOR, NAMING_DISCRIMINATOR, TOLD),
    ("semi-supervised", GENERATOR, CLASSIFYING_DISCRIMINATOR, {"objective": SEMI}),
    ("code", CODED, FINDING, {"objective": coded()}),
    (
        "penalty",
        GENERATOR,
        DISCRIMINATOR,
        {"objective": {"name": "adversarial", "loss": "wasserstein", "penalty": "gradient_penalty"}},
    ),
    (
        "clipped",
        GENERATOR,
        DISCRIMINATOR,
        {"objective": {"name": "adversarial", "loss": "wasserstein", "weight_clip": 0.01}},
    ),
    (
        "watched",
        GENERATOR,
        DISCRIMINATOR,
        {
            "objective": {"name": "adversarial", "figures": ["frechet_distance"]},
            "callbacks": [{"name": "early_stopping", "monitor": "val_frechet_distance"}],
        },
    ),
]


@pytest.mark.parametrize(
    ("generator", "discriminator", "changes"), [case[1:] for case in GOOD], ids=[case[0] for case in GOOD]
)
def test_what_fits_is_accepted(
    project: Path, generator: dict[str, Any], discriminator: dict[str, Any], changes: dict[str, Any]
) -> None:
    assert check_experiment(write_game(project, generator, discriminator, **changes)) == ()


def objective(**fields: Any) -> dict[str, Any]:
    return {"objective": {"name": "adversarial", **fields}}


BAD: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any], str, str]] = [
    # pictures
    (with_node(GENERATOR, "picture", units=49), DISCRIMINATOR, {}, "/graphs/generator",
     "the generator draws 'picture' of shape (49,), but the discriminator takes 'picture' of (64,)"),
    (TANH, DISCRIMINATOR, {}, "/preprocessing",
     "the generator ends in tanh at node 'picture/activation', which gives -1 to 1, but real pictures go from 0 to 1"),
    (GENERATOR, DISCRIMINATOR, {"preprocessing": RAW_DATA}, "/preprocessing",
     "the generator ends in sigmoid at node 'picture/activation', which gives 0 to 1, "
     "but real pictures go from 0 to 16"),
    ({**GENERATOR, "inputs": {"z": {"shape": [4]}}}, DISCRIMINATOR, {}, "/graphs/generator",
     "the generator generator has no random input"),
    (GENERATOR, CONDITIONAL_DISCRIMINATOR, TOLD, "/graphs/discriminator",
     "the discriminator discriminator has the inputs 'picture' and 'label' for the picture; it needs one"),
    # classes
    (with_node(CONDITIONAL_GENERATOR, "class", **{**ONE_HOT, "num_classes": 7}), CONDITIONAL_DISCRIMINATOR, TOLD,
     "/graphs/generator", "the generator's node 'class' has 7 classes, but 'label' goes up to 9"),
    (CONDITIONAL_GENERATOR, with_node(NAMING_DISCRIMINATOR, "label", units=9), TOLD, "/graphs/discriminator",
     "'label' has 10 classes, but output 'label' has 9 numbers"),
    (GENERATOR, with_node(CLASSIFYING_DISCRIMINATOR, "label", units=12), {"objective": SEMI}, "/graphs/discriminator",
     "the data has 10 classes, but output 'label' of the discriminator has 12 numbers"),
    (GENERATOR, with_node(CLASSIFYING_DISCRIMINATOR, "label", units=10), {"objective": SEMI}, "/graphs/discriminator",
     "output 'label' gives probabilities of 10 classes, and none is left for drawn pictures"),
    (GENERATOR, CLASSIFYING_DISCRIMINATOR, {"objective": {**SEMI, "labelled": 5}}, "/objective/labelled",
     "must be from 10 (the classes) to 288 (the training samples), got 5"),
    # scores
    (GENERATOR, SIGMOID, objective(loss="hinge"), "/objective",
     "the loss hinge takes raw scores, but output 'real' ends in sigmoid at node 'real/activation'"),
    (GENERATOR, with_node(DISCRIMINATOR, "real", activation="tanh"), {}, "/objective",
     "the loss non_saturating takes raw scores, but output 'real' ends in tanh at node 'real/activation'"),
    (GENERATOR, DISCRIMINATOR, objective(loss="wasserstein"), "/objective",
     "the Wasserstein loss needs a critic whose scores are nowhere steep, and nothing holds this one"),
    (GENERATOR, NORMED, objective(penalty="gradient_penalty"), "/objective/penalty",
     "the gradient penalty is of single pictures, but batch_norm at 'hidden/norm' mixes the batch"),
    (GENERATOR, DISCRIMINATOR, objective(real="score"), "/objective/real",
     "the discriminator discriminator has no output 'score'"),
    # codes
    (CODED, FINDING, {}, "/objective", "output 'mean' of the discriminator has no part in the game"),
    (CODED, FINDING, {"objective": coded(mean="meen")}, "/objective/codes/code",
     "the discriminator has no output 'meen'"),
    (CODED, with_node(FINDING, "mean", units=3), {"objective": coded()}, "/objective/codes/code",
     "'code' has the shape (2,), but output 'mean' (3,)"),
    (GENERATOR, FINDING, {"objective": coded()}, "/objective/codes/code", "the generator has no input 'code'"),
    # the rest
    (GENERATOR, DISCRIMINATOR, objective(match_features="hiden"), "/objective/match_features",
     "the discriminator has no node 'hiden'"),
    (GENERATOR, DISCRIMINATOR, objective(fade_steps=10), "/objective/fade_steps",
     "nothing fades in: neither graph has a fade_in"),
    (GENERATOR, DISCRIMINATOR, {"dtype_policy": "mixed_float16"}, "/dtype_policy",
     "adversarial games are not played in mixed_float16"),
    (GENERATOR, DISCRIMINATOR, {"metrics": ["accuracy"]}, "/metrics",
     "the objective adversarial measures and weighs by itself"),
    (GENERATOR, DISCRIMINATOR, {"callbacks": ["early_stopping"]}, "/callbacks/0",
     "early_stopping needs to be told what to watch: an adversarial game has no one loss"),
    (GENERATOR, DISCRIMINATOR, {"callbacks": [{"name": "early_stopping", "monitor": "val_loss"}]},
     "/callbacks/0/monitor", "'val_loss' is not measured"),
]  # fmt: skip


@pytest.mark.parametrize(("generator", "discriminator", "changes", "place", "message"), BAD, ids=[b[4] for b in BAD])
def test_what_does_not_fit_is_told_in_one_line(
    project: Path, generator: dict[str, Any], discriminator: dict[str, Any], changes: dict[str, Any], place: str,
    message: str,
) -> None:  # fmt: skip
    (found,) = check_experiment(write_game(project, generator, discriminator, **changes))
    assert (found.code, found.pointer, found.message) == ("AG701", place, message)
    assert found.hint or place == "/objective/labelled"


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"name": "adversarial", "loss": "hing"}, "/objective/loss"),
        ({"name": "adversarial", "penalty": {"name": "r1", "weight": 0}}, "/objective/penalty/weight"),
        ({"name": "adversarial", "discriminator_steps": 0}, "/objective/discriminator_steps"),
        ({"name": "adversarial", "weight_clip": 0}, "/objective/weight_clip"),
        ({"name": "adversarial", "fade_steps": -1}, "/objective/fade_steps"),
        ({"name": "adversarial", "hold_steps": -1}, "/objective/hold_steps"),
        ({"name": "adversarial", "shown": 401}, "/objective/shown"),
        ({"name": "adversarial", "judged": 1}, "/objective/judged"),
        ({"name": "adversarial", "judged_every": 0}, "/objective/judged_every"),
        ({"name": "adversarial", "figures": ["fid"]}, "/objective/figures/0"),
        (
            {"name": "adversarial", "figures": [{"name": "kernel_distance", "subsets": 0}]},
            "/objective/figures/0/subsets",
        ),
        ({"name": "adversarial", "features": {"name": "inception_v3"}}, "/objective/features"),
        ({"name": "adversarial", "codes": {"z": {"name": "gaussian"}}}, "/objective/codes/z"),
        ({"name": "semi_supervised_adversarial"}, "/objective"),
        ({**SEMI, "labelled_batch": 0}, "/objective/labelled_batch"),
        ({**SEMI, "label_weight": -1}, "/objective/label_weight"),
        ({**SEMI, "game_weight": -1}, "/objective/game_weight"),
    ],
)
def test_values_out_of_bounds_are_placed(project: Path, value: Any, place: str) -> None:
    (found,) = check_experiment(write_game(project, objective=value))
    assert found.pointer == place


def test_inception_needs_its_weights_at_hand_only_when_it_looks(project: Path) -> None:
    """The file is looked for when pictures are judged; without figures nobody looks."""
    value = {"name": "adversarial", "features": {"name": "inception_v3", "file": "weights.h5"}}
    assert check_experiment(write_game(project, objective=value)) == ()


def test_one_graph_is_too_few_and_a_role_must_be_known(project: Path) -> None:
    path = write_game(project, graphs=None, graph="generator.graph.json")
    assert any("trains several graphs" in one.message for one in check_experiment(path))
    graphs = {**EXPERIMENT["graphs"], "critic": "discriminator.graph.json"}
    (found,) = check_experiment(write_game(project, graphs=graphs))
    assert found.pointer == "/graphs/critic"


def test_the_quantities_of_a_run_are_known_beforehand(project: Path) -> None:
    changes = {**TOLD, **objective(figures=["frechet_distance"], penalty="r1")}
    planned = plan(load_experiment(write_game(project, CONDITIONAL_GENERATOR, NAMING_DISCRIMINATOR, **changes)))
    judged = ["discriminator_loss", "generator_loss", "real_accuracy", "fake_accuracy"]
    judged += ["label_accuracy", "label_drawn_accuracy"]
    validated = [f"val_{name}" for name in (*judged, "frechet_distance")]
    assert list(planned.quantities) == [*judged, "gradient_penalty", *validated]


def test_the_schema_refuses_what_the_reader_refuses(project: Path) -> None:
    with pytest.raises(GraphError, match="must be at least 1"):
        load_experiment(write_game(project, objective={"name": "adversarial", "discriminator_steps": 0}))
