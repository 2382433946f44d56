"""Greedy layer-wise pre-training at work: an auto-encoder for each layer, saved after epochs, resumed where it was."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from archgraph.analysis.shaped import ShapedGraph
from archgraph.compiler import layers_by_path
from archgraph.compiler.backend import load_keras
from archgraph.diagnostics import GraphError
from archgraph.training import state
from archgraph.training.data.dataset import Part
from archgraph.training.feed import Feed
from archgraph.training.pretraining import Pretraining, Stack, chosen, stacks

_SECONDS = 1.0
"""At least this long between two writings of the state."""
_PURPOSE = 0x9E37
"""Keeps the random numbers of pre-training apart from those of training."""


class AutoEncoder:
    """A layer with its normalisation and activation, and a decoder that rebuilds what feeds it."""

    def __init__(self, network: Any, stack: Stack, pretraining: Pretraining, seed: int) -> None:
        keras = load_keras()
        self.keras, self.pretraining, self.stack, self.seed = keras, pretraining, stack, seed
        layers = layers_by_path(network)
        self.layer = layers[stack.path]
        ends = [layers[path] for path in stack.parts if path in layers]
        self.features = keras.Model(network.input, self.layer.input)
        self.encoder = keras.Model(self.layer.input, ends[-1].output)
        self.own: list[Any] = []
        glorot = keras.initializers.GlorotUniform(seed=seed)
        self.kernel = self.layer.kernel
        if not pretraining.tied:
            self.kernel = keras.Variable(glorot(tuple(self.layer.kernel.shape), "float32"), name="decoder_kernel")
            self.own.append(self.kernel)
        self.bias = keras.Variable(np.zeros(self.layer.input.shape[-1], "float32"), name="decoder_bias")
        self.own.append(self.bias)
        self.optimizer = keras.optimizers.Adam(pretraining.learning_rate)
        self.moved = [*self.encoder.trainable_variables, *self.own]
        self.optimizer.build(self.moved)
        self._step = self._traced()

    def decoded(self, code: Any) -> Any:
        """The reconstruction, before its sigmoid if it has one."""
        ops = self.keras.ops
        kernel = ops.cast(self.kernel, "float32")
        if len(kernel.shape) == 2:
            return ops.matmul(code, ops.transpose(kernel)) + self.bias
        rebuilt = ops.conv_transpose(code, kernel, 1, padding=self.layer.padding, data_format="channels_last")
        return rebuilt + self.bias

    def _traced(self) -> Any:
        import tensorflow as tf

        corruption, binary = self.pretraining.corruption, self.pretraining.reconstruction == "binary_crossentropy"

        def loss(seen: Any, clean: Any) -> Any:
            given = self.decoded(tf.cast(self.encoder(seen, training=True), tf.float32))
            if binary:
                return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(clean, given))
            return tf.reduce_mean(tf.square(given - clean))

        @tf.function(reduce_retracing=True)
        def step(inputs: Any, number: Any) -> Any:
            clean = tf.cast(self.features(inputs, training=False), tf.float32)
            seen = clean
            if corruption:
                seeds = tf.stack([tf.constant(self.seed, tf.int64), number])
                seen = tf.where(tf.random.stateless_uniform(tf.shape(clean), seeds) < corruption, 0.0, clean)
            with tf.GradientTape() as tape:
                off = loss(seen, clean)
                whole = tf.add_n([off, *(tf.cast(one, tf.float32) for one in self.encoder.losses)])
            variables = [variable.value for variable in self.moved]
            self.optimizer.apply(tape.gradient(whole, variables), self.moved)
            return off

        return step

    def epoch(self, batches: Iterator[Any], first: int) -> float:
        """Go through the batches; the mean error. `first` numbers the first of them."""
        import tensorflow as tf

        errors, counts = [], []
        for number, batch in enumerate(batches, first):
            errors.append(float(self._step(batch[0], tf.constant(number, tf.int64))))
            counts.append(len(self.keras.tree.flatten(batch[0])[0]))
        return float(np.average(errors, weights=counts))


class Layerwise:
    """Pre-training of a network, layer by layer. It can be interrupted, or killed, after any epoch."""

    def __init__(
        self, network: Any, shaped: ShapedGraph, pretraining: Pretraining, part: Part, batch_size: int, seed: int
    ) -> None:
        self.network, self.pretraining, self.seed = network, pretraining, seed
        layers = layers_by_path(network)
        self.stacks = tuple(one for one in chosen(pretraining, shaped) if layers[one.path].trainable)
        self.every = [one.path for one in stacks(shaped)]
        self.feed = Feed(Part(part.inputs, {}), batch_size)
        self.coders: list[AutoEncoder] = []
        self.number = self.epochs = 0
        """The present layer, and the epochs that it has had."""
        self.report: list[dict[str, Any]] = []
        self._written = time.monotonic()

    def run(self, file: Path, identity: Any, say: Callable[[str], None], interrupted: Callable[[], bool]) -> bool:
        """Pre-train every layer, from where the state in `file` stands if it is of this run; False: interrupted."""
        self._take_up(file, identity, say)
        while self.number < len(self.stacks):
            while self.epochs < self.pretraining.epochs:
                self._epoch()
                if interrupted() or time.monotonic() - self._written >= _SECONDS:
                    self._save(file, identity)
                if interrupted():
                    return False
            layer, errors = self.report[-1]["layer"], self.report[-1]["error"]
            say(f"pre-trained {layer}: error {errors[0]:.4g} after epoch 1, {errors[-1]:.4g} after epoch {len(errors)}")
            self.number, self.epochs = self.number + 1, 0
        if self.pretraining.unroll:
            self._unroll()
        return True

    def _epoch(self) -> None:
        coder = self._coder(self.number)
        if not self.epochs:
            self.report.append({"layer": coder.stack.path, "inputs": list(coder.layer.input.shape[1:]), "error": []})
        drawn = np.random.default_rng([self.seed, _PURPOSE, self.number, self.epochs])
        batches = self.feed.batches(drawn.permutation(self.feed.count))
        self.report[-1]["error"].append(coder.epoch(batches, self.epochs * self.feed.steps))
        self.epochs += 1

    def _coder(self, number: int) -> AutoEncoder:
        """The auto-encoder of a layer; those before it are made too."""
        for each in range(len(self.coders), number + 1):
            seed = int(np.random.default_rng([self.seed, _PURPOSE, each]).integers(2**31))
            self.coders.append(AutoEncoder(self.network, self.stacks[each], self.pretraining, seed))
        return self.coders[number]

    def _unroll(self) -> None:
        """Give the second half of the network the decoders of the first, in reverse."""
        layers = layers_by_path(self.network)
        for number, stack in enumerate(self.stacks):
            coder, layer = self._coder(number), layers[self.every[-1 - self.every.index(stack.path)]]
            layer.kernel.assign(np.transpose(np.asarray(coder.kernel)))
            if layer.bias is not None:
                layer.bias.assign(np.asarray(coder.bias))

    # ---- state

    def _variables(self) -> list[Any]:
        made = [variable for coder in self.coders for variable in coder.own]
        present = self.coders[self.number].optimizer.variables if self.number < len(self.coders) else []
        return [*self.network.weights, *made, *present]

    def _save(self, file: Path, identity: Any) -> None:
        progress = {"identity": identity, "number": self.number, "epochs": self.epochs, "report": self.report}
        state.write(file, state.State(progress, state.capture(self._variables())))
        self._written = time.monotonic()

    def _take_up(self, file: Path, identity: Any, say: Callable[[str], None]) -> None:
        if not file.is_file():
            return
        try:
            kept = state.read(file)
        except GraphError as error:
            say(f"pre-training begins anew: {error.diagnostics[0].message}")
            return
        progress = kept.progress
        if progress["identity"] != identity:
            return
        self.number, self.epochs, self.report = progress["number"], progress["epochs"], progress["report"]
        if self.number < len(self.stacks):
            self._coder(self.number)
        state.restore(self._variables(), kept.arrays)
        say(f"pre-training goes on at layer {self.number + 1}, epoch {self.epochs + 1}")
