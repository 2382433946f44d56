"""What people get wrong in an experiment, from the command line: each is one located line, before TensorFlow is there.

All files are real, and all are checked by one process, which tells at its end what it has imported.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from tests.networks import EXAMPLES
from tests.training.conftest import DENSE, DIGITS, vector_graph

FOLDER = EXAMPLES[0].parent
SPARSE = "sparse_categorical_crossentropy"
DIABETES = {"data": "diabetes", "preprocessing": [], "loss": "mean_squared_error", "metrics": []}

CHECKER = """
import contextlib, io, json, sys
from archgraph.cli import main
found = {}
for path in sys.argv[1:]:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        main(["check", "--data", "--format", "json", path])
    found[path] = json.loads(out.getvalue())
print(json.dumps([found, [name for name in ("tensorflow", "keras", "torch", "jax") if name in sys.modules]]))
"""


class Mistake(NamedTuple):
    """A graph (a file of the examples, or its value), what else the experiment says, and the line to expect."""

    what: str
    graph: Any
    changes: dict[str, Any]
    place: str
    said: str
    code: str = "AG701"


def nodes(**changed: Any) -> dict[str, Any]:
    return {**DENSE, "nodes": {**DENSE["nodes"], **changed}}


def ending(activation: str, units: int = 10) -> dict[str, Any]:
    return nodes(scores={"op": "dense", "in": "drop", "units": units, "activation": activation})


def taking(*shape: int) -> dict[str, Any]:
    return {**DENSE, "inputs": {"image": {"shape": list(shape)}}}


def reading(length: int, known: int, foretold: int) -> dict[str, Any]:
    return {
        "archgraph": 1, "name": "reading", "inputs": {"text": {"shape": [length], "dtype": "int32"}},
        "nodes": {
            "vectors": {"op": "embedding", "in": "text", "input_dim": known, "output_dim": 4},
            "memory": {"op": "lstm", "in": "vectors", "units": 4, "return_sequences": True},
            "next": {"op": "dense", "in": "memory", "units": foretold, "activation": "softmax"},
        },
        "outputs": {"next": "next"},
    }  # fmt: skip


def rate(**schedule: Any) -> dict[str, Any]:
    return {"optimizer": {"name": "sgd", "learning_rate": schedule}}


def like(example: str, **changes: Any) -> dict[str, Any]:
    return {**json.loads((FOLDER / f"{example}.train.json").read_text()), "graph": None, **changes}


def taught_by(name: str) -> dict[str, Any]:
    return {"objective": {"name": "distillation", "teacher": name}, "loss": None, "metrics": [], "preprocessing": []}


LARGE = nodes(
    grown={"op": "upsample", "in": "image", "size": 256},
    seen={"op": "conv", "in": "grown", "filters": 64, "kernel_size": 3},
    flat={"op": "global_avg_pool", "in": "seen"},
)
MASKED = {**DENSE, "inputs": {**DENSE["inputs"], "mask": {"shape": [8], "dtype": "bool"}}}
TWO = {**DENSE, "outputs": {"label": "scores", "again": "hidden"}}
TEXT = {"data": {"name": "python_topics", "target": "each"}, "preprocessing": [], "loss": SPARSE}
GAME = {"generator": "dcgan_generator.graph.json", "discriminator": "infogan_discriminator.graph.json"}
TUMOURS = {"data": "breast_cancer", "preprocessing": [], "loss": "binary_crossentropy"}

MISTAKES = [
    Mistake("softmax twice", None, {"loss": {"name": SPARSE, "from_logits": True}}, "/loss/from_logits", "already"),
    Mistake("sigmoid for ten classes", ending("sigmoid"), {}, "/loss", "ends in sigmoid"),
    Mistake("a label too high", None, {"data": {"name": "npz", "file": "high.npz"}}, "/loss", "from 0 to 11"),
    Mistake("a label below 0", None, {"data": {"name": "npz", "file": "low.npz"}}, "/loss", "from -1 to 9"),
    Mistake("memory", LARGE, {"batch_size": "all", "data": "digits"}, "/batch_size", "this machine has"),
    Mistake("no number", None, {"data": {"name": "npz", "file": "gap.npz"}}, "/data", "nan in sample 3", "AG703"),
    Mistake("an output too few", None, {"targets": {"label": "label", "b": "image"}}, "/targets/b", "no output 'b'"),
    Mistake("an output too many", TWO, {"loss": {"label": SPARSE, "again": "huber"}}, "/loss/again", "learn from"),
    Mistake("no loss", TWO, {"targets": {"label": "label", "again": "image"}, "loss": {"label": SPARSE}}, "/loss",
            "has a target but no loss"),
    Mistake("nothing weighs", None, {"loss_weights": {"label": 0}}, "/loss_weights", "nothing to learn"),
    Mistake("errors of classes", None, {"loss": "mean_squared_error"}, "/loss", "needs that of the output, (10,)"),
    Mistake("classes as quantities", vector_graph(4, 1), {**DIABETES, "data": "iris"}, "/loss", "quantities", "AG707"),
    Mistake("out of reach", vector_graph(10, 1, "tanh"), DIABETES, "/loss", "gives -1 to 1, but the column 'value'"),
    Mistake("below 0", vector_graph(10, 10), {**DIABETES, "targets": {"y": "features"}, "loss": "poisson"},
            "/loss", "no target below 0"),
    Mistake("one-hot", None, {"loss": "categorical_crossentropy"}, "/loss", "shape ()"),
    Mistake("not one-hot", None, {"preprocessing": ["one_hot"]}, "/loss", "takes class numbers"),
    Mistake("softmax of one", vector_graph(30, 1, "softmax"), TUMOURS, "/nodes/last/activation", "constant", "AG201"),
    Mistake("metric of classes", vector_graph(10, 1), {**DIABETES, "metrics": ["accuracy"]}, "/metrics/0", "0 and 1"),
    Mistake("metric of numbers", None, {"metrics": ["r2_score"]}, "/metrics/0", "takes (10,)"),
    Mistake("metric of fewer", None, {"metrics": [{"name": "mean_io_u", "num_classes": 3}]}, "/metrics/0", "3 classes"),
    Mistake("metric of all", None, {"metrics": [{"name": "sparse_top_k_categorical_accuracy", "k": 10}]}, "/metrics/0",
            "always 1"),
    Mistake("no mask", MASKED, {}, "/inputs", "'mask' matches no column"),
    Mistake("sequence length", reading(32, 96, 96), TEXT, "/data", "has the shape (64,), but input 'text' takes (32,)"),
    Mistake("vocabulary", reading(64, 50, 96), TEXT, "/graph", "tells 50 numbers apart, 0 to 49"),
    Mistake("symbols", reading(64, 96, 50), TEXT, "/loss", "go from 0 to 95, but output 'next' has 50 classes"),
    Mistake("colours", taking(8, 8, 3), {}, "/data", "takes (8, 8, 3)"),
    Mistake("size", taking(28, 28, 1), {}, "/data", "takes (28, 28, 1)"),
    Mistake("graphs of a game", None, like("dcgan", graphs=GAME), "/graphs/generator", "draws 'picture' of shape"),
    Mistake("its loss", None, like("dcgan", loss="huber"), "/loss", "brings its own losses", "AG210"),
    Mistake("teacher's classes", ending("softmax", 12), taught_by("taught"), "/objective/teacher", "student (12,)"),
    Mistake("no teacher", None, taught_by("nobody"), "/objective/teacher", "nobody", "AG704"),
    Mistake("frozen", None, {"freeze": ["hiden"]}, "/freeze/0", "no node of the graph fits 'hiden'"),
    Mistake("no weights", None, {"initial_weights": "runs/none"}, "/initial_weights", "there is no", "AG704"),
    Mistake("no variant", None, {"graph": "dense.graph.json#wide"}, "/graph", "no variant 'wide'", "AG411"),
    Mistake("no parameter", None, {"graph": {"file": "dense.graph.json", "params": {"units": 3}}},
            "/graph/params/units", "no parameter 'units'", "AG401"),
    Mistake("a long decay", None, rate(name="cosine_decay", initial_learning_rate=0.1, decay_steps=90),
            "/optimizer/learning_rate/decay_steps", "in step 90, but training has only 27", "AG707"),
    Mistake("a late change", None, rate(name="piecewise_constant", boundaries=[2, 3], values=[3, 2, 1], per="epoch"),
            "/optimizer/learning_rate/boundaries/1", "in step 28", "AG707"),
    Mistake("a long warm-up", None, rate(name="warmup", steps=50, then=0.1), "/optimizer/learning_rate/steps",
            "the warm-up ends", "AG707"),
    Mistake("a long sum", None, {"optimizer": {"name": "sgd", "gradient_accumulation_steps": 28}},
            "/optimizer/gradient_accumulation_steps", "never do"),
    Mistake("few samples", None, {"batch_size": 500}, "/batch_size", "there are 288 training samples", "AG707"),
    Mistake("fewer samples", None, {"data": {"name": "digits", "subset": 2000}}, "/data/subset", "1,797", "AG707"),
    Mistake("nothing to stop by", None, {"validation": 0, "callbacks": [{"name": "early_stopping", "patience": 1}]},
            "/callbacks/0", "over-fitting", "AG707"),
    Mistake("nothing is best", None, {"validation": 0, "callbacks": [{"name": "checkpoint", "restore_best": True}]},
            "/callbacks/0/restore_best", "without validation", "AG707"),
    Mistake("too patient", None, {"callbacks": [{"name": "early_stopping", "patience": 3}]}, "/callbacks/0/patience",
            "never acts", "AG707"),
    Mistake("mixed numbers", None, {"augmentation": ["mixup"]}, "/augmentation/0", "are class numbers"),
]  # fmt: skip


def written(folder: Path) -> Iterator[Path]:
    """The experiments, with all that they name."""
    for path in FOLDER.glob("*gan*.graph.json"):
        (folder / path.name).write_text(path.read_text())
    pictures, labels = np.zeros((50, 8, 8, 1), "float32"), np.arange(50) % 10
    gap = pictures.copy()
    gap[3, 2, 1] = np.nan
    np.savez(folder / "high.npz", image=pictures, label=np.where(labels == 9, 11, labels))
    np.savez(folder / "low.npz", image=pictures, label=np.r_[labels[:-1], -1])
    np.savez(folder / "gap.npz", image=gap, label=labels)
    taught = folder / "taught"
    taught.mkdir()
    (taught / "experiment.train.json").write_text(json.dumps(DIGITS))
    (taught / "model.graph.json").write_text(json.dumps(DENSE))
    (taught / "resolved.json").write_text(json.dumps({"settings": {"preprocessing": []}}))
    (taught / "model.keras").touch()
    for number, one in enumerate(MISTAKES):
        name = "dense.graph.json" if one.graph is None else f"{number}.graph.json"
        (folder / name).write_text(json.dumps(one.graph or DENSE, indent=1))
        value = {**({} if "archgraph" in one.changes else DIGITS), "graph": name, **one.changes}
        if "teacher" in str(value.get("objective")):
            value |= {"graph": None, "graphs": {"student": name}}
        path = folder / f"{number}.train.json"
        path.write_text(json.dumps({key: item for key, item in value.items() if item is not None}, indent=1))
        yield path


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[list[dict[str, Any]]], list[str]]:
    """For each mistake the findings, and which of the heavy modules were imported."""
    folder = tmp_path_factory.mktemp("mistakes")
    (folder / ".archgraph").mkdir()
    paths = [str(path) for path in written(folder)]
    done = subprocess.run(
        [sys.executable, "-c", CHECKER, *paths], capture_output=True, text=True, check=False, cwd=folder
    )
    assert not done.returncode, done.stderr[-3000:]
    found, imported = json.loads(done.stdout)
    return [found[path] for path in paths], imported


@pytest.mark.parametrize("number", range(len(MISTAKES)), ids=[one.what for one in MISTAKES])
def test_a_mistake_is_one_line_at_its_place(number: int, told: tuple[list[list[dict[str, Any]]], list[str]]) -> None:
    mistake = MISTAKES[number]
    (found,) = told[0][number]
    assert (found["code"], found["pointer"]) == (mistake.code, mistake.place)
    assert found["line"] > 0 and found["column"] > 0 and Path(found["file"]).name.startswith((f"{number}.", "dense"))
    assert mistake.said in found["message"] and "\n" not in found["message"]
    assert found["severity"] == ("warning" if mistake.code == "AG707" else "error")
    assert found["hint"] or mistake.what == "no loss"


def test_neither_keras_nor_tensorflow_was_there(told: tuple[list[list[dict[str, Any]]], list[str]]) -> None:
    assert told[1] == []
