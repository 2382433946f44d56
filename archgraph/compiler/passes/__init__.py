"""The passes between analysis and Keras, in order: each is a module, and each keeps the function that is computed."""

from archgraph.compiler.passes.activations import FUSE_ACTIVATIONS
from archgraph.compiler.passes.calls import INLINE_CALLS
from archgraph.compiler.passes.constants import FOLD_CONSTANTS
from archgraph.compiler.passes.dead import DROP_DEAD
from archgraph.compiler.passes.identities import FOLD_IDENTITIES
from archgraph.compiler.passes.kernels import FOLD_KERNELS
from archgraph.compiler.passes.norms import FOLD_NORMS_AHEAD, FOLD_NORMS_BEHIND
from archgraph.compiler.passes.training import DROP_TRAINING
from archgraph.compiler.plan import Pass

PASSES: tuple[Pass, ...] = (FOLD_IDENTITIES, FUSE_ACTIVATIONS)
"""For a model that is trained: they keep what it computes in training and afterwards, and all its weights."""

INFERENCE: tuple[Pass, ...] = (
    DROP_TRAINING,
    FOLD_IDENTITIES,
    INLINE_CALLS,
    FOLD_KERNELS,
    FOLD_NORMS_BEHIND,
    FOLD_NORMS_AHEAD,
    FOLD_CONSTANTS,
    DROP_DEAD,
    FUSE_ACTIVATIONS,
)
"""For a model that has been trained: they keep what it computes afterwards. Weights are worked out anew."""

PIPELINES = {"training": PASSES, "inference": INFERENCE}
"""The passes of each purpose that a graph is compiled for."""
