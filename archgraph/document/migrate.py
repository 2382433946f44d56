"""Older versions of the format -> this one, one step at a time, as JSON values."""

from collections.abc import Callable, Mapping
from typing import Any

from archgraph.diagnostics import GraphError, Rejected
from archgraph.document.form import VERSION
from archgraph.document.reader import Document
from archgraph.kinds import shown

Step = Callable[[dict[str, Any]], dict[str, Any]]


def migrated(document: Document) -> dict[str, Any]:
    """The value of `document` in the current version of the format; its own value if it is current.

    Raises:
        GraphError: the version is missing, unknown, or newer than this package (AG207).
    """
    value = document.value
    if not isinstance(value, dict):
        raise GraphError(
            document.place([Rejected("AG202", f"a graph file holds one object, got {shown(value)}").at("")])
        )
    version = value.get("archgraph")
    if isinstance(version, bool) or not isinstance(version, int) or not 0 <= version <= VERSION:
        hint = (
            'files without a version are of version 0: add "archgraph": 0 and run this again' if version is None else ""
        )
        complaint = f"the format version must be 0 to {VERSION}, got {shown(version)}"
        raise GraphError(document.place([Rejected("AG207", complaint, hint=hint).at("/archgraph")]))
    for number in range(version, VERSION):
        value = {**STEPS[number](value), "archgraph": number + 1}
    return value


# ---- version 0: abbreviated parameter names, and pooling windows called size

_ABBREVIATIONS_0 = {
    "kernel": "kernel_size", "stride": "strides", "pad": "padding", "act": "activation", "bias": "use_bias",
    "dilation": "dilation_rate",
}  # fmt: skip
_OPS_0 = {"act": "activation"}
_OWN_0 = {
    "max_pool": {"size": "pool_size"}, "avg_pool": {"size": "pool_size"}, "act": {"fn": "activation"},
    "activation": {"fn": "activation"},
}  # fmt: skip


def _from_0(value: dict[str, Any]) -> dict[str, Any]:
    blocks = {name: _block_from_0(block) for name, block in _members(value, "blocks")}
    nodes = {name: _node_from_0(node) for name, node in _members(value, "nodes")}
    return {
        key: blocks if key == "blocks" and blocks else nodes if key == "nodes" and nodes else item
        for key, item in value.items()
    }


def _members(value: Any, key: str) -> list[tuple[str, Any]]:
    members = value.get(key) if isinstance(value, dict) else None
    return list(members.items()) if isinstance(members, dict) else []


def _block_from_0(block: Any) -> Any:
    if not isinstance(block, dict):
        return block
    nodes = {name: _node_from_0(node) for name, node in _members(block, "nodes")}
    return {key: nodes if key == "nodes" and nodes else item for key, item in block.items()}


def _node_from_0(node: Any) -> Any:
    if not isinstance(node, dict) or "op" not in node:
        return node  # a block call: its arguments are names that the file chose itself
    renamed = {**_ABBREVIATIONS_0, **_OWN_0.get(str(node["op"]), {})}
    fresh = {renamed.get(key, key): item for key, item in node.items()}
    op = node["op"]
    fresh["op"] = _OPS_0.get(op, op) if isinstance(op, str) else op
    if fresh["op"] in ("max_pool", "avg_pool") and "padding" not in fresh and fresh.get("pool_size") != 3:
        fresh["padding"] = "valid"  # the default of version 0, where only windows of 3 were padded
    for part in ("first", "last"):
        if isinstance(fresh.get(part), dict):
            fresh[part] = {renamed.get(key, key): item for key, item in fresh[part].items()}
    return fresh


STEPS: Mapping[int, Step] = {0: _from_0}
"""For each older version, the step to the next one."""
