"""A process of its own that loads a trained model and answers questions, so that no page waits for TensorFlow."""

import json
import os
import select
import subprocess
import sys
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
    from archgraph.training.prediction import predict

    given = {name: np.asarray(values, question.get("dtype", "float32")) for name, values in question["inputs"].items()}
    files = question.get("file")
    try:
        predicted = predict(run, files or given)
        return {"rows": predicted.rows(5), "nodes": reactions(run, given) if given else {}}
    except GraphError as error:
        return {"error": error.diagnostics[0].message}


def reactions(run: Path, given: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """For every node of the main graph, how strongly it reacts, and the share of its outputs that are 0."""
    import numpy as np

    from archgraph.compiler import load_model
    from archgraph.compiler.backend import load_keras
    from archgraph.training import preprocessing
    from archgraph.training.data.base import Column
    from archgraph.training.folder import RunFolder, read_json

    folder = RunFolder(run)
    model = load_model(folder.model if folder.model.is_file() else folder.best)
    last = {
        layer.name.split(".")[0]: layer for layer in model.layers if not isinstance(layer.output, list | tuple | dict)
    }
    watching = load_keras().Model(model.inputs, {name: layer.output for name, layer in last.items()})
    resolved = read_json(folder.resolved)["data"]["columns"]["inputs"]
    fitted = preprocessing.from_json(read_json(folder.preprocessing))
    columns = {name: Column(np.asarray(values)) for name, values in given.items()}
    done = preprocessing.repeat(fitted, columns)
    fed = [done[resolved.get(tensor.name, tensor.name)].values.astype(tensor.dtype) for tensor in model.inputs]
    values = watching(fed if len(fed) > 1 else fed[0], training=False)
    return {name: _reaction(np.asarray(value)) for name, value in values.items()}


def _reaction(value: Any) -> dict[str, float]:
    import numpy as np

    return {"strength": float(np.abs(value).mean()), "silent": float((np.abs(value) < 1e-6).mean())}


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
