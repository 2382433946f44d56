/** The open body -> what is drawn: items (nodes, inputs, outputs) with ports, and wires between them. */
import type { Card, Catalogue, Port } from './catalogue';
import { at, isList, isObject, keys, text, type Json, type JsonObject } from './json';
import { lookup, step } from './patches';
import type { Known, Tensor, View } from './view';

export type ItemKind = 'op' | 'block' | 'reuse' | 'input' | 'output';

export interface Item {
  readonly id: string;
  readonly kind: ItemKind;
  readonly name: string;
  /** The op or block; empty for inputs and outputs. */
  readonly type: string;
  readonly record: JsonObject;
  readonly inputs: readonly Port[];
  readonly outputs: readonly string[];
  /** Where its record, or the reference of an output, stands in the document. */
  readonly pointer: string;
}

export interface Wire {
  readonly id: string;
  readonly source: string;
  readonly sourcePort: string;
  readonly target: string;
  readonly targetPort: string;
  readonly ref: string;
}

export interface Scope {
  /** Where the body stands in the document; undefined: it is not in it. */
  readonly pointer: string | undefined;
  readonly body: JsonObject;
  readonly items: ReadonlyMap<string, Item>;
  readonly wires: readonly Wire[];
}

export const OUTPUT = 'out:';
export const STATE = 'out:state.';
const READ: readonly Port[] = [{ name: 'x', doc: 'what is read', optional: false, variadic: false }];
const NONE: JsonObject = {};

export const EMPTY_SCOPE: Scope = { pointer: '', body: NONE, items: new Map(), wires: [] };

/** The card of an op or block that a record names. */
export function cardOf(record: JsonObject, catalogue: Catalogue, blocks: ReadonlyMap<string, Card>): Card | undefined {
  const op = at(record, 'op');
  if (typeof op === 'string') return catalogue.ops.get(op);
  const block = at(record, 'block');
  return typeof block === 'string' ? (blocks.get(block) ?? catalogue.blocks.get(block)) : undefined;
}

const fallbackPorts = (record: JsonObject): Port[] => feedsOf(record).map(([key]) => ({ name: key === '0' ? 'x' : key, doc: '', optional: false, variadic: false }));

/** References of a record's `in`, each with its key: a port's name, or a position. */
export function feedsOf(record: JsonObject): [string, string][] {
  const given = at(record, 'in');
  if (typeof given === 'string') return [['0', given]];
  if (isList(given)) return given.flatMap<[string, string]>((ref, i) => (typeof ref === 'string' ? [[String(i), ref]] : []));
  return isObject(given) ? Object.entries(given).flatMap<[string, string]>(([key, ref]) => (typeof ref === 'string' ? [[key, ref]] : [])) : [];
}

/** The handle that a key of `in` leads to: a port's name, and `name.i` for each wire of a variadic port. */
export function handleOf(key: string, ports: readonly Port[]): string {
  if (!/^\d+$/.test(key)) return key;
  const position = Number(key);
  const last = ports.length - 1;
  const port = ports[Math.min(position, last)];
  if (port === undefined) return key;
  return port.variadic ? `${port.name}.${position - last}` : (ports[position]?.name ?? key);
}

const kindOf = (record: JsonObject): ItemKind => (at(record, 'reuse') !== undefined ? 'reuse' : at(record, 'block') !== undefined ? 'block' : 'op');

export function bodyAt(document: Json, view: View): { pointer: string | undefined; body: JsonObject } {
  const { pointer, body } = view.place;
  if (body !== undefined) return { pointer: undefined, body };
  const found = pointer === undefined ? undefined : lookup(document, pointer);
  return { pointer, body: isObject(found) ? found : NONE };
}

function portsOf(record: JsonObject, known: Known | undefined, find: (name: string) => JsonObject | undefined, card: (record: JsonObject) => Card | undefined, depth = 0): { inputs: readonly Port[]; outputs: readonly string[] } {
  const reuse = at(record, 'reuse');
  const target = typeof reuse === 'string' && depth < 8 ? find(reuse) : undefined;
  if (target !== undefined) return portsOf(target, known, find, card, depth + 1);
  const made = card(record);
  const current = known !== undefined && known.type === text(at(record, 'op') ?? at(record, 'block')) ? known : undefined;
  const inputs = current?.inputs.length ? current.inputs : (made?.inputs ?? known?.inputs ?? fallbackPorts(record));
  const outputs = current?.outputs.length ? current.outputs.map((port: Tensor) => port.name) : (made?.outputs ?? known?.outputs.map((port) => port.name) ?? ['output']);
  return { inputs, outputs: outputs.length ? outputs : ['output'] };
}

/** The references of outputs and states, by id. */
export function outputsOf(body: JsonObject, pointer: string): { id: string; name: string; ref: string; pointer: string }[] {
  const found = [];
  const single = at(body, 'output');
  if (single !== undefined) found.push({ id: `${OUTPUT}output`, name: 'output', ref: text(single), pointer: `${pointer}/output` });
  const several = at(body, 'outputs');
  for (const name of keys(several)) found.push({ id: OUTPUT + name, name, ref: text(at(several, name)), pointer: `${pointer}/outputs${step(name)}` });
  const states = at(body, 'states');
  for (const name of keys(states)) {
    const state = at(states, name);
    const spelt = isObject(state);
    found.push({ id: STATE + name, name: `${name} next`, ref: text(spelt ? at(state, 'next') : state), pointer: `${pointer}/states${step(name)}${spelt ? '/next' : ''}` });
  }
  return found;
}

const inputNames = (body: JsonObject): string[] => {
  const given = at(body, 'inputs');
  return isList(given) ? given.filter((name) => typeof name === 'string') : keys(given);
};

export function readScope(document: Json, view: View, catalogue: Catalogue): Scope {
  const { pointer, body } = bodyAt(document, view);
  const base = pointer ?? '';
  const items = new Map<string, Item>();
  const wires: Wire[] = [];
  const records = at(body, 'nodes');
  const find = (name: string) => {
    const found = at(records, name);
    return isObject(found) ? found : undefined;
  };
  const card = (record: JsonObject) => cardOf(record, catalogue, view.blocks);
  for (const name of inputNames(body)) {
    const record = at(at(body, 'inputs'), name);
    items.set(name, { id: name, kind: 'input', name, type: '', record: isObject(record) ? record : NONE, inputs: [], outputs: ['output'], pointer: `${base}/inputs${step(name)}` });
  }
  for (const name of keys(records)) {
    const record = find(name);
    if (record === undefined) continue;
    const type = text(at(record, 'op') ?? at(record, 'block') ?? at(record, 'reuse'));
    items.set(name, { id: name, kind: kindOf(record), name, type, record, ...portsOf(record, view.nodes.get(name), find, card), pointer: `${base}/nodes${step(name)}` });
  }
  const outputs = outputsOf(body, base);
  for (const { id, name, pointer: where } of outputs) items.set(id, { id, kind: 'output', name, type: '', record: NONE, inputs: READ, outputs: [], pointer: where });
  const wire = (ref: string, target: string, key: string, targetPort: string) => {
    const [source = '', port] = ref.split('.', 2);
    const from = items.get(source);
    if (from === undefined || from.kind === 'output') return;
    wires.push({ id: key === '' ? `${ref}>${target}` : `${ref}>${target}/${key}`, source, sourcePort: port ?? from.outputs[0] ?? 'output', target, targetPort, ref });
  };
  for (const item of items.values()) {
    if (item.kind === 'input' || item.kind === 'output') continue;
    for (const [key, ref] of feedsOf(item.record)) wire(ref, item.id, key, handleOf(key, item.inputs));
  }
  for (const { id, ref } of outputs) wire(ref, id, '', 'x');
  return { pointer, body, items, wires };
}

/** Handles on the input side: one for each port, and for a variadic one as many as are wired and a free one. */
export function inputHandles(item: Item, wired: ReadonlySet<string>): { readonly id: string; readonly port: Port; readonly free: boolean }[] {
  return item.inputs.flatMap((port) => {
    if (!port.variadic) return [{ id: port.name, port, free: !wired.has(port.name) }];
    let used = 0;
    while (wired.has(`${port.name}.${used}`)) used++;
    return Array.from({ length: used + 1 }, (_, i) => ({ id: `${port.name}.${i}`, port, free: i === used }));
  });
}
