/** The name of a node while it is changed. */
import { useEffect, useRef } from 'react';
import { IDENTIFIER } from '../graph/names';

export function NameField({ name, onDone, onCancel }: { name: string; onDone: (name: string) => void; onCancel: () => void }) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    field.current?.focus();
    field.current?.select();
  }, []);
  return (
    <input ref={field} className="name-field nodrag" defaultValue={name} spellCheck={false} aria-label={`New name of ${name}`} maxLength={64} pattern={IDENTIFIER.source}
      onBlur={(event) => (event.target.validity.valid ? onDone(event.target.value) : onCancel())}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === 'Enter' && event.currentTarget.validity.valid) onDone(event.currentTarget.value);
        if (event.key === 'Escape') onCancel();
      }} />
  );
}
