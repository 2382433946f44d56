"""A compiled model is plain Keras: it saves, and loads where archgraph was never imported."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from archgraph.analysis import infer
from archgraph.compiler import compile_model, load_model
from archgraph.document.load import load_graph
from tests.compiler.build import arrays, model, run, shaped
from tests.networks import TRAINED

ROOT = Path(__file__).parents[2]

STANDARD: dict[str, Any] = {
    "c": {"op": "conv", "in": "x", "filters": 4, "kernel_size": 3, "norm": "batch", "activation": "relu",
          "kernel_regularizer": {"l2": 0.1}},
    "r": {"op": "conv", "in": "c", "filters": 4, "kernel_size": 3, "padding": 1, "repeat": 2, "share": True},
    "s": {"op": "add", "in": ["c", "r"]},
    "q": {"op": "reshape", "in": "s", "target_shape": [36, 4]},
    "a": {"op": "attention", "in": {"query": "q", "value": "q"}, "num_heads": 2, "key_dim": 3},
    "l": {"op": "lstm", "in": "a", "units": 3, "bidirectional": True, "return_state": True},
    "d": {"op": "dropout", "in": "l", "rate": 0.5},
    "y": {"op": "dense", "in": "d", "units": 2, "activation": "softmax"},
}  # fmt: skip
OURS: dict[str, Any] = {
    "m": {"op": "masked_conv", "in": "x", "filters": 4, "kernel_size": 3, "mask_type": "A"},
    "s": {"op": "conv", "in": "m", "filters": 4, "kernel_size": 3, "spectral_norm": True},
    "n": {"op": "pixel_norm", "in": "s"},
    "v": {"op": "spatial_attention", "in": "n", "spectral_norm": True, "key_reduction": 2},
    "p": {"op": "drop_path", "in": "v", "rate": 0.5},
    "y": {"op": "global_avg_pool", "in": "p"},
}
PICTURE = {"x": {"shape": [6, 6, 3]}}
ELSEWHERE = """
import json, sys
import keras, numpy as np
folder = sys.argv[1]
x = np.load(folder + "/x.npy")

def outputs(name):
    return np.asarray(keras.saving.load_model(folder + "/" + name)(x)).tolist()

found = {"standard": outputs("standard.keras"), "plain": "archgraph" not in sys.modules}
try:
    outputs("ours.keras")
except Exception as error:
    found["refused"] = type(error).__name__
import archgraph.compiler.layers
found["ours"] = outputs("ours.keras")
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a fresh process computes from two saved models, and what they computed here."""
    folder = tmp_path_factory.mktemp("models")
    x = arrays(shaped(STANDARD, "y", inputs=PICTURE))["x"]
    np.save(folder / "x.npy", x)
    here = {}
    for name, nodes in (("standard", STANDARD), ("ours", OURS)):
        built = model(nodes, "y", inputs=PICTURE)
        built.save(folder / f"{name}.keras")
        here[name] = run(built, {"x": x})["y"]
    command = [sys.executable, "-c", ELSEWHERE, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return json.loads(done.stdout), here


def test_standard_layers_load_where_archgraph_was_never_imported(elsewhere: tuple[Any, Any]) -> None:
    there, here = elsewhere
    assert there["plain"]
    np.testing.assert_allclose(there["standard"], here["standard"], rtol=1e-6)


def test_our_layers_load_once_they_are_imported(elsewhere: tuple[Any, Any]) -> None:
    there, here = elsewhere
    assert there["refused"] == "TypeError", "Keras cannot know them before"
    np.testing.assert_allclose(there["ours"], here["ours"], rtol=1e-6)


@pytest.mark.parametrize("path", TRAINED, ids=lambda path: path.name.partition(".")[0])
def test_examples_compute_the_same_after_saving_and_loading(path: Path, tmp_path: Path) -> None:
    graph = infer(load_graph(path))
    built = compile_model(graph, seed=1)
    built.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in built.layers]
    feeds = arrays(graph)
    for name, expected in run(built, feeds).items():
        np.testing.assert_array_equal(run(loaded, feeds)[name], expected)


def test_a_model_in_mixed_precision_keeps_its_policies(tmp_path: Path) -> None:
    graph = shaped({"a": {"op": "dense", "in": "x", "units": 3}, "b": {"op": "dense", "in": "a", "units": 2}}, "b")
    compile_model(graph, dtype_policy="mixed_bfloat16").save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    assert [layer.dtype_policy.name for layer in loaded.layers[1:]] == ["mixed_bfloat16", "float32"]


BROKEN = {"no archive": b"PK no", "nothing": b"", "deep": None, "no configuration": None}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_is_no_model_is_a_value_error(name: str, tmp_path: Path) -> None:
    import zipfile

    path = tmp_path / "model.keras"
    if BROKEN[name] is not None:
        path.write_bytes(BROKEN[name] or b"")
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("config.json" if name == "deep" else "other", '["inbound_nodes",' * 50_000)
    with pytest.raises((ValueError, KeyError)):
        load_model(path)


def test_a_copy_by_keras_computes_the_same() -> None:
    built = model(STANDARD, "y", inputs=PICTURE)
    copy = keras.models.clone_model(built)
    copy.set_weights(built.get_weights())
    x = arrays(shaped(STANDARD, "y", inputs=PICTURE))
    np.testing.assert_array_equal(run(copy, x)["y"], run(built, x)["y"])
