/** A small catalogue and graphs for the tests. */
import { readCatalogue } from '../src/graph/catalogue';
import type { Json } from '../src/graph/json';
import { readScope } from '../src/graph/scope';
import { NO_VIEW } from '../src/graph/view';

const x = [{ name: 'x', doc: 'the input' }];

export const catalogue = readCatalogue({
  families: ['one', 'two'],
  ops: {
    conv: { title: 'Conv', op: 'conv', family: 'one', inputs: x, outputs: ['output'], record: { op: 'conv', filters: 8 }, fields: [] },
    add: { title: 'Add', op: 'add', family: 'two', inputs: [{ name: 'terms', doc: '', variadic: true }], outputs: ['output'], record: { op: 'add' }, fields: [] },
    attend: { title: 'Attend', op: 'attend', family: 'two', inputs: [{ name: 'query' }, { name: 'value', optional: true }, { name: 'key', optional: true }], outputs: ['output', 'scores'], record: { op: 'attend' }, fields: [] },
  },
  blocks: {},
}, 'hash');

export const document: Json = {
  archgraph: 1,
  name: 'test',
  inputs: { image: { shape: [8, 8, 3] } },
  nodes: {
    a: { op: 'conv', in: 'image', filters: 8 },
    b: { op: 'conv', in: 'a', filters: 8 },
    sum: { op: 'add', in: ['a', 'b'] },
    look: { op: 'attend', in: { query: 'sum', key: 'a' } },
    rest: { op: 'conv', in: 'look.scores', filters: 1 },
  },
  outputs: { y: 'rest' },
};

export const scopeOf = (value: Json) => readScope(value, NO_VIEW, catalogue);
export const scope = scopeOf(document);
