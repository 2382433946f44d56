"""What feeds a call: its references in the order of the block's inputs, and as text again."""

from collections.abc import Collection, Mapping
from typing import Any

from archgraph.diagnostics import Rejected, nearest
from archgraph.graph import Feeds, Ref


def in_port_order(feeds: Feeds, ports: tuple[str, ...], what: str, free: Collection[str] = ()) -> list[Ref | None]:
    """The references of a block call in the order of the block's inputs; None where one that may be free is."""
    if isinstance(feeds, Mapping):
        for port in feeds:
            if port not in ports:
                raise Rejected(
                    "AG403",
                    f"{what} has no input {port!r}; its inputs: {', '.join(ports)}",
                    hint=nearest(port, ports),
                    field=f"/{port}",
                )
        for port in ports:
            if port not in feeds and port not in free:
                raise Rejected("AG403", f"{what} needs the input {port!r}")
        return [feeds.get(port) for port in ports]
    if len(feeds) > len(ports) or not all(port in free for port in ports[len(feeds) :]):
        raise Rejected("AG403", f"{what} takes {len(ports)} inputs ({', '.join(ports)}), got {len(feeds)}")
    return [*feeds, *(None for _ in ports[len(feeds) :])]


def as_text(feeds: Feeds) -> Any:
    """Feeds as a file has them in ``in``."""
    if isinstance(feeds, Mapping):
        return {port: str(ref) for port, ref in feeds.items()}
    refs = [str(ref) for ref in feeds if ref is not None]
    return refs[0] if len(refs) == 1 else refs
