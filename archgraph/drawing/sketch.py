"""ShapedGraph -> Sketch: the records of a file in rows as wide as a page, and below them each block once, open."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from archgraph.analysis.shaped import INPUT, Call, Scope, ShapedGraph, join
from archgraph.drawing import words
from archgraph.drawing.picture import Arrow, Box, Draughtsman, Picture
from archgraph.drawing.words import short
from archgraph.graph import Block

WIDEST: Final = 800
"""Points of a row, after which the next box begins another: a page of text shows it unreduced."""
WIDE: Final = 1.5
"""How many times as wide a row may be that cannot be broken without cutting several arrows."""
MOST_BOXES: Final = 36
"""Boxes after which no further block is drawn open."""
LONGEST_BLOCK: Final = 20
"""A block of more boxes is not drawn open."""
LONGEST_LINE: Final = 26

_GAP: Final = 26
_MARGIN: Final = 20


class Frame(NamedTuple):
    """Boxes in rows: the main graph (its name is empty), or the inside of a block."""

    name: str
    doc: str
    rows: tuple[tuple[Box, ...], ...]
    arrows: tuple[Arrow, ...]


class Sketch(NamedTuple):
    """A small picture of a graph: its frames, one below the other, or side by side where boxes follow downwards."""

    frames: tuple[Frame, ...]
    downwards: bool = False


def sketch(shaped: ShapedGraph) -> Sketch:
    """A small picture of a graph: closed boxes that tell the shape they put out, in rows, then blocks, open, once each.

    A graph with many ways past a place cannot be broken into rows that anybody could follow: it is drawn downwards.

    Raises:
        GraphError: the main graph alone would have more boxes than a picture may have (AG501).
    """
    drawn = Draughtsman(expanded=False, depth=0, once=False).draw(shaped)
    shapes = _shapes(drawn.arrows)
    main = _without(_idle((shaped.root,), "", [f"input {name}" for name in shaped.inputs]), drawn)
    parts = [("", "", main, shapes), *_blocks(shaped.root, sum(1 for _ in main.boxes()))]
    frames = [Frame(name, doc, _rows(_small(picture, shapes), picture.arrows), _ports(picture.arrows))
              for name, doc, picture, shapes in parts]  # fmt: skip
    if not _tangled(frames[0]):
        return Sketch(tuple(frames))
    return Sketch(tuple(frame._replace(rows=(sum(frame.rows, ()),)) for frame in frames), downwards=True)


Part = tuple[str, str, Picture, Mapping[str, str]]


def _blocks(root: Scope, boxes: int) -> Iterator[Part]:
    """The blocks to draw open: their names, docs, insides, and the shapes that leave each box."""
    known: set[Block] = set()
    waiting = _used((root,))
    while waiting:
        block = next(iter(waiting))
        copies = waiting.pop(block)
        known.add(block)
        picture, shapes = _inside(block, copies)
        size = sum(1 for _ in picture.boxes())
        if size > LONGEST_BLOCK or boxes + size > MOST_BOXES:
            continue
        boxes += size
        yield block.name, block.doc, picture, shapes
        for inner, scopes in _used(copies).items():
            if inner not in known:
                waiting[inner] = [*waiting.get(inner, []), *scopes]


def _used(scopes: Sequence[Scope]) -> dict[Block, list[Scope]]:
    """The blocks that are called in some scopes, in the order of the calls, each with its copies."""
    found: dict[Block, list[Scope]] = {}
    for scope in scopes:
        for item in scope.items:
            if isinstance(item, Call) and item.node.kind == "block":
                for copy in item.copies:
                    found.setdefault(copy.block, []).append(copy)
    return found


def _inside(block: Block, copies: Sequence[Scope]) -> tuple[Picture, Mapping[str, str]]:
    """A block in all its copies, its head first, and the shapes that leave each box."""
    draughtsman = Draughtsman(expanded=False, depth=0, once=False)
    group, ends = draughtsman.open(copies, Box(f"block {block.name}", "head", block.name, doc=block.doc), 0)
    arrows = draughtsman.arrows_among(group.members)
    results = {
        end.box: words.tensors([copy.outputs[port] for copy in dict.fromkeys(copies)]) for port, end in enumerate(ends)
    }
    idle = _idle(copies, group.id, [group.id] * len(block.inputs))
    picture = _without(idle, Picture(block.name, "", group.members, arrows))
    return picture, {**results, **_shapes(tuple(draughtsman.arrows.values()))}


def _idle(scopes: Sequence[Scope], path: str, entries: Sequence[str]) -> dict[str, str]:
    """The boxes of records that are repeated no times in any copy, each with the box whose tensor it hands on."""
    found: dict[str, str] = {}
    for scope in scopes:
        for item in scope.items:
            handed_on = item.feeds[item.carry] if isinstance(item, Call) and not item.copies else None
            if handed_on is not None:
                source, port = handed_on
                fed = entries[port] if source == INPUT else join(path, scope.items[source].node.id)
                found[join(path, item.node.id)] = fed
    items = (item for scope in scopes for item in scope.items)
    busy = {join(path, item.node.id) for item in items if not isinstance(item, Call) or item.copies}
    return {box: source for box, source in found.items() if box not in busy}


def _without(idle: Mapping[str, str], picture: Picture) -> Picture:
    """The picture without some boxes, whose arrows leave from where their tensor comes from."""

    def source(box: str) -> str:
        while box in idle:
            box = idle[box]
        return box

    arrows = [arrow._replace(tail=source(arrow.tail)) for arrow in picture.arrows if arrow.head not in idle]
    boxes = tuple(box for box in picture.boxes() if box.id not in idle)
    return picture._replace(members=boxes, arrows=tuple(dict.fromkeys(arrows)))


def _shapes(arrows: Sequence[Arrow]) -> dict[str, str]:
    """The shapes that leave each box."""
    found: dict[str, list[str]] = {}
    for arrow in arrows:
        shape = arrow.label.rpartition(": ")[2]
        if shape and shape not in found.setdefault(arrow.tail, []):
            found[arrow.tail].append(shape)
    return {tail: " and ".join(shapes[:2]) for tail, shapes in found.items()}


def _ports(arrows: Sequence[Arrow]) -> tuple[Arrow, ...]:
    """The arrows, each with the name alone of the output that it leaves from, where a box has several."""
    return tuple(arrow._replace(label=arrow.label.rpartition(": ")[0]) for arrow in arrows)


def _small(picture: Picture, shapes: Mapping[str, str]) -> list[Box]:
    """The boxes, with little text."""
    small = []
    for box in picture.boxes():
        shape = short(shapes.get(box.id, ""), LONGEST_LINE)
        if box.role == "input":
            small.append(box._replace(title=f"{box.title} {shape}"))
        elif box.role == "output":
            small.append(box)
        else:
            small.append(box._replace(lines=tuple(short(line, LONGEST_LINE) for line in box.lines[:1]), footer=shape))
    return small


def _tangled(frame: Frame) -> bool:
    """Whether two arrows more than there must be go from row to row, or there is one row that is far too wide."""
    row_of = {box.id: number for number, row in enumerate(frame.rows) for box in row}
    cut = [row_of[arrow.tail] for arrow in frame.arrows if row_of[arrow.tail] < row_of[arrow.head]]
    return len(cut) > len(set(cut)) + 1 or (len(frame.rows) == 1 and sum(map(_width, frame.rows[0])) > 3 * WIDEST)


def _rows(boxes: Sequence[Box], arrows: Sequence[Arrow]) -> tuple[tuple[Box, ...], ...]:
    """Boxes, each after those that feed it, in rows of even width, broken where the fewest arrows are cut."""
    order = {box.id: place for place, box in enumerate(boxes)}
    spans = [(order[arrow.tail], order[arrow.head]) for arrow in arrows]
    columns = _columns(boxes, spans)
    widths = [max(_width(boxes[place]) for place in column) for column in columns]
    if sum(widths) <= WIDEST:
        return (tuple(boxes),)
    place_of = {place: number for number, column in enumerate(columns) for place in column}
    cut = [sum(place_of[tail] < number <= place_of[head] for tail, head in spans) for number in range(len(columns))]
    breaks = _breaks(widths, cut)
    if any(cut[first] > 1 for first, _ in breaks) and sum(widths) <= WIDE * WIDEST:
        return (tuple(boxes),)
    return tuple(tuple(boxes[place] for column in columns[first:last] for place in column) for first, last in breaks)


def _columns(boxes: Sequence[Box], spans: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Boxes that Graphviz puts side by side: each one step after the last of those that feed it."""
    depth = [0] * len(boxes)
    for place in range(len(boxes)):
        feeding = [depth[tail] + 1 for tail, head in spans if head == place and tail < place]
        depth[place] = max(feeding, default=0)
    return [[place for place in range(len(boxes)) if depth[place] == number] for number in range(max(depth) + 1)]


def _breaks(widths: Sequence[float], cut: Sequence[int]) -> list[tuple[int, int]]:
    """Rows, as first and last column, that together cut the fewest arrows beyond one each, then are the most even."""
    best: Mapping[int, tuple[float, tuple[int, ...]]] = {0: (0.0, ())}
    table = dict(best)
    for end in range(1, len(widths) + 1):
        options = []
        for start in range(end):
            width = sum(widths[start:end])
            if start in table and (width <= WIDEST or end - start == 1):
                cost, breaks = table[start]
                ragged = ((WIDEST - width) / WIDEST) ** 2
                options.append((cost + 1 + ragged / 2 + max(0, cut[start] - 1) / 2, (*breaks, start)))
        table[end] = min(options)
    starts = table[len(widths)][1]
    return list(zip(starts, (*starts[1:], len(widths)), strict=True))


def _width(box: Box) -> float:
    """About how wide a box is drawn, in points, with the gap before the next."""
    title = 6.9 * len(box.title) + 6.2 * len(box.op) + 8 * len(box.times)
    body = max((4.9 * len(line) for line in (*box.lines, box.footer)), default=0)
    return max(title, body) + _MARGIN + _GAP
