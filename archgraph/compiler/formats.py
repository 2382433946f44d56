"""The formats that a Keras model can be exported in: how each is written, and how it is run."""

import importlib
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from archgraph.compiler.backend import load_keras, load_tensorflow

Arrays = dict[str, NDArray[Any]]
Runner = Callable[[Mapping[str, NDArray[Any]]], Arrays]
"""Applies a model to inputs by name, and gives its outputs by name."""

OPSET = 17
"""Version of ONNX's operators: the first with layer normalisation, and old enough for every runtime in use."""


class Served(NamedTuple):
    """A Keras model with what it is fed and gives, by name."""

    model: Any
    inputs: Mapping[str, Any]
    """A Keras tensor for each input."""
    outputs: tuple[str, ...]

    def feed(self, given: Mapping[str, Any]) -> Any:
        """Inputs as the model takes them."""
        return next(iter(given.values())) if len(self.inputs) == 1 else dict(given)

    def named(self, given: Any) -> dict[str, Any]:
        """What the model gave, by name."""
        return dict(given) if isinstance(given, Mapping) else dict(zip(self.outputs, [given], strict=True))

    def call(self, given: Any) -> dict[str, Any]:
        """The outputs after training."""
        return self.named(self.model(given, training=False))

    def run(self, given: Mapping[str, NDArray[Any]]) -> Arrays:
        """Keras's own answer, in the way that is fast for one batch."""
        outputs = self.model.predict_on_batch(self.feed(given))
        return {name: np.asarray(value) for name, value in self.named(outputs).items()}

    def signature(self, batch: int | None) -> list[Any]:
        """TensorFlow's description of the inputs."""
        tensorflow = load_tensorflow()
        return [tensorflow.TensorSpec((batch, *x.shape[1:]), x.dtype, name=name) for name, x in self.inputs.items()]


@dataclass(frozen=True)
class Format:
    """A file format, how it is written, and how it is run."""

    name: str
    doc: str
    suffix: str
    packages: tuple[str, ...]
    """Python packages that writing and checking need."""
    write: Callable[[Served, Path, int | None], None]
    """Write it to a path, for a batch of this size; None: of any size."""
    open: Callable[[Served, Path], Runner]
    folder: str = ""
    """The file that marks a folder as one of this format; empty: it is a file."""


def served(model: Any, output: str = "") -> Served:
    """A compiled graph with the names of its inputs and outputs; `output` names a single one, for Keras forgets."""
    inputs = {x.name: x for x in model.inputs}
    outputs = tuple(model.output) if isinstance(model.output, Mapping) else (output or model.output_names[0],)
    return Served(model, inputs, outputs)


def _write_onnx(served: Served, path: Path, batch: int | None) -> None:
    signature = served.signature(batch)
    names = list(served.inputs)

    def serve(*values: Any) -> dict[str, Any]:
        return served.call(served.feed(dict(zip(names, values, strict=True))))

    function = load_tensorflow().function(serve, input_signature=signature)
    importlib.import_module("tf2onnx.convert").from_function(
        function,
        input_signature=signature,
        opset=OPSET,
        output_path=str(path),
        custom_op_handlers={"Erfc": (_erfc, [])},
    )


def _erfc(graph: Any, node: Any, name: str, _: Any) -> None:
    """1 - erf(x), which tf2onnx lacks and TensorFlow's gelu uses."""
    one = graph.make_const(f"{name}_one", np.ones((), "float32")).output[0]
    erf = graph.make_node("Erf", [node.input[0]]).output[0]
    shapes, dtypes, outputs = node.output_shapes, node.output_dtypes, node.output
    graph.remove_node(node.name)
    graph.make_node("Sub", [one, erf], outputs=outputs, name=node.name, shapes=shapes, dtypes=dtypes)


def _open_onnx(served: Served, path: Path) -> Runner:
    runtime = importlib.import_module("onnxruntime")
    session = runtime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    wanted = {x.name for x in session.get_inputs()}

    def run(given: Mapping[str, NDArray[Any]]) -> Arrays:
        fed = {name: value for name, value in given.items() if name in wanted}
        return dict(zip(names, session.run(None, fed), strict=True))

    return run


def _write_savedmodel(served: Served, path: Path, batch: int | None) -> None:
    signature = served.signature(batch)
    single = len(signature) == 1
    archive = load_keras().export.ExportArchive()
    archive.track(served.model)
    archive.add_endpoint(
        "serve", served.call, input_signature=signature if single else [{x.name: x for x in signature}]
    )
    archive.write_out(str(path), verbose=False)


def _open_savedmodel(served: Served, path: Path) -> Runner:
    tensorflow = load_tensorflow()
    loaded = tensorflow.saved_model.load(str(path))
    serve = loaded.signatures["serving_default"]
    names = [x.name for x in serve.structured_input_signature[1].values()]
    keys = dict(zip(names, serve.structured_input_signature[1], strict=True))

    def run(given: Mapping[str, NDArray[Any]], held: Any = loaded) -> Arrays:
        fed = {keys[name]: tensorflow.constant(value) for name, value in given.items() if name in keys}
        return {name: np.asarray(value) for name, value in serve(**fed).items()}

    return run


def _write_litert(served: Served, path: Path, batch: int | None) -> None:
    tensorflow = load_tensorflow()
    with tempfile.TemporaryDirectory() as folder:
        _write_savedmodel(served, Path(folder), batch)
        converter = tensorflow.lite.TFLiteConverter.from_saved_model(folder)
        # No operators of TensorFlow beside LiteRT's own: the runtime on a device has none.
        converter.target_spec.supported_ops = [tensorflow.lite.OpsSet.TFLITE_BUILTINS]
        path.write_bytes(converter.convert())


def _open_litert(served: Served, path: Path) -> Runner:
    interpreter = importlib.import_module("ai_edge_litert.interpreter").Interpreter(
        model_content=path.read_bytes(), num_threads=os.cpu_count()
    )
    signature = interpreter.get_signature_list()["serving_default"]
    runner = interpreter.get_signature_runner("serving_default")

    def run(given: Mapping[str, NDArray[Any]]) -> Arrays:
        outputs: Arrays = runner(**{name: value for name, value in given.items() if name in signature["inputs"]})
        return outputs

    return run


FORMATS: dict[str, Format] = {
    "onnx": Format(
        "ONNX", "for ONNX Runtime and many others", ".onnx", ("tf2onnx", "onnxruntime"), _write_onnx, _open_onnx
    ),
    "litert": Format(
        "LiteRT",
        "for telephones and small devices, once TensorFlow Lite",
        ".tflite",
        ("ai_edge_litert",),
        _write_litert,
        _open_litert,
    ),
    "savedmodel": Format(
        "SavedModel",
        "a folder for TensorFlow Serving",
        "",
        (),
        _write_savedmodel,
        _open_savedmodel,
        folder="saved_model.pb",
    ),
}
"""What can be written, by name."""
