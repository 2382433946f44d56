import { describe, expect, it } from 'vitest';
import { downstream, firstHandle, forbidden, refusal } from '../src/graph/connecting';
import * as edits from '../src/graph/edits';
import { at, type Json } from '../src/graph/json';
import { apply, lookup, type Patch } from '../src/graph/patches';
import { inputHandles } from '../src/graph/scope';
import { catalogue, document, scope, scopeOf } from './graphs';

const after = (patch: Patch): Json => apply(document, patch);
const fed = (value: Json, node: string) => lookup(value, `/nodes/${node}/in`);
const card = (name: string) => {
  const found = catalogue.ops.get(name);
  if (found === undefined) throw new Error(name);
  return found;
};

describe('reading', () => {
  it('finds wires in every way of writing them', () =>
    expect(scope.wires.map((wire) => [wire.id, wire.sourcePort, wire.targetPort])).toEqual([
      ['image>a/0', 'output', 'x'], ['a>b/0', 'output', 'x'], ['a>sum/0', 'output', 'terms.0'], ['b>sum/1', 'output', 'terms.1'],
      ['sum>look/query', 'output', 'query'], ['a>look/key', 'output', 'key'], ['look.scores>rest/0', 'scores', 'x'], ['rest>out:y', 'output', 'x'],
    ]));

  it('offers one more place at a variadic port', () => {
    const sum = scope.items.get('sum');
    expect(sum && inputHandles(sum, edits.wiredHandles(scope, 'sum')).map(({ id, free }) => [id, free])).toEqual([['terms.0', false], ['terms.1', false], ['terms.2', true]]);
  });

  it('draws nothing of a body that is broken', () => expect(scopeOf({ nodes: [1], inputs: 3, outputs: null }).items.size).toBe(0));
});

describe('connecting', () => {
  it.each([
    ['one input stays a name', 'a', 'b', 'x', 'a'],
    ['a further term is appended', 'image', 'sum', 'terms.2', ['a', 'b', 'image']],
    ['a term is replaced', 'image', 'sum', 'terms.0', ['image', 'b']],
    ['an object stays an object, in the order of the ports', 'b', 'look', 'value', { query: 'sum', value: 'b', key: 'a' }],
  ])('%s', (_, ref, target, handle, want) => expect(fed(after(edits.connect(scope, ref, target, handle)), target)).toEqual(want));

  it('writes names of ports where an earlier one is left out', () => {
    const bare = scopeOf({ inputs: { image: {} }, nodes: { look: { op: 'attend' } }, outputs: {} });
    expect(edits.connect(bare, 'image', 'look', 'key')).toEqual([{ at: '/nodes/look/in', value: { key: 'image' }, after: 'op' }]);
  });

  it('feeds an output', () => expect(lookup(after(edits.connect(scope, 'b', 'out:y', 'x')), '/outputs/y')).toBe('b'));
});

describe('removing', () => {
  it('takes wires along and closes the ranks of terms', () => {
    const value = after(edits.remove(scope, new Set(['a'])));
    expect(fed(value, 'b')).toBeUndefined();
    expect(fed(value, 'sum')).toEqual(['b']);
    expect(fed(value, 'look')).toEqual({ query: 'sum' });
    expect(lookup(value, '/nodes/a')).toBeUndefined();
  });

  it('keeps an output that lost its wire', () => expect(lookup(after(edits.remove(scope, new Set(['rest']))), '/outputs/y')).toBe(''));

  it('bridges', () => expect(fed(after(edits.bridge(scope, 'b')), 'sum')).toEqual(['a', 'a']));
});

describe('adding', () => {
  it('gives a free name and stands behind what feeds it', () => {
    const { id, patch } = edits.addNode(scope, card('add'), ['b'], 'b');
    expect(id).toBe('add');
    const value = after(patch);
    expect(lookup(value, '/nodes/add')).toEqual({ op: 'add', in: 'b' });
    expect(Object.keys(Object(at(value, 'nodes'))).indexOf('add')).toBe(2);
  });

  it('splices a new node into a wire', () => {
    const wire = scope.wires.find((one) => one.id === 'b>sum/1');
    if (wire === undefined) throw new Error('no wire');
    const { id, patch } = edits.spliceNew(scope, wire, card('conv'));
    expect([id, fed(after(patch), 'conv'), fed(after(patch), 'sum')]).toEqual(['conv', 'b', ['a', 'conv']]);
  });

  it('makes several outputs of a single one', () => {
    const block = scopeOf({ inputs: ['x'], nodes: { a: { op: 'conv', in: 'x' } }, output: 'a' });
    expect(edits.addOutput(block, 'x').patch).toEqual([{ at: '/output' }, { at: '/outputs', value: { output: 'a', second: 'x' } }]);
  });

  it('shares weights', () => {
    const b = scope.items.get('b');
    expect(b && lookup(after(edits.reuse(b, 'a')), '/nodes/b')).toEqual({ reuse: 'a', in: 'a' });
  });

  it('names inputs anew', () => expect(edits.addInput(scope).id).toBe('input'));
});

describe('what may be connected', () => {
  it('follows what feeds what', () => expect([...downstream(scope, 'sum')].sort()).toEqual(['look', 'out:y', 'rest', 'sum']));

  it.each([['a', 'a', /itself/], ['rest', 'a', /circle/], ['out:y', 'a', /feeds nothing/], ['a', 'image', /outside/], ['image', 'rest', undefined]])('%s -> %s', (source, target, reason) => {
    const said = forbidden(scope, source, target);
    if (reason === undefined) expect(said).toBeUndefined();
    else expect(said).toMatch(reason);
  });

  it('hears Python on shapes, for one more term too', () => {
    const verdicts = new Map([['sum', new Map([['terms', 'sizes differ']])]]);
    expect(refusal(scope, verdicts, 'image', 'sum', 'terms.2')).toBe('sizes differ');
    expect(refusal(scope, verdicts, 'image', 'sum', 'terms.0')).toBeUndefined();
  });

  it('takes the first free port that fits', () => {
    const look = scope.items.get('look');
    const verdicts = new Map([['look', new Map([['value', 'wrong']])]]);
    expect(look && firstHandle(scope, look, 'image', undefined)).toBe('value');
    expect(look && firstHandle(scope, look, 'image', verdicts)).toBe('query');
    const sum = scope.items.get('sum');
    expect(sum && firstHandle(scope, sum, 'image', new Map([['sum', new Map([['terms', 'wrong']])]]))).toBeUndefined();
  });
});
