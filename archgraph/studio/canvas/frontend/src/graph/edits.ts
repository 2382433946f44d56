/** Gestures -> patches. Each function reads a scope and returns what would change; nothing is changed here. */
import type { Card } from './catalogue';
import { at, isObject, keys, type Json, type JsonObject } from './json';
import { freeName } from './names';
import { step, type Change, type Patch } from './patches';
import { feedsOf, handleOf, inputHandles, OUTPUT, type Item, type Scope, type Wire } from './scope';

/** A patch and the thing that it makes. */
export interface Made {
  readonly patch: Patch;
  readonly id: string;
}

/** Feeds of a node by handle: a port's name, or `port.i`. */
type Feeds = ReadonlyMap<string, string>;

const base = (scope: Scope): string => scope.pointer ?? '';

/** The changes that make an object stand at `pointer`, if none does. */
const ensure = (scope: Scope, key: string): Change[] => (at(scope.body, key) === undefined ? [{ at: `${base(scope)}${step(key)}`, value: {} }] : []);

export const refOf = (item: Item, port: string): string => (port === (item.outputs[0] ?? 'output') ? item.name : `${item.name}.${port}`);

export const wiredHandles = (scope: Scope, id: string): Set<string> =>
  new Set(scope.wires.filter((wire) => wire.target === id).map((wire) => wire.targetPort));

/** Handles of variadic ports close ranks: x.0, x.2 become x.0, x.1. */
function inOrder(item: Item, feeds: Feeds): [handle: string, ref: string, position: number][] {
  return item.inputs.flatMap<[string, string, number]>((port, i) => {
    if (!port.variadic) {
      const ref = feeds.get(port.name);
      return ref === undefined ? [] : [[port.name, ref, i]];
    }
    const several = [...feeds].filter(([handle]) => handle.startsWith(`${port.name}.`));
    several.sort(([one], [other]) => Number(one.slice(port.name.length + 1)) - Number(other.slice(port.name.length + 1)));
    return several.map<[string, string, number]>(([, ref], k) => [`${port.name}.${k}`, ref, i + k]);
  });
}

/** `in` as a person would write it: a name, a list where no port is left out, else an object. */
function written(item: Item, feeds: Feeds): Json | undefined {
  const order = inOrder(item, feeds);
  const before = at(item.record, 'in');
  const [first] = order;
  if (first === undefined) return undefined;
  if (isObject(before) && !item.inputs.some((port) => port.variadic)) return Object.fromEntries(order.map(([handle, ref]) => [handle, ref]));
  if (order.every(([, , position], i) => position === i)) {
    return order.length === 1 && !Array.isArray(before) ? first[1] : order.map(([, ref]) => ref);
  }
  return Object.fromEntries(order.map(([handle, ref]) => [handle, ref]));
}

export const feeds = (item: Item): Map<string, string> => new Map(feedsOf(item.record).map(([key, ref]) => [handleOf(key, item.inputs), ref]));

function setFeeds(item: Item, next: Feeds): Change {
  const value = written(item, next);
  const place = `${item.pointer}/in`;
  if (value === undefined) return { at: place };
  const head = ['op', 'block', 'reuse'].find((key) => at(item.record, key) !== undefined);
  return { at: place, value, ...(head === undefined ? {} : { after: head }) };
}

/** Feed `handle` of `target` by `ref`; what fed it before is replaced. */
export function connect(scope: Scope, ref: string, target: string, handle: string): Patch {
  const item = scope.items.get(target);
  if (item === undefined) return [];
  if (item.kind === 'output') return [{ at: item.pointer, value: ref }];
  return [setFeeds(item, feeds(item).set(handle, ref))];
}

/** Take wires away. An output keeps its place in the file with nothing to read. */
export function disconnect(scope: Scope, gone: ReadonlySet<string>): Patch {
  return [...scope.items.values()].flatMap((item) => {
    const lost = scope.wires.filter((wire) => wire.target === item.id && gone.has(wire.id));
    if (lost.length === 0) return [];
    if (item.kind === 'output') return [{ at: item.pointer, value: '' }];
    const left = feeds(item);
    for (const wire of lost) left.delete(wire.targetPort);
    return [setFeeds(item, left)];
  });
}

/** Take nodes, inputs and outputs away, with the wires at them. */
export function remove(scope: Scope, ids: ReadonlySet<string>, wires: ReadonlySet<string> = new Set()): Patch {
  const gone = scope.wires.filter((wire) => wires.has(wire.id) || ids.has(wire.source) || ids.has(wire.target));
  const loose = new Set(gone.filter((wire) => !ids.has(wire.target)).map((wire) => wire.id));
  return [...disconnect(scope, loose), ...[...ids].flatMap((id) => removal(scope, scope.items.get(id)))];
}

function removal(scope: Scope, item: Item | undefined): Patch {
  if (item === undefined) return [];
  const names = at(scope.body, 'inputs');
  if (item.kind === 'input' && Array.isArray(names)) return [{ at: `${base(scope)}/inputs`, value: names.filter((name) => name !== item.name) }];
  return [{ at: item.pointer.replace(/\/next$/, '') }];
}

/** The nodes that read `id` read what it read instead. */
export function bridge(scope: Scope, id: string): Patch {
  const [into] = scope.wires.filter((wire) => wire.target === id);
  if (into === undefined) return [];
  return scope.wires.filter((wire) => wire.source === id).flatMap((wire) => connect(scope, into.ref, wire.target, wire.targetPort));
}

const withFeed = (record: JsonObject, value: Json | undefined): JsonObject => {
  if (value === undefined) return record;
  const [head, ...rest] = Object.entries(record);
  return Object.fromEntries([...(head === undefined ? [] : [head]), ['in', value], ...rest]);
};

const itemOf = (card: Card, id: string): Item => ({
  id, kind: card.form, name: id, type: card.name, record: card.record, inputs: card.inputs, outputs: card.outputs.length ? card.outputs : ['output'], pointer: '',
});

/** A new node, fed by `refs` in the order of its ports. */
export function addNode(scope: Scope, card: Card, refs: readonly string[] = [], after?: string): Made {
  const id = freeName(card.name, scope.items);
  const item = itemOf(card, id);
  const handles = item.inputs.flatMap((port) => (port.variadic ? refs.map((_, i) => `${port.name}.${i}`) : [port.name]));
  const value = withFeed(card.record, written(item, new Map(refs.map((ref, i) => [handles[i] ?? '', ref]))));
  const known = after !== undefined && at(at(scope.body, 'nodes'), after) !== undefined;
  return { id, patch: [...ensure(scope, 'nodes'), { at: `${base(scope)}/nodes${step(id)}`, value, ...(known ? { after } : {}) }] };
}

/** A new node in the middle of a wire. */
export function spliceNew(scope: Scope, wire: Wire, card: Card): Made {
  const made = addNode(scope, card, card.inputs.length ? [wire.ref] : [], wire.source);
  return { id: made.id, patch: [...made.patch, ...connect(scope, made.id, wire.target, wire.targetPort)] };
}

/** A node that is there already, put into the middle of a wire, if a port of it is free. */
export function spliceOld(scope: Scope, wire: Wire, id: string): Patch {
  const item = scope.items.get(id);
  if (item === undefined || item.outputs.length === 0 || wire.source === id || wire.target === id) return [];
  const free = inputHandles(item, wiredHandles(scope, id)).find((handle) => handle.free);
  if (free === undefined || scope.wires.some((other) => other.source === id)) return [];
  return [...connect(scope, wire.ref, id, free.id), ...connect(scope, refOf(item, item.outputs[0] ?? 'output'), wire.target, wire.targetPort)];
}

export function addInput(scope: Scope): Made {
  const id = freeName('input', scope.items);
  const given = at(scope.body, 'inputs');
  if (Array.isArray(given)) return { id, patch: [{ at: `${base(scope)}/inputs`, value: [...given, id] }] };
  return { id, patch: [...ensure(scope, 'inputs'), { at: `${base(scope)}/inputs${step(id)}`, value: { shape: [32, 32, 3] } }] };
}

export function addOutput(scope: Scope, ref = ''): Made {
  const single = at(scope.body, 'output');
  const taken = new Set(keys(at(scope.body, 'outputs')));
  if (single === undefined) {
    const name = freeName('output', taken);
    return { id: OUTPUT + name, patch: [...ensure(scope, 'outputs'), { at: `${base(scope)}/outputs${step(name)}`, value: ref }] };
  }
  const name = freeName('second', taken);
  const outputs = { output: single, [name]: ref };
  return { id: OUTPUT + name, patch: [{ at: `${base(scope)}/output` }, { at: `${base(scope)}/outputs`, value: outputs }] };
}

/** Set a parameter or another key of a record, by the names on the way to it; undefined: leave it out. */
export function setField(item: Item, path: readonly string[], value: Json | undefined): Patch {
  const place = item.pointer + path.map(step).join('');
  if (value === undefined) return [{ at: place }];
  const [outer] = path;
  const missing = path.length > 1 && outer !== undefined && at(item.record, outer) === undefined;
  return [...(missing ? [{ at: item.pointer + step(outer), value: {} }] : []), { at: place, value }];
}

/** The record that applies `target` again, with its weights. */
export function reuse(item: Item, target: string): Patch {
  const kept = ['in', 'doc'].flatMap<[string, Json]>((key) => {
    const value = at(item.record, key);
    return value === undefined ? [] : [[key, value]];
  });
  return [{ at: item.pointer, value: Object.fromEntries([['reuse', target], ...kept]) }];
}

/** The same for every item that has the field. */
export const setFields = (items: readonly Item[], path: readonly string[], value: Json | undefined): Patch =>
  items.flatMap((item) => setField(item, path, value));
