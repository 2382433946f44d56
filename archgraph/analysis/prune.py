"""Keep what an output depends on: Keras drops the rest, so it counts neither weights nor work."""

from archgraph.analysis.shaped import INPUT, Call, Item, Leaf, Scope, Value

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
    applied: dict[str, set[int]] = {}  # items whose weights others apply again, and the outputs that those must give
    kept: dict[int, Item] = {}
    for index in reversed(range(len(scope.items))):
        item = scope.items[index]
        wants = ports.get(index)
        if item.name in applied:
            wants = applied[item.name] | (wants or {0})
        if wants is None:
            continue
        if item.owner:
            applied.setdefault(item.owner, set()).update(wants)
        if isinstance(item, Leaf):
            kept[index], reads = item, item.feeds
        else:
            kept[index], reads = _call(item, frozenset(wants), memo)
        for read in reads:
            if read is not None:
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
    known = ports.get(value.item)
    if known is None:
        ports[value.item] = {value.port}
    else:
        known.add(value.port)


def _call(item: Call, wanted: frozenset[int], memo: _Memo) -> tuple[Call, tuple[Value, ...]]:
    """The call with its inside pruned, and the values it still reads."""
    copies, reads = [], {item.carry}
    if item.scan is not None:  # what is carried on is read by the next step
        wanted = wanted | {result for _, result in item.scan.states}
    for copy in reversed(item.copies):
        made, used = _pruned(copy, wanted, memo)
        copies.append(made)
        reads |= used
        wanted = wanted | {0} if item.share else frozenset({0})  # the first copy owns what any shared copy needs
    copies.reverse()
    if item.scan is not None:
        reads |= {port for port, _ in item.scan.states} | set(item.scan.over)
    values = tuple(feed for port in sorted(reads) if (feed := item.feeds[port]) is not None)
    if all(new is old for new, old in zip(copies, item.copies, strict=True)):
        return item, values
    return item.with_copies(tuple(copies)), values


def _moved(item: Item, place: dict[int, int]) -> Item:
    feeds = tuple(None if feed is None else Value(place.get(feed.item, INPUT), feed.port) for feed in item.feeds)
    if feeds == item.feeds:
        return item
    if isinstance(item, Leaf):
        return item._replace(feeds=feeds)
    return item.with_feeds(feeds)
