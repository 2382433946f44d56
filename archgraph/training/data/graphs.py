"""Data that is one graph: its nodes are the samples, and masks say which of them are learned from."""

import importlib
from typing import Any

import numpy as np

from archgraph.diagnostics import Rejected
from archgraph.kinds import Integer, Text
from archgraph.record import param
from archgraph.training.data.archive import read_npz
from archgraph.training.data.base import Array, Column, Samples, Source, Surroundings, source


def renormalised(adjacency: Array) -> Array:
    """D^-1/2 (A + I) D^-1/2 with D the degrees of A + I (Kipf & Welling 2017, section 2.2); shape (nodes, nodes)."""
    looped = adjacency + np.eye(len(adjacency))
    scale = 1 / np.sqrt(looped.sum(axis=1))
    return np.asarray(scale[:, None] * looped * scale[None, :], np.float32)


def _nodes(
    features: Array, adjacency: Array, labels: Array, classes: tuple[str, ...], masks: dict[str, Array]
) -> Samples:
    columns = {
        "features": Column(features[None].astype(np.float32)),
        "adjacency": Column(renormalised(adjacency)[None]),
        "label": Column(labels[None].astype(np.int32), classes),
    }
    weights = {part: mask[None].astype(np.float32) for part, mask in masks.items()}
    return Samples(columns, inputs=("features", "adjacency"), targets=("label",), masks=weights)


@source
class KarateClub(Source):
    """34 members of a karate club and their friendships; the club split in two, and only the two leaders are labelled.

    Features are one-hot (each member is only itself); ties count once, whatever their strength. Two more
    members, 1 and 32, are for validation (unless the experiment sets it to 0); the others are the test.
    """

    name = "karate_club"
    licence = "Zachary 1977; ships with networkx (BSD-3-Clause)"
    shape = "features (34, 34), adjacency (34, 34), label (34,): 2 classes; one graph"

    def read(self, around: Surroundings) -> Samples:
        networkx = importlib.import_module("networkx")
        graph = networkx.karate_club_graph()
        adjacency = np.asarray(networkx.to_numpy_array(graph, weight=None))
        names = ("Mr. Hi", "Officer")
        labels = np.array([names.index(graph.nodes[node]["club"]) for node in graph])
        train, validation = np.isin(np.arange(34), (0, 33)), np.isin(np.arange(34), (1, 32))
        masks = {"train": train, "validation": validation, "test": ~(train | validation)}
        return _nodes(np.eye(34), adjacency, labels, names, masks)


@source
class DigitsGraph(Source):
    """The 1,797 digits of scikit-learn as one graph: each is tied to those most like it, and few are labelled.

    Like Cora in its public split: `labelled` nodes of every class to learn from, 500 nodes for validation, 1,000 for
    the test, drawn by `split_seed`. Two nodes are neighbours where either is among the other's nearest by its pixels.
    """

    name = "digits_graph"
    licence = "made from: Alpaydin & Kaynak 1998, UCI repository; ships with scikit-learn (BSD-3-Clause)"
    shape = "features (1797, 64) from 0 to 1, adjacency (1797, 1797), label (1797,): 10 classes; one graph"

    neighbours: int = param(Integer(1, 100), "How many of the nearest digits each is tied to.", default=10)
    labelled: int = param(Integer(1, 20), "Labelled nodes of each class.", default=20)

    def read(self, around: Surroundings) -> Samples:
        bunch = importlib.import_module("sklearn.datasets").load_digits()
        nearest = importlib.import_module("sklearn.neighbors").kneighbors_graph(bunch.data, self.neighbours)
        ties = np.asarray(nearest.todense())
        order = np.random.default_rng(self.split_seed).permutation(len(bunch.target))
        train = np.concatenate([order[bunch.target[order] == digit][: self.labelled] for digit in range(10)])
        rest = order[~np.isin(order, train)]
        masks = {"train": train, "validation": rest[:500], "test": rest[500:1500]}
        marked = {part: np.isin(np.arange(len(order)), nodes) for part, nodes in masks.items()}
        names = tuple(map(str, range(10)))
        return _nodes(bunch.data / 16, np.maximum(ties, ties.T), bunch.target, names, marked)


@source
class GraphNpz(Source):
    """Nodes of one graph, from an ``.npz`` file, for semi-supervised classification (Cora and its kin).

    Arrays: ``features`` (nodes, width), or its CSR parts ``indptr``, ``indices`` and ``features_shape``; ``edges``
    (count, 2), undirected; ``labels`` (nodes,); ``train``, ``validation`` and ``test``: node numbers. Features are
    divided by their sum for each node, as Kipf & Welling do.
    """

    name = "graph_npz"
    licence = "the file's own"
    shape = "features (nodes, width), adjacency (nodes, nodes), label (nodes,); one graph"

    file: str = param(Text(), "The .npz file.")

    def read(self, around: Surroundings) -> Samples:
        arrays = read_npz(around.find(self.file, "file"))
        wanted = {"edges", "labels", "train", "validation", "test"}
        missing = sorted(wanted - set(arrays))
        if missing:
            raise Rejected("AG703", f"{self.file} lacks the arrays {', '.join(missing)}", field="/file")
        try:
            features, labels = _features(arrays), arrays["labels"]
            nodes = np.arange(len(labels))
            adjacency = np.zeros((len(nodes), len(nodes)))
            adjacency[arrays["edges"][:, 0], arrays["edges"][:, 1]] = 1
            masks = {part: np.isin(nodes, arrays[part]) for part in ("train", "validation", "test")}
        except (IndexError, KeyError, ValueError) as error:
            raise Rejected(
                "AG703", f"the arrays of {self.file} do not fit each other: {error}", field="/file"
            ) from None
        classes = tuple(str(number) for number in range(int(labels.max()) + 1))
        np.fill_diagonal(adjacency, 0)
        return _nodes(features, np.maximum(adjacency, adjacency.T), labels, classes, masks)


def _features(arrays: dict[str, Any]) -> Array:
    features = arrays["features"] if "features" in arrays else _dense(arrays)
    return np.asarray(features / np.maximum(features.sum(axis=1, keepdims=True), 1))


def _dense(arrays: dict[str, Any]) -> Array:
    rows = np.repeat(np.arange(len(arrays["indptr"]) - 1), np.diff(arrays["indptr"]))
    dense = np.zeros(tuple(arrays["features_shape"]))
    dense[rows, arrays["indices"]] = 1
    return dense
