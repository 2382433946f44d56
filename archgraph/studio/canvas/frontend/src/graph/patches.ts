/** The one edit language, as archgraph/editing/patches.py has it: a list of changes, each a JSON pointer and a value. */
import { at, isObject, same, type Json, type JsonObject } from './json';

export interface Change {
  readonly at: string;
  /** Absent: remove. */
  readonly value?: Json;
  /** The key behind which a new key is put; empty: first; absent: last. */
  readonly after?: string;
}
export type Patch = readonly Change[];

/** A patch that does not fit the value any more. */
export class Refused extends Error {}

export const step = (key: string): string => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;

export const keysOf = (pointer: string): string[] =>
  pointer.split('/').slice(1).map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));

export const lookup = (value: Json | undefined, pointer: string): Json | undefined =>
  keysOf(pointer).reduce<Json | undefined>((inner, key) => at(inner, key), value);

const removes = (change: Change): boolean => change.value === undefined;

// Object.fromEntries defines keys, so that "__proto__" is a key like any other.
const built = (entries: Iterable<readonly [string, Json]>): JsonObject => Object.fromEntries(entries);

export const put = (value: JsonObject, key: string, item: Json): JsonObject =>
  built(Object.hasOwn(value, key) ? Object.entries(value).map(([name, old]) => [name, name === key ? item : old]) : [...Object.entries(value), [key, item]]);

export const without = (value: JsonObject, key: string): JsonObject =>
  Object.hasOwn(value, key) ? built(Object.entries(value).filter(([name]) => name !== key)) : value;

function inserted(value: JsonObject, key: string, item: Json, after: string): JsonObject {
  const entries = Object.entries(value);
  const position = after === '' ? 0 : entries.findIndex(([name]) => name === after) + 1 || entries.length;
  return built([...entries.slice(0, position), [key, item], ...entries.slice(position)]);
}

function changed(value: Json, [key, ...rest]: string[], change: Change): Json {
  if (key === undefined) {
    if (change.value === undefined) throw new Refused('the whole document cannot be removed');
    return change.value;
  }
  if (!isObject(value)) throw new Refused(`there is no object that could hold '${key}'`);
  if (rest.length > 0) {
    const inner = at(value, key);
    if (inner === undefined) {
      if (removes(change)) return value;
      throw new Refused(`there is no '${key}' to change`);
    }
    const next = changed(inner, rest, change);
    return next === inner ? value : put(value, key, next);
  }
  if (change.value === undefined) return without(value, key);
  if (Object.hasOwn(value, key) || change.after === undefined) return put(value, key, change.value);
  return inserted(value, key, change.value, change.after);
}

const applyOne = (value: Json, change: Change): Json => changed(value, keysOf(change.at), change);

/** `value` after all changes; it shares what they do not touch. Throws `Refused`, then nothing is done. */
export const apply = (value: Json, patch: Patch): Json => patch.reduce(applyOne, value);

function undoing(value: Json, change: Change): Change[] {
  const names = keysOf(change.at);
  const key = names.pop();
  if (key === undefined) return [{ at: '', value }];
  const around = lookup(value, names.map(step).join(''));
  if (!isObject(around)) return [];
  const old = at(around, key);
  if (old === undefined) return removes(change) ? [] : [{ at: change.at }];
  if (!removes(change)) return [{ at: change.at, value: old }];
  const order = Object.keys(around);
  return [{ at: change.at, value: old, after: order[order.indexOf(key) - 1] ?? '' }];
}

/** The patch that leads back to `value` from `apply(value, patch)`. */
export function inverse(value: Json, patch: Patch): Patch {
  let back: Change[] = [];
  for (const change of patch) {
    back = [...undoing(value, change), ...back];
    value = applyOne(value, change);
  }
  return back;
}

/** A short patch that makes `next` of `old`. Objects are compared key by key, all else is replaced whole. */
export function between(old: Json, next: Json, pointer = ''): Patch {
  if (!isObject(old) || !isObject(next)) return same(old, next) ? [] : [{ at: pointer, value: next }];
  const gone = Object.keys(old).filter((key) => !Object.hasOwn(next, key));
  const patch: Change[] = gone.map((key) => ({ at: pointer + step(key) }));
  let after = '';
  for (const [key, item] of Object.entries(next)) {
    const before = at(old, key);
    if (before === undefined) patch.push({ at: pointer + step(key), value: item, after });
    else patch.push(...between(before, item, pointer + step(key)));
    after = key;
  }
  return patch;
}
