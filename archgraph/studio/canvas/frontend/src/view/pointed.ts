/** What lies under a point of the screen, through whatever lies above it. */
import type { Point } from '../graph/layout';

export function pointed(host: HTMLElement | null, at: Point, selector: string, attribute = 'data-id'): string | undefined {
  const root = host?.getRootNode();
  if (!(root instanceof ShadowRoot) && !(root instanceof Document)) return undefined;
  for (const element of root.elementsFromPoint(at.x, at.y)) {
    const found = element.closest(selector);
    if (found !== null && host?.contains(found)) return found.getAttribute(attribute) ?? '';
  }
  return undefined;
}
