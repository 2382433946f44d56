"""How much memory a batch takes at the worst moment, in inference and in training: the graph run through in thought.

What is counted are the tensors of the network, as TensorFlow keeps them on a CPU:

- The inputs are there throughout: the caller holds the batch.
- Changed copies of weights wait for no input: all are made at the start. Each is there until its primitive has run, or,
  in training, until its way back.
- Models are as `archgraph train` compiles them. Primitives run as TensorFlow runs them: of those that get ready
  together, the last goes on at once, and the others wait in a row. A tensor is given up after its last reader, or, in
  training, after the last on the way back that needs it again; what a primitive needs again, and whether it writes over
  its input, is its own to say (`Primitive.memory`).
- On the way back each gradient is there from the first that adds to it until it has been used. No gradient is computed
  for what depends on no weight. The gradient of a weight is used up at once; while it is there, it takes its own size
  and that of the new weight.
- Inside a scan, training keeps the tensors of all steps; otherwise only one step's are there, and what states were.

Not counted: code, the graph, and what libraries keep for themselves. Equal copies of a block are run through three
times at most: the first, one that stands for all those in between, and the last.
"""

from archgraph.analysis.memory_run import Run
from archgraph.analysis.memory_tape import WEIGHT_BYTES as WEIGHT_BYTES
from archgraph.analysis.memory_tape import recorded
from archgraph.analysis.memory_tape import tensor_bytes as tensor_bytes
from archgraph.analysis.shaped import ShapedGraph
from archgraph.diagnostics import Rejected
from archgraph.shapes import Dim


def inference_peak(shaped: ShapedGraph, batch_size: int = 1) -> Dim | None:
    """Most bytes of a batch's tensors at one time in inference.

    None where symbolic sizes leave open which moment is the worst.
    """
    return _worst(shaped, batch_size, training=False)


def training_peak(shaped: ShapedGraph, batch_size: int = 1) -> Dim | None:
    """Most bytes of tensors at one time in a training step on a batch, without the weights and the optimiser's slots.

    None where symbolic sizes leave open which moment is the worst.
    """
    return _worst(shaped, batch_size, training=True)


def _worst(shaped: ShapedGraph, batch_size: int, *, training: bool) -> Dim | None:
    try:
        tape = recorded(shaped, batch_size, training=training)
        run = Run(tape)
        run.there()
        if training:
            run.back()
        return run.highest.value()
    except Rejected:  # a sum with too many symbols to write down
        return None
