"""Static analysis against building the network in Keras and counting its parameters.

    python -m benchmarks.analysis [--rounds 5]

Goals: at least 1,000 times faster on ResNet-152 and the pre-activation ResNet-1001; at most 10 microseconds a node with
full diagnostics, on these and on a chain of 5,000 nodes in which nothing repeats.
"""

import argparse
import json
import tempfile
from pathlib import Path

import archgraph as ag
from benchmarks.measure import side_by_side

GRAPHS = Path(__file__).parent / "graphs"


def chain(length: int) -> str:
    """A graph file in which no node is like another."""
    nodes = {"n0": {"op": "dense", "in": "x", "units": 9, "activation": "relu"}}
    for number in range(1, length):
        feed = f"n{number - 1}"
        nodes[f"n{number}"] = {"op": "dense", "in": feed, "units": 8 + number % 97, "activation": "relu"}
    last = f"n{length - 1}"
    inputs = {"x": {"shape": [8]}}
    return json.dumps({"archgraph": 1, "name": "chain", "inputs": inputs, "nodes": nodes, "outputs": {"y": last}})


def main() -> None:
    """Print one line for each network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="timed rounds of each (default 5)")
    rounds = parser.parse_args().rounds
    from benchmarks import handwritten

    cases = (
        ("ResNet-152", f"{GRAPHS}/resnet.graph.json#resnet152", lambda: handwritten.resnet((3, 8, 36, 3))),
        ("pre-act. ResNet-1001", f"{GRAPHS}/preactivation_resnet.graph.json", handwritten.preactivation_resnet),
    )
    print("graph -> shapes, counts, all diagnostics, against Keras's build and count; CPU seconds, medians")
    for name, reference, build in cases:
        shaped = ag.infer(ag.load(reference))

        graph = ag.load(reference)

        def analyse(graph: ag.Graph = graph) -> int:
            return ag.infer(graph).parameters

        def read(reference: str = reference) -> int:
            return ag.infer(ag.load(reference)).parameters

        def count(build: object = build) -> int:
            return int(build().count_params())  # type: ignore[operator]

        if analyse() != count():
            raise SystemExit(f"{name}: the two are not the same network")
        ours, with_file, theirs = side_by_side(
            rounds, lambda: [analyse() for _ in range(20)], lambda: [read() for _ in range(20)], count
        )
        ours, with_file = ours / 20, with_file / 20
        print(
            f"{name:21} archgraph {1e3 * ours:6.2f} ms ({1e6 * ours / shaped.count:5.2f} us a node of {shaped.count})"
            f"   Keras {theirs:6.2f} s   {theirs / ours:6.0f} times faster  (goal >= 1000);"
            f" with reading the file {1e3 * with_file:.2f} ms, {theirs / with_file:.0f} times"
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chain.graph.json"
        path.write_text(chain(5_000), encoding="utf-8")
        nodes = ag.infer(ag.load(path)).count
        (ours,) = side_by_side(rounds, lambda: ag.infer(ag.load(path)))
    each = 1e6 * ours / nodes
    print(
        f"{'chain without repeats':21} archgraph {1e3 * ours:6.2f} ms ({each:5.2f} us a node of {nodes})  (goal <= 10)"
    )


if __name__ == "__main__":
    main()
