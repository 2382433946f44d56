/** Forms: which control a field gets, how its text is read, and how its value is written. */
import type { Field, Kind } from './catalogue';
import { isList, isObject, same, type Json } from './json';

export type Control =
  | { readonly type: 'flag' }
  | { readonly type: 'choice'; readonly options: readonly Json[] }
  | { readonly type: 'number'; readonly step: number | 'any'; readonly minimum: number | undefined; readonly maximum: number | undefined }
  | { readonly type: 'text'; readonly suggestions: readonly string[] };

type Kinds = ReadonlyMap<string, Kind>;

/** A kind with references followed and alternatives laid side by side. */
function flat(kind: Kind, kinds: Kinds, depth = 0): Kind[] {
  if (depth > 8) return [];
  if (kind.type === 'ref') {
    const found = kinds.get(kind.name);
    return found === undefined ? [{ type: 'any', words: '' }] : flat(found, kinds, depth + 1);
  }
  return kind.type === 'one_of' ? kind.kinds.flatMap((one) => flat(one, kinds, depth + 1)) : [kind];
}

const optionsOf = (kind: Kind): readonly Json[] => {
  if (kind.type === 'choice') return kind.options;
  if (kind.type === 'flag') return [true, false];
  return kind.type === 'named' ? kind.short : [];
};

const unique = (values: readonly Json[]): Json[] => values.filter((value, i) => values.findIndex((other) => same(value, other)) === i);

export function controlOf(field: Field, kinds: Kinds): Control {
  const all = flat(field.kind, kinds);
  const [only] = all;
  const options = unique(all.flatMap(optionsOf)).filter((option) => !(option === 'none' && all.some((kind) => kind.type === 'choice' && kind.options.includes(null))));
  if (all.length === 1 && only?.type === 'flag') return { type: 'flag' };
  if (all.every((kind) => optionsOf(kind).length > 0)) return { type: 'choice', options };
  if (all.length === 1 && (only?.type === 'integer' || only?.type === 'number')) {
    return { type: 'number', step: only.type === 'integer' ? 1 : 'any', minimum: only.minimum ?? only.above, maximum: only.maximum ?? only.below };
  }
  return { type: 'text', suggestions: options.filter((option) => typeof option === 'string') };
}

export const isFormula = (value: Json | undefined): value is string => typeof value === 'string' && value.startsWith('=') && !value.startsWith('==');

/** A value as it stands in a field. */
export function shown(value: Json | undefined): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  if (isList(value) && value.every((item) => typeof item === 'number' || (typeof item === 'string' && /^\w+$/.test(item)))) return value.join(', ');
  return JSON.stringify(value);
}

/** A value as an option or default is named. */
export const named = (value: Json | undefined): string => {
  if (value === null) return 'none';
  if (value === true) return 'yes';
  if (value === false) return 'no';
  return value === undefined ? '' : shown(value);
};

/** JSON.parse gives any; a reviver-free parse of a text gives JSON and nothing else. */
function parsed(text: string): Json | undefined {
  try {
    const value: Json = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

const item = (text: string): Json => (NUMBER.test(text) ? Number(text) : text === 'null' ? null : text);

/** What a text in the field of such a kind means; undefined: nothing, leave the field out. */
export function read(text: string, field: Field, kinds: Kinds): Json | undefined {
  const given = text.trim();
  if (given === '') return undefined;
  if (given.startsWith('=')) return given;
  const all = flat(field.kind, kinds);
  const option = all.flatMap(optionsOf).find((one) => typeof one === 'string' && one === given);
  if (option !== undefined) return option;
  if (/^[[{"]/.test(given)) return parsed(given) ?? given;
  const takesList = all.some((kind) => kind.type === 'list');
  if (takesList && /[,\s×x]/.test(given) && !all.some((kind) => kind.type === 'text' && !takesList)) {
    return given.split(/\s*[,×]\s*|\s+/).filter((part) => part !== '').map(item);
  }
  if (NUMBER.test(given)) {
    const onlyLists = takesList && !all.some((kind) => kind.type === 'integer' || kind.type === 'number' || kind.type === 'any');
    return onlyLists ? [Number(given)] : all.every((kind) => kind.type === 'text') ? given : Number(given);
  }
  if (given === 'true' || given === 'false') return all.some((kind) => kind.type === 'flag') ? given === 'true' : given;
  return takesList && all.every((kind) => kind.type === 'list') ? [given] : given;
}

const within = (value: number, kind: Kind): boolean =>
  (kind.type === 'integer' || kind.type === 'number') &&
  (kind.type === 'number' || Number.isInteger(value)) &&
  value >= (kind.minimum ?? -Infinity) && value <= (kind.maximum ?? Infinity) && value > (kind.above ?? -Infinity) && value < (kind.below ?? Infinity);

function takes(kind: Kind, value: Json, kinds: Kinds): boolean {
  if (isFormula(value)) return true;
  switch (kind.type) {
    case 'integer':
    case 'number':
      return typeof value === 'number' && within(value, kind);
    case 'flag':
      return typeof value === 'boolean';
    case 'choice':
      return kind.options.some((option) => same(option, value));
    case 'text':
    case 'block':
      return typeof value === 'string';
    case 'list':
      return isList(value) && value.length >= kind.shortest && value.length <= kind.longest && value.every((one) => flat(kind.item, kinds).some((inner) => takes(inner, one, kinds)));
    case 'named':
      return isObject(value) || (typeof value === 'string' && kind.short.includes(value));
    default:
      return true;
  }
}

/** What is wrong with a value, in the field's own words; undefined: nothing. Python judges anew. */
export function complaint(value: Json | undefined, field: Field, kinds: Kinds): string | undefined {
  if (value === undefined) return field.required ? `needed: ${field.mustBe}` : undefined;
  return flat(field.kind, kinds).some((kind) => takes(kind, value, kinds)) ? undefined : `must be ${field.mustBe}`;
}

/** Whether a record's value differs from what holds without it. */
export const changed = (value: Json | undefined, field: Field): boolean => value !== undefined && field.fallback !== undefined && !same(value, field.fallback);
