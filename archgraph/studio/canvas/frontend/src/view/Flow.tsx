/** The canvas: React Flow with the gestures of the studio. */
import {
  applyNodeChanges, Background, BackgroundVariant, Controls, MiniMap, ReactFlow, SelectionMode, useReactFlow, useViewport, ViewportPortal,
  type Connection, type Edge, type FinalConnectionState, type HandleType, type NodeChange, type OnConnectStartParams, type Rect, type Viewport,
} from '@xyflow/react';
import { useCallback, useEffect, useMemo, useRef, useState, type DragEvent, type MouseEvent as ReactMouseEvent, type RefObject } from 'react';
import { firstHandle, refusal } from '../graph/connecting';
import { connect } from '../graph/edits';
import { GRID, HEIGHT, sizeOf, WIDTH, type Point } from '../graph/layout';
import { EmptyState } from './EmptyState';
import { useSnapshot, useStudio } from './context';
import { Gone } from './Gone';
import { drawEdges, drawNodes } from './drawn';
import { NodeCard, type CardNode } from './NodeCard';
import type { Loose, Snapshot } from './studio';
import { DRAGGED } from './Palette';
import { pointed } from './pointed';
import { WireEdge, type WireNode } from './WireEdge';

const NODE_TYPES = { card: NodeCard };
const EDGE_TYPES = { wire: WireEdge };
/** From here on only what is in sight is drawn. */
const MANY = 150;
const MINIMAP = 300;
/** A zoom below which names cannot be read, and one at which they can. */
const SMALLEST = 0.42;
const READING = 0.8;
const OUT: Loose['side'] = 'out';
/** Pixels around a point in which a wire counts as met. */
const NEARBY: readonly (readonly [number, number])[] = [[0, 0], [-12, 0], [12, 0], [-24, 0], [24, 0], [0, -12], [0, 12]];
const SNAP: [number, number] = [GRID, GRID];
const pair = (id: string, point: Point): readonly [string, Point] => [id, point];
/** Milliseconds after which the viewport is taken to be at rest, whatever it says. */
const LONGEST = 1000;
const later = (milliseconds: number): Promise<void> => new Promise((done) => { setTimeout(done, milliseconds); });
const calm = (): boolean => globalThis.matchMedia?.('(prefers-reduced-motion: reduce)').matches ?? false;

const ends = (from: Loose, node: string, handle: string) =>
  from.side === 'out' ? { source: from, target: node, handle } : { source: { node, port: handle, side: OUT }, target: from.node, handle: from.port };

export function Flow() {
  const studio = useStudio();
  const snapshot = useSnapshot((state) => state);
  const flow = useReactFlow<CardNode, WireNode>();
  const [nodes, setNodes] = useState<CardNode[]>([]);
  const moving = useRef<ReadonlySet<string>>(new Set());
  const drawn = useRef<ReadonlyMap<string, WireNode>>(new Map());
  const host = useRef<HTMLDivElement>(null);
  const reconnecting = useRef<string | undefined>(undefined);

  useEffect(() => { setNodes((before) => drawNodes(snapshot, before, moving.current)); }, [snapshot]);
  const edges = useMemo(() => {
    const made = drawEdges(snapshot, drawn.current);
    drawn.current = new Map(made.map((edge) => [edge.id, edge]));
    return made;
  }, [snapshot]);

  useLook(flow, host, snapshot.look, nodes.length > 0);

  const onNodesChange = useCallback((changes: NodeChange<CardNode>[]) => {
    const shown = changes.filter((change) => change.type === 'position' || change.type === 'dimensions');
    if (shown.length > 0) setNodes((before) => applyNodeChanges(shown, before));
    const nudged = new Map(changes.flatMap((change) => (change.type === 'position' && change.position !== undefined && change.dragging !== true && moving.current.size === 0 ? [pair(change.id, change.position)] : [])));
    if (nudged.size > 0) studio.move(nudged, 'Move', `nudge ${[...nudged.keys()].join()}`);
    const picked = changes.filter((change) => change.type === 'select');
    if (picked.length === 0) return;
    const next = new Set(studio.session.selection);
    for (const change of picked) {
      if (change.selected) next.add(change.id);
      else next.delete(change.id);
    }
    studio.select([...next], studio.get().selectedWires);
  }, [studio]);

  const wireAt = useCallback((at: Point) => {
    const id = pointed(host.current, at, '.react-flow__edge');
    return studio.scope.wires.find((wire) => wire.id === id);
  }, [studio]);

  /** The wire under a point, or close by, that `id` is not at an end of. */
  const wireNear = useCallback((at: Point, id: string) => {
    for (const [x, y] of NEARBY) {
      const wire = wireAt({ x: at.x + x, y: at.y + y });
      if (wire !== undefined && wire.source !== id && wire.target !== id) return wire;
    }
    return undefined;
  }, [wireAt]);

  const over = useCallback((id: string | undefined) => {
    if (studio.screen.over !== id) studio.show({ over: id });
  }, [studio]);

  const middleOf = useCallback((node: CardNode) => {
    const { width, height } = sizeOf(node.data.item);
    return flow.flowToScreenPosition({ x: node.position.x + width / 2, y: node.position.y + height / 2 });
  }, [flow]);

  const onDrop = (event: DragEvent) => {
    const name = event.dataTransfer.getData(DRAGGED);
    if (name === '') return;
    event.preventDefault();
    over(undefined);
    const point = flow.screenToFlowPosition({ x: event.clientX, y: event.clientY });
    const at = { x: point.x - WIDTH / 2, y: point.y - HEIGHT / 2 };
    if (name === 'input' || name === 'output') return studio.addTerminal(name, { at });
    const wire = wireAt({ x: event.clientX, y: event.clientY });
    const { catalogue, view } = studio.session;
    const card = name.startsWith('block:') ? (view.blocks.get(name.slice(6)) ?? catalogue.blocks.get(name.slice(6))) : catalogue.ops.get(name.slice(3));
    if (card !== undefined) studio.add(card, wire === undefined ? { at } : { wire, at: snapshotHasPins(studio) ? at : undefined });
    host.current?.closest<HTMLElement>('.studio')?.focus({ preventScroll: true });
  };

  // ---- connecting

  const hovered = useRef('');
  const onPointerMove = (event: { clientX: number; clientY: number }) => {
    const from = studio.screen.connecting;
    if (from === undefined) return;
    const id = pointed(host.current, { x: event.clientX, y: event.clientY }, '.react-flow__node') ?? '';
    const handle = pointed(host.current, { x: event.clientX, y: event.clientY }, '.react-flow__handle', 'data-handleid') ?? '';
    const key = `${id}.${handle}.${studio.screen.verdicts === undefined}`;
    if (key === hovered.current) return;
    hovered.current = key;
    judge(from, id, handle);
  };

  const judge = (from: Loose, id: string, handle: string) => {
    const item = studio.item(id);
    if (item === undefined || (id === from.node)) return studio.show({ refusal: undefined, ghost: undefined });
    const ports = studio.screen.verdicts?.ports;
    const wanted = handle !== '' && (from.side === 'out' ? item.inputs.some((port) => handle.startsWith(port.name)) : item.outputs.includes(handle)) ? handle : undefined;
    const [source, target] = from.side === 'out' ? [from.node, id] : [id, from.node];
    const port = wanted ?? (from.side === 'out' ? firstHandle(studio.scope, item, from.node, ports) : item.outputs[0]);
    const why = port === undefined ? anyRefusal(from, id) : refusal(studio.scope, ports, source, target, from.side === 'out' ? port : from.port) ?? (from.side === 'in' ? ports?.get(id)?.get(port) ?? undefined : undefined);
    if (why !== undefined) return studio.show({ refusal: { target: id, text: why }, ghost: undefined });
    studio.show({ refusal: undefined });
    if (port === undefined) return;
    const made = ends(from, id, port);
    const sourceItem = studio.item(made.source.node);
    if (sourceItem !== undefined) studio.preview(id, connect(studio.scope, made.source.port === sourceItem.outputs[0] ? sourceItem.name : `${sourceItem.name}.${made.source.port}`, made.target, made.handle));
  };

  const anyRefusal = (from: Loose, id: string): string => {
    const item = studio.item(id);
    if (item === undefined) return '';
    const [source, target] = from.side === 'out' ? [from.node, id] : [id, from.node];
    const first = (from.side === 'out' ? item.inputs[0]?.name : item.outputs[0]) ?? '';
    return refusal(studio.scope, studio.screen.verdicts?.ports, source, target, from.side === 'out' ? first : from.port) ?? (from.side === 'out' ? 'It reads nothing.' : 'It gives nothing.');
  };

  const begin = (node: string | null, handle: string | null, type: HandleType | null) => {
    if (node !== null && handle !== null) studio.startConnecting({ node, port: handle, side: type === 'target' ? 'in' : 'out' });
  };

  const finish = (event: MouseEvent | TouchEvent, state: FinalConnectionState) => {
    const from = studio.screen.connecting;
    const { refusal: said } = studio.screen;
    studio.endConnecting();
    hovered.current = '';
    if (from === undefined || !('clientX' in event)) return;
    const at = { x: event.clientX, y: event.clientY };
    const wire = studio.scope.wires.find((one) => one.id === reconnecting.current);
    reconnecting.current = undefined;
    const id = pointed(host.current, at, '.react-flow__node') ?? state.toNode?.id;
    if (id === from.node) return;
    if (id !== undefined) return dropOn(from, id, state.isValid === true ? (state.toHandle?.id ?? undefined) : handleAt(at, id), said?.text, wire);
    if (wire !== undefined) return void studio.edit({ label: 'Disconnect', patch: disconnectOf(wire.id) });
    if (pointed(host.current, at, '.react-flow__pane') === undefined) return;
    openSearch(at, from);
  };

  const disconnectOf = (id: string) => {
    const wire = studio.scope.wires.find((one) => one.id === id);
    return wire === undefined ? [] : studio.disconnection(new Set([id]));
  };

  const handleAt = (at: Point, id: string): string | undefined => {
    const handle = pointed(host.current, at, '.react-flow__handle', 'data-handleid');
    return handle !== undefined && pointed(host.current, at, '.react-flow__handle', 'data-nodeid') === id ? handle : undefined;
  };

  const dropOn = (from: Loose, id: string, handle: string | undefined, said: string | undefined, wire?: Parameters<typeof studio.connectWire>[3]) => {
    const item = studio.item(id);
    if (item === undefined) return;
    const ports = studio.screen.verdicts?.ports;
    const inOk = handle !== undefined && (from.side === 'out' ? item.inputs.some((port) => handle === port.name || handle.startsWith(`${port.name}.`)) : item.outputs.includes(handle));
    const port = inOk ? handle : from.side === 'out' ? firstHandle(studio.scope, item, from.node, ports) : item.outputs[0];
    const made = port === undefined ? undefined : ends(from, id, port);
    const why = made === undefined ? (said ?? anyRefusal(from, id)) : refusal(studio.scope, ports, made.source.node, made.target, made.handle) ?? (from.side === 'in' ? ports?.get(id)?.get(port ?? '') ?? undefined : undefined);
    if (made === undefined || why !== undefined) return studio.refuse(id, why ?? said ?? 'This does not fit.');
    studio.connectWire(made.source, made.target, made.handle, wire);
  };

  const openSearch = (at: Point, from?: Loose) => {
    const box = host.current?.getBoundingClientRect();
    const point = flow.screenToFlowPosition(at);
    studio.show({ searching: { at: { x: point.x - WIDTH / 2, y: point.y }, screen: { x: at.x - (box?.left ?? 0), y: at.y - (box?.top ?? 0) }, from } });
  };

  const pressed = useRef<string | undefined>(undefined);
  const onMouseDownCapture = (event: ReactMouseEvent) => {
    if (event.detail === 1) pressed.current = pointed(host.current, { x: event.clientX, y: event.clientY }, '.react-flow__node');
  };

  /** Who presses twice means what was there at first: it may have moved meanwhile. */
  const onDoubleClick = (event: ReactMouseEvent) => {
    const at = { x: event.clientX, y: event.clientY };
    const id = pressed.current ?? pointed(host.current, at, '.react-flow__node');
    if (id !== undefined && studio.item(id) === undefined) return;
    if (id !== undefined) return studio.item(id)?.kind === 'block' ? studio.enter(id) : studio.show({ renaming: id });
    if (pointed(host.current, at, '.react-flow__edge') === undefined && pointed(host.current, at, '.react-flow__pane') !== undefined) openSearch(at);
  };

  const many = nodes.length > MANY;
  const { refusal: said } = snapshot.screen;
  return (
    <div className={snapshot.veiled ? 'flow opening' : 'flow'} ref={host} data-testid="flow" onPointerMove={onPointerMove} onMouseDownCapture={onMouseDownCapture} onDoubleClick={onDoubleClick}
      onDragOver={(event) => {
        event.preventDefault();
        event.dataTransfer.dropEffect = 'copy';
        over(wireAt({ x: event.clientX, y: event.clientY })?.id);
      }}
      onDrop={onDrop}>
      <ReactFlow<CardNode, WireNode> nodes={nodes} edges={edges} nodeTypes={NODE_TYPES} edgeTypes={EDGE_TYPES}
        onNodesChange={onNodesChange}
        onEdgesChange={(changes) => {
          const picked = changes.filter((change) => change.type === 'select');
          if (picked.length === 0) return;
          const next = new Set(studio.get().selectedWires);
          for (const change of picked) {
            if (change.selected) next.add(change.id);
            else next.delete(change.id);
          }
          studio.select(studio.session.selection, next);
        }}
        onNodeDragStart={(_, __, dragged) => { moving.current = new Set(dragged.map((node) => node.id)); }}
        onNodeDrag={(_, node, dragged) => over(dragged.length === 1 ? wireNear(middleOf(node), node.id)?.id : undefined)}
        onNodeDragStop={(_, node, dragged) => {
          moving.current = new Set();
          const wire = dragged.length === 1 ? wireNear(middleOf(node), node.id) : undefined;
          over(undefined);
          if (wire !== undefined && studio.splice(wire, node.id, node.position)) return;
          const moved = new Map(dragged.filter((one) => spotChanged(studio, one)).map((one) => [one.id, one.position]));
          if (moved.size > 0) studio.move(moved, moved.size === 1 ? `Move ${node.data.item.name}` : `Move ${moved.size} nodes`);
        }}
        onConnectStart={(_, { nodeId, handleId, handleType }: OnConnectStartParams) => begin(nodeId, handleId, handleType)}
        onConnectEnd={finish}
        onReconnectStart={(_, edge) => { reconnecting.current = edge.id; }}
        isValidConnection={(connection: Connection | Edge) => refusal(studio.scope, studio.screen.verdicts?.ports, connection.source, connection.target, connection.targetHandle ?? '') === undefined}
        onMoveEnd={(_, viewport) => studio.viewports.set(studio.placeKey, viewport)}
        onInit={() => studio.show({})}
        deleteKeyCode={null} selectionMode={SelectionMode.Partial} snapToGrid snapGrid={SNAP} minZoom={0.05} maxZoom={2.5}
        onlyRenderVisibleElements={many} elevateNodesOnSelect={false} connectionRadius={26} edgesReconnectable={!studio.readonly}
        nodesDraggable={!studio.readonly} nodesConnectable={!studio.readonly} zoomOnDoubleClick={false} proOptions={{ hideAttribution: true }}
        className={snapshot.screen.connecting === undefined ? '' : 'connecting'} aria-label="Canvas">
        <Background variant={BackgroundVariant.Dots} gap={GRID * 1.5} size={1.2} />
        <Controls showInteractive={false} position="bottom-left" fitViewOptions={{ padding: 0.15, maxZoom: 1 }} />
        {nodes.length < MINIMAP && nodes.length > 6 && <MiniMap<CardNode> pannable zoomable position="bottom-right" nodeColor={(node) => `color-mix(in oklab, ${node.data.style['--family']} 60%, white)`} nodeBorderRadius={12} ariaLabel="Overview" />}
        <Gone />
        {said !== undefined && <Refusal target={said.target} text={said.text} />}
      </ReactFlow>
      <EmptyState />
    </div>
  );
}

const snapshotHasPins = (studio: ReturnType<typeof useStudio>): boolean => studio.session.pins.size > 0;

const spotChanged = (studio: ReturnType<typeof useStudio>, node: CardNode): boolean => {
  const spot = studio.get().spots.get(node.id);
  return spot === undefined || spot.x !== node.position.x || spot.y !== node.position.y;
};

/** Why not, at the target itself. */
function Refusal({ target, text }: { target: string; text: string }) {
  const spot = useSnapshot((state) => state.spots.get(target));
  const { zoom } = useViewport();
  if (spot === undefined || text === '') return null;
  return (
    <ViewportPortal>
      <div className="refusal" role="status" style={{ transform: `translate(${spot.x}px, ${spot.y}px) translateY(-100%) scale(${1 / zoom})` }}>{text}</div>
    </ViewportPortal>
  );
}

/** How near a small graph is shown: nearer on a large screen. */
const closest = (host: HTMLElement | null): number => Math.min(2, Math.max(1, (host?.clientHeight ?? 0) / 1000));

/** Where a graph that would be too small to read is begun: at its top. Undefined where all of it can be shown. */
function readable(bounds: Rect, nodes: readonly CardNode[], host: HTMLElement | null): Viewport | undefined {
  const top = nodes.find((node) => node.position.y === bounds.y);
  if (host === null || top === undefined || Math.min(host.clientWidth / bounds.width, host.clientHeight / bounds.height) > SMALLEST) return undefined;
  return { x: host.clientWidth / 2 - (top.position.x + sizeOf(top.data.item).width / 2) * READING, y: 28 - bounds.y * READING, zoom: READING };
}

/** Show everything, or a node, when asked to; where nothing is asked, what was seen here last. */
function useLook(flow: ReturnType<typeof useReactFlow<CardNode, WireNode>>, host: RefObject<HTMLElement | null>, { turn, node, all = false }: Snapshot['look'], ready: boolean): void {
  const studio = useStudio();
  const place = useSnapshot((state) => state.session.view.place);
  const shown = useRef('');
  useEffect(() => {
    if (!ready) return;
    const key = `${turn} ${node ?? ''}`;
    if (shown.current === key) return;
    const first = shown.current === '';
    shown.current = key;
    const rest = (moved: Promise<boolean>) => void Promise.race([moved, later(LONGEST)]).then(() => requestAnimationFrame(() => studio.looked(turn)));
    const known = studio.viewports.get(studio.placeKey);
    if (first && known !== undefined && node === undefined) return rest(flow.setViewport(known));
    requestAnimationFrame(() => requestAnimationFrame(() => {
      const duration = calm() || first || studio.get().veiled ? 0 : 220;
      const top = node === undefined && !all ? readable(flow.getNodesBounds(flow.getNodes()), flow.getNodes(), host.current) : undefined;
      if (top !== undefined) return rest(flow.setViewport(top));
      rest(flow.fitView({ padding: 0.12, maxZoom: node === undefined ? closest(host.current) : Math.max(0.9, flow.getZoom()), duration, ...(node === undefined ? {} : { nodes: [{ id: node }] }) }));
    }));
  }, [flow, studio, host, turn, node, all, ready, place]);
}
