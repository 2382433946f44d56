"""Keep what an output depends on: Keras drops the rest, so it counts neither weights nor work."""

from archgraph.analysis.shaped import INPUT, Item, Leaf, Scope, Value

Kept = tuple[Scope, frozenset[int]]
"""A pruned scope, and the input ports that it still reads."""

_Memo = dict[tuple[Scope, frozenset[int]], Kept]


def prune(scope: Scope) -> Scope:
    """`scope` without the items that reach none of its outputs. Unchanged scopes stay the same object."""
    return _pruned(scope, frozenset(range(len(scope.results))), {})[0]


def _pruned(scope: Scope, wanted: frozenset[int], memo: _Memo) -> Kept:
    key = (scope, wanted)
    if key not in memo:
        memo[key] = _prune(scope, wanted, memo)
    return memo[key]


def _prune(scope: Scope, wanted: frozenset[int], memo: _Memo) -> Kept:
    ports: dict[int, set[int]] = {}
    for number in wanted:
        _want(scope.results[number], ports)
    owners = {item.owner for item in scope.items if item.owner}
    kept: dict[int, Item] = {}
    for index in reversed(range(len(scope.items))):
        item = scope.items[index]
        if index not in ports and item.name not in owners:
            continue
        kept[index], reads = _item(item, frozenset(ports.get(index, {0})), memo)
        for read in reads:
            _want(read, ports)
    used = frozenset(ports.get(INPUT, ()))
    if len(kept) == len(scope.items) and all(kept[index] is item for index, item in enumerate(scope.items)):
        return scope, used
    place = {index: number for number, index in enumerate(sorted(kept))} | {INPUT: INPUT}
    items = tuple(_moved(kept[index], place) for index in sorted(kept))
    results = tuple(
        Value(place.get(value.item, INPUT), value.port if value.item in place else 0) for value in scope.results
    )
    return Scope(scope.block, scope.inputs, items, results, scope.outputs), used


def _want(value: Value, ports: dict[int, set[int]]) -> None:
    ports.setdefault(value.item, set()).add(value.port)


def _item(item: Item, wanted: frozenset[int], memo: _Memo) -> tuple[Item, list[Value]]:
    """The item with its inside pruned, and the values it still reads."""
    if isinstance(item, Leaf):
        return item, [feed for feed in item.feeds if feed is not None]
    copies, reads = [], {item.carry}
    for copy in reversed(item.copies):
        made, used = _pruned(copy, wanted, memo)
        copies.append(made)
        reads |= used
        wanted = frozenset({0})
    copies.reverse()
    values = [item.feeds[port] for port in sorted(reads)]
    if all(new is old for new, old in zip(copies, item.copies, strict=True)):
        return item, values
    return item.with_copies(tuple(copies)), values


def _moved(item: Item, place: dict[int, int]) -> Item:
    feeds = tuple(None if feed is None else Value(place.get(feed.item, INPUT), feed.port) for feed in item.feeds)
    if feeds == item.feeds:
        return item
    if isinstance(item, Leaf):
        return item._replace(feeds=feeds)
    return item.with_feeds(tuple(feed for feed in feeds if feed is not None))
