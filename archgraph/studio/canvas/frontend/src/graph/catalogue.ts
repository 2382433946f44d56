/** What can be put into a graph, as Python describes it: the browser knows no op by name. */
import { at, flag, isObject, list, number, table, text, texts, type Json, type JsonObject } from './json';

export interface Port {
  readonly name: string;
  readonly doc: string;
  readonly optional: boolean;
  readonly variadic: boolean;
}

/** What a value may be: one of the forms of archgraph/editing/fields.py. */
export type Kind =
  | { readonly type: 'integer' | 'number'; readonly minimum?: number; readonly maximum?: number; readonly above?: number; readonly below?: number }
  | { readonly type: 'flag' | 'block' }
  | { readonly type: 'choice'; readonly options: readonly Json[] }
  | { readonly type: 'text'; readonly words: string }
  | { readonly type: 'list'; readonly item: Kind; readonly shortest: number; readonly longest: number }
  | { readonly type: 'one_of'; readonly kinds: readonly Kind[] }
  | { readonly type: 'named'; readonly short: readonly string[] }
  | { readonly type: 'ref'; readonly name: string }
  | { readonly type: 'any'; readonly words: string };

export interface Field {
  readonly name: string;
  readonly doc: string;
  readonly unit: string;
  readonly required: boolean;
  /** Absent where it must be given. */
  readonly fallback: Json | undefined;
  readonly literal: boolean;
  readonly mustBe: string;
  readonly kind: Kind;
}

/** An op or a block, on a card of the palette. */
export interface Card {
  readonly name: string;
  readonly form: 'op' | 'block';
  readonly title: string;
  readonly family: string;
  readonly icon: string;
  readonly summary: string;
  readonly doc: string;
  readonly source: string;
  readonly inputs: readonly Port[];
  readonly outputs: readonly string[];
  readonly fields: readonly Field[];
  /** A record to begin with. */
  readonly record: JsonObject;
}

export interface Shade {
  readonly dark: string;
  readonly light: string;
}

export interface Catalogue {
  readonly hash: string;
  readonly families: readonly string[];
  readonly colours: ReadonlyMap<string, Shade>;
  readonly ops: ReadonlyMap<string, Card>;
  readonly blocks: ReadonlyMap<string, Card>;
  readonly controls: ReadonlyMap<string, string>;
  readonly input: readonly Field[];
  readonly parameter: readonly Field[];
  readonly kinds: ReadonlyMap<string, Kind>;
}

export const NO_CATALOGUE: Catalogue = {
  hash: '', families: [], colours: new Map(), ops: new Map(), blocks: new Map(), controls: new Map(), input: [], parameter: [], kinds: new Map(),
};

export const readPort = (value: Json): Port =>
  isObject(value)
    ? { name: text(at(value, 'name')), doc: text(at(value, 'doc')), optional: flag(at(value, 'optional')), variadic: flag(at(value, 'variadic')) }
    : { name: text(value), doc: '', optional: false, variadic: false };

const bound = (value: Json, name: string): number | undefined => {
  const found = at(value, name);
  return typeof found === 'number' ? found : undefined;
};

export function readKind(value: Json | undefined): Kind {
  const type = text(at(value, 'type'));
  switch (type) {
    case 'integer':
    case 'number':
      return { type, minimum: bound(value ?? null, 'minimum'), maximum: bound(value ?? null, 'maximum'), above: bound(value ?? null, 'above'), below: bound(value ?? null, 'below') };
    case 'flag':
    case 'block':
      return { type };
    case 'choice':
      return { type, options: list(at(value, 'options'), (item) => item) };
    case 'text':
      return { type, words: text(at(value, 'words')) };
    case 'list':
      return { type, item: readKind(at(value, 'item')), shortest: number(at(value, 'shortest')), longest: number(at(value, 'longest'), 10_000) };
    case 'one_of':
      return { type, kinds: list(at(value, 'kinds'), readKind) };
    case 'named':
      return { type, short: texts(at(value, 'short')) };
    case 'ref':
      return { type, name: text(at(value, 'name')) };
    default:
      return { type: 'any', words: text(at(value, 'words')) };
  }
}

export const readField = (value: Json): Field => ({
  name: text(at(value, 'name')),
  doc: text(at(value, 'doc')),
  unit: text(at(value, 'unit')),
  required: flag(at(value, 'required')),
  fallback: at(value, 'default'),
  literal: flag(at(value, 'literal')),
  mustBe: text(at(value, 'must_be')),
  kind: readKind(at(value, 'kind')),
});

export function readCard(value: Json, name: string): Card {
  const record = at(value, 'record');
  const form = at(value, 'block') === undefined ? 'op' : 'block';
  return {
    name,
    form,
    title: text(at(value, 'title'), name),
    family: text(at(value, 'family')),
    icon: text(at(value, 'icon')),
    summary: text(at(value, 'summary')),
    doc: text(at(value, 'doc')),
    source: text(at(value, 'source')),
    inputs: list(at(value, 'inputs'), readPort),
    outputs: texts(at(value, 'outputs')),
    fields: list(at(value, 'fields'), readField),
    record: isObject(record) ? record : { [form]: name },
  };
}

const readShade = (value: Json): Shade => ({ dark: text(at(value, 'dark'), '#475569'), light: text(at(value, 'light'), '#eef1f5') });

export const readCatalogue = (value: Json, hash: string): Catalogue => ({
  hash,
  families: texts(at(value, 'families')),
  colours: table(at(value, 'colours'), readShade),
  ops: table(at(value, 'ops'), readCard),
  blocks: table(at(value, 'blocks'), readCard),
  controls: table(at(value, 'controls'), (item) => text(item)),
  input: list(at(value, 'input'), readField),
  parameter: list(at(value, 'parameter'), readField),
  kinds: table(at(value, 'kinds'), readKind),
});
