import { describe, expect, it } from 'vitest';
import shared from '../../../../../tests/editing/patches.json?raw';
import { at, isList, text, type Json } from '../src/graph/json';
import { apply, between, inverse, keysOf, step } from '../src/graph/patches';
import { readPatch } from '../src/graph/view';

// The cases that pytest runs too, so that the two sides cannot differ.
const file: Json = JSON.parse(shared);
const rows = (key: string) => {
  const found = at(file, key);
  return isList(found) ? found.map((item) => ({ name: text(at(item, 'name')), value: at(item, 'value') ?? null, patch: readPatch(at(item, 'patch')), result: at(item, 'result') ?? null, inverse: readPatch(at(item, 'inverse')) })) : [];
};

describe('patches shared with Python', () => {
  it('has cases', () => expect(rows('cases').length).toBeGreaterThan(15));

  it.each(rows('cases'))('$name', ({ value, patch, result, inverse: back }) => {
    const made = apply(value, patch);
    expect(JSON.stringify(made)).toBe(JSON.stringify(result)); // the order of keys counts too
    expect(inverse(value, patch)).toEqual(back);
    expect(JSON.stringify(apply(made, inverse(value, patch)))).toBe(JSON.stringify(value));
  });

  it.each(rows('cases'))('between leads there and back: $name', ({ value, result }) => {
    expect(apply(value, between(value, result))).toEqual(result);
    expect(apply(result, between(result, value))).toEqual(value);
  });

  it.each(rows('refused'))('refused: $name', ({ value, patch }) => {
    const before = JSON.stringify(value);
    expect(() => apply(value, patch)).toThrow();
    expect(JSON.stringify(value)).toBe(before);
  });
});

it.each(['a/b', '~', '', 'a~1b', '__proto__'])('a pointer leads back to the key %s', (key) => expect(keysOf(step(key))).toEqual([key]));
