"""The pictures of the manual that show learning rates: ``python -m docs.draw`` draws them anew."""

from pathlib import Path

from archgraph.training import find_rate
from archgraph.training.observers.rates import drawn
from archgraph.training.plots.paper import BLUE, GREY, INK, PLAIN, new_figure, png, tidy
from archgraph.training.schedules import as_schedule

HERE = Path(__file__).parent
STEPS, EPOCHS = 50, 30
SHOWN = {
    "inverse_time_decay": {"initial_learning_rate": 0.1, "decay_rate": 9},
    "step_decay": {"initial_learning_rate": 0.1, "decay_steps": 6, "per": "epoch"},
    "exponential_decay": {"initial_learning_rate": 0.1, "decay_rate": 0.01},
    "polynomial_decay": {"initial_learning_rate": 0.1, "power": 2},
    "cosine_decay": {"initial_learning_rate": 0.1},
    "cosine_restarts": {"initial_learning_rate": 0.1, "first_decay_steps": 4, "per": "epoch", "m_mul": 0.8},
    "cyclical": {"lowest": 0.01, "highest": 0.1, "step_size": 3, "per": "epoch", "mode": "triangular2"},
    "one_cycle": {"highest": 0.1},
    "warmup": {"steps": 5, "per": "epoch", "then": {"name": "cosine_decay", "initial_learning_rate": 0.1}},
}
"""A schedule for each panel."""


def schedules() -> bytes:
    """Nine schedules over thirty epochs."""
    figure = new_figure(10.5, 6.6)
    for axes, (name, options) in zip(figure.subplots(3, 3, sharex=True).flat, SHOWN.items(), strict=True):
        tidy(axes)
        axes.plot(*drawn(as_schedule({"name": name, **options}), STEPS, EPOCHS), color=BLUE, linewidth=1.8)
        axes.set_title(name, fontsize=PLAIN + 1, color=INK, loc="left")
        axes.set_ylim(0, 0.11)
    for axes in figure.axes[-3:]:
        axes.set_xlabel("epoch", fontsize=PLAIN, color=GREY)
    return png(figure)


def main() -> None:
    """Draw and write them."""
    (HERE / "pictures" / "schedules.png").write_bytes(schedules())
    found = find_rate(HERE.parent / "examples" / "mlp.train.json")
    (HERE / "pictures" / "range-test.png").write_bytes(found.picture())


if __name__ == "__main__":
    main()
