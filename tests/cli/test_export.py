"""Exported files hold what the trained model computes, and appear whole or not at all."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archgraph.analysis import infer
from archgraph.cli import main
from archgraph.compiler import compile_model, export, load_model
from archgraph.compiler.export import need_ready
from archgraph.compiler.formats import FORMATS
from archgraph.diagnostics import GraphError
from archgraph.document.load import load_graph
from tests.compiler.build import arrays, model, run, shaped
from tests.compiler.test_inference import stirred

NET: dict[str, Any] = {
    "archgraph": 1,
    "name": "net",
    "inputs": {"picture": {"shape": [8, 8, 3]}, "hint": {"shape": [4]}},
    "nodes": {
        "c": {"op": "conv", "in": "picture", "filters": 4, "kernel_size": 3, "norm": "batch", "activation": "gelu"},
        "d": {"op": "dropout", "in": "c", "rate": 0.5},
        "p": {"op": "global_avg_pool", "in": "d"},
        "s": {"op": "add", "in": ["p", "hint"]},
        "y": {"op": "dense", "in": "s", "units": 3, "activation": "softmax"},
    },
    "outputs": {"kind": "y", "sum": "s"},
}
FILES = {"onnx": "net.onnx", "litert": "net.tflite", "savedmodel": "net"}
EACH = pytest.mark.parametrize("name", FILES)


def need(name: str) -> None:
    """Skip where the packages of a format are not installed."""
    for package in FORMATS[name].packages:
        pytest.importorskip(package)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.graph.json").write_text(json.dumps(NET))
    graph = infer(load_graph("net.graph.json"))
    stirred(compile_model(graph, seed=1)).save("net.keras")
    return tmp_path


def cli(capfd: Any, *arguments: str) -> tuple[int, str, str]:
    status = main(list(arguments))
    out, err = capfd.readouterr()
    return status, out, err


def opened(name: str, feeds: dict[str, Any]) -> dict[str, Any]:
    """What a file gives when its own runtime loads it, without any code of ours."""
    if name == "onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(FILES[name], providers=["CPUExecutionProvider"])
        return dict(zip([x.name for x in session.get_outputs()], session.run(None, feeds), strict=True))
    if name == "litert":
        from ai_edge_litert.interpreter import Interpreter

        return Interpreter(FILES[name]).get_signature_runner()(**feeds)
    import tensorflow

    served = tensorflow.saved_model.load(FILES[name]).signatures["serving_default"]
    return {key: np.asarray(value) for key, value in served(**feeds).items()}


@EACH
@pytest.mark.parametrize("batch", [1, 5])
def test_a_file_computes_what_the_trained_model_computes_under_the_names_of_the_graph(
    capfd: Any, folder: Path, name: str, batch: int
) -> None:
    need(name)
    command = ("export", "net.graph.json", "--weights", "net.keras", "--format", name, "-o", FILES[name])
    status, out, err = cli(capfd, *command)
    assert (status, err) == (0, "")
    assert re.search(r"^wrote net\S*: \d+\.\d\d MB\nchecked: at most \S+ off Keras's outputs\nlatency: \d", out)
    feeds = arrays(infer(load_graph("net.graph.json")), batch=batch, seed=7)
    wanted, found = run(load_model("net.keras"), feeds), opened(name, feeds)
    assert set(found) == {"kind", "sum"}
    for key, expected in wanted.items():
        np.testing.assert_allclose(found[key], expected, atol=1e-5)


def test_a_keras_file_is_lowered_where_its_graph_is_given_and_says_so_where_not(capfd: Any, folder: Path) -> None:
    graph = ("--graph", "net.graph.json")
    for given, lowered in ((graph, True), ((), False)):
        status, out, _ = cli(capfd, "export", "net.keras", *given, "--format", "savedmodel", "-o", "net", "--json")
        figures = json.loads(out)
        assert (status, figures["lowered"], figures["batch"]) == (0, lowered, None)
        assert figures["difference"] <= 1e-5 and figures["bytes"] > 0 and figures["milliseconds"] > 0
    _, out, _ = cli(capfd, "export", "net.keras", "--format", "savedmodel", "-o", "net")
    assert "not lowered for inference" in out


def test_a_single_output_has_the_name_of_the_graph(capfd: Any, folder: Path) -> None:
    graph = {**NET, "outputs": {"kind": "y"}}
    Path("one.graph.json").write_text(json.dumps(graph))
    assert cli(capfd, "export", "one.graph.json", "--format", "savedmodel", "-o", "net")[0] == 0
    assert list(opened("savedmodel", arrays(infer(load_graph("one.graph.json"))))) == ["kind"]


def test_recurrent_layers_go_to_litert_for_single_samples(tmp_path: Path) -> None:
    need("litert")
    nodes = {"a": {"op": "lstm", "in": "x", "units": 3}}
    found = export.export(model(nodes, "a", inputs={"x": {"shape": [5, 2]}}), tmp_path / "net.tflite", "litert")
    assert found.batch == 1 and found.difference is not None and found.difference <= 1e-5


def test_of_random_outputs_only_the_shapes_are_checked(capfd: Any, folder: Path) -> None:
    nodes = {"a": {"op": "sampling", "in": ["x", "x"]}}
    found = export.export(model(nodes, "a"), folder / "net", "savedmodel")
    assert found.difference is None


@pytest.mark.parametrize(
    ("found", "expected", "off"),
    [
        ([1.0, 2.0], [1.0, 2.5], 1 / 3),  # of 1.5
        ([0.0010, 0.0012], [0.0012, 0.0010], 1.0),  # what a thousand chances of an untrained network range over
        ([1.1, 1.0], [1.0, 1.0], 1.0),  # of a tenth: they do not differ
        ([0.0, 0.0], [0.0, 0.0], 0.0),
        ([0.1], [0.0], 1.0),
        ([np.nan, 2.0], [np.nan, 2.0], 0.0),
        ([np.nan, 2.0], [1.0, 2.0], np.inf),
        ([1.0, 2.0], [np.inf, 2.0], np.inf),
    ],
)
def test_a_difference_is_a_share_of_what_the_outputs_range_over(found: Any, expected: Any, off: float) -> None:
    assert export._off(np.array(found), np.array(expected)) == pytest.approx(off)


def test_a_run_folder_knows_graph_and_weights(capfd: Any, folder: Path) -> None:
    examples = Path(__file__).parents[2] / "examples"
    for name in ("mlp.graph.json", "mlp.train.json"):
        (folder / name).write_text((examples / name).read_text())
    assert cli(capfd, "train", "mlp.train.json", "--epochs", "1", "--quiet")[0] == 0
    (folder / "mlp.graph.json").unlink()
    status, out, _ = cli(capfd, "export", "runs/mlp-1", "--format", "savedmodel", "-o", "net", "--json")
    assert status == 0 and json.loads(out)["lowered"]
    feeds = arrays(infer(load_graph("runs/mlp-1/model.graph.json")))
    (found,) = opened("savedmodel", feeds).values()
    np.testing.assert_allclose(found, run(load_model("runs/mlp-1/model.keras"), feeds)["y"], atol=1e-6)


# ---- refusals


def test_missing_packages_are_told_in_one_line_with_the_command(
    capfd: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    status, out, err = cli(capfd, "export", "net.keras", "--format", "onnx", "-o", "net.onnx")
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "tf2onnx and onnxruntime" in err and "pip install 'archgraph[export]'" in err


def broken(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what a format computes be a little off."""
    whole = FORMATS[name]

    def open_off(subject: Any, path: Path) -> Any:
        right = whole.open(subject, path)
        return lambda given: {key: value + 1e-3 for key, value in right(given).items()}

    monkeypatch.setitem(FORMATS, name, replace(whole, open=open_off))


def test_a_file_that_computes_something_else_never_gets_its_name(
    capfd: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken("savedmodel", monkeypatch)
    before = sorted(folder.iterdir())
    status, out, err = cli(capfd, "export", "net.keras", "--format", "savedmodel", "-o", "net")
    assert (status, out) == (1, "") and "net" in err and "AG804" in err and "e-03 off" in err
    assert sorted(folder.iterdir()) == before


def test_what_was_there_stays_when_an_export_fails(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export.export(load_model("net.keras"), "net", "savedmodel")
    before = sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*"))
    broken("savedmodel", monkeypatch)
    with pytest.raises(GraphError, match="AG804"):
        export.export(load_model("net.keras"), "net", "savedmodel")
    assert sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*")) == before


def test_a_complaint_of_a_converter_names_the_node(tmp_path: Path) -> None:
    need("onnx")
    nodes = {"a": {"op": "dense", "in": "x", "units": 3}, "b": {"op": "flatten", "in": "a"}}
    built = model(nodes, "b")
    whole = FORMATS["onnx"]

    def write(*_: Any) -> None:
        raise ValueError("Tensorflow op [test_1/b_1/Reshape: Odd] is not supported")

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(FORMATS, "onnx", replace(whole, write=write))
        with pytest.raises(GraphError, match="ONNX cannot express b: ValueError: Tensorflow op"):
            export.export(built, tmp_path / "net.onnx", "onnx")


def test_what_draws_random_numbers_is_refused_with_the_remedy(tmp_path: Path) -> None:
    need("onnx")
    nodes = {"a": {"op": "dense", "in": "x", "units": 6}, "z": {"op": "sampling", "in": ["a", "x"]}}
    with pytest.raises(GraphError, match=r"ONNX cannot express z: [\s\S]*noise_at_inference"):
        export.export(model(nodes, "z"), tmp_path / "net.onnx", "onnx")
    assert not list(tmp_path.iterdir())


def test_an_old_saved_model_is_replaced_and_another_folder_is_not(folder: Path) -> None:
    built = load_model("net.keras")
    for _ in range(2):
        assert export.export(built, "net", "savedmodel").difference is not None
    (folder / "mine").mkdir()
    (folder / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(GraphError, match=r"AG109.*saved_model\.pb"):
        export.export(built, "mine", "savedmodel")
    assert (folder / "mine" / "letter.txt").read_text() == "dear"
    assert {path.name for path in folder.iterdir()} == {"net", "mine", "net.keras", "net.graph.json"}


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        (("net.keras", "--format", "litert", "-o", "net.lite"), 1, "ends in .tflite"),
        (("none.keras", "--format", "savedmodel", "-o", "net"), 1, "AG704"),
        (("net.graph.json", "--graph", "net.graph.json", "--format", "savedmodel", "-o", "net"), 2, "--graph goes"),
        (("net.keras", "--weights", "net.keras", "--format", "savedmodel", "-o", "net"), 2, "--weights goes"),
        (("net.keras", "--set", "a=1", "--format", "savedmodel", "-o", "net"), 2, "--set goes"),
        (("net.keras", "--format", "savedmodel", "-o", "none/net"), 1, "AG109"),
    ],
)
def test_what_makes_no_sense_is_refused(
    capfd: Any, folder: Path, arguments: tuple[str, ...], status: int, text: str
) -> None:
    if "litert" in arguments:
        need("litert")
    found, _, err = cli(capfd, "export", *arguments)
    assert found == status and text in err


def test_another_backend_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("keras.config.backend", lambda: "jax")
    with pytest.raises(GraphError, match="KERAS_BACKEND=tensorflow"):
        need_ready("savedmodel", tmp_path / "net")


# ---- compiling for inference


def test_compile_for_inference_writes_fewer_layers_with_the_same_outputs(capfd: Any, folder: Path) -> None:
    command = ("compile", "net.graph.json", "--for", "inference", "--weights", "net.keras", "-o", "lean.keras")
    status, out, err = cli(capfd, *command)
    assert (status, err) == (0, "") and re.fullmatch(r"wrote lean\.keras: 127 parameters\n", out)
    trained, lean = load_model("net.keras"), load_model("lean.keras")
    assert len(lean.layers) == len(trained.layers) - 3  # the norm, the activation and the dropout
    feeds = arrays(infer(load_graph("net.graph.json")))
    for key, expected in run(trained, feeds).items():
        np.testing.assert_allclose(run(lean, feeds)[key], expected, atol=1e-6)


def test_compile_prints_the_plan_after_a_pass_rolled_and_needs_no_output(capfd: Any, folder: Path) -> None:
    graph = {**NET, "nodes": {"r": {"block": "b", "in": "picture", "repeat": 9}}, "outputs": {"y": "r"},
             "inputs": {"picture": {"shape": [8, 8, 3]}},
             "blocks": {"b": {"inputs": ["x"], "output": "c", "nodes": {
                 "c": {"op": "conv", "in": "x", "filters": 3, "kernel_size": 3, "norm": "batch"}}}}}  # fmt: skip
    Path("deep.graph.json").write_text(json.dumps(graph))
    status, out, _ = cli(
        capfd, "compile", "deep.graph.json", "--for", "inference", "--print-after", "fold-norms-behind"
    )
    assert status == 0 and out == (
        "after fold-norms-behind: fold batch normalisations into the layers before them\n"
        "  r  9 × b <- picture\n"
        "    0 to 8:\n"
        '      c  Conv2D(filters=3, kernel_size=[3, 3], padding="same") [weights: c * c/norm] <- x\n'
        "      -> output = c\n"
        "  -> y = r\n"
    )
    _, every, _ = cli(capfd, "compile", "deep.graph.json", "--for", "inference", "--print-after", "all")
    _, listed, _ = cli(capfd, "compile", "--list-passes")
    names = listed.partition("for inference:\n")[2].split("\n")
    assert re.findall(r"^after (\S+):", every, re.M) == [line.split()[0] for line in names if line]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((), "-o FILE.keras is needed"),
        (("--print-after", "fold-norms-behind"), "for training there is no pass"),
        (("--weights", "net.keras", "-o", "a.keras"), "--weights goes with --for inference"),
    ],
)
def test_compile_refuses_what_makes_no_sense(capfd: Any, folder: Path, arguments: tuple[str, ...], text: str) -> None:
    status, _, err = cli(capfd, "compile", "net.graph.json", *arguments)
    assert status == 2 and text in err


def test_weights_of_another_graph_are_refused_at_the_node(capfd: Any, folder: Path) -> None:
    compile_model(shaped({"c": {"op": "dense", "in": "x", "units": 4}}, "c")).save("other.keras")
    command = ("compile", "net.graph.json", "--for", "inference", "--weights", "other.keras", "-o", "lean.keras")
    status, _, err = cli(capfd, *command)
    assert status == 1 and "AG803" in err and "/nodes/c" in err and not Path("lean.keras").exists()
