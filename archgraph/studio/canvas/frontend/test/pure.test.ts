import { describe, expect, it } from 'vitest';
import { readField, type Field } from '../src/graph/catalogue';
import { complaint, controlOf, read, shown } from '../src/graph/form';
import { isList, type Json } from '../src/graph/json';
import { BINDINGS, commandOf, written } from '../src/graph/keys';
import { aligned, freeSpot, pinPath, placeNew, spread, toElk } from '../src/graph/layout';
import { freeName } from '../src/graph/names';
import { score, search } from '../src/graph/search';
import { readView, shapeText } from '../src/graph/view';
import { bytes, short } from '../src/graph/words';
import { scope } from './graphs';

const field = (kind: Json, more: Record<string, Json> = {}): Field => readField({ name: 'f', must_be: 'right', kind, ...more });
const NONE = new Map();
const integer = { type: 'integer', minimum: 1 };
const sizes = { type: 'one_of', kinds: [integer, { type: 'list', item: integer, shortest: 1, longest: 3 }] };

describe('search', () => {
  it.each([['glbavgp', 'global_avg_pool', true], ['cnv', 'conv', true], ['vnc', 'conv', false], ['', 'conv', true], ['max pool', 'max_pool', true]])('%s in %s', (query, name, found) => expect(score(query, name) !== undefined).toBe(found));

  it('puts the nearest first', () => expect(search('pool', ['average of pools and oceans', 'max_pool', 'pool'], (one) => [[one, 1]])[0]).toBe('pool'));
});

describe('fields', () => {
  it.each([
    ['16', integer, 16], ['=2*width', integer, '=2*width'], ['3, 5', sizes, [3, 5]], ['3 5', sizes, [3, 5]], ['[3, 5]', sizes, [3, 5]], ['3', sizes, 3], ['', integer, undefined],
    ['3', { type: 'list', item: integer }, [3]], ['relu', { type: 'choice', options: ['relu', null] }, 'relu'], ['{"l2": 0.1}', { type: 'any' }, { l2: 0.1 }], ['1e-3', { type: 'number' }, 0.001],
  ])('%s', (text, kind, want) => expect(read(text, field(kind), NONE)).toEqual(want));

  it.each([
    [0, integer, true], [1, integer, false], [1.5, integer, true], ['=x', integer, false], ['no', integer, true], [[3, 0], sizes, true], [[3, 3], sizes, false], [1, { type: 'number', below: 1 }, true],
  ])('%j is wrong: %j %j', (value, kind, wrong) => expect(complaint(value, field(kind), NONE) !== undefined).toBe(wrong));

  it('must be given where there is no default', () => expect(complaint(undefined, field(integer, { required: true }), NONE)).toMatch(/needed/));

  it.each([
    [{ type: 'flag' }, 'flag'], [integer, 'number'], [sizes, 'text'], [{ type: 'one_of', kinds: [{ type: 'choice', options: ['a'] }, { type: 'choice', options: [null] }] }, 'choice'], [{ type: 'ref', name: 'k' }, 'choice'],
  ])('%j is edited as a %s', (kind, want) => expect(controlOf(field(kind), new Map([['k', field({ type: 'choice', options: [1] }).kind]])).type).toBe(want));

  it.each([[[3, 3], '3, 3'], [null, ''], [{ a: 1 }, '{"a":1}'], ['same', 'same']])('%j is shown as %s', (value, want) => expect(shown(value)).toBe(want));
});

describe('keys', () => {
  it.each([
    [{ key: 'z', ctrlKey: true }, 'undo'], [{ key: 'Z', ctrlKey: true, shiftKey: true }, 'redo'], [{ key: 'z', metaKey: true }, 'undo'], [{ key: '?', shiftKey: true }, 'keys'], [{ key: '†', code: 'KeyT', shiftKey: true, altKey: true }, 'tidy'],
    [{ key: 'G', ctrlKey: true, shiftKey: true }, 'inline'], [{ key: 'r' }, undefined],
  ])('%j', (stroke, command) => expect(commandOf({ ctrlKey: false, metaKey: false, shiftKey: false, altKey: false, ...stroke })).toBe(command));

  it('are bound once each', () => {
    const keys = BINDINGS.flatMap((binding) => binding.keys);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('are written as the table writes them', () => expect(written({ key: 'ArrowUp', ctrlKey: false, metaKey: false, shiftKey: true, altKey: false })).toBe('Shift+ArrowUp'));
});

describe('layout', () => {
  it('gives ELK every port that is wired, where it is drawn', () => {
    const look = toElk(scope).children?.find((child) => child.id === 'look');
    expect(look?.ports?.map((port) => port.id)).toEqual(['look\n<query', 'look\n<value', 'look\n<key', 'look\n>output', 'look\n>scores']);
    expect(look?.ports?.[0]?.x).toBe(spread(0, 3, look?.width ?? 0));
  });

  it.each([['', 'a', 'a'], ['/blocks/unit', 'a', 'unit/a'], ['', 'out:y', undefined], [undefined, 'a', undefined]])('%s %s is pinned as %s', (pointer, id, path) => expect(pinPath(pointer, id)).toBe(path));

  it('takes a faster way with many boxes', () => {
    const [box] = scope.items.values();
    const many = { ...scope, wires: [], items: new Map(Array.from({ length: 150 }, (_, i) => [`n${i}`, { ...box!, id: `n${i}` }])) };
    expect(toElk(many).layoutOptions?.['elk.layered.nodePlacement.strategy']).toBe('BRANDES_KOEPF');
    expect(toElk(scope).layoutOptions?.['elk.layered.nodePlacement.strategy']).toBe('NETWORK_SIMPLEX');
  });

  it('puts nothing on what is there', () => expect(freeSpot({ x: 0, y: 0 }, [{ x: 0, y: 0 }])).not.toEqual({ x: 0, y: 0 }));

  it('puts what is new below what feeds it', () => {
    const known = new Map([['image', { x: 0, y: 0 }], ['a', { x: 0, y: 100 }]]);
    expect(placeNew(scope, known, undefined).get('b')?.y).toBeGreaterThan(164);
  });

  it('lines up and spreads', () => {
    const boxes = [{ id: 'a', x: 0, y: 0, width: 10, height: 10 }, { id: 'b', x: 7, y: 30, width: 10, height: 10 }, { id: 'c', x: 100, y: 90, width: 10, height: 10 }];
    expect([...aligned(boxes, 'left').values()].map((point) => point.x)).toEqual([0, 0, 0]);
    expect(aligned(boxes, 'across').get('b')).toEqual({ x: 50, y: 30 });
  });
});

describe('words', () => {
  it.each([[999, '999'], [1792, '1.79k'], [25_610_152, '25.6M'], [3_857_973_248, '3.86G']])('%d is %s', (value, want) => expect(short(value)).toBe(want));
  it.each([[2 ** 20 * 2.2, '2.2 MiB'], [100, '100 B']])('%d bytes are %s', (value, want) => expect(bytes(value)).toBe(want));
  it.each([[[32, 32, 3], '32×32×3'], [[], 'scalar'], [['C', 4], 'C×4'], [null, '']])('%j is %s', (value, want) => expect(shapeText(value)).toBe(want));
  it.each([['conv', new Set<string>(), 'conv'], ['conv', new Set(['conv']), 'conv2'], ['conv2', new Set(['conv2']), 'conv3'], ['2x', new Set<string>(), 'n_2x']])('%s', (wish, taken, want) => expect(freeName(wish, taken)).toBe(want));
});

it.each<Json>([null, 3, 'x', [], { nodes: 3, problems: { a: 1 }, place: [] }, { nodes: { a: null }, problems: [null], blocks: [1], contracts: [2] }])('a view that is none does no harm: %j', (value) => {
  expect(isList(readView(value).problems)).toBe(true);
});
