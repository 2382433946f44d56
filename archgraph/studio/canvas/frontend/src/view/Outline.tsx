/** The same graph as a table, for those who use no mouse: the same operations, in the order of what feeds what. */
import { useState } from 'react';
import { forbidden } from '../graph/connecting';
import * as edits from '../graph/edits';
import { inputHandles, type Item, type Scope } from '../graph/scope';
import { search } from '../graph/search';
import { amount, plural } from '../graph/words';
import { useSnapshot, useStudio } from './context';
import { Icon } from './icons';
import { NameField } from './NameField';
import { cardTexts } from './Palette';

/** Items such that each stands behind what feeds it, as far as there is no circle. */
export function inOrder(scope: Scope): Item[] {
  const left = new Map(scope.items);
  const order: Item[] = [];
  while (left.size > 0) {
    const ready = [...left.values()].filter((item) => scope.wires.every((wire) => wire.target !== item.id || !left.has(wire.source)));
    const next = ready.length > 0 ? ready : [...left.values()].slice(0, 1);
    for (const item of next) {
      order.push(item);
      left.delete(item.id);
    }
  }
  return order;
}

export function Feed({ item, handle }: { item: Item; handle: string }) {
  const studio = useStudio();
  const scope = useSnapshot((state) => state.scope);
  const wire = scope.wires.find((one) => one.target === item.id && one.targetPort === handle);
  const sources = [...scope.items.values()].flatMap((one) => (one.kind === 'output' || (one.id !== wire?.source && forbidden(scope, one.id, item.id) !== undefined) ? [] : one.outputs.map((port) => ({ ref: edits.refOf(one, port), node: one.id, port }))));
  return (
    <select value={wire?.ref ?? ''} disabled={studio.readonly} aria-label={`What feeds ${handle} of ${item.name}`}
      onChange={(event) => {
        const source = sources.find((one) => one.ref === event.target.value);
        if (source !== undefined) studio.connectWire({ node: source.node, port: source.port, side: 'out' }, item.id, handle);
        else if (wire !== undefined) studio.edit({ label: `Disconnect ${item.name}`, patch: studio.disconnection(new Set([wire.id])) });
      }}>
      <option value="">{'–'}</option>
      {wire !== undefined && !sources.some((one) => one.ref === wire.ref) && <option value={wire.ref}>{wire.ref}</option>}
      {sources.map((source) => <option key={source.ref} value={source.ref}>{source.ref}</option>)}
    </select>
  );
}

function Row({ item }: { item: Item }) {
  const studio = useStudio();
  const scope = useSnapshot((state) => state.scope);
  const known = useSnapshot((state) => state.session.view.nodes.get(item.id));
  const selected = useSnapshot((state) => state.session.selection.includes(item.id));
  const renaming = useSnapshot((state) => state.screen.renaming === item.id);
  const handles = inputHandles(item, edits.wiredHandles(scope, item.id));
  const shape = item.kind === 'output' ? known?.inputs[0]?.shape : known?.outputs.map((port) => port.shape).join(', ');
  return (
    <tr aria-selected={selected} className={known?.worst ?? ''} onFocus={(event) => { if (!(event.target instanceof HTMLInputElement)) studio.select([item.id]); }} onClick={() => studio.select([item.id])} data-row={item.id}>
      <th scope="row">
        {renaming ? <NameField name={item.name} onDone={(name) => studio.rename(item.id, name)} onCancel={() => studio.show({ renaming: undefined })} />
          : <button className="name" onDoubleClick={() => studio.show({ renaming: item.id })}>{item.name}</button>}
      </th>
      <td>{item.type || item.kind}{known?.repeat !== undefined && ` ×${known.repeat}`}</td>
      <td className="feeds">{handles.map(({ id, port }) => <span key={id}>{item.inputs.length > 1 && <i>{port.name}</i>}<Feed item={item} handle={id} /></span>)}</td>
      <td className="mono">{shape || '–'}</td>
      <td className="number">{known?.params === undefined ? '' : amount(known.params)}</td>
      <td>{known !== undefined && known.problems > 0 && <span className={`badge-text ${known.worst ?? ''}`}><Icon name={known.worst ?? 'error'} size={12} /> {plural(known.problems, 'problem')}</span>}</td>
      <td>
        {item.kind === 'block' && <button className="mini" aria-label={`Open ${item.name}`} onClick={() => studio.enter(item.id)}><Icon name="open" size={13} /></button>}
        {!studio.readonly && <button className="mini" aria-label={`Delete ${item.name}`} onClick={() => { studio.select([item.id]); studio.remove(); }}><Icon name="close" size={13} /></button>}
      </td>
    </tr>
  );
}

function Adder() {
  const studio = useStudio();
  const catalogue = useSnapshot((state) => state.session.catalogue);
  const blocks = useSnapshot((state) => state.session.view.blocks);
  const selection = useSnapshot((state) => state.session.selection);
  const [query, setQuery] = useState('');
  const cards = [...catalogue.ops.values(), ...blocks.values(), ...catalogue.blocks.values()];
  const found = query.trim() === '' ? [] : search(query, cards, cardTexts).slice(0, 8);
  const add = (position: number) => {
    const card = found[position];
    const [last] = selection;
    const source = last === undefined ? undefined : studio.item(last);
    if (card === undefined) return;
    const id = studio.add(card, source !== undefined && source.outputs.length > 0 ? { from: { node: source.id, port: source.outputs[0] ?? 'output', side: 'out' } } : {});
    setQuery('');
    if (id !== undefined) studio.select([id]);
  };
  return (
    <form className="adder" onSubmit={(event) => { event.preventDefault(); add(0); }}>
      <input value={query} placeholder="Add behind the selected row: name, then Enter" aria-label="Add a layer or block" list="outline-cards" onChange={(event) => setQuery(event.target.value)} />
      <span className="found">{found.map((card, i) => <button type="button" key={`${card.form}:${card.name}`} title={card.summary} onClick={() => add(i)}>{card.title}</button>)}</span>
      <button type="button" onClick={() => studio.addTerminal('input')}>Add input</button>
      <button type="button" onClick={() => studio.addTerminal('output')}>Add output</button>
    </form>
  );
}

export function Outline() {
  const studio = useStudio();
  const scope = useSnapshot((state) => state.scope);
  return (
    <div className="outline" data-testid="outline">
      {!studio.readonly && <Adder />}
      <div className="scroll">
        <table aria-label="Outline">
          <thead><tr><th>Name</th><th>What</th><th>Reads</th><th>Gives</th><th>Parameters</th><th>Problems</th><th><span className="hidden">Actions</span></th></tr></thead>
          <tbody>{inOrder(scope).map((item) => <Row key={item.id} item={item} />)}</tbody>
        </table>
      </div>
    </div>
  );
}
