/** ELK in a worker: it would stop the page for seconds. */
import ELK, { type ElkNode } from 'elkjs/lib/elk-api';
import { fromElk, toElk, type Point } from '../graph/layout';
import type { Scope } from '../graph/scope';

export interface Route {
  readonly points: readonly Point[];
  readonly from: Point;
  readonly to: Point;
}

export interface Arrangement {
  readonly spots: Map<string, Point>;
  /** By `source.port>target.port`. */
  readonly routes: Map<string, Route>;
}

// A string operation, because Vite rewrites new Worker(new URL(...)) in a way that fails in a library.
const beside = (file: string): string => import.meta.url.replace(/[^/]*(\?.*)?$/, file);

function routesOf(root: ElkNode, spots: ReadonlyMap<string, Point>, scope: Scope): Map<string, Route> {
  const wires = new Map(scope.wires.map((wire) => [wire.id, wire]));
  const routes = new Map<string, Route>();
  const raw = new Map((root.children ?? []).map((child) => [child.id, { x: child.x ?? 0, y: child.y ?? 0 }]));
  for (const edge of root.edges ?? []) {
    const wire = wires.get(edge.id);
    const section = edge.sections?.[0];
    const [from, to] = [spots.get(wire?.source ?? ''), spots.get(wire?.target ?? '')];
    if (wire === undefined || section === undefined || from === undefined || to === undefined) continue;
    const [start, end] = [raw.get(wire.source), raw.get(wire.target)];
    if (start === undefined || end === undefined) continue;
    routes.set(`${wire.source}.${wire.sourcePort}>${wire.target}.${wire.targetPort}`, { points: section.bendPoints ?? [], from, to });
  }
  return routes;
}

export class Layouter {
  private elk: InstanceType<typeof ELK> | undefined;
  private turn = 0;

  /** Undefined where it was cancelled or overtaken. */
  async arrange(scope: Scope): Promise<Arrangement | undefined> {
    const turn = ++this.turn;
    this.elk ??= new ELK({ workerFactory: () => new Worker(beside('elk-worker.min.js')) });
    try {
      const root = await this.elk.layout(toElk(scope));
      if (turn !== this.turn) return undefined;
      const spots = fromElk(root);
      return { spots, routes: routesOf(root, spots, scope) };
    } catch {
      return undefined;
    }
  }

  cancel(): void {
    this.turn++;
    this.elk?.terminateWorker();
    this.elk = undefined;
  }
}
