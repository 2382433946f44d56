/** What the network costs, whether it is valid, and what it promises. */
import { amount, bytes, full, plural } from '../graph/words';
import { useSnapshot, useStudio } from './context';
import { Icon } from './icons';

export function StatusBar() {
  const studio = useStudio();
  const { problems, totals, contracts, overlay } = useSnapshot((state) => state.session.view);
  const open = useSnapshot((state) => state.screen.problems);
  const ready = useSnapshot((state) => state.session.epoch > 0);
  const errors = problems.filter((problem) => problem.severity === 'error').length;
  const state = errors > 0 ? 'error' : problems.length > 0 ? 'warning' : 'good';
  const words = errors > 0 ? plural(errors, 'error') : problems.length > 0 ? plural(problems.length, 'warning') : 'Valid';
  return (
    <footer className="status">
      <button className={`verdict ${state}`} aria-expanded={open} onClick={() => studio.show({ problems: !open })} data-testid="verdict" disabled={!ready}>
        <Icon name={state === 'good' ? 'check' : state} size={14} />{ready ? words : 'Opening …'}
      </button>
      {totals.params !== undefined && <span title={`${full(totals.params)} parameters`}><b>{amount(totals.params)}</b> parameters</span>}
      {totals.macs !== undefined && <span title="for one sample"><b>{amount(totals.macs)}</b> multiply-adds</span>}
      {totals.memory !== undefined && <span title="activations, weights and gradients while training"><b>{bytes(totals.memory)}</b> to train{totals.batch === undefined ? '' : `, batch ${totals.batch}`}</span>}
      {totals.nodes !== undefined && <span><b>{full(totals.nodes)}</b> primitives</span>}
      <span className="space" />
      {overlay.title !== '' && <span className="overlay-title">{overlay.title}</span>}
      {contracts.map((contract) => (
        <span key={contract.text} className={`contract ${contract.holds === undefined ? 'open' : contract.holds ? 'good' : 'error'}`} title="A contract of this file">
          <Icon name={contract.holds === false ? 'close' : contract.holds ? 'check' : 'dot'} size={11} />{contract.text}
        </span>
      ))}
    </footer>
  );
}
