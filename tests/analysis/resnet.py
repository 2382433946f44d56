"""Pre-activation ResNets for CIFAR (He et al. 2016, Identity Mappings in Deep Residual Networks), as data."""

from typing import Any

BRANCH: dict[str, Any] = {
    "params": {"width": {"type": "int"}, "strides": 1},
    "inputs": ["x"],
    "nodes": {
        "reduce": {"op": "conv", "in": "x", "filters": "=width", "kernel_size": 1, "strides": "=strides",
                   "norm": "batch", "activation": "relu"},
        "conv": {"op": "conv", "in": "reduce", "filters": "=width", "kernel_size": 3, "norm": "batch",
                 "activation": "relu"},
        "expand": {"op": "conv", "in": "conv", "filters": "=4*width", "kernel_size": 1, "use_bias": False},
    },
    "output": "expand",
}  # fmt: skip
PRE: dict[str, Any] = {
    "norm": {"op": "batch_norm", "in": "x"},
    "relu": {"op": "activation", "in": "norm", "activation": "relu"},
    "branch": {"block": "branch", "in": "relu", "width": "=width", "strides": "=strides"},
}


def _unit(shortcut: dict[str, Any]) -> dict[str, Any]:
    nodes = {**PRE, **shortcut, "sum": {"op": "add", "in": ["branch", "short" if shortcut else "x"]}}
    return {"params": BRANCH["params"], "inputs": ["x"], "nodes": nodes, "output": "sum"}


PROJECTION: dict[str, Any] = {
    "short": {"op": "conv", "in": "relu", "filters": "=4*width", "kernel_size": 1, "strides": "=strides",
              "use_bias": False}
}  # fmt: skip


def preactivation_resnet(units: int) -> dict[str, Any]:
    """A file with three stages of `units` bottlenecks: 9 * `units` + 2 weight layers; 111 for ResNet-1001."""
    nodes: dict[str, Any] = {"stem": {"op": "conv", "in": "image", "filters": 16, "kernel_size": 3, "use_bias": False}}
    source = "stem"
    for stage, (width, strides) in enumerate(((16, 1), (32, 2), (64, 2)), 1):
        nodes[f"first{stage}"] = {"block": "widen", "in": source, "width": width, "strides": strides}
        source = f"stage{stage}"
        nodes[source] = {"block": "unit", "in": f"first{stage}", "width": width, "repeat": units - 1}
    nodes["norm"] = {"op": "batch_norm", "in": source}
    nodes["relu"] = {"op": "activation", "in": "norm", "activation": "relu"}
    nodes["pool"] = {"op": "global_avg_pool", "in": "relu"}
    nodes["label"] = {"op": "dense", "in": "pool", "units": 10, "activation": "softmax"}
    return {
        "archgraph": 1, "name": f"preactivation resnet {9 * units + 2}", "inputs": {"image": {"shape": [32, 32, 3]}},
        "blocks": {"branch": BRANCH, "unit": _unit({}), "widen": _unit(PROJECTION)},
        "nodes": nodes, "outputs": {"label": "label"},
    }  # fmt: skip
