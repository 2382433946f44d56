/** Search for something to add, at a point; after a wire was let go, only for what fits it. */
import { useEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import type { Card } from '../graph/catalogue';
import { search } from '../graph/search';
import { useSnapshot, useStudio } from './context';
import { familyStyle } from './family';
import { Icon } from './icons';
import { cardTexts, dragName } from './Palette';
import type { Searching } from './studio';

const MOST = 60;

export function AddSearch({ searching, width, height }: { searching: Searching; width: number; height: number }) {
  const studio = useStudio();
  const catalogue = useSnapshot((state) => state.session.catalogue);
  const blocks = useSnapshot((state) => state.session.view.blocks);
  const verdicts = useSnapshot((state) => state.screen.verdicts);
  const [query, setQuery] = useState('');
  const [active, setActive] = useState(0);
  const field = useRef<HTMLInputElement>(null);
  const listed = useRef<HTMLUListElement>(null);
  const { from } = searching;
  const waits = from !== undefined && verdicts === undefined;

  const found = useMemo(() => {
    const cards = [...catalogue.ops.values(), ...blocks.values(), ...catalogue.blocks.values()];
    const fits = (card: Card) => {
      if (from === undefined) return true;
      if (from.side === 'out' && card.inputs.length === 0) return false;
      const verdict = (card.form === 'op' ? verdicts?.ops : verdicts?.blocks)?.get(card.name);
      return verdict === null;
    };
    return search(query, cards.filter(fits), cardTexts).slice(0, MOST);
  }, [query, catalogue, blocks, verdicts, from]);

  useEffect(() => { field.current?.focus(); }, []);
  useEffect(() => { listed.current?.children[active]?.scrollIntoView({ block: 'nearest' }); }, [active]);

  const close = () => studio.show({ searching: undefined, verdicts: undefined });
  const take = (card: Card | undefined) => {
    close();
    if (card !== undefined) studio.add(card, { at: searching.at, from });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    event.stopPropagation();
    const last = Math.max(0, found.length - 1);
    if (event.key === 'Escape') close();
    else if (event.key === 'Enter') take(found[active]);
    else if (event.key === 'ArrowDown') setActive(Math.min(last, active + 1));
    else if (event.key === 'ArrowUp') setActive(Math.max(0, active - 1));
    else return;
    event.preventDefault();
  };
  const left = Math.max(8, Math.min(searching.screen.x, width - 348));
  const top = Math.max(8, Math.min(searching.screen.y, height - 380));
  const card = found[active];
  return (
    <div className="popover add" style={{ left, top }} role="dialog" aria-label="Add" onKeyDown={onKeyDown}
      onBlur={(event) => { if (!event.currentTarget.contains(event.relatedTarget)) close(); }}>
      <label className="field-search"><Icon name="search" size={14} />
        <input ref={field} type="search" value={query} placeholder={from === undefined ? 'Add a layer or block' : 'What fits here'} aria-label="Search for something to add" role="combobox" aria-expanded="true" aria-controls="found"
          onChange={(event) => { setQuery(event.target.value); setActive(0); }} />
      </label>
      <ul id="found" role="listbox" ref={listed} data-testid="found">
        {found.map((one, i) => (
          <li key={dragName(one)} role="option" aria-selected={i === active} data-op={one.name} style={familyStyle(catalogue, one.form === 'block' ? 'block' : one.family)}
            onMouseMove={() => setActive(i)} onMouseDown={(event) => { event.preventDefault(); take(one); }}>
            <span className="tile"><Icon name={one.form === 'block' ? 'block' : one.family} size={13} sign={one.icon} /></span>
            <b>{one.title}</b><i>{one.form === 'block' ? 'block' : one.family}</i>
          </li>
        ))}
        {found.length === 0 && <li className="nothing">{waits ? 'Looking for what fits …' : from === undefined ? 'Nothing is called so.' : 'Nothing of that name fits here.'}</li>}
      </ul>
      {card !== undefined && <p className="about">{card.summary}</p>}
    </div>
  );
}
