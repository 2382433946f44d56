"""JSON -> Keras model, against the same network written by hand in Keras.

    python -m benchmarks.building [--rounds 5]

Goal: a ratio of at most 1.0 for every network.
"""

import argparse
from pathlib import Path

import archgraph as ag
from benchmarks.measure import side_by_side

GRAPHS = Path(__file__).parent / "graphs"
EXAMPLES = Path(__file__).parents[1] / "examples"


def main() -> None:
    """Print one line for each network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="timed builds of each (default 5)")
    rounds = parser.parse_args().rounds
    import keras

    from benchmarks import handwritten

    cases = (
        ("ResNet-50", EXAMPLES / "resnet50.graph.json", lambda: handwritten.resnet((3, 4, 6, 3))),
        ("ResNet-152", f"{GRAPHS}/resnet.graph.json#resnet152", lambda: handwritten.resnet((3, 8, 36, 3))),
        ("DenseNet-121", EXAMPLES / "densenet121.graph.json", lambda: handwritten.densenet((6, 12, 24, 16))),
    )
    print("JSON -> keras.Model (read, check, infer, build) against hand-written Keras; CPU seconds, medians")
    for name, reference, by_hand in cases:

        def from_json(reference: str | Path = reference) -> object:
            return ag.compile_model(ag.infer(ag.load(reference)))

        if from_json().count_params() != by_hand().count_params():  # type: ignore[attr-defined]
            raise SystemExit(f"{name}: the two are not the same network")
        ours, theirs = side_by_side(rounds, from_json, by_hand, between=keras.utils.clear_session)
        print(f"{name:13} archgraph {ours:6.2f} s   by hand {theirs:6.2f} s   ratio {ours / theirs:.2f}  (goal <= 1.0)")


if __name__ == "__main__":
    main()
