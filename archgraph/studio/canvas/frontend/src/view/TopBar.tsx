/** Where one is, and the buttons. */
import { aligned, sizeOf, type Side } from '../graph/layout';
import type { Command } from '../graph/keys';
import { useSnapshot, useStudio } from './context';
import { Icon } from './icons';

function Crumbs() {
  const studio = useStudio();
  const place = useSnapshot((state) => state.session.view.place);
  const file = useSnapshot((state) => state.session.file);
  return (
    <nav className="crumbs" aria-label="Where you are">
      <ol>
        {place.crumbs.map((crumb, i) => {
          const last = i === place.crumbs.length - 1;
          return (
            <li key={crumb.path.join('/')}>
              {i > 0 && <Icon name="chevron" size={12} />}
              <button disabled={last} aria-current={last ? 'page' : undefined} onClick={() => studio.open(crumb.path)}>{crumb.title}{crumb.detail !== '' && <i>{crumb.detail}</i>}</button>
            </li>
          );
        })}
      </ol>
      {file.dirty && <span className="dirty" title="Not saved yet" aria-label="Not saved yet" />}
      {place.readonly !== '' && (
        <span className="readonly" title={place.readonly}><Icon name="lock" size={12} />read only<button onClick={() => studio.ask('own', {})}>Copy into this file</button></span>
      )}
    </nav>
  );
}

const SIDES: readonly (readonly [Side, string, string])[] = [['left', 'left', 'Align left'], ['centre', 'centre', 'Align centres'], ['top', 'top', 'Align top'], ['across', 'across', 'Spread across']];

function Aligning() {
  const studio = useStudio();
  const count = useSnapshot((state) => state.session.selection.length);
  if (count < 2 || studio.readonly) return null;
  const align = (side: Side) => {
    const { spots } = studio.get();
    const boxes = studio.selected().flatMap((item) => {
      const spot = spots.get(item.id);
      return spot === undefined ? [] : [{ id: item.id, ...spot, ...sizeOf(item) }];
    });
    studio.move(aligned(boxes, side), 'Align');
  };
  return <>{SIDES.map(([side, icon, words]) => <Button key={side} icon={icon} words={words} onClick={() => align(side)} />)}<span className="rule" /></>;
}

function Button({ icon, words, onClick, disabled = false, pressed, label }: { icon: string; words: string; onClick: () => void; disabled?: boolean; pressed?: boolean; label?: string }) {
  return <button className="tool" title={words} aria-label={words.replace(/ \(.*/, '')} aria-pressed={pressed} disabled={disabled} onClick={onClick}><Icon name={icon} size={16} />{label}</button>;
}

export function TopBar({ run }: { run: (command: Command) => void }) {
  const studio = useStudio();
  const history = useSnapshot((state) => state.session.history);
  const screen = useSnapshot((state) => state.screen);
  const selection = useSnapshot((state) => state.session.selection);
  const one = selection.length === 1 ? studio.item(selection[0] ?? '') : undefined;
  const undone = history.past.at(-1)?.label;
  const redone = history.future[0]?.label;
  return (
    <header className="topbar">
      <Button icon="panel" words="Palette" pressed={screen.palette} onClick={() => studio.show({ palette: !screen.palette })} />
      <Crumbs />
      <div className="tools" role="toolbar" aria-label="Tools">
        <Aligning />
        {selection.length > 0 && one?.kind !== 'block' && <Button icon="group" words="Group into a block (Ctrl+G)" onClick={() => run('group')} />}
        {one?.kind === 'block' && <Button icon="inline" words="Replace by its contents (Ctrl+Shift+G)" onClick={() => run('inline')} />}
        {selection.length > 0 && <span className="rule" />}
        <Button icon="undo" words={undone === undefined ? 'Undo' : `Undo (${undone})`} disabled={undone === undefined} onClick={() => run('undo')} />
        <Button icon="redo" words={redone === undefined ? 'Redo' : `Redo (${redone})`} disabled={redone === undefined} onClick={() => run('redo')} />
        <span className="rule" />
        <Button icon="tidy" words={screen.tidying ? 'Stop tidying' : 'Tidy up (Shift+Alt+T)'} pressed={screen.tidying} onClick={() => run('tidy')} />
        <Button icon="search" words="Go to anything (Ctrl+K)" onClick={() => run('go')} />
        <Button icon={screen.outline ? 'canvas' : 'outline'} words={screen.outline ? 'Canvas (O)' : 'Outline (O)'} pressed={screen.outline} onClick={() => run('outline')} />
        <Button icon="keys" words="Keys (?)" onClick={() => run('keys')} />
        <Button icon="inspector" words="Inspector" pressed={screen.inspector} onClick={() => studio.show({ inspector: !screen.inspector })} />
      </div>
    </header>
  );
}
