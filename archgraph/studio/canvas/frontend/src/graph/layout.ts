/** Where things stand: the grid, pins, what ELK is given, and places for new nodes. */
import type { ElkNode } from 'elkjs/lib/elk-api';
import { inputHandles, type Item, type Scope } from './scope';
import { wiredHandles } from './edits';

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Pixels of one unit of a layout file. */
export const GRID = 16;
export const WIDTH = 224;
export const HEIGHT = 64;
export const TERMINAL_HEIGHT = 40;

export const sizeOf = (item: Item): { readonly width: number; readonly height: number } =>
  item.kind === 'input' || item.kind === 'output' ? { width: 144, height: TERMINAL_HEIGHT } : { width: WIDTH, height: HEIGHT };

export const snapped = (point: Point): Point => ({ x: Math.round(point.x / GRID) * GRID, y: Math.round(point.y / GRID) * GRID });

/** The name of a node in a layout file; undefined where it cannot be pinned. */
export function pinPath(pointer: string | undefined, id: string): string | undefined {
  if (pointer === undefined || id.includes(':')) return undefined;
  const block = /^\/blocks\/([^/]+)$/.exec(pointer)?.[1];
  return block === undefined ? id : `${block}/${id}`;
}

/** From this many boxes on, layers are ordered once and boxes placed by Brandes & Köpf: half the time, a little less straight. */
const MANY = 150;
const FAST = { 'elk.layered.nodePlacement.strategy': 'BRANDES_KOEPF', 'elk.layered.thoroughness': '1' };

export function toElk(scope: Scope): ElkNode {
  return {
    id: 'root',
    layoutOptions: {
      'elk.algorithm': 'layered',
      'elk.direction': 'DOWN',
      'elk.layered.spacing.nodeNodeBetweenLayers': '44',
      'elk.layered.spacing.edgeNodeBetweenLayers': '20',
      'elk.spacing.nodeNode': '40',
      'elk.spacing.edgeNode': '32',
      'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
      'elk.layered.nodePlacement.networkSimplex.nodeFlexibility.default': 'NONE',
      'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
      'elk.separateConnectedComponents': 'true',
      'elk.spacing.componentComponent': '64',
      ...(scope.items.size < MANY ? {} : FAST),
    },
    children: [...scope.items.values()].map((item) => toElkNode(scope, item)),
    edges: scope.wires.map((wire) => ({ id: wire.id, sources: [`${wire.source}\n>${wire.sourcePort}`], targets: [`${wire.target}\n<${wire.targetPort}`] })),
  };
}

function toElkNode(scope: Scope, item: Item): ElkNode {
  const { width, height } = sizeOf(item);
  const inputs = inputHandles(item, wiredHandles(scope, item.id));
  const used = new Set([...item.outputs, ...scope.wires.filter((wire) => wire.source === item.id).map((wire) => wire.sourcePort)]);
  const outputs = [...used];
  const port = (id: string, side: string, x: number, y: number) => ({ id: `${item.id}\n${id}`, x, y, width: 0, height: 0, layoutOptions: { 'elk.port.side': side } });
  return {
    id: item.id,
    width,
    height,
    layoutOptions: { 'elk.portConstraints': 'FIXED_POS' },
    ports: [
      ...inputs.map((handle, i) => port(`<${handle.id}`, 'NORTH', spread(i, inputs.length, width), 0)),
      ...outputs.map((name, i) => port(`>${name}`, 'SOUTH', spread(i, outputs.length, width), height)),
    ],
  };
}

/** Where the i-th of several ports stands along an edge. */
export const spread = (i: number, count: number, width: number): number => (width * (i + 1)) / (count + 1);

export const fromElk = (root: ElkNode): Map<string, Point> =>
  new Map((root.children ?? []).map((child) => [child.id, { x: Math.round(child.x ?? 0), y: Math.round(child.y ?? 0) }]));

const overlaps = (one: Point, other: Point): boolean => Math.abs(one.x - other.x) < WIDTH + 16 && Math.abs(one.y - other.y) < HEIGHT + 16;

/** The nearest spot at or below `wish`, on the grid, that is free. */
export function freeSpot(wish: Point, taken: Iterable<Point>): Point {
  const others = [...taken];
  let spot = snapped(wish);
  for (let i = 0; i < 60 && others.some((other) => overlaps(spot, other)); i++) {
    const [column, row] = [i % 4, Math.floor(i / 4)];
    const aside = column % 2 === 0 ? column / 2 : -(column + 1) / 2;
    spot = snapped({ x: wish.x + aside * (WIDTH + 32), y: wish.y + row * (HEIGHT + 32) });
  }
  return spot;
}

/** Places for what has none yet: below what feeds it, above what it feeds, or at the end. */
export function placeNew(scope: Scope, known: ReadonlyMap<string, Point>, near: Point | undefined): Map<string, Point> {
  const made = new Map<string, Point>();
  const spot = (id: string) => known.get(id) ?? made.get(id);
  for (const item of scope.items.values()) {
    if (known.has(item.id)) continue;
    const before = scope.wires.filter((wire) => wire.target === item.id).flatMap((wire) => spot(wire.source) ?? []);
    const after = scope.wires.filter((wire) => wire.source === item.id).flatMap((wire) => spot(wire.target) ?? []);
    const lowest = before.length ? Math.max(...before.map((point) => point.y)) + HEIGHT + 52 : undefined;
    const highest = after.length ? Math.min(...after.map((point) => point.y)) - HEIGHT - 52 : undefined;
    const column = [...before, ...after].map((point) => point.x);
    const wish = { x: column.length ? column.reduce((sum, x) => sum + x, 0) / column.length : (near?.x ?? 0), y: lowest ?? highest ?? near?.y ?? 0 };
    made.set(item.id, freeSpot(wish, [...known.values(), ...made.values()]));
  }
  return made;
}

export type Side = 'left' | 'centre' | 'right' | 'top' | 'middle' | 'bottom' | 'across' | 'down';

interface Box extends Point {
  readonly id: string;
  readonly width: number;
  readonly height: number;
}

/** Boxes lined up at a side, or spread evenly across or down. */
export function aligned(boxes: readonly Box[], side: Side): Map<string, Point> {
  if (side === 'across' || side === 'down') return distributed(boxes, side);
  const left = Math.min(...boxes.map((box) => box.x));
  const right = Math.max(...boxes.map((box) => box.x + box.width));
  const top = Math.min(...boxes.map((box) => box.y));
  const bottom = Math.max(...boxes.map((box) => box.y + box.height));
  const moved = (box: Box): Point => {
    switch (side) {
      case 'left': return { x: left, y: box.y };
      case 'right': return { x: right - box.width, y: box.y };
      case 'centre': return { x: (left + right - box.width) / 2, y: box.y };
      case 'top': return { x: box.x, y: top };
      case 'bottom': return { x: box.x, y: bottom - box.height };
      case 'middle': return { x: box.x, y: (top + bottom - box.height) / 2 };
    }
  };
  return new Map(boxes.map((box) => [box.id, moved(box)]));
}

function distributed(boxes: readonly Box[], side: 'across' | 'down'): Map<string, Point> {
  const key = side === 'across' ? 'x' : 'y';
  const order = [...boxes].sort((one, other) => one[key] - other[key]);
  const first = order[0]?.[key] ?? 0;
  const gap = ((order.at(-1)?.[key] ?? 0) - first) / Math.max(1, order.length - 1);
  return new Map(order.map((box, i) => [box.id, side === 'across' ? { x: first + i * gap, y: box.y } : { x: box.x, y: first + i * gap }]));
}
