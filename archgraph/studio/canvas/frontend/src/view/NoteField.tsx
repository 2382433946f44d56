/** The note of a node while it is written: its `doc`. */
import { useEffect, useRef } from 'react';
import { at, text } from '../graph/json';
import type { Item } from '../graph/scope';
import { useStudio } from './context';

export function NoteField({ item }: { item: Item }) {
  const studio = useStudio();
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => { field.current?.focus(); }, []);
  const old = text(at(item.record, 'doc'));
  const done = (value: string) => {
    studio.show({ noting: undefined });
    if (value.trim() !== old) studio.edit({ label: `Note on ${item.name}`, patch: [value.trim() === '' ? { at: `${item.pointer}/doc` } : { at: `${item.pointer}/doc`, value: value.trim() }] });
  };
  return (
    <textarea ref={field} className="note editing nodrag nowheel" defaultValue={old} aria-label={`Note on ${item.name}`} rows={3}
      onBlur={(event) => done(event.target.value)}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === 'Escape') studio.show({ noting: undefined });
        if (event.key === 'Enter' && !event.shiftKey) done(event.currentTarget.value);
      }} />
  );
}
