/** Nothing is selected: the network, or the block that is open, with its parameters. */
import { useState } from 'react';
import type { Field } from '../graph/catalogue';
import { read } from '../graph/form';
import { at, isObject, keys, text, type Json } from '../graph/json';
import { IDENTIFIER } from '../graph/names';
import { step } from '../graph/patches';
import { full } from '../graph/words';
import { useSnapshot, useStudio } from './context';
import { Contracts } from './Contracts';
import { FieldRow } from './FieldRow';
import { Section } from './Inspector';
import { partOf } from './forms';
import { Icon } from './icons';

const KINDS: Readonly<Record<string, Field['kind']>> = { int: { type: 'integer' }, number: { type: 'number' }, bool: { type: 'flag' }, string: { type: 'any', words: '' }, list: { type: 'any', words: '' }, block: { type: 'any', words: '' } };

const typeOf = (value: Json | undefined): string => (typeof value === 'boolean' ? 'bool' : typeof value === 'number' ? (Number.isInteger(value) ? 'int' : 'number') : typeof value === 'string' ? 'string' : 'list');

/** A knob, whose default is what is edited here. */
function knob(name: string, given: Json | undefined): { field: Field; path: readonly string[]; value: Json | undefined } {
  const spelt = isObject(given);
  const value = spelt ? at(given, 'default') : given;
  const type = spelt ? text(at(given, 'type')) : typeOf(value);
  const field: Field = { name, doc: spelt ? text(at(given, 'doc')) : '', unit: '', required: false, fallback: undefined, literal: false, mustBe: type, kind: KINDS[type] ?? { type: 'any', words: '' } };
  return { field, value, path: spelt ? ['params', name, 'default'] : ['params', name] };
}

const ANY: Field = { name: 'value', doc: '', unit: '', required: false, fallback: undefined, literal: false, mustBe: 'a value', kind: { type: 'one_of', kinds: [{ type: 'number' }, { type: 'flag' }, { type: 'any', words: '' }] } };

function NewKnob() {
  const studio = useStudio();
  const [name, setName] = useState('');
  const [value, setValue] = useState('1');
  const params = at(studio.scope.body, 'params');
  const free = IDENTIFIER.test(name) && at(params, name) === undefined;
  const add = () => {
    const pointer = `${studio.scope.pointer ?? ''}/params`;
    const made = read(value, ANY, new Map()) ?? 1;
    studio.edit({ label: `Add parameter ${name}`, patch: [...(params === undefined ? [{ at: pointer, value: {} }] : []), { at: pointer + step(name), value: made }] });
    setName('');
  };
  return (
    <form className="new-knob" onSubmit={(event) => { event.preventDefault(); if (free) add(); }}>
      <input value={name} placeholder="new parameter" aria-label="Name of a new parameter" spellCheck={false} onChange={(event) => setName(event.target.value)} />
      <input value={value} aria-label="Its value" spellCheck={false} onChange={(event) => setValue(event.target.value)} />
      <button className="button" disabled={!free} aria-label="Add the parameter"><Icon name="plus" size={13} /></button>
    </form>
  );
}

function Knobs() {
  const studio = useStudio();
  const body = useSnapshot((state) => state.scope.body);
  const place = useSnapshot((state) => state.session.view.place);
  const params = at(body, 'params');
  const part = partOf(studio.scope, place.crumbs.at(-1)?.title ?? 'file');
  return (
    <Section name="Parameters" count={keys(params).length}>
      {keys(params).length === 0 && <p className="plain">Knobs that expressions such as <code>=2*width</code> can read.</p>}
      {keys(params).map((name) => {
        const { field, path, value } = knob(name, at(params, name));
        return <FieldRow key={name} field={field} value={value} disabled={studio.readonly} onChange={(next) => { if (next !== undefined) studio.setField([part], path, next); }} onRemove={() => studio.edit({ label: `Remove parameter ${name}`, patch: [{ at: `${part.pointer}/params${step(name)}` }] })} />;
      })}
      {!studio.readonly && <NewKnob />}
    </Section>
  );
}

export function NetworkPanel() {
  const studio = useStudio();
  const body = useSnapshot((state) => state.scope.body);
  const view = useSnapshot((state) => state.session.view);
  const inside = view.place.path.length > 0;
  const crumb = view.place.crumbs.at(-1);
  const doc = text(at(body, 'doc'));
  const part = partOf(studio.scope, crumb?.title ?? 'file');
  return (
    <>
      <header className="head"><span className="tile"><Icon name={inside ? 'block' : 'canvas'} size={20} /></span><span className="words"><b className="name">{inside ? (crumb?.detail || crumb?.title) : text(at(body, 'name'), crumb?.title ?? '')}</b><small>{inside ? 'Block: edit once, change every copy' : 'Network'}</small></span></header>
      <dl className="facts">
        {!inside && view.totals.params !== undefined && <div><dt>Parameters</dt><dd>{full(view.totals.params)}</dd></div>}
        {!inside && view.totals.macs !== undefined && <div><dt>Multiply-adds</dt><dd>{typeof view.totals.macs === 'number' ? full(view.totals.macs) : view.totals.macs}</dd></div>}
      </dl>
      <Section name="Description" open>
        <textarea key={doc} className="note-field" aria-label="Description" defaultValue={doc} rows={3} readOnly={studio.readonly} placeholder="What it is and where it comes from"
          onBlur={(event) => { const next = event.target.value.trim(); if (next !== doc) studio.setField([part], ['doc'], next === '' ? undefined : next); }} />
      </Section>
      <Knobs />
      <Contracts />
      <p className="plain tip">Select a node to change it. Press <kbd>?</kbd> for the keys.</p>
    </>
  );
}
