"""ShapedGraph -> keras.Model. The only room, below training, that imports Keras, and only when it is asked to build."""

import json
import zipfile
from os import PathLike
from typing import Any

from archgraph.analysis.shaped import ShapedGraph
from archgraph.compiler.backend import deep_stack, load_keras
from archgraph.compiler.emit import Emitter
from archgraph.compiler.passes import PASSES
from archgraph.compiler.plan import lowered, run
from archgraph.compiler.rolling import Choice
from archgraph.compiler.weights import get_weights as get_weights
from archgraph.compiler.weights import set_weights as set_weights


def compile_model(
    shaped: ShapedGraph,
    *,
    seed: int | None = None,
    dtype_policy: str | None = None,
    rolled: Choice = False,
    fused: bool = False,
) -> Any:
    """Build the Keras model of a graph.

    The result is a plain functional ``keras.Model``: it trains, saves and loads like any other. Layers are named by
    their expanded paths, with dots (``stage2.0.conv``). One input or output is a tensor, several are a dict by name.
    Chains may be thousands of layers deep; to load one of more than about a thousand, Keras needs a higher
    ``sys.setrecursionlimit``, which `load_model` sees to. A linear activation and a dropout at rate 0 become no layer,
    and an activation right behind a convolution or dense layer becomes that layer's own.

    Args:
        shaped: as `archgraph.infer` returns it.
        seed: makes two builds bit-identical; each weight's start depends on the seed and on its own path alone. None
            leaves it to Keras, as in any model: ``keras.utils.set_random_seed`` makes that repeatable.
        dtype_policy: a Keras dtype policy such as ``"mixed_float16"``; by default Keras's global one. In mixed
            precision the layers that give the outputs work in float32.
        rolled: whether equal copies of a repeated block become one layer, `Repeated`, that holds their weights in
            stacks and loops over them: a deep network is then built and traced as fast as a shallow one. True: all
            that can be; ``"auto"``: runs of `WORTH` copies and more. On backends other than TensorFlow none are.
        fused: whether batch normalisation, LSTMs, and convolutions whose kernel covers their input, are layers of ours
            for which TensorFlow has less to do, with the formulas of Keras; they train faster, and outputs may differ
            in the last digits. Files name Keras's own layers. On other backends it is those layers.

    Raises:
        GraphError: Keras refuses something that analysis accepted (AG801).
        ValueError: Keras has no such dtype policy.
    """
    plan = run(PASSES, lowered(shaped.root))
    return Emitter(shaped, seed, dtype_policy, rolled, fused).model(plan)


def layers_by_path(model: Any) -> dict[str, Any]:
    """The Keras layers of a compiled graph by the paths of its nodes (``stage2/0/conv``), those inside scans too."""
    found: dict[str, Any] = {}
    for layer in model.layers:
        found[layer.name.replace(".", "/")] = layer
        if type(layer).__name__ == "Scan":
            found |= layers_by_path(layer.body)
    return found


def load_model(path: str | PathLike[str], *, fused: bool = False) -> Any:
    """The Keras model in a ``.keras`` file, not compiled, with the layers of archgraph known, however deep it is.

    With `fused`, its layers are those of `compile_model` with `fused`.

    Raises:
        ValueError: the file is not such a model; Keras may also raise OSError, TypeError or KeyError.
    """
    keras = load_keras()
    from archgraph.compiler.emit import FUSED
    from archgraph.compiler.layers import LAYERS

    with deep_stack(_layers_in(path)):
        kernels = {name: LAYERS[ours] for name, ours in FUSED.items()} if fused else None
        return keras.saving.load_model(path, custom_objects=kernels, compile=False)


def _layers_in(path: str | PathLike[str]) -> int:
    """How many layers a ``.keras`` file describes; 0 if it is none, which Keras itself tells best."""
    try:
        with zipfile.ZipFile(path) as archive:
            config = archive.read("config.json")
        json.loads(config)  # under Python's usual limit: the C code of json must not see nesting under a raised one
    except RecursionError:
        raise ValueError("its configuration is nested too deeply") from None
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return 0
    return config.count(b'"inbound_nodes"')
