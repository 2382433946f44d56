/** What Python knows of the place that is open: shapes, costs, findings. Read leniently, since it may be of an older edit. */
import { readCard, readField, readPort, type Card, type Field, type Port } from './catalogue';
import { at, flag, isObject, list, number, table, text, texts, type Json, type JsonObject } from './json';
import type { Change, Patch } from './patches';

export type Severity = 'error' | 'warning';

export interface Tensor extends Port {
  readonly shape: string;
  readonly rank: number;
  readonly dtype: string;
}

export interface Known {
  readonly title: string;
  readonly kind: string;
  readonly type: string;
  readonly family: string;
  readonly icon: string;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly params: number | undefined;
  readonly macs: number | string | undefined;
  readonly repeat: number | string | undefined;
  readonly problems: number;
  readonly worst: Severity | undefined;
  readonly values: ReadonlyMap<string, string>;
  readonly fields: readonly Field[];
  readonly origin: string;
  readonly open: boolean;
  readonly off: boolean;
  readonly weights: string;
  readonly change: string;
  readonly changeText: string;
}

export interface Fix {
  readonly title: string;
  readonly patch: Patch;
  readonly cost: string;
}

export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly severity: Severity;
  readonly pointer: string;
  readonly path: readonly string[];
  readonly node: string;
  readonly field: string;
  readonly fixes: readonly Fix[];
}

export interface Crumb {
  readonly title: string;
  readonly detail: string;
  readonly path: readonly string[];
}

export interface Place {
  readonly path: readonly string[];
  /** Where the open body stands in the document; undefined: not in it, and `body` is what it is. */
  readonly pointer: string | undefined;
  readonly body: JsonObject | undefined;
  readonly crumbs: readonly Crumb[];
  readonly readonly: string;
}

export interface Inspection {
  readonly node: string;
  readonly summary: string;
  readonly doc: string;
  readonly formula: string;
  readonly paper: string;
  readonly arithmetic: readonly string[];
  readonly receptive: string;
  readonly weights: readonly { readonly name: string; readonly shape: string; readonly trainable: boolean }[];
}

export interface Mark {
  readonly text: string;
  readonly level: number | undefined;
  readonly tone: string;
}

export interface View {
  readonly place: Place;
  readonly nodes: ReadonlyMap<string, Known>;
  readonly wires: ReadonlyMap<string, { readonly shape: string; readonly ok: boolean }>;
  readonly problems: readonly Problem[];
  readonly totals: { readonly params: number | undefined; readonly macs: number | string | undefined; readonly memory: number | undefined; readonly batch: number | undefined; readonly nodes: number | undefined };
  readonly contracts: readonly { readonly text: string; readonly holds: boolean | undefined; readonly why: string; readonly pointer: string }[];
  readonly blocks: ReadonlyMap<string, Card>;
  readonly inspect: Inspection | undefined;
  readonly overlay: { readonly title: string; readonly nodes: ReadonlyMap<string, Mark> };
  /** The difference from the file, while it is marked. */
  readonly changes: { readonly removed: readonly { readonly name: string; readonly text: string }[]; readonly params: number | undefined } | undefined;
}

export const ROOT: Place = { path: [], pointer: '', body: undefined, crumbs: [], readonly: '' };

export const NO_VIEW: View = {
  place: ROOT, nodes: new Map(), wires: new Map(), problems: [], contracts: [], blocks: new Map(), inspect: undefined,
  totals: { params: undefined, macs: undefined, memory: undefined, batch: undefined, nodes: undefined },
  overlay: { title: '', nodes: new Map() }, changes: undefined,
};

const scalar = (value: Json | undefined): string => (typeof value === 'string' || typeof value === 'number' ? String(value) : '?');

/** A shape in words: sizes with × between them, `scalar` for none at all. */
export function shapeText(value: Json | undefined): string {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return '';
  return value.length === 0 ? 'scalar' : value.map(scalar).join('×');
}

const rankOf = (value: Json | undefined): number => {
  if (Array.isArray(value)) return value.length;
  return typeof value === 'string' && value !== '' ? value.split('×').length : -1;
};

const readTensor = (value: Json): Tensor => ({
  ...readPort(value), shape: shapeText(at(value, 'shape')), rank: rankOf(at(value, 'shape')), dtype: text(at(value, 'dtype')),
});

const amount = (value: Json | undefined): number | string | undefined =>
  typeof value === 'number' || typeof value === 'string' ? value : undefined;

const count = (value: Json | undefined): number | undefined => (typeof value === 'number' ? value : undefined);

const readSeverity = (value: Json | undefined): Severity | undefined =>
  value === 'error' || value === 'warning' ? value : undefined;

const readKnown = (value: Json, id: string): Known => ({
  title: text(at(value, 'title'), id),
  kind: text(at(value, 'kind')),
  type: text(at(value, 'type')),
  family: text(at(value, 'family')),
  icon: text(at(value, 'icon')),
  inputs: list(at(value, 'inputs'), readTensor),
  outputs: list(at(value, 'outputs'), readTensor),
  params: count(at(value, 'params')),
  macs: amount(at(value, 'macs')),
  repeat: amount(at(value, 'repeat')),
  problems: number(at(value, 'problems')),
  worst: readSeverity(at(value, 'worst')),
  values: table(at(value, 'values'), (item) => text(item, scalar(item))),
  fields: list(at(value, 'fields'), readField),
  origin: text(at(value, 'origin')),
  open: flag(at(value, 'open')),
  off: flag(at(value, 'off')),
  weights: text(at(value, 'weights')),
  change: text(at(value, 'change')),
  changeText: text(at(value, 'changeText')),
});

const readChange = (value: Json): Change => {
  const after = at(value, 'after');
  const item = at(value, 'value');
  return { at: text(at(value, 'at')), ...(item === undefined ? {} : { value: item }), ...(typeof after === 'string' ? { after } : {}) };
};

export const readPatch = (value: Json | undefined): Patch => list(value, readChange);

const readFix = (value: Json): Fix => ({
  title: text(at(value, 'title')),
  patch: readPatch(at(value, 'patch')),
  cost: text(at(value, 'cost')),
});

const readProblem = (value: Json): Problem => ({
  code: text(at(value, 'code')),
  message: text(at(value, 'message')),
  hint: text(at(value, 'hint')),
  severity: readSeverity(at(value, 'severity')) ?? 'error',
  pointer: text(at(value, 'pointer')),
  path: texts(at(value, 'path')),
  node: text(at(value, 'node')),
  field: text(at(value, 'field')).replace(/^\//, ''),
  fixes: list(at(value, 'fixes'), readFix),
});

const readCrumb = (value: Json): Crumb => ({ title: text(at(value, 'title')), detail: text(at(value, 'detail')), path: texts(at(value, 'path')) });

function readPlace(value: Json | undefined): Place {
  const pointer = at(value, 'pointer');
  const body = at(value, 'body');
  const readonly = at(value, 'readonly');
  return {
    path: texts(at(value, 'path')),
    pointer: typeof pointer === 'string' ? pointer : isObject(body) ? undefined : '',
    body: isObject(body) ? body : undefined,
    crumbs: list(at(value, 'crumbs'), readCrumb),
    readonly: readonly === true ? 'This block belongs to the library.' : text(readonly),
  };
}

const readWeight = (value: Json) => ({ name: text(at(value, 'name')), shape: shapeText(at(value, 'shape')), trainable: at(value, 'trainable') !== false });

export const readInspection = (value: Json | undefined): Inspection | undefined =>
  isObject(value)
    ? {
        node: text(at(value, 'node')),
        summary: text(at(value, 'summary')),
        doc: text(at(value, 'doc')),
        formula: text(at(value, 'formula')),
        paper: text(at(value, 'paper')),
        arithmetic: texts(at(value, 'arithmetic')),
        receptive: text(at(value, 'receptive')),
        weights: list(at(value, 'weights'), readWeight),
      }
    : undefined;

const readMark = (value: Json): Mark => ({ text: text(at(value, 'text')), level: count(at(value, 'level')), tone: text(at(value, 'tone'), 'good') });

const readHolds = (value: Json | undefined): boolean | undefined => (typeof value === 'boolean' ? value : undefined);

export function readView(value: Json | undefined): View {
  const totals = at(value, 'totals');
  const overlay = at(value, 'overlay');
  const changes = at(value, 'changes');
  return {
    place: readPlace(at(value, 'place')),
    nodes: table(at(value, 'nodes'), readKnown),
    wires: table(at(value, 'edges'), (item) => ({ shape: shapeText(at(item, 'shape')), ok: at(item, 'ok') !== false })),
    problems: list(at(value, 'problems'), readProblem),
    totals: { params: count(at(totals, 'params')), macs: amount(at(totals, 'macs')), memory: count(at(totals, 'memory')), batch: count(at(totals, 'batch')), nodes: count(at(totals, 'nodes')) },
    contracts: list(at(value, 'contracts'), (item) => ({ text: text(at(item, 'text')), holds: readHolds(at(item, 'holds')), why: text(at(item, 'why')), pointer: text(at(item, 'pointer')) })),
    blocks: new Map(list(at(value, 'blocks'), (item) => readCard(item, text(at(item, 'block')))).map((card) => [card.name, card])),
    inspect: readInspection(at(value, 'inspect')),
    overlay: { title: text(at(overlay, 'title')), nodes: table(at(overlay, 'nodes'), readMark) },
    changes: isObject(changes) ? { removed: list(at(changes, 'removed'), (item) => ({ name: text(at(item, 'name')), text: text(at(item, 'text')) })), params: count(at(changes, 'params')) } : undefined,
  };
}
