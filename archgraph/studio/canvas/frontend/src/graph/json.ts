/** JSON values, and ways to read them that never trust their form. */

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

export const isList = (value: unknown): value is readonly Json[] => Array.isArray(value);

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !isList(value);

/** What stands under `key`, never something inherited. */
export const at = (value: Json | undefined, key: string): Json | undefined =>
  isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;

export const text = (value: Json | undefined, otherwise = ''): string => (typeof value === 'string' ? value : otherwise);

export const number = (value: Json | undefined, otherwise = 0): number =>
  typeof value === 'number' ? value : otherwise;

export const flag = (value: Json | undefined): boolean => value === true;

export const list = <T>(value: Json | undefined, read: (item: Json) => T): T[] => (isList(value) ? value.map(read) : []);

export const texts = (value: Json | undefined): string[] =>
  isList(value) ? value.filter((item) => typeof item === 'string') : [];

export const table = <T>(value: Json | undefined, read: (item: Json, key: string) => T): Map<string, T> =>
  new Map(isObject(value) ? Object.entries(value).map(([key, item]) => [key, read(item, key)]) : []);

export const keys = (value: Json | undefined): string[] => (isObject(value) ? Object.keys(value) : []);

/** Equality of JSON values; the order of keys counts for nothing. */
export function same(one: Json | undefined, other: Json | undefined): boolean {
  if (one === other) return true;
  if (isList(one) && isList(other)) return one.length === other.length && one.every((item, i) => same(item, other[i]));
  if (!isObject(one) || !isObject(other)) return false;
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => Object.hasOwn(other, name) && same(one[name], other[name]));
}
