"""How cost grows with depth: build, first step, steady step and memory of pre-activation ResNets of depth 20 to 2000.

    python -m benchmarks.growth [--depths 20 47 ...] [--plain-to 1001] [-o docs/pictures/growth.png]

The network is that of He et al. 2016 (bottleneck units, 32x32 pictures, batch of 8): archgraph's, unrolled and rolled,
and hand-written Keras under its `fit`. Every measurement is a process of its own. CPU seconds, resident megabytes.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from benchmarks.first_step import Measured, trained

ROOT = Path(__file__).parents[1]
DEPTHS = (20, 56, 110, 164, 326, 650, 1001, 2000)
WAYS = {"Keras": "keras", "archgraph, unrolled": "unrolled", "archgraph, rolled": "rolled"}
COLOURS = {"Keras": "#8a8f98", "archgraph, unrolled": "#7aa6d8", "archgraph, rolled": "#1f5fa8"}
PANELS = {
    "build": "build the model [CPU s]",
    "total": "build and first step [CPU s]",
    "steady": "a steady step [CPU s]",
    "memory": "largest size of the process [MB]",
}


def main() -> None:
    """Measure, print and plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--depths", nargs="*", type=int, default=DEPTHS, help="of the form 9n + 2 (others are rounded)")
    parser.add_argument("--plain-to", type=int, default=1001, help="largest depth that Keras trains too (default 1001)")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "docs/pictures/growth.png", help="the picture")
    parser.add_argument("--measure", nargs=2, metavar=("WAY", "DEPTH"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.measure:
        way, depth = chosen.measure
        print(json.dumps(measured(way, int(depth))))
        return
    found: dict[str, dict[int, Measured]] = {way: {} for way in WAYS}
    for asked in chosen.depths:
        depth = 9 * round((asked - 2) / 9) + 2
        for way, name in WAYS.items():
            if way == "archgraph, rolled" or depth <= chosen.plain_to:
                found[way][depth] = one = process(name, depth)
                print(
                    f"depth {depth:4}  {way:20} build {one.build:6.2f} s   build + first step {one.total:7.2f} s"
                    f"   step {one.steady:5.2f} s   {one.memory:6.0f} MB",
                    flush=True,
                )
    plot(found, chosen.output)
    print(f"drawn in {chosen.output}")


def process(way: str, depth: int) -> Measured:
    """One measurement, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.growth", "--measure", way, str(depth)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return Measured(*json.loads(done.stdout.splitlines()[-1]))


def measured(way: str, depth: int) -> Measured:
    """Build a network and train it on noise."""
    import keras

    import archgraph as ag
    from archgraph.compiler import layers  # importing counts on neither side
    from benchmarks import handwritten

    assert layers.LAYERS and ag.compile_model

    def ours() -> object:
        graph = ag.load(ROOT / "examples/preactivation_resnet.graph.json", depth=depth)
        return ag.compile_model(ag.infer(graph), rolled=way == "rolled", fused=True)

    def sgd() -> object:
        plain = keras.optimizers.SGD(0.01, momentum=0.9)
        return plain if way == "keras" else ag.fused(plain)

    build = (lambda: handwritten.preactivation_resnet(depth)) if way == "keras" else ours
    return trained(build, sgd, 8, prepared=way != "keras")


def plot(found: dict[str, dict[int, Measured]], path: Path) -> None:
    """Four panels over the depth."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, 2, figsize=(9, 6.4), sharex=True, layout="constrained")
    for panel, (quantity, title) in zip(axes.flat, PANELS.items(), strict=True):
        for way, by_depth in found.items():
            heights = [getattr(one, quantity) for one in by_depth.values()]
            panel.plot(list(by_depth), heights, "o-", color=COLOURS[way], label=way, markersize=4, linewidth=1.8)
        panel.set(title=title, xscale="log", yscale="log")
        panel.title.set_fontsize(10)
        ticks = sorted({depth for by_depth in found.values() for depth in by_depth})
        panel.set_xticks(ticks, labels=[str(depth) for depth in ticks], fontsize=8)
        panel.minorticks_off()
        panel.grid(visible=True, which="major", color="#e6e8eb", linewidth=0.8)
        panel.spines[["top", "right"]].set_visible(False)
    for panel in axes[1]:
        panel.set_xlabel("depth of the pre-activation ResNet")
    axes[0][0].legend(frameon=False, fontsize=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)


if __name__ == "__main__":
    main()
