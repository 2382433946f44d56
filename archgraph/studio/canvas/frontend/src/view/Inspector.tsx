/** The inspector: forms for what is selected, and what it is in plain words. */
import { useState, type ReactNode } from 'react';
import type { Field } from '../graph/catalogue';
import { forbidden } from '../graph/connecting';
import * as edits from '../graph/edits';
import { at, isObject, keys, text } from '../graph/json';
import { inputHandles, type Item } from '../graph/scope';
import { amount, full, plural, title } from '../graph/words';
import { useSnapshot, useStudio } from './context';
import { Explanation } from './Explanation';
import { familyOf, familyStyle } from './family';
import { FieldRow } from './FieldRow';
import { controlsOf, errorAt, fieldsOf, isMixed, sharedFields, sorted, valueAt } from './forms';
import { Icon } from './icons';
import { NetworkPanel } from './NetworkPanel';
import { Feed } from './Outline';

export function Section({ name, children, open = true, count }: { name: string; children: ReactNode; open?: boolean; count?: number }) {
  const [shown, setShown] = useState(open);
  return (
    <section className="fold">
      <h3><button aria-expanded={shown} onClick={() => setShown(!shown)}><Icon name={shown ? 'down' : 'chevron'} size={12} />{name}{count !== undefined && <i>{count}</i>}</button></h3>
      {shown && children}
    </section>
  );
}

function Rows({ items, fields, under = [] }: { items: readonly Item[]; fields: readonly Field[]; under?: readonly string[] }) {
  const studio = useStudio();
  const problems = useSnapshot((state) => state.session.view.problems);
  const nodes = useSnapshot((state) => state.session.view.nodes);
  const marked = useSnapshot((state) => state.screen.field);
  const [first] = items;
  if (first === undefined) return null;
  return fields.map((field) => {
    const path = [...under, field.name];
    return (
      <FieldRow key={`${first.pointer} ${path.join()}`} field={field} value={valueAt(first.record, path)} mixed={isMixed(items, path)} disabled={studio.readonly}
        computed={nodes.get(first.id)?.values.get(path.join('.'))} error={items.length === 1 ? errorAt(problems, first, path) : undefined} marked={marked !== undefined && marked.split('/')[0] === field.name}
        onChange={(value) => studio.setField(items, path, value)} onRemove={under.length > 0 ? () => studio.setField(items, path, undefined) : undefined} />
    );
  });
}

function Parameters({ items, fields }: { items: readonly Item[]; fields: readonly Field[] }) {
  const { lead, more } = sorted(fields, items);
  return (
    <>
      {lead.length > 0 && <Section name="Parameters"><Rows items={items} fields={lead} /></Section>}
      {more.length > 0 && <Section name="More parameters" open={false} count={more.length}><Rows items={items} fields={more} /></Section>}
    </>
  );
}

/** Parameters that differ in the first or the last copy. */
function Overrides({ item, fields, which }: { item: Item; fields: readonly Field[]; which: 'first' | 'last' }) {
  const studio = useStudio();
  const given = keys(at(item.record, which));
  const chosen = fields.filter((field) => given.includes(field.name)).map((field) => ({ ...field, required: false }));
  const left = fields.filter((field) => !given.includes(field.name));
  return (
    <div className="overrides">
      <h4>{which === 'first' ? 'First copy' : 'Last copy'}</h4>
      <Rows items={[item]} fields={chosen} under={[which]} />
      {!studio.readonly && left.length > 0 && (
        <select value="" aria-label={`Parameter that differs in the ${which} copy`} onChange={(event) => {
          const field = left.find((one) => one.name === event.target.value);
          if (field !== undefined) studio.setField([item], [which, field.name], at(item.record, field.name) ?? field.fallback ?? null);
        }}>
          <option value="">differs in …</option>
          {left.map((field) => <option key={field.name} value={field.name}>{title(field.name)}</option>)}
        </select>
      )}
    </div>
  );
}

function Sharing({ item }: { item: Item }) {
  const studio = useStudio();
  const items = useSnapshot((state) => state.scope.items);
  const target = text(at(item.record, 'reuse'));
  const others = [...items.values()].filter((one) => one.id !== item.id && (one.kind === 'op' || one.kind === 'block'));
  return (
    <Section name="Shared weights">
      <p className="plain">This node applies another node again, with the same weights.</p>
      <label className="stack">Weights of
        <select value={target} disabled={studio.readonly} onChange={(event) => studio.edit({ label: `Share weights of ${event.target.value}`, patch: [{ at: `${item.pointer}/reuse`, value: event.target.value }] })}>
          {!others.some((one) => one.name === target) && <option value={target}>{target}</option>}
          {others.map((one) => <option key={one.id} value={one.name}>{one.name}</option>)}
        </select>
      </label>
    </Section>
  );
}

/** Turn a node into another use of a node of its kind. */
function Share({ item }: { item: Item }) {
  const studio = useStudio();
  const items = useSnapshot((state) => state.scope.items);
  const owns = useSnapshot((state) => (state.session.view.nodes.get(item.id)?.params ?? 0) > 0);
  const others = [...items.values()].filter((one) => one.id !== item.id && one.kind === item.kind && one.type === item.type && forbidden(studio.scope, item.id, one.id) === undefined);
  if (!owns || others.length === 0) return null;
  return (
    <Section name="Share weights" open={false}>
      <p className="plain">Use the weights of another node instead of own ones; its parameters hold here too.</p>
      <label className="stack">Weights of
        <select value="" onChange={(event) => studio.edit({ label: `Share weights of ${event.target.value}`, patch: edits.reuse(item, event.target.value) })}>
          <option value="">its own</option>
          {others.map((one) => <option key={one.id} value={one.name}>{one.name}</option>)}
        </select>
      </label>
    </Section>
  );
}

function Head({ item }: { item: Item }) {
  const studio = useStudio();
  const catalogue = useSnapshot((state) => state.session.catalogue);
  const known = useSnapshot((state) => state.session.view.nodes.get(item.id));
  const family = familyOf(catalogue, item, known?.family);
  const card = item.kind === 'op' ? catalogue.ops.get(item.type) : undefined;
  const what = card?.title ?? (item.kind === 'block' ? `Block ${item.type}` : item.kind === 'reuse' ? `Weights of ${item.type}` : title(item.kind));
  return (
    <header className="head" style={familyStyle(catalogue, family)}>
      <span className="tile"><Icon name={family} size={20} sign={known?.icon} /></span>
      <span className="words">
        <button className="name" title="Rename (F2)" disabled={studio.readonly} onClick={() => studio.show({ renaming: item.id })}>{item.name}</button>
        <small>{what}{known?.origin === 'library' ? ' · library' : ''}</small>
      </span>
      {item.kind === 'block' && <button className="button" onClick={() => studio.enter(item.id)}><Icon name="open" size={13} />Open</button>}
    </header>
  );
}

function Shapes({ item }: { item: Item }) {
  const known = useSnapshot((state) => state.session.view.nodes.get(item.id));
  if (known === undefined) return null;
  const ports = item.kind === 'output' ? known.inputs : known.outputs;
  return (
    <dl className="facts">
      {ports.map((port) => <div key={port.name}><dt>{item.kind === 'output' ? 'Shape' : ports.length > 1 ? port.name : 'Output'}</dt><dd className="mono">{port.shape || 'unknown yet'} <i>{port.dtype}</i></dd></div>)}
      {known.params !== undefined && item.kind !== 'input' && item.kind !== 'output' && <div><dt>Parameters</dt><dd>{full(known.params)}</dd></div>}
      {known.macs !== undefined && known.macs !== 0 && <div><dt>Multiply-adds</dt><dd>{typeof known.macs === 'number' ? full(known.macs) : amount(known.macs)}</dd></div>}
    </dl>
  );
}

/** What feeds each port, to be chosen without a wire. */
function Reads({ item }: { item: Item }) {
  const scope = useSnapshot((state) => state.scope);
  const handles = inputHandles(item, edits.wiredHandles(scope, item.id));
  if (handles.length === 0) return null;
  return (
    <Section name="Reads">
      {handles.map(({ id, port }) => <label key={id} className="stack" title={port.doc}>{title(item.kind === 'output' ? 'answer' : port.name)}<Feed item={item} handle={id} /></label>)}
    </Section>
  );
}

function NodePanel({ item }: { item: Item }) {
  const studio = useStudio();
  const catalogue = useSnapshot((state) => state.session.catalogue);
  const view = useSnapshot((state) => state.session.view);
  const fields = fieldsOf(item, catalogue, view);
  const problems = view.problems.filter((problem) => problem.node === item.id);
  const node = item.kind === 'op' || item.kind === 'block';
  const repeated = at(item.record, 'repeat') !== undefined;
  const note = text(at(item.record, 'doc'));
  return (
    <>
      <Head item={item} />
      {problems.map((problem) => (
        <div key={problem.pointer + problem.message} className={`callout ${problem.severity}`} role="alert">
          <Icon name={problem.severity} size={14} />
          <div><b>{problem.message}</b>{problem.hint !== '' && <p>{problem.hint}</p>}
            {problem.fixes.map((fix) => <button key={fix.title} className="fix" onClick={() => studio.edit({ label: fix.title, patch: fix.patch })}><Icon name="wrench" size={13} />{fix.title}{fix.cost !== '' && <i>{fix.cost}</i>}</button>)}
          </div>
        </div>
      ))}
      <Shapes item={item} />
      <Reads item={item} />
      <Parameters key={item.id} items={[item]} fields={fields} />
      {item.kind === 'reuse' && <Sharing item={item} />}
      {node && !studio.readonly && <Share item={item} />}
      {node && (
        <Section name="Repeat and switch" open={repeated}>
          <Rows items={[item]} fields={controlsOf(item, catalogue.controls)} />
          {repeated && <><Overrides item={item} fields={fields} which="first" /><Overrides item={item} fields={fields} which="last" /></>}
        </Section>
      )}
      {item.kind !== 'output' && isObject(item.record) && !studio.readonly && (
        <Section name="Note" open={note !== ''}>
          <textarea key={`${item.pointer} ${note}`} className="note-field" aria-label={`Note on ${item.name}`} defaultValue={note} rows={2} placeholder="For whoever reads this graph"
            onBlur={(event) => { const next = event.target.value.trim(); if (next !== note) studio.setField([item], ['doc'], next === '' ? undefined : next); }} />
        </Section>
      )}
      <Explanation item={item} />
    </>
  );
}

function ManyPanel({ items }: { items: readonly Item[] }) {
  const studio = useStudio();
  const catalogue = useSnapshot((state) => state.session.catalogue);
  const view = useSnapshot((state) => state.session.view);
  const fields = sharedFields(items, catalogue, view);
  const params = items.reduce((sum, item) => sum + (view.nodes.get(item.id)?.params ?? 0), 0);
  return (
    <>
      <header className="head"><span className="tile"><Icon name="group" size={20} /></span><span className="words"><b className="name">{plural(items.length, 'node')}</b><small>{full(params)} parameters together</small></span></header>
      <p className="chips">{items.map((item) => <button key={item.id} onClick={() => studio.select([item.id])}>{item.name}</button>)}</p>
      {fields.length === 0 ? <p className="plain">These have no parameter in common.</p> : <Parameters items={items} fields={fields} />}
    </>
  );
}

export function Inspector() {
  const selection = useSnapshot((state) => state.session.selection);
  const items = useSnapshot((state) => state.scope.items);
  const chosen = selection.flatMap((id) => items.get(id) ?? []);
  const [only] = chosen;
  return (
    <aside className="inspector" tabIndex={-1} data-testid="inspector" aria-label="Inspector">
      {only === undefined ? <NetworkPanel /> : chosen.length === 1 ? <NodePanel key={only.id} item={only} /> : <ManyPanel items={chosen} />}
    </aside>
  );
}
