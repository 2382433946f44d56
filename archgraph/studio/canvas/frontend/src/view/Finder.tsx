/** Find a node here (Ctrl+F), or go to anything: nodes of every place, blocks, commands (Ctrl+K). */
import { useEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { at, list, text, texts } from '../graph/json';
import { BINDINGS, type Command } from '../graph/keys';
import { search } from '../graph/search';
import { useSnapshot, useStudio } from './context';
import { Icon } from './icons';

interface Target {
  readonly key: string;
  readonly title: string;
  readonly detail: string;
  readonly icon: string;
  readonly go: () => void;
}

const COMMANDS: ReadonlySet<Command> = new Set(['undo', 'redo', 'tidy', 'fit', 'reset', 'outline', 'problems', 'keys', 'all', 'group', 'inline', 'duplicate']);

export function Finder({ mode, run }: { mode: 'find' | 'go'; run: (command: Command) => void }) {
  const studio = useStudio();
  const scope = useSnapshot((state) => state.scope);
  const nodes = useSnapshot((state) => state.session.view.nodes);
  const here = useSnapshot((state) => state.session.view.place.path);
  const [query, setQuery] = useState('');
  const [active, setActive] = useState(0);
  const [far, setFar] = useState<readonly Target[]>([]);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => { field.current?.focus(); }, []);

  useEffect(() => {
    if (mode !== 'go' || query.trim() === '') return setFar([]);
    const timer = setTimeout(() => studio.ask('find', { text: query }, (reply) => setFar(list(at(reply.data, 'found'), (item) => {
      const path = texts(at(item, 'path'));
      const node = path.at(-1);
      return { key: `far ${path.join('/')}`, title: text(at(item, 'title'), node), detail: text(at(item, 'detail')), icon: 'open', go: () => (node?.startsWith('block:') ? studio.open(path) : studio.open(path.slice(0, -1), node)) };
    }))), 120);
    return () => clearTimeout(timer);
  }, [mode, query, studio]);

  const found = useMemo(() => {
    const near = [...scope.items.values()].map((item): Target => ({
      key: item.id, title: item.name, detail: item.type || item.kind, icon: item.kind === 'op' ? (nodes.get(item.id)?.family ?? '') : item.kind, go: () => studio.open(here, item.id),
    }));
    const commands = BINDINGS.filter((binding) => COMMANDS.has(binding.command)).map((binding): Target => ({ key: binding.command, title: binding.words, detail: binding.keys[0] ?? '', icon: 'keys', go: () => run(binding.command) }));
    const local = search(query, mode === 'go' ? [...near, ...commands] : near, (target) => [[target.title, 1], [target.detail, 0.6]]);
    const known = new Set(near.map((target) => `far ${[...here, target.key].join('/')}`));
    return [...local, ...far.filter((target) => !known.has(target.key))].slice(0, 50);
  }, [scope, nodes, here, query, far, mode, run, studio]);

  const close = () => studio.show({ finder: undefined });
  const take = (target: Target | undefined) => {
    close();
    target?.go();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    event.stopPropagation();
    if (event.key === 'Escape') close();
    else if (event.key === 'Enter') take(found[active]);
    else if (event.key === 'ArrowDown') setActive(Math.min(Math.max(0, found.length - 1), active + 1));
    else if (event.key === 'ArrowUp') setActive(Math.max(0, active - 1));
    else return;
    event.preventDefault();
  };
  return (
    <div className="popover finder" role="dialog" aria-label={mode === 'find' ? 'Find' : 'Go to'} onKeyDown={onKeyDown}
      onBlur={(event) => { if (!event.currentTarget.contains(event.relatedTarget)) close(); }}>
      <label className="field-search"><Icon name="search" size={14} />
        <input ref={field} type="search" value={query} placeholder={mode === 'find' ? 'Find a node here' : 'Go to a node, a block or a command'} aria-label="Find" onChange={(event) => { setQuery(event.target.value); setActive(0); }} />
      </label>
      <ul role="listbox" data-testid="finder">
        {found.map((target, i) => (
          <li key={target.key} role="option" aria-selected={i === active} onMouseMove={() => setActive(i)} onMouseDown={(event) => { event.preventDefault(); take(target); }}>
            <span className="tile plain"><Icon name={target.icon} size={13} /></span><b>{target.title}</b><i>{target.detail}</i>
          </li>
        ))}
        {found.length === 0 && <li className="nothing">Nothing found.</li>}
      </ul>
    </div>
  );
}
