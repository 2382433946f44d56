/** What a node does, in plain words; the arithmetic behind its shape; how far it sees; its paper. All of it text from Python. */
import { useSnapshot } from './context';
import { blockOf } from './forms';
import { Section } from './Inspector';
import type { Item } from '../graph/scope';

export function Explanation({ item }: { item: Item }) {
  const catalogue = useSnapshot((state) => state.session.catalogue);
  const view = useSnapshot((state) => state.session.view);
  const card = blockOf(item, catalogue, view);
  const told = view.inspect?.node === item.id ? view.inspect : undefined;
  const doc = told === undefined ? (card?.doc ?? '') : `${told.summary}\n\n${told.doc}`;
  const paper = told?.paper || card?.source || '';
  if (doc.trim() === '' && told === undefined) return null;
  const paragraphs = doc.split(/\n\s*\n/).filter((part) => part.trim() !== '');
  return (
    <Section name="What it does">
      <div className="explanation">
        {paragraphs.map((part, i) => <p key={part} className={i === 0 ? 'lead' : ''}>{part.replaceAll(/\s*\n\s*/g, ' ')}</p>)}
        {told !== undefined && told.formula !== '' && <pre>{told.formula}</pre>}
        {told !== undefined && told.arithmetic.length > 0 && <><h4>How the shape comes about</h4>{told.arithmetic.map((line) => <pre key={line}>{line}</pre>)}</>}
        {told !== undefined && told.receptive !== '' && <p><b>Sees</b> {told.receptive} of the input</p>}
        {told !== undefined && told.weights.length > 0 && (
          <><h4>Weights</h4><table><tbody>{told.weights.map((weight) => <tr key={weight.name}><td>{weight.name}</td><td className="mono">{weight.shape}</td><td>{weight.trainable ? '' : 'not trained'}</td></tr>)}</tbody></table></>
        )}
        {paper !== '' && <p className="paper">{paper}</p>}
      </div>
    </Section>
  );
}
