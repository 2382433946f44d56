"""A code with a known distribution from which pictures can be drawn: the variational auto-encoder."""

from collections.abc import Iterator, Mapping
from typing import Any

from archgraph.analysis.shaped import ShapedGraph
from archgraph.diagnostics import Rejected
from archgraph.kinds import Choice, Integer, Number, Text, optional
from archgraph.record import param
from archgraph.training.data.base import Column, Samples
from archgraph.training.data.dataset import Dataset
from archgraph.training.fit import Fit, last_function
from archgraph.training.objectives import checks
from archgraph.training.objectives.base import Face, Objective, objective


@objective
class Variational(Objective):
    """Make the data likely through a code that is nearly standard normal (Kingma & Welling 2014).

    The evidence lower bound, in nats for a sample, is minus the reconstruction (how unlikely the input is, seen from a
    code drawn for it) minus the divergence (how far the code's distribution is from the standard normal, equation 10).
    Training makes reconstruction + beta * divergence small; beta above 1 pulls factors apart (Higgins et al. 2017), and
    letting it grow from 0 keeps codes from being ignored at the start (Bowman et al. 2016, section 3.1).
    """

    name = "variational"

    picture: str = param(Text(200), "Output that reconstructs the input.", default="picture")
    mean: str = param(Text(200), "Output with the code's mean.", default="mean")
    log_var: str = param(Text(200), "Output with the logarithm of the code's variance.", default="log_var")
    likelihood: str = param(
        Choice("bernoulli", "gaussian"),
        "What the reconstruction is: chances that a pixel is ink, or means of normal distributions.",
        default="bernoulli",
    )
    deviation: float = param(
        Number(above=0), "Standard deviation of every pixel around its mean, for gaussian.", default=1.0
    )
    beta: float = param(Number(0), "Weight of the divergence.", default=1.0)
    warm_up: float = param(Number(0), "How long beta grows from 0.", default=0.0, unit="epochs")
    draws: int | None = param(
        optional(Integer(2, 10_000)),
        "On the test part, estimate the likelihood itself too, by so many weighted codes for each sample "
        "(Burda, Grosse & Salakhutdinov 2016, equation 8).",
        default=None,
    )
    samples: int = param(Integer(1, 400), "How many pictures are drawn from the prior to be shown.", default=64)

    def face(self, networks: Mapping[str, ShapedGraph]) -> Face:
        """The inputs alone: they are what is to be reconstructed."""
        (shaped,) = networks.values()
        return Face(shaped.inputs, {})

    def misfits(self, fit: Fit) -> Iterator[Rejected]:
        """One input, its reconstruction, a code, and no way around the code."""
        found, _ = checks.fed(fit, fit.shaped)
        yield from found
        if found:
            return
        shaped = fit.shaped
        found = list(checks.gathered(lambda: self._shapes(fit), lambda: self._code(shaped), lambda: self._values(fit)))
        yield from found or checks.set_in_vain(fit, "targets")

    def _shapes(self, fit: Fit) -> None:
        shaped = fit.shaped
        if len(shaped.inputs) != 1:
            listed = ", ".join(shaped.inputs)
            raise Rejected("AG701", f"the objective variational takes one input, got {listed}", field="/graph")
        (given,) = shaped.inputs.values()
        picture = checks.need_output(shaped, self.picture, "/objective/picture")
        mean = checks.need_output(shaped, self.mean, "/objective/mean")
        log_var = checks.need_output(shaped, self.log_var, "/objective/log_var")
        checks.need_shape(f"the output {self.picture!r}", picture, given.shape, {}, "a reconstruction of the input")
        checks.need_shape(f"the output {self.log_var!r}", log_var, mean.shape, {}, "a variance for every mean")
        accepted = ("sigmoid", "") if self.likelihood == "bernoulli" else ("", "sigmoid", "tanh", "relu", "softplus")
        checks.ending(shaped, self.picture, *accepted)

    def _code(self, shaped: ShapedGraph) -> None:
        """Every way from the input to the picture goes through one node that draws."""
        nodes = {node.path: node for node in shaped.walk()}
        drawn = [path for path, node in nodes.items() if node.leaf.primitive.op == "sampling"]
        if len(drawn) != 1:
            complaint = f"the graph draws its code at {len(drawn)} nodes" + (f" ({', '.join(drawn)})" if drawn else "")
            raise Rejected("AG701", complaint, hint='it needs one node of the op "sampling"', field="/graph")
        waiting, seen = [shaped.results()[self.picture].path], set(drawn)
        while waiting:
            path = waiting.pop()
            if path in shaped.inputs:
                complaint = f"the output {self.picture!r} sees the input {path!r} without going through {drawn[0]!r}"
                raise Rejected("AG701", complaint, hint="let it depend on the code alone", field="/graph")
            if path not in seen:
                seen.add(path)
                waiting += [feed.path for feed in nodes[path].feeds if feed is not None]

    def _values(self, fit: Fit) -> None:
        (column,) = fit.binding.fed
        if self.likelihood == "bernoulli":
            need_range(column, fit.columns[column], "chances of ink")

    def described(self, networks: Mapping[str, ShapedGraph], samples: Samples, dataset: Dataset) -> Mapping[str, Any]:
        """Whether what is decoded are raw scores, and the range of the pictures."""
        (shaped,), (given,) = networks.values(), dataset.train.inputs.values()
        found = last_function(shaped, self.picture)
        raw = self.likelihood == "bernoulli" and found is not None and not found[0]
        return {"raw": raw, "lowest": float(given.min()), "highest": float(given.max())}

    def quantities(self, fit: Fit) -> tuple[str, ...]:
        """Both terms, the bound, and what is minimised; training tells how large beta was."""
        return (*checks.validated(fit, ("loss", "reconstruction", "divergence", "elbo")), "beta")


def need_range(name: str, column: Column, what: str) -> None:
    """Raises `Rejected`: the column goes beyond 0 to 1."""
    low, high = float(column.values.min()), float(column.values.max())
    if not 0 <= low <= high <= 1:
        complaint = f"{what} need pixels from 0 to 1, but the column {name!r} goes from {low:g} to {high:g}"
        hint = f'add {{"name": "rescale", "from_range": [{low:g}, {high:g}]}} or "binarize" to "preprocessing"'
        raise Rejected("AG701", complaint, hint=hint, field="/data")
