/** What the file promises of itself: whether it holds, and forms to change it. */
import type { Field } from '../graph/catalogue';
import { at, keys, list, type Json } from '../graph/json';
import { step } from '../graph/patches';
import { title } from '../graph/words';
import { useSnapshot, useStudio } from './context';
import { FieldRow } from './FieldRow';
import { Section } from './Inspector';
import { partOf } from './forms';
import { Icon } from './icons';

const BOUND: Field['kind'] = { type: 'one_of', kinds: [{ type: 'number', minimum: 0 }, { type: 'any', words: '' }] };

const promise = (name: string, doc: string): Field => ({ name, doc: `${doc} A number means exactly so many; “<= 5e6” means at most.`, unit: '', required: true, fallback: undefined, literal: true, mustBe: 'a number, or a bound such as <= 5e6', kind: BOUND });

const BOUNDS: readonly Field[] = [
  promise('params', 'Parameters in total.'),
  promise('trainable', 'Parameters that training changes.'),
  promise('macs', 'Multiply-adds for one sample.'),
  promise('flops', 'Floating point operations for one sample: two for each multiply-add.'),
  promise('nodes', 'Steps after blocks and repeats are written out.'),
  promise('receptive_field', 'How much of the input one output place sees.'),
];

const shapeField = (name: string): Field => ({ name, doc: 'The shape of this output.', unit: '', required: true, fallback: undefined, literal: true, mustBe: 'a list of sizes', kind: { type: 'any', words: 'a list of sizes' } });

const SLACK = 1_000_000;

export function Contracts() {
  const studio = useStudio();
  const body = useSnapshot((state) => state.scope.body);
  const view = useSnapshot((state) => state.session.view);
  const root = view.place.path.length === 0;
  const expect = at(body, 'expect');
  if (!root || (studio.readonly && expect === undefined)) return null;
  const part = partOf(studio.scope, 'the file');
  const shapes = at(expect, 'outputs');
  const given = BOUNDS.filter((field) => at(expect, field.name) !== undefined);
  const left = BOUNDS.filter((field) => at(expect, field.name) === undefined);
  const ends = keys(at(body, 'outputs')).filter((name) => at(shapes, name) === undefined);
  const why = (pointer: string) => view.contracts.find((one) => one.pointer === pointer && one.holds === false)?.why;
  const set = (path: readonly string[], value: Json) => studio.setField([part], ['expect', ...path], value);
  const drop = (path: readonly string[]) => studio.edit({ label: `Take the promise on ${path.at(-1)} away`, patch: [{ at: path.reduce((pointer, key) => pointer + step(key), '/expect') }] });
  const now: Readonly<Record<string, number | string | undefined>> = { params: view.totals.params, trainable: view.totals.params, macs: view.totals.macs, nodes: view.totals.nodes };
  const add = (name: string) => {
    if (!name.startsWith('shape ')) return set([name], `<= ${typeof now[name] === 'number' ? now[name] : SLACK}`);
    const end = name.slice(6);
    const known = view.nodes.get(`out:${end}`)?.inputs[0];
    const sizes = known === undefined || known.rank < 1 ? [] : known.shape.split('×').map((size) => (/^\d+$/.test(size) ? Number(size) : size));
    return set(['outputs', end], sizes);
  };
  return (
    <Section name="Contracts" count={view.contracts.length}>
      {view.contracts.length === 0 && <p className="plain">Promises about the network, such as “at most a million parameters”. Each is checked with every edit.</p>}
      <ul className="contracts">{view.contracts.map((one) => <li key={one.text} className={one.holds === false ? 'error' : one.holds ? 'good' : ''}><Icon name={one.holds === false ? 'close' : one.holds ? 'check' : 'dot'} size={13} />{one.text}</li>)}</ul>
      {given.map((field) => <FieldRow key={field.name} field={field} value={at(expect, field.name)} disabled={studio.readonly} error={why(`/expect/${field.name}`)} onChange={(value) => { if (value !== undefined) set([field.name], value); }} onRemove={() => drop([field.name])} />)}
      {keys(shapes).map((name) => <FieldRow key={name} field={shapeField(name)} value={list(at(shapes, name), (size) => (typeof size === 'number' ? String(size) : String(size))).join(', ')} disabled error={why(`/expect/outputs/${name}`)} onChange={() => undefined} />)}
      {!studio.readonly && keys(shapes).map((name) => <button key={name} className="button" onClick={() => drop(['outputs', name])}><Icon name="close" size={12} />Forget the shape of {name}</button>)}
      {!studio.readonly && (left.length > 0 || ends.length > 0) && (
        <select value="" aria-label="Promise something" onChange={(event) => { if (event.target.value !== '') add(event.target.value); }}>
          <option value="">promise something …</option>
          {left.map((field) => <option key={field.name} value={field.name}>{title(field.name)}</option>)}
          {ends.map((name) => <option key={name} value={`shape ${name}`}>shape of {name}</option>)}
        </select>
      )}
    </Section>
  );
}
