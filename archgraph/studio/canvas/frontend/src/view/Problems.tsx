/** The problems, grouped by what is wrong; a click goes there, a verified fix is one click too. */
import type { Problem } from '../graph/view';
import { plural } from '../graph/words';
import { useSnapshot, useStudio } from './context';
import { Icon } from './icons';

interface Group {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly severity: Problem['severity'];
  readonly problems: readonly Problem[];
}

/** Problems that say the same, together; errors first. */
export function grouped(problems: readonly Problem[]): Group[] {
  const groups = new Map<string, Problem[]>();
  for (const problem of problems) {
    const key = `${problem.code} ${problem.message}`;
    groups.set(key, [...(groups.get(key) ?? []), problem]);
  }
  const made = [...groups.values()].flatMap((several): Group[] => {
    const [first] = several;
    return first === undefined ? [] : [{ code: first.code, message: first.message, hint: first.hint, severity: first.severity, problems: several }];
  });
  return made.sort((one, other) => Number(one.severity === 'warning') - Number(other.severity === 'warning'));
}

function Where({ problem }: { problem: Problem }) {
  const studio = useStudio();
  const words = problem.path.length > 0 ? problem.path.map((step) => step.replace(/^block:/, '')).join(' › ') : problem.node || 'the file';
  return (
    <button className="where" onClick={() => (problem.path.length > 0 ? studio.open(problem.path.slice(0, -1), problem.path.at(-1), problem.field) : studio.open([], problem.node || undefined, problem.field))}>
      {words}{problem.field !== '' && <i>{problem.field.replaceAll('/', ' › ')}</i>}
    </button>
  );
}

function Fixes({ problem }: { problem: Problem }) {
  const studio = useStudio();
  return problem.fixes.map((fix) => (
    <button key={fix.title} className="fix" title="Checked: the graph is valid afterwards" onClick={() => studio.edit({ label: fix.title, patch: fix.patch })}>
      <Icon name="wrench" size={13} />{fix.title}{fix.cost !== '' && <i>{fix.cost}</i>}
    </button>
  ));
}

export function Problems() {
  const studio = useStudio();
  const problems = useSnapshot((state) => state.session.view.problems);
  return (
    <section className="problems" aria-label="Problems" data-testid="problems">
      <h2>{problems.length === 0 ? 'No problems' : plural(problems.length, 'problem')}<button className="tool" aria-label="Close the problems" onClick={() => studio.show({ problems: false })}><Icon name="close" size={14} /></button></h2>
      <ul>
        {grouped(problems).map((group) => (
          <li key={`${group.code} ${group.message}`} className={group.severity}>
            <Icon name={group.severity} size={15} />
            <div>
              <p><b>{group.message}</b><code>{group.code}</code></p>
              {group.hint !== '' && <p className="hint">{group.hint}</p>}
              <p className="places">{group.problems.map((problem) => <Where key={problem.pointer + problem.path.join('/')} problem={problem} />)}</p>
              <p className="fixes">{group.problems.map((problem) => <Fixes key={problem.pointer + problem.path.join('/')} problem={problem} />)}</p>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}
