/** Which fields a node's form has, and what stands in them. */
import type { Card, Field } from '../graph/catalogue';
import { at, isObject, same, type Json, type JsonObject } from '../graph/json';
import { cardOf, type Item, type Scope } from '../graph/scope';
import type { Problem, View } from '../graph/view';
import type { Catalogue } from '../graph/catalogue';

export const valueAt = (record: JsonObject, path: readonly string[]): Json | undefined =>
  path.reduce<Json | undefined>((inner, key) => at(inner, key), record);

export function fieldsOf(item: Item, catalogue: Catalogue, view: View): readonly Field[] {
  if (item.kind === 'input') return isObject(item.record) && item.pointer.startsWith('/inputs') ? catalogue.input.filter((field) => field.name !== 'doc') : [];
  if (item.kind === 'output' || item.kind === 'reuse') return [];
  const known = view.nodes.get(item.id);
  if (item.kind === 'block' && known !== undefined && known.fields.length > 0) return known.fields;
  return cardOf(item.record, catalogue, view.blocks)?.fields ?? [];
}

/** The fields that all have, under the same name and of the same kind. */
export function sharedFields(items: readonly Item[], catalogue: Catalogue, view: View): Field[] {
  const [first, ...rest] = items.map((item) => fieldsOf(item, catalogue, view));
  return (first ?? []).filter((field) => rest.every((fields) => fields.some((other) => other.name === field.name && other.mustBe === field.mustBe)));
}

export const isMixed = (items: readonly Item[], path: readonly string[]): boolean => {
  const [first, ...rest] = items.map((item) => valueAt(item.record, path) ?? null);
  return rest.some((value) => !same(first, value));
};

/** What is wrong with a field of a node, told at the field. */
export function errorAt(problems: readonly Problem[], item: Item, path: readonly string[]): string | undefined {
  const pointer = `${item.pointer}/${path.join('/')}`;
  const found = problems.find((problem) => problem.pointer === pointer || problem.pointer.startsWith(`${pointer}/`));
  return found?.message;
}

const LEAD = 6;

/** Those that people look for first: what must be given, what is given, and the first few. */
export function sorted(fields: readonly Field[], items: readonly Item[]): { readonly lead: readonly Field[]; readonly more: readonly Field[] } {
  const given = (field: Field) => field.required || items.some((item) => valueAt(item.record, [field.name]) !== undefined);
  const first = new Set(fields.filter((field, i) => given(field) || i < LEAD || field.name === 'activation' || field.name === 'norm'));
  return { lead: fields.filter((field) => first.has(field)), more: fields.filter((field) => !first.has(field)) };
}

const control = (name: string, doc: string, kind: Field['kind'], mustBe: string, fallback: Json | undefined): Field => ({ name, doc, kind, mustBe, fallback, unit: '', required: false, literal: false });

/** The keys of a record that are not parameters: they mean the same for every node. */
export function controlsOf(item: Item, docs: ReadonlyMap<string, string>): Field[] {
  const doc = (name: string) => docs.get(name) ?? '';
  const repeat = control('repeat', doc('repeat'), { type: 'integer', minimum: 0 }, 'an integer at least 0', 1);
  const share = control('share', doc('share'), { type: 'flag' }, 'true or false', false);
  const when = control('when', doc('when'), { type: 'flag' }, 'true or false, or an expression', true);
  const scan = control('scan', doc('scan'), { type: 'any', words: 'the names of inputs' }, 'the names of inputs', undefined);
  const repeated = at(item.record, 'repeat') !== undefined;
  return [repeat, ...(repeated ? [share] : []), when, ...(item.kind === 'block' ? [scan] : [])];
}

/** An item that stands for a part of the file which is no node. */
export const partOf = (scope: Scope, name: string): Item => ({
  id: '', kind: 'op', name, type: '', record: scope.body, inputs: [], outputs: [], pointer: scope.pointer ?? '',
});

export const blockOf = (item: Item, catalogue: Catalogue, view: View): Card | undefined => cardOf(item.record, catalogue, view.blocks);
