/** Every key, as the table that is looked up has them. */
import { useEffect, useRef } from 'react';
import { BINDINGS, GESTURES } from '../graph/keys';
import { useStudio } from './context';
import { Icon } from './icons';

export function Keys() {
  const studio = useStudio();
  const close = useRef<HTMLButtonElement>(null);
  useEffect(() => { close.current?.focus(); }, []);
  const sections = [...new Set(BINDINGS.map((binding) => binding.section))];
  const hide = () => studio.show({ keys: false });
  return (
    <div className="curtain" onMouseDown={hide}>
      <div className="dialog" role="dialog" aria-modal="true" aria-label="Keys" data-testid="keys" onMouseDown={(event) => event.stopPropagation()}
        onKeyDown={(event) => { event.stopPropagation(); if (event.key === 'Escape' || event.key === '?') hide(); }}>
        <h2>Keys and gestures<button ref={close} className="tool" aria-label="Close" onClick={hide}><Icon name="close" size={14} /></button></h2>
        <div className="columns">
          {sections.map((section) => (
            <section key={section}>
              <h3>{section}</h3>
              <dl>{BINDINGS.filter((binding) => binding.section === section).map((binding) => (
                <div key={binding.command}><dt>{binding.words}</dt><dd>{binding.keys.map((key) => <kbd key={key}>{key}</kbd>)}</dd></div>
              ))}</dl>
            </section>
          ))}
          <section>
            <h3>Mouse</h3>
            <dl>{GESTURES.map(([gesture, words]) => <div key={gesture}><dt>{words}</dt><dd><kbd>{gesture}</kbd></dd></div>)}</dl>
          </section>
        </div>
      </div>
    </div>
  );
}
