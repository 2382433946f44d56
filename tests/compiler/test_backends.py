"""Compiled models run on every Keras backend that is installed, and compute the same there."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.compiler.build import arrays, model, run, shaped, weights

ROOT = Path(__file__).parents[2]
NODES: dict[str, Any] = {
    "c": {"op": "conv", "in": "x", "filters": 4, "kernel_size": 3, "norm": "batch", "activation": "relu"},
    "m": {"op": "masked_conv", "in": "c", "filters": 4, "kernel_size": 3, "mask_type": "B", "norm": "instance"},
    "v": {"op": "spatial_attention", "in": "m", "key_reduction": 2},
    "s": {"op": "dense", "in": "v", "units": 4, "activation": "scaled_tanh", "repeat": 2, "share": True},
    "a": {"op": "add", "in": ["s", "c"]},
    "p": {"op": "global_avg_pool", "in": "a"},
    "y": {"op": "dense", "in": "p", "units": 3, "activation": "softmax"},
}
PICTURE = {"x": {"shape": [6, 6, 3]}}
THERE = """
import json, sys
import keras
import numpy as np
from tests.compiler.build import arrays, model, run, shaped
nodes, inputs = json.load(sys.stdin)
built, values = model(nodes, "y", inputs=inputs), np.load(sys.argv[1])
for weight in built.weights:
    weight.assign(values[weight.path])
y = run(built, arrays(shaped(nodes, "y", inputs=inputs)))["y"]
print(json.dumps({"backend": keras.config.backend(), "y": y.tolist()}))
"""


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_another_backend_computes_alike(backend: str, tmp_path: Path) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    built = model(NODES, "y", inputs=PICTURE)
    np.savez(tmp_path / "weights.npz", **weights(built))
    done = subprocess.run(
        [sys.executable, "-c", THERE, str(tmp_path / "weights.npz")], input=json.dumps([NODES, PICTURE]),
        capture_output=True, text=True, check=True, cwd=ROOT, env={**os.environ, "KERAS_BACKEND": backend},
    )  # fmt: skip
    there = json.loads(done.stdout)
    assert there["backend"] == backend
    expected = run(built, arrays(shaped(NODES, "y", inputs=PICTURE)))["y"]
    np.testing.assert_allclose(there["y"], expected, rtol=1e-4, atol=1e-6)
