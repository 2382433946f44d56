/** Commands -> what the studio does. */
import type { useReactFlow } from '@xyflow/react';
import { HEIGHT, WIDTH } from '../graph/layout';
import type { Command } from '../graph/keys';
import type { Studio } from './studio';

type Flow = Pick<ReturnType<typeof useReactFlow>, 'fitView' | 'zoomTo' | 'screenToFlowPosition'>;

export function run(command: Command, studio: Studio, flow: Flow, canvas: DOMRect | undefined): void {
  const [only] = studio.session.selection;
  const middle = { x: (canvas?.left ?? 0) + (canvas?.width ?? 600) / 2, y: (canvas?.top ?? 0) + (canvas?.height ?? 400) / 2 };
  switch (command) {
    case 'undo': return studio.undo();
    case 'redo': return studio.redo();
    case 'copy': return studio.copy();
    case 'cut': return studio.copy(() => studio.remove());
    case 'duplicate': return studio.duplicate();
    case 'all': return studio.select([...studio.scope.items.keys()]);
    case 'delete': return studio.remove();
    case 'bridge': return studio.remove(true);
    case 'rename': return studio.show({ renaming: only });
    case 'note': return only !== undefined && (studio.item(only)?.kind ?? 'output') !== 'output' ? studio.show({ noting: only }) : undefined;
    case 'add': {
      const point = flow.screenToFlowPosition(middle);
      return studio.show({ outline: false, searching: { at: { x: point.x - WIDTH / 2, y: point.y - HEIGHT / 2 }, screen: { x: (canvas?.width ?? 600) / 2 - 170, y: 56 } } });
    }
    case 'find': return studio.show({ finder: 'find' });
    case 'go': return studio.show({ finder: 'go' });
    case 'tidy': return void studio.tidy();
    case 'group': return studio.session.selection.length > 0 ? studio.show({ grouping: true }) : studio.notify('Select the nodes first.', 'Shift+drag selects an area.');
    case 'inline': return studio.inline();
    case 'enter': return only === undefined ? undefined : studio.enter(only);
    case 'leave': return leave(studio);
    case 'fit': return studio.fit();
    case 'reset': return void flow.zoomTo(1, { duration: 0 });
    case 'outline': return studio.show({ outline: !studio.screen.outline });
    case 'keys': return studio.show({ keys: !studio.screen.keys });
    case 'problems': return studio.show({ problems: !studio.screen.problems });
    case 'save': return studio.ask('save', {});
    case 'inspect': return studio.show({ inspector: true });
    case 'paste':
    case 'pasteLinked': return undefined; // the browser's own paste event brings the text
  }
}

/** Escape closes what is open first, then takes the selection back, then leaves the block. */
function leave(studio: Studio): void {
  const { screen, session } = studio;
  if (screen.tidying) return studio.cancelTidy();
  if (session.selection.length > 0 || studio.get().selectedWires.size > 0) return studio.select([]);
  studio.leave();
}
