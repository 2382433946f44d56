/** What can be added, by family, with search; the words come from the catalogue. */
import { useMemo, useState } from 'react';
import type { Card } from '../graph/catalogue';
import { search } from '../graph/search';
import { title } from '../graph/words';
import { useSnapshot, useStudio } from './context';
import { familyStyle } from './family';
import { Icon } from './icons';

export const DRAGGED = 'application/x-archgraph';

export const dragName = (card: Card): string => `${card.form}:${card.name}`;

/** What a search looks at on a card. */
export const cardTexts = (card: Card): (readonly [string, number])[] => [[card.title, 1], [card.name, 1], [card.family, 0.6], [card.summary, 0.25]];

function Entry({ card }: { card: Card }) {
  const studio = useStudio();
  const catalogue = useSnapshot((state) => state.session.catalogue);
  const family = card.form === 'block' ? 'block' : card.family;
  return (
    <li>
      <button className="entry" draggable title={card.summary} data-op={card.name} style={familyStyle(catalogue, family)}
        onDragStart={(event) => {
          event.dataTransfer.setData(DRAGGED, dragName(card));
          event.dataTransfer.effectAllowed = 'copy';
        }}
        onDoubleClick={() => studio.add(card)}
        onKeyDown={(event) => { if (event.key === 'Enter') studio.add(card); }}>
        <span className="tile"><Icon name={family} size={14} sign={card.icon} /></span>
        <span className="words"><b>{card.title}</b><small>{card.summary}</small></span>
      </button>
    </li>
  );
}

interface End {
  readonly kind: 'input' | 'output';
  readonly words: string;
}

const ENDS: readonly End[] = [{ kind: 'input', words: 'What the network reads.' }, { kind: 'output', words: 'What it answers.' }];

function Terminal({ kind, words }: End) {
  const studio = useStudio();
  const catalogue = useSnapshot((state) => state.session.catalogue);
  return (
    <li>
      <button className="entry terminal" draggable title={words} data-op={kind} style={familyStyle(catalogue, kind)}
        onDragStart={(event) => event.dataTransfer.setData(DRAGGED, kind)} onDoubleClick={() => studio.addTerminal(kind)}
        onKeyDown={(event) => { if (event.key === 'Enter') studio.addTerminal(kind); }}>
        <span className="tile"><Icon name={kind} size={14} /></span>
        <span className="words"><b>{title(kind)}</b><small>{words}</small></span>
      </button>
    </li>
  );
}

function Shelf({ name, cards, open }: { name: string; cards: readonly Card[]; open: boolean }) {
  const [shown, setShown] = useState(open);
  const visible = shown || open;
  return (
    <section>
      <h3><button aria-expanded={visible} onClick={() => setShown(!shown)}><Icon name={visible ? 'down' : 'chevron'} size={12} />{title(name)}<i>{cards.length}</i></button></h3>
      {visible && <ul>{cards.map((card) => <Entry key={dragName(card)} card={card} />)}</ul>}
    </section>
  );
}

export function Palette() {
  const catalogue = useSnapshot((state) => state.session.catalogue);
  const blocks = useSnapshot((state) => state.session.view.blocks);
  const [query, setQuery] = useState('');
  const cards = useMemo(() => [...catalogue.ops.values(), ...blocks.values(), ...catalogue.blocks.values()], [catalogue, blocks]);
  const found = useMemo(() => search(query, cards, cardTexts), [query, cards]);
  const ends = useMemo(() => search(query, ENDS, ({ kind, words }) => [[kind, 1], [words, 0.25]]), [query]);
  const searching = query.trim() !== '';
  return (
    <aside className="palette" data-testid="palette" aria-label="Palette">
      <label className="field-search"><Icon name="search" size={14} />
        <input type="search" placeholder="Search to add" value={query} aria-label="Search the palette" onChange={(event) => setQuery(event.target.value)} />
      </label>
      <div className="shelves">
        {searching ? (
          <ul>{ends.map((end) => <Terminal key={end.kind} {...end} />)}{found.slice(0, 40).map((card) => <Entry key={dragName(card)} card={card} />)}{found.length + ends.length === 0 && <li className="nothing">Nothing is called so.</li>}</ul>
        ) : (
          <>
            <section><ul>{ENDS.map((end) => <Terminal key={end.kind} {...end} />)}</ul></section>
            {catalogue.families.map((family, i) => <Shelf key={family} name={family} open={i === 0} cards={[...catalogue.ops.values()].filter((card) => card.family === family)} />)}
            {blocks.size > 0 && <Shelf name="blocks of this file" open={false} cards={[...blocks.values()]} />}
            <Shelf name="library blocks" open={false} cards={[...catalogue.blocks.values()]} />
          </>
        )}
      </div>
    </aside>
  );
}
