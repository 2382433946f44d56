/** The name of a new block, and which parameters of its nodes become its own. */
import { useEffect, useRef, useState } from 'react';
import { freeName, IDENTIFIER } from '../graph/names';
import { at, keys } from '../graph/json';
import { isFormula, shown } from '../graph/form';
import type { Item } from '../graph/scope';
import { plural, title } from '../graph/words';
import { fieldsOf } from './forms';
import { useStudio } from './context';

interface Knob {
  readonly key: string;
  readonly words: string;
}

export function GroupDialog() {
  const studio = useStudio();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const { catalogue, view } = studio.session;
  const knobsOf = (item: Item): Knob[] => fieldsOf(item, catalogue, view).flatMap((field) => {
    const value = at(item.record, field.name);
    return value === undefined || isFormula(value) ? [] : [{ key: `${item.id}/${field.name}`, words: `${item.name} · ${title(field.name).toLowerCase()} ${shown(value)}` }];
  });
  const knobs = studio.selected().flatMap(knobsOf);
  const toggle = (key: string) => setChosen((before) => new Set(before.has(key) ? [...before].filter((one) => one !== key) : [...before, key]));
  const taken = new Set(keys(at(studio.session.document, 'blocks')));
  const [name, setName] = useState(() => freeName('unit', taken));
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => { field.current?.select(); }, []);
  const close = () => studio.show({ grouping: false });
  const wrong = !IDENTIFIER.test(name) ? 'Letters, digits and _ only, no digit first.' : taken.has(name) ? 'There is a block of this name.' : '';
  return (
    <div className="curtain" onMouseDown={close}>
      <form className="dialog small" role="dialog" aria-modal="true" aria-label="Group into a block" onMouseDown={(event) => event.stopPropagation()}
        onKeyDown={(event) => { event.stopPropagation(); if (event.key === 'Escape') close(); }}
        onSubmit={(event) => { event.preventDefault(); if (wrong === '') { close(); studio.group(name, knobs.map((knob) => knob.key).filter((key) => chosen.has(key))); } }}>
        <h2>Group into a block</h2>
        <p className="plain">{plural(studio.session.selection.length, 'node')} become one block that can be repeated and used again.</p>
        <label className="stack">Name of the block<input ref={field} autoFocus value={name} spellCheck={false} aria-invalid={wrong !== ''} onChange={(event) => setName(event.target.value)} /></label>
        <p className="wrong-words" role="alert">{wrong}</p>
        {knobs.length > 0 && (
          <fieldset className="knobs">
            <legend>Parameters of the block</legend>
            {knobs.map((knob) => <label key={knob.key}><input type="checkbox" checked={chosen.has(knob.key)} onChange={() => toggle(knob.key)} />{knob.words}</label>)}
          </fieldset>
        )}
        <p className="buttons"><button type="button" className="button" onClick={close}>Cancel</button><button className="button primary" disabled={wrong !== ''}>Group</button></p>
      </form>
    </div>
  );
}
