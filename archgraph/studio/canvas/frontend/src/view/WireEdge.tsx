/** A wire: along the route that the layout found, or a curve; with the shape of what flows. */
import { BaseEdge, EdgeLabelRenderer, getBezierPath, type Edge, type EdgeProps } from '@xyflow/react';
import { memo } from 'react';
import type { Point } from '../graph/layout';

export type WireData = { readonly shape: string; readonly ghost: string; readonly ok: boolean; readonly route: readonly Point[] | undefined; readonly over: boolean };
export type WireNode = Edge<WireData, 'wire'>;

const RADIUS = 8;

/** A line through points with rounded corners. */
function rounded(points: readonly Point[]): string {
  const [first, ...rest] = points;
  if (first === undefined) return '';
  return rest.reduce((path, point, i) => {
    const [before, after] = [points[i] ?? point, points[i + 2]];
    if (after === undefined) return `${path}L${point.x},${point.y}`;
    const reach = (to: Point) => {
      const length = Math.hypot(to.x - point.x, to.y - point.y);
      const part = length === 0 ? 0 : Math.min(RADIUS, length / 2) / length;
      return `${point.x + (to.x - point.x) * part},${point.y + (to.y - point.y) * part}`;
    };
    return `${path}L${reach(before)}Q${point.x},${point.y} ${reach(after)}`;
  }, `M${first.x},${first.y}`);
}

/** The middle of the longest stretch that goes down. */
function labelled(points: readonly Point[]): Point {
  let best = { length: -1, x: 0, y: 0 };
  points.slice(1).forEach((point, i) => {
    const before = points[i] ?? point;
    const length = Math.abs(point.y - before.y);
    if (length > best.length) best = { length, x: (point.x + before.x) / 2, y: (point.y + before.y) / 2 };
  });
  return best;
}

export const WireEdge = memo(function WireEdge({ id, data, selected, sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition }: EdgeProps<WireNode>) {
  const route = data?.route;
  const points = route === undefined ? [] : [{ x: sourceX, y: sourceY }, ...route, { x: targetX, y: targetY }];
  const [curve, curveX, curveY] = getBezierPath({ sourceX, sourceY, sourcePosition, targetX, targetY, targetPosition });
  const path = route === undefined ? curve : rounded(points);
  const middle = route === undefined ? { x: curveX, y: curveY } : labelled(points);
  const shape = data?.ghost || data?.shape || '';
  return (
    <>
      <BaseEdge id={id} path={path} interactionWidth={22} className={`wire${selected ? ' selected' : ''}${data?.ok === false ? ' bad' : ''}${data?.over ? ' over' : ''}`} />
      {shape !== '' && (
        <EdgeLabelRenderer>
          <span className={`shape${data?.ghost ? ' ghost' : ''}${data?.ok === false ? ' bad' : ''}`} style={{ transform: `translate(-50%, -50%) translate(${middle.x}px, ${middle.y}px)` }}>{shape}</span>
        </EdgeLabelRenderer>
      )}
    </>
  );
});
