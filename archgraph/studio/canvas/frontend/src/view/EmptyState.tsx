/** What an empty canvas says. */
import { useSnapshot } from './context';

export function EmptyState() {
  const empty = useSnapshot((state) => state.session.epoch > 0 && state.scope.items.size === 0);
  if (!empty) return null;
  return (
    <div className="empty">
      <b>Nothing here yet</b>
      <span>Drag something from the left, double-click anywhere, or press <kbd>Tab</kbd>.</span>
    </div>
  );
}
