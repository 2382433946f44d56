"""What analysis accepts, Keras builds, with the inferred shapes and counts: over generated graphs."""

import json
import math

import pytest

from archgraph.analysis import infer
from archgraph.compiler import compile_model
from archgraph.diagnostics import GraphError
from archgraph.document.load import load_text
from tests.generated import GraphMaker


def agree(seed: int) -> bool:
    """Compile one generated graph and compare; False if analysis refused it."""
    text = json.dumps(GraphMaker(seed).document())
    try:
        shaped = infer(load_text(text))
    except GraphError:
        return False
    model = compile_model(shaped, seed=seed)
    outputs = model.output if isinstance(model.output, dict) else dict(zip(shaped.outputs, [model.output], strict=True))
    for name, tensor in shaped.outputs.items():
        sizes = zip(tensor.shape, outputs[name].shape[1:], strict=True)
        assert all(theirs in (None, ours) for ours, theirs in sizes), f"seed {seed}: {name}"
        assert outputs[name].dtype == tensor.dtype, f"seed {seed}: {name}"
    states = [w for w in model.variables if "seed_generator" in w.path]
    total = sum(math.prod(w.shape) for w in model.variables) - sum(math.prod(w.shape) for w in states)
    trainable = sum(math.prod(w.shape) for w in model.trainable_variables)
    assert (shaped.parameters, shaped.trainable) == (total, trainable), f"seed {seed}: {text}"
    return True


@pytest.mark.parametrize("start", range(0, 500, 50))
def test_accepted_graphs_compile(start: int) -> None:
    accepted = sum(agree(seed) for seed in range(start, start + 50))
    assert accepted >= 40, "most generated graphs should be valid, or this tests little"


@pytest.mark.slow
@pytest.mark.parametrize("start", range(500, 5_500, 500))
def test_accepted_graphs_compile_at_length(start: int) -> None:
    accepted = sum(agree(seed) for seed in range(start, start + 500))
    assert accepted >= 400
