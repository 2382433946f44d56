/** What is not in the file any more, and what the edits come to, while changes are marked. */
import { plural } from '../graph/words';
import { useSnapshot } from './context';

const signed = (value: number): string => `${value > 0 ? '+' : value < 0 ? '−' : '±'}${Math.abs(value).toLocaleString('en')}`;

export function Changes() {
  const changes = useSnapshot((state) => state.session.view.changes);
  const nodes = useSnapshot((state) => state.session.view.nodes);
  if (changes === undefined) return null;
  const count = (what: string) => [...nodes.values()].filter((node) => node.change === what).length;
  return (
    <section className="changes" aria-label="Changes since the file was saved" data-testid="changes">
      <h2>Since the file was saved</h2>
      <p><b className="good">{count('added')} added</b><b className="warning">{count('changed')} changed</b><b className="error">{changes.removed.length} removed</b><i>{changes.params === undefined ? '' : `${signed(changes.params)} parameters`}</i></p>
      {changes.removed.length > 0 && <ul aria-label={plural(changes.removed.length, 'removed node')}>{changes.removed.map((one) => <li key={one.name}><s>{one.name}</s> {one.text}</li>)}</ul>}
    </section>
  );
}
