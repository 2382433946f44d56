/** The name of a new block. */
import { useEffect, useRef, useState } from 'react';
import { freeName, IDENTIFIER } from '../graph/names';
import { at, keys } from '../graph/json';
import { plural } from '../graph/words';
import { useStudio } from './context';

export function GroupDialog() {
  const studio = useStudio();
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
        onSubmit={(event) => { event.preventDefault(); if (wrong === '') { close(); studio.group(name); } }}>
        <h2>Group into a block</h2>
        <p className="plain">{plural(studio.session.selection.length, 'node')} become one block that can be repeated and used again.</p>
        <label className="stack">Name of the block<input ref={field} autoFocus value={name} spellCheck={false} aria-invalid={wrong !== ''} onChange={(event) => setName(event.target.value)} /></label>
        <p className="wrong-words" role="alert">{wrong}</p>
        <p className="buttons"><button type="button" className="button" onClick={close}>Cancel</button><button className="button primary" disabled={wrong !== ''}>Group</button></p>
      </form>
    </div>
  );
}
