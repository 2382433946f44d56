"""A process of its own that loads a trained model and answers questions, so that no page waits for TensorFlow."""

import base64
import json
import os
import select
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

IDLE_SECONDS: Final = 600.0
"""After so long without a question the worker ends."""
LONGEST_WAIT: Final = 120.0


@dataclass
class Worker:
    """The page's end: one worker for one run."""

    run: Path
    process: subprocess.Popen[str] | None = None
    guard: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """The answer; ``{"error": …}`` where there is none."""
        with self.guard:
            if self.process is None or self.process.poll() is not None:
                self.process = subprocess.Popen(
                    [sys.executable, "-m", "archgraph.studio.worker", str(self.run)], stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                    env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
                )  # fmt: skip
            return _asked(self.process, question)


def _asked(process: "subprocess.Popen[str]", question: Mapping[str, Any]) -> dict[str, Any]:
    assert process.stdin is not None and process.stdout is not None
    try:
        process.stdin.write(json.dumps(question) + "\n")
        process.stdin.flush()
    except OSError:
        return {"error": "the model could not be asked"}
    if not select.select([process.stdout], [], [], LONGEST_WAIT)[0]:
        process.kill()
        return {"error": "the model did not answer in time"}
    line = process.stdout.readline()
    return json.loads(line) if line else {"error": "the model could not be loaded"}


# ---- the worker's end


def answered(run: Path, question: Mapping[str, Any]) -> dict[str, Any]:
    """What the model of a run says of the samples of a question, and how its nodes react to the first of them."""
    import numpy as np

    from archgraph.diagnostics import GraphError
    from archgraph.training.prediction import as_fed, predict

    given: Any = {
        name: np.asarray(values, question.get("dtype", "float32")) for name, values in question["inputs"].items()
    }
    with tempfile.TemporaryDirectory(prefix="archgraph-") as folder:
        if "picture" in question:
            given = Path(folder) / f"sample{question['ending']}"
            given.write_bytes(base64.b64decode(question["picture"]))
        try:
            return {"rows": predict(run, given).rows(5), "nodes": reactions(run, as_fed(run, given)[1])}
        except GraphError as error:
            return {"error": error.diagnostics[0].message}


def reactions(run: Path, fed: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """For every node of the main graph, how it reacts to samples as its inputs take them; see `_reaction`."""
    import numpy as np

    from archgraph.compiler import load_model
    from archgraph.compiler.backend import load_keras, load_tensorflow
    from archgraph.training.folder import RunFolder

    folder = RunFolder(run)
    model = load_model(folder.model if folder.model.is_file() else folder.best)
    last = {
        layer.name.split(".")[0]: layer for layer in model.layers if not isinstance(layer.output, list | tuple | dict)
    }
    watching = load_keras().Model(model.inputs, [{name: layer.output for name, layer in last.items()}, model.outputs])
    tf = load_tensorflow()
    with tf.GradientTape() as tape:
        given = list(fed.values()) if len(fed) == 1 else [fed[one.name] for one in model.inputs]
        tensors = [
            tf.convert_to_tensor(np.asarray(values).astype(one.dtype))
            for values, one in zip(given, model.inputs, strict=True)
        ]
        tape.watch([one for one in tensors if one.dtype.is_floating])
        values, ends = watching(tensors if len(tensors) > 1 else tensors[0], training=False)
        answer = tf.add_n([tf.reduce_max(end) for end in ends if end.dtype.is_floating])
    slopes = tape.gradient(answer, values)
    return {
        name: _reaction(np.asarray(value), None if slopes[name] is None else np.asarray(slopes[name]))
        for name, value in values.items()
    }


def _reaction(value: Any, slope: Any) -> dict[str, float]:
    """Mean size of a node's numbers; share that are 0; channels, and how many are 0 throughout; mean gradient."""
    import numpy as np

    size, channels = np.abs(value), value.shape[-1] if value.ndim > 1 else 1
    dead = (size.reshape(-1, channels).max(axis=0) < 1e-6).sum()
    return {
        "strength": float(size.mean()), "silent": float((size < 1e-6).mean()), "units": float(channels),
        "dead": float(dead), "gradient": 0.0 if slope is None else float(np.abs(slope).mean()),
    }  # fmt: skip


def main() -> None:
    """Answer until nobody asks any more."""
    run = Path(sys.argv[1])
    while select.select([sys.stdin], [], [], IDLE_SECONDS)[0]:
        line = sys.stdin.readline()
        if not line:
            return
        question = json.loads(line)
        # Libraries print: only the answer may go where the page reads.
        out, sys.stdout = sys.stdout, sys.stderr
        try:
            found = answered(run, question)
        except (ValueError, KeyError, TypeError, OSError, RuntimeError) as error:
            found = {"error": f"the model could not be applied: {str(error).splitlines()[0][:200]}"}
        finally:
            sys.stdout = out
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
