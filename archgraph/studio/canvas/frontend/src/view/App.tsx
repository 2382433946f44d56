/** The whole studio: palette, canvas or outline, inspector, problems, status. */
import { ReactFlowProvider, useReactFlow } from '@xyflow/react';
import { useCallback, useEffect, useRef, useState, type ClipboardEvent, type KeyboardEvent } from 'react';
import { flushSync } from 'react-dom';
import { commandOf, type Command } from '../graph/keys';
import { AddSearch } from './AddSearch';
import { run } from './commands';
import { StudioContext, useSnapshot, useStudio } from './context';
import { Finder } from './Finder';
import { Changes } from './Changes';
import { Flow } from './Flow';
import { GroupDialog } from './GroupDialog';
import { Inspector } from './Inspector';
import { Keys } from './Keys';
import { Outline } from './Outline';
import { Palette } from './Palette';
import { Problems } from './Problems';
import { StatusBar } from './StatusBar';
import { TopBar } from './TopBar';
import type { Studio } from './studio';
import { useTheme } from './theme';

const WRITING = 'input, textarea, select, [contenteditable]';
/** Keys that a button or a list needs for itself. */
const OWN: ReadonlySet<string> = new Set(['Enter', 'Tab', ' ']);

/** Where one arrives in the inspector: at what mends a fault, else at the first field. */
const FIRST = '.inspector .fix, .inspector .field :is(input, select, [role=switch]), .inspector .stack select, .inspector textarea';

const typing = (target: EventTarget): boolean => target instanceof Element && target.closest(WRITING) !== null;

const onCanvas = (target: EventTarget): boolean => target instanceof Element && (target.closest('.flow') !== null || target.classList.contains('studio'));

function Shell() {
  const studio = useStudio();
  const flow = useReactFlow();
  const screen = useSnapshot((state) => state.screen);
  const root = useRef<HTMLDivElement>(null);
  const stage = useRef<HTMLElement>(null);
  const linked = useRef(false);
  const theme = useTheme(root);
  const busy = useSnapshot(({ session, scope, look, shown, laying }) => session.epoch === 0 || (look.turn !== shown && scope.items.size > 0) || session.place.join() !== session.view.place.path.join() || laying > 0 || session.pending.length > 0 || session.asks.length > 0);
  const size = useSize(stage);
  const focused = useKeptFocus(root);

  const command = useCallback((one: Command) => {
    const go = () => run(one, studio, flow, stage.current?.getBoundingClientRect());
    if (one !== 'inspect') return go();
    flushSync(go); // the next key may come before the next frame
    root.current?.querySelector<HTMLElement>(FIRST)?.focus();
  }, [studio, flow]);

  const onKeyDown = (event: KeyboardEvent) => {
    // Streamlit reruns at r and clears its cache at c. These two only: React Flow listens at the document for others.
    if (!event.ctrlKey && !event.metaKey && /^[rc]$/i.test(event.key)) event.stopPropagation();
    if (event.key === 'Escape' && event.target instanceof Element && event.target.closest('.inspector') !== null) {
      event.preventDefault();
      return root.current?.focus({ preventScroll: true });
    }
    if (typing(event.target) && !((event.ctrlKey || event.metaKey) && /^[ks]$/i.test(event.key))) return;
    const found = commandOf(event);
    if (found === undefined || (OWN.has(event.key) && !onCanvas(event.target))) return;
    if (found === 'paste' || found === 'pasteLinked') {
      linked.current = found === 'pasteLinked';
      return;
    }
    if (found === 'copy' && getSelection()?.type === 'Range') return;
    if (found === 'enter' && event.target instanceof Element && event.target.matches('.react-flow__node') && !event.target.matches('.selected')) return;
    event.preventDefault();
    command(found);
  };

  const onPaste = (event: ClipboardEvent) => {
    if (typing(event.target)) return;
    event.preventDefault();
    const box = stage.current?.getBoundingClientRect();
    studio.pasteFrom(event.clipboardData.getData('text/plain'), linked.current, flow.screenToFlowPosition({ x: (box?.left ?? 0) + size.width / 2, y: (box?.top ?? 0) + size.height / 2 }));
    linked.current = false;
  };

  return (
    <div className={`studio ${theme}`} ref={root} tabIndex={-1} onKeyDown={onKeyDown} onPaste={onPaste} data-testid="studio" aria-busy={busy}
      onFocus={(event) => { focused.current = event.target.closest<HTMLElement>('.inspector') ?? event.currentTarget; }}
      onBlur={(event) => { if (!(event.relatedTarget instanceof Node && event.currentTarget.contains(event.relatedTarget))) focused.current = undefined; }}>
      <TopBar run={command} />
      <div className="middle">
        {screen.palette && !screen.outline && <Palette />}
        <main className="stage" ref={stage}>
          <Flow />
          <Changes />
          {screen.outline && <Outline />}
          {screen.searching !== undefined && <AddSearch searching={screen.searching} width={size.width} height={size.height} />}
          {screen.finder !== undefined && <Finder mode={screen.finder} run={command} />}
          {screen.notice !== undefined && <div className="notice" role="status"><b>{screen.notice.text}</b>{screen.notice.hint !== '' && <span>{screen.notice.hint}</span>}</div>}
        </main>
        {screen.inspector && <Inspector />}
      </div>
      {screen.problems && <Problems />}
      <StatusBar />
      {screen.keys && <Keys />}
      {screen.grouping === true && <GroupDialog />}
    </div>
  );
}

/** What has the focus may be taken away, and every key with it: then what is around it has it, before another key comes. No blur tells of that. */
function useKeptFocus(root: { readonly current: HTMLElement | null }): { current: HTMLElement | undefined } {
  const focused = useRef<HTMLElement>(undefined);
  useEffect(() => {
    const whole = root.current;
    const around = whole?.getRootNode();
    if (whole === null || !(around instanceof ShadowRoot || around instanceof Document)) return;
    const observer = new MutationObserver(() => {
      const active = around.activeElement;
      if (focused.current === undefined || (active !== null && active !== document.body)) return;
      (focused.current.isConnected ? focused.current : whole).focus({ preventScroll: true });
    });
    observer.observe(whole, { childList: true, subtree: true });
    return () => observer.disconnect();
  }, [root]);
  return focused;
}

function useSize(element: { readonly current: HTMLElement | null }): { readonly width: number; readonly height: number } {
  const [size, setSize] = useState({ width: 800, height: 600 });
  useEffect(() => {
    const target = element.current;
    if (target === null) return;
    const observer = new ResizeObserver(() => setSize({ width: target.clientWidth, height: target.clientHeight }));
    observer.observe(target);
    return () => observer.disconnect();
  }, [element]);
  return size;
}

export function App({ studio }: { studio: Studio }) {
  return <StudioContext value={studio}><ReactFlowProvider><Shell /></ReactFlowProvider></StudioContext>;
}
