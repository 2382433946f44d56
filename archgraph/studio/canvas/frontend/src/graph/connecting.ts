/** What may be connected with what, and why not. Shapes are Python's to judge; here stands what needs no shapes. */
import { inputHandles, type Item, type Scope } from './scope';
import { wiredHandles } from './edits';

/** Verdicts of Python on the other ends of a wire: null fits, a text says why not. */
export type Verdicts = ReadonlyMap<string, ReadonlyMap<string, string | null>>;

const readers = (scope: Scope): Map<string, string[]> => {
  const found = new Map<string, string[]>();
  for (const wire of scope.wires) found.set(wire.source, [...(found.get(wire.source) ?? []), wire.target]);
  return found;
};

/** Everything that `id` feeds, directly or not, and itself. */
export function downstream(scope: Scope, id: string): Set<string> {
  const next = readers(scope);
  const seen = new Set([id]);
  for (const one of seen) for (const reader of next.get(one) ?? []) seen.add(reader);
  return seen;
}

/** Why `source` cannot feed `target` whatever the shapes, or undefined. */
export function forbidden(scope: Scope, source: string, target: string): string | undefined {
  if (source === target) return 'A node cannot feed itself.';
  const from = scope.items.get(source);
  const to = scope.items.get(target);
  if (from === undefined || to === undefined) return 'It is no longer there.';
  if (from.kind === 'output') return 'An output feeds nothing.';
  if (to.kind === 'input') return 'An input is fed from outside.';
  if (downstream(scope, target).has(source)) return `This would make a circle: ${to.name} already feeds ${from.name}.`;
  return undefined;
}

/** The port's name within verdicts: `terms.2` is judged as `terms`. */
const portName = (handle: string): string => handle.replace(/\.\d+$/, '');

export function refusal(scope: Scope, verdicts: Verdicts | undefined, source: string, target: string, handle: string): string | undefined {
  const structural = forbidden(scope, source, target);
  if (structural !== undefined) return structural;
  // Python judges one more wire at a variadic port; what comes instead of another is judged when it is there.
  if (portName(handle) !== handle && wiredHandles(scope, target).has(handle)) return undefined;
  const judged = verdicts?.get(target);
  return judged?.get(handle) ?? judged?.get(portName(handle)) ?? undefined;
}

/** The handle that a wire dropped on the body of `item` takes: the first free one that fits, else the first that fits. A term of several is never replaced. */
export function firstHandle(scope: Scope, item: Item, source: string, verdicts: Verdicts | undefined): string | undefined {
  const handles = inputHandles(item, wiredHandles(scope, item.id)).filter((handle) => handle.free || !handle.port.variadic);
  const fitting = handles.filter((handle) => refusal(scope, verdicts, source, item.id, handle.id) === undefined);
  return (fitting.find((handle) => handle.free) ?? fitting[0])?.id;
}
