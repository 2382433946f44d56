/** What is in the file but on the canvas no more, where it last stood, while changes are marked. */
import { ViewportPortal } from '@xyflow/react';
import { GRID, HEIGHT, WIDTH, type Point } from '../graph/layout';
import { useSnapshot, useStudio } from './context';

export function Gone() {
  const studio = useStudio();
  const removed = useSnapshot((state) => state.session.view.changes?.removed);
  const spots = useSnapshot((state) => state.spots);
  if (removed === undefined || removed.length === 0) return null;
  const all = [...spots.values()];
  const aside = { x: Math.max(0, ...all.map(({ x }) => x)) + WIDTH + 2 * GRID, y: Math.min(0, ...all.map(({ y }) => y)) };
  let below = 0;
  const next = (): Point => ({ x: aside.x, y: aside.y + (HEIGHT + GRID) * below++ });
  return (
    <ViewportPortal>
      {removed.map(({ name, text }) => {
        const { x, y } = studio.lastSpot(name) ?? next();
        return <div key={name} className="gone" style={{ transform: `translate(${x}px, ${y}px)`, width: WIDTH, height: HEIGHT }} data-testid="gone"><s>{name}</s><small>{text}</small></div>;
      })}
    </ViewportPortal>
  );
}
