/** Snapshot -> nodes and edges of React Flow; what has not changed stays the same object, so that it is not drawn anew. */
import type { FamilyStyle } from './family';
import { familyOf, familyStyle } from './family';
import type { CardData, CardHandle, CardNode } from './NodeCard';
import type { Snapshot } from './studio';
import type { WireNode } from './WireEdge';
import { at, same, text, type Json } from '../graph/json';
import { sizeOf, type Point } from '../graph/layout';
import { inputHandles, type Item, type Scope } from '../graph/scope';
import { shown } from '../graph/form';
import { title } from '../graph/words';

const SKIPPED = new Set(['op', 'block', 'reuse', 'in', 'doc', 'meta', 'repeat', 'first', 'last', 'share', 'when', 'scan']);

/** What distinguishes a node at a glance: its op and the parameters it was given. */
export function subtitleOf(item: Item, titleOf: (item: Item) => string, values: ReadonlyMap<string, string> | undefined): string {
  const given = Object.entries(item.record).filter(([key]) => !SKIPPED.has(key)).slice(0, 4);
  const parts = given.map(([key, value]) => parameter(key, value, values));
  return [titleOf(item), ...parts.filter((part) => part !== '')].join(' · ');
}

function parameter(key: string, value: Json, values: ReadonlyMap<string, string> | undefined): string {
  const told = values?.get(key) ?? shown(value);
  if (value === true) return title(key).toLowerCase();
  if (value === false || told === '' || told.length > 24) return '';
  if (typeof value === 'number' || /^\d/.test(told)) return /size|kernel/.test(key) ? `${told.replaceAll(', ', '×')}${/^\d+$/.test(told) ? `×${told}` : ''}` : `${told} ${key.replaceAll('_', ' ')}`;
  return told;
}

function wiredByTarget(scope: Scope): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const wire of scope.wires) found.set(wire.target, (found.get(wire.target) ?? new Set()).add(wire.targetPort));
  return found;
}

const NONE: ReadonlySet<string> = new Set();

const sameHandles = (one: readonly CardHandle[], other: readonly CardHandle[]): boolean =>
  one.length === other.length && one.every((handle, i) => handle.id === other[i]?.id && handle.free === other[i]?.free);

const sameStyle = (one: FamilyStyle, other: FamilyStyle): boolean => one['--family'] === other['--family'] && one['--tint'] === other['--tint'];

const KNOWN_KEYS = ['title', 'params', 'macs', 'repeat', 'problems', 'worst', 'off', 'change'] satisfies readonly (keyof NonNullable<CardData['known']>)[];

function sameKnown(one: CardData['known'], other: CardData['known']): boolean {
  if (one === other) return true;
  if (one === undefined || other === undefined) return false;
  return KNOWN_KEYS.every((key) => one[key] === other[key])
    && one.inputs.length === other.inputs.length && one.inputs.every((port, i) => port.shape === other.inputs[i]?.shape)
    && one.outputs.length === other.outputs.length && one.outputs.every((port, i) => port.shape === other.outputs[i]?.shape && port.name === other.outputs[i]?.name);
}

const sameItem = (one: Item, other: Item): boolean =>
  one === other || (one.kind === other.kind && one.type === other.type && one.name === other.name && one.pointer === other.pointer && same(one.record, other.record) && one.outputs.join() === other.outputs.join() && one.inputs.length === other.inputs.length);

const sameData = (one: CardData, other: CardData): boolean =>
  sameItem(one.item, other.item) && sameKnown(one.known, other.known) && one.subtitle === other.subtitle && one.family === other.family && sameStyle(one.style, other.style)
  && sameHandles(one.inputs, other.inputs) && one.note === other.note && one.mark?.text === other.mark?.text && one.mark?.level === other.mark?.level && one.renaming === other.renaming && one.noting === other.noting;

/** React Flow's nodes for a snapshot, given the ones drawn before. */
export function drawNodes(snapshot: Snapshot, before: readonly CardNode[], moving: ReadonlySet<string>): CardNode[] {
  const { scope, session, spots, screen } = snapshot;
  const old = new Map(before.map((node) => [node.id, node]));
  const wired = wiredByTarget(scope);
  const selection = new Set(session.selection);
  const titleOf = (item: Item) => session.catalogue.ops.get(item.type)?.title ?? (item.kind === 'reuse' ? `same weights as ${item.type}` : item.type);
  return [...scope.items.values()].map((item) => {
    const known = session.view.nodes.get(item.id);
    const family = familyOf(session.catalogue, item, known?.family);
    const data: CardData = {
      item, known, family,
      subtitle: subtitleOf(item, titleOf, known?.values),
      style: familyStyle(session.catalogue, family),
      inputs: inputHandles(item, wired.get(item.id) ?? NONE),
      note: text(at(item.record, 'doc')),
      mark: session.view.overlay.nodes.get(item.id),
      renaming: screen.renaming === item.id,
      noting: screen.noting === item.id,
      selectedAlone: false,
    };
    return drawnNode(item, data, old.get(item.id), spots.get(item.id) ?? { x: 0, y: 0 }, selection.has(item.id), moving.has(item.id));
  });
}

function drawnNode(item: Item, data: CardData, old: CardNode | undefined, spot: Point, selected: boolean, moving: boolean): CardNode {
  if (old === undefined) return { id: item.id, type: 'card', position: spot, data, selected, ...sizeOf(item), ariaLabel: ariaLabel(data) };
  const position = moving || (old.position.x === spot.x && old.position.y === spot.y) ? old.position : spot;
  const kept = sameData(old.data, data) ? old.data : data;
  if (kept === old.data && position === old.position && (old.selected ?? false) === selected) return old;
  return { ...old, position, data: kept, selected, ariaLabel: ariaLabel(kept) };
}

const ariaLabel = (data: CardData): string =>
  [data.item.name, data.item.kind === 'op' || data.item.kind === 'block' ? data.subtitle : data.item.kind, data.known?.outputs[0]?.shape ?? '', data.known?.problems ? `${data.known.problems} problems` : ''].filter(Boolean).join(', ');

/** React Flow's edges for a snapshot, given the ones drawn before. */
export function drawEdges(snapshot: Snapshot, before: ReadonlyMap<string, WireNode>): WireNode[] {
  const { scope, session, routes, selectedWires, screen } = snapshot;
  return scope.wires.map((wire) => {
    const tensor = session.view.nodes.get(wire.source)?.outputs.find((port) => port.name === wire.sourcePort);
    const told = session.view.wires.get(wire.id);
    const target = session.view.nodes.get(wire.target);
    const data = {
      shape: told?.shape || tensor?.shape || '',
      ghost: screen.ghost?.shapes.get(wire.source) ?? '',
      ok: told?.ok ?? !(target?.worst === 'error' && target.problems > 0 && tensor !== undefined && tensor.shape === ''),
      route: routes.get(wire.id),
      over: screen.over === wire.id,
    };
    const selected = selectedWires.has(wire.id);
    const old = before.get(wire.id);
    if (old?.data !== undefined && old.selected === selected && old.data.shape === data.shape && old.data.ghost === data.ghost && old.data.ok === data.ok && old.data.route === data.route && old.data.over === data.over
      && old.sourceHandle === wire.sourcePort && old.targetHandle === wire.targetPort) return old;
    return {
      id: wire.id, type: 'wire', source: wire.source, sourceHandle: wire.sourcePort, target: wire.target, targetHandle: wire.targetPort, selected, data,
      ariaLabel: `${wire.source} feeds ${wire.target}`, reconnectable: 'target',
    };
  });
}
