/** The one thing that lives on while the component is mounted anew: session, places, viewports, and what is open on the screen. */
import { forbidden, type Verdicts } from '../graph/connecting';
import type { Card } from '../graph/catalogue';
import * as edits from '../graph/edits';
import { at, isObject, keys, type Json, type JsonObject } from '../graph/json';
import { pinPath, placeNew, snapped, type Point } from '../graph/layout';
import { Refused, type Patch } from '../graph/patches';
import { EMPTY_SCOPE, readScope, type Item, type Scope, type Wire } from '../graph/scope';
import { ask, edit, empty, message, receive, redo, unanswered, undo, type Gesture, type Reply, type Session } from '../graph/session';
import { shapeText } from '../graph/view';
import { Layouter, type Arrangement } from './layouter';

export interface Loose {
  readonly node: string;
  readonly port: string;
  readonly side: 'out' | 'in';
}

export interface Searching {
  /** Where what is added will stand. */
  readonly at: Point;
  /** Where the box opens, in pixels of the canvas. */
  readonly screen: Point;
  readonly from?: Loose;
}

export interface Notice {
  readonly text: string;
  readonly hint: string;
}

export interface Ghost {
  readonly target: string;
  readonly shapes: ReadonlyMap<string, string>;
  readonly problems: number | undefined;
}

export interface Screen {
  readonly searching?: Searching;
  readonly finder?: 'find' | 'go';
  readonly renaming?: string;
  readonly noting?: string;
  readonly grouping?: boolean;
  readonly keys: boolean;
  readonly outline: boolean;
  readonly problems: boolean;
  readonly palette: boolean;
  readonly inspector: boolean;
  readonly tidying: boolean;
  readonly connecting?: Loose;
  readonly verdicts?: { readonly ports: Verdicts; readonly ops: ReadonlyMap<string, string | null>; readonly blocks: ReadonlyMap<string, string | null> };
  readonly refusal?: { readonly target: string; readonly text: string };
  readonly ghost?: Ghost;
  readonly over?: string;
  readonly field?: string;
  readonly notice?: Notice;
}

export interface Snapshot {
  readonly session: Session;
  readonly scope: Scope;
  readonly spots: ReadonlyMap<string, Point>;
  readonly routes: ReadonlyMap<string, readonly Point[]>;
  readonly selectedWires: ReadonlySet<string>;
  readonly screen: Screen;
  /** Grows when the viewport should show everything anew, or a node. */
  readonly look: { readonly turn: number; readonly node?: string; readonly all?: boolean };
  /** The turn that the viewport has come to rest at. */
  readonly shown: number;
  /** Whether nothing of the place is drawn yet, because it would still move: whoever aimed at it would miss. */
  readonly veiled: boolean;
  /** Layouts that are being worked out. */
  readonly laying: number;
}

type Send = (value: JsonObject) => void;
type Then = (reply: Reply) => void;

const QUIET: Screen = { keys: false, outline: false, problems: false, palette: true, inspector: true, tidying: false };
/** Milliseconds after which a message that has no answer is said again: an edit is answered in a fraction of them. */
const PATIENCE = 4000;
const LAST_PATIENCE = 32_000;
const NO_SPOTS: ReadonlyMap<string, Point> = new Map();

const verdictTable = (value: Json | undefined): Map<string, string | null> =>
  new Map(keys(value).map((key) => [key, typeof at(value, key) === 'string' ? String(at(value, key)) : null]));

/** `{"dense1.x": reason}` by node, then by port. */
function portVerdicts(value: Json | undefined): Map<string, Map<string, string | null>> {
  const found = new Map<string, Map<string, string | null>>();
  for (const [key, verdict] of verdictTable(value)) {
    const dot = key.lastIndexOf('.');
    const node = key.slice(0, dot);
    const ports = found.get(node) ?? new Map<string, string | null>();
    found.set(node, ports.set(key.slice(dot + 1), verdict));
  }
  return found;
}

export class Studio {
  private snapshot: Snapshot = {
    session: empty(Date.now()), scope: EMPTY_SCOPE, spots: NO_SPOTS, routes: new Map(), selectedWires: new Set(), screen: QUIET, look: { turn: 0 }, shown: 0, veiled: false, laying: 0,
  };
  private readonly listeners = new Set<() => void>();
  private readonly waiting = new Map<number, Then>();
  private readonly arrangements = new Map<string, Arrangement>();
  private readonly layouter = new Layouter();
  readonly viewports = new Map<string, { x: number; y: number; zoom: number }>();
  private send: Send = () => undefined;
  private again: ReturnType<typeof setTimeout> | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private refusalTimer: ReturnType<typeof setTimeout> | undefined;
  private noticeTimer: ReturnType<typeof setTimeout> | undefined;
  private seen: Json | undefined;
  private wired: Loose | undefined;
  private landing: { readonly ids: readonly string[]; readonly point: Point } | undefined;
  /** What was copied last, and whether the system's clipboard has it yet (some browsers never let it). */
  private clip = '';
  private copying: { then?: () => void } | undefined;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  readonly get = (): Snapshot => this.snapshot;

  get session(): Session { return this.snapshot.session; }
  get scope(): Scope { return this.snapshot.scope; }
  get screen(): Screen { return this.snapshot.screen; }
  get placeKey(): string { return `${this.session.file.id}|${this.session.view.place.pointer ?? this.session.view.place.path.join('/')}`; }
  get readonly(): boolean { return this.scope.pointer === undefined; }

  item(id: string): Item | undefined { return this.scope.items.get(id); }

  selected(): Item[] { return this.session.selection.flatMap((id) => this.item(id) ?? []); }

  private set(part: Partial<Snapshot>): void {
    this.snapshot = { ...this.snapshot, ...part };
    for (const listener of this.listeners) listener();
  }

  show(part: Partial<Screen>): void { this.set({ screen: { ...this.screen, ...part } }); }

  private settle(session: Session, part: Partial<Snapshot> = {}): void {
    const before = this.session;
    const stale = session.document !== before.document || session.view !== before.view || session.catalogue !== before.catalogue;
    this.snapshot = { ...this.snapshot, session };
    if (stale) this.snapshot = { ...this.snapshot, scope: readScope(session.document, session.view, session.catalogue) };
    if (stale || session.pins !== before.pins) this.arrange();
    this.set(part);
  }

  // ---- Python

  connect(send: Send): void { this.send = send; }

  take(data: Json): void {
    if (data === this.seen) return;
    this.seen = data;
    const key = this.placeKey;
    const { session, replies, resend, opened } = receive(this.session, data, Date.now());
    this.settle(session);
    if (opened || key !== this.placeKey) this.set({ look: { turn: this.snapshot.look.turn + 1 }, selectedWires: new Set(), veiled: this.scope.items.size > 0 && this.arrangement().spots.size === 0 });
    for (const reply of replies) this.answered(reply);
    if (resend || (replies.length > 0 && session.asks.length > 0)) this.push();
  }

  private answered(reply: Reply): void {
    if (reply.refused !== undefined) this.notify(reply.refused.message, reply.refused.hint);
    if (reply.selection !== undefined) this.select(reply.selection.filter((id) => this.scope.items.has(id)));
    this.waiting.get(reply.id)?.(reply);
    this.waiting.delete(reply.id);
  }

  /** Say all that is not acknowledged; and again where no answer comes, for a message may be lost on its way. */
  private push(delay = 0, patience = PATIENCE): void {
    clearTimeout(this.timer);
    clearTimeout(this.again);
    if (patience <= LAST_PATIENCE) this.again = setTimeout(() => { if (unanswered(this.session)) this.push(0, 2 * patience); }, delay + patience);
    this.timer = setTimeout(() => {
      const session = { ...this.session, seq: this.session.seq + 1 };
      this.snapshot = { ...this.snapshot, session };
      this.send(message(session));
    }, delay);
  }

  ask(what: string, given: JsonObject, then?: Then): void {
    const { session, id } = ask(this.session, what, { place: this.session.view.place.path, ...given });
    if (then !== undefined) this.waiting.set(id, then);
    this.settle(session);
    this.push();
  }

  notify(text: string, hint = ''): void {
    clearTimeout(this.noticeTimer);
    this.show({ notice: { text, hint } });
    this.noticeTimer = setTimeout(() => this.show({ notice: undefined }), 6000);
  }

  // ---- edits

  edit(gesture: Omit<Gesture, 'time'>): boolean {
    const changes = (gesture.patch?.length ?? 0) > 0;
    if (changes && this.readonly) {
      this.notify(this.session.view.place.readonly || 'This block cannot be changed here.', 'Copy it into the file first.');
      return false;
    }
    try {
      this.settle(edit(this.session, { ...gesture, time: Date.now() }));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.notify('This is no longer possible.', error.message);
      return false;
    }
    this.push();
    return true;
  }

  undo(): void { this.timeTravel(undo); }
  redo(): void { this.timeTravel(redo); }

  private timeTravel(go: (session: Session) => Session): void {
    try {
      this.settle(go(this.session));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.notify('This cannot be undone any more.', error.message);
      return;
    }
    this.push();
  }

  private pins(points: Iterable<readonly [string, Point]>): Map<string, Point> {
    const made = new Map<string, Point>();
    for (const [id, point] of points) {
      const path = pinPath(this.scope.pointer, id);
      if (path === undefined) this.arrangement().spots.set(id, snapped(point));
      else made.set(path, snapped(point));
    }
    return made;
  }

  move(points: ReadonlyMap<string, Point>, label = 'Move', burst?: string): void {
    const moves = this.pins(points);
    if (moves.size > 0) this.edit({ label, moves, burst });
    else { this.arrange(); this.set({}); }
  }

  connectWire(source: Loose, target: string, handle: string, instead?: Wire): void {
    const from = this.item(source.node);
    if (from === undefined) return;
    const ref = edits.refOf(from, source.port);
    const away = instead !== undefined && (instead.target !== target || instead.targetPort !== handle) ? edits.disconnect(this.scope, new Set([instead.id])) : [];
    const patch = [...away, ...edits.connect(this.scope, ref, target, handle)];
    this.edit({ label: `Connect ${from.name} to ${this.item(target)?.name ?? target}`, patch });
  }

  disconnection(wires: ReadonlySet<string>): Patch { return edits.disconnect(this.scope, wires); }

  add(card: Card, where: { at?: Point; wire?: Wire; from?: Loose } = {}): string | undefined {
    const { wire, from } = where;
    const source = from?.side === 'out' ? this.item(from.node) : undefined;
    const made = wire !== undefined ? edits.spliceNew(this.scope, wire, card)
      : edits.addNode(this.scope, card, source !== undefined && from !== undefined ? [edits.refOf(source, from.port)] : [], source?.name);
    const back = from?.side === 'in' ? edits.connect(this.scope, made.id, from.node, from.port) : [];
    const moves = where.at === undefined ? new Map<string, Point>() : this.pins([[made.id, where.at]]);
    return this.edit({ label: `Add ${card.title}`, patch: [...made.patch, ...back], moves }) ? this.landed(made.id) : undefined;
  }

  addTerminal(kind: 'input' | 'output', where: { at?: Point; from?: Loose } = {}): void {
    const source = where.from?.side === 'out' ? this.item(where.from.node) : undefined;
    const made = kind === 'input' ? edits.addInput(this.scope) : edits.addOutput(this.scope, source === undefined || where.from === undefined ? '' : edits.refOf(source, where.from.port));
    const back = kind === 'input' && where.from?.side === 'in' ? edits.connect(this.scope, made.id, where.from.node, where.from.port) : [];
    const moves = where.at === undefined ? new Map<string, Point>() : this.pins([[made.id, where.at]]);
    if (this.edit({ label: `Add ${kind}`, patch: [...made.patch, ...back], moves })) this.landed(made.id);
  }

  private landed(id: string): string {
    this.select([id]);
    return id;
  }

  splice(wire: Wire, id: string, point: Point): boolean {
    const patch = edits.spliceOld(this.scope, wire, id);
    if (patch.length === 0 || forbidden(this.scope, wire.source, id) !== undefined) return false;
    return this.edit({ label: `Put ${id} between`, patch, moves: this.pins([[id, point]]) });
  }

  remove(bridging = false): void {
    const ids = new Set(this.session.selection);
    const wires = this.snapshot.selectedWires;
    if (ids.size === 0 && wires.size === 0) return;
    const [only] = ids;
    const joined: Patch = bridging && ids.size === 1 && only !== undefined ? edits.bridge(this.scope, only) : [];
    const kept = new Set(joined.map((change) => change.at));
    const patch = [...edits.remove(this.scope, ids, wires).filter((change) => !kept.has(change.at)), ...joined];
    const what = ids.size === 1 ? (this.item(only ?? '')?.name ?? '') : ids.size > 1 ? `${ids.size} nodes` : 'connection';
    if (this.edit({ label: `Delete ${what}`, patch })) this.select([]);
  }

  rename(id: string, name: string): void {
    const item = this.item(id);
    this.show({ renaming: undefined });
    if (item === undefined || name === '' || name === item.name) return;
    const spot = this.snapshot.spots.get(id);
    this.ask('rename', { node: id, name }, (reply) => {
      if (reply.refused !== undefined || spot === undefined) return;
      const next = id.startsWith('out:') ? `out:${name}` : name;
      this.arrangement().spots.set(next, spot);
      this.arrange();
      this.set({});
    });
  }

  /** `knobs`: `node/parameter` of what becomes a parameter of the block. */
  group(name: string, knobs: readonly string[] = []): void { this.askAt('group', { nodes: [...this.session.selection], name, params: knobs }); }

  inline(): void {
    const [item] = this.selected();
    if (item?.kind === 'block') this.askAt('inline', { node: item.id });
  }

  /** Ask for an edit whose new nodes land where the selection was. */
  private askAt(what: string, given: JsonObject): void {
    const spots = this.session.selection.flatMap((id) => this.snapshot.spots.get(id) ?? []);
    const x = spots.reduce((sum, spot) => sum + spot.x, 0) / Math.max(1, spots.length);
    const y = spots.reduce((sum, spot) => sum + spot.y, 0) / Math.max(1, spots.length);
    this.landing = { ids: [], point: { x, y } };
    this.ask(what, given, () => { this.landing = undefined; });
  }

  copy(then?: () => void): void {
    const nodes = [...this.session.selection];
    if (nodes.length === 0) return;
    const copying: { then?: () => void } = {};
    this.copying = copying;
    const done = () => {
      if (this.copying === copying) this.copying = undefined;
      copying.then?.();
    };
    this.ask('copy', { nodes }, (reply) => {
      const text = at(reply.data, 'text');
      if (typeof text !== 'string') return done();
      this.clip = text;
      then?.();
      void (navigator.clipboard?.writeText(text) ?? Promise.reject()).then(done, done);
    });
  }

  /** Paste what the clipboard holds, or what is just being copied. */
  pasteFrom(clipboard: string, links: boolean, point: Point): void {
    if (this.copying !== undefined) this.copying.then = () => this.paste(this.clip, links, point);
    else if (clipboard !== '' || this.clip !== '') this.paste(clipboard || this.clip, links, point);
  }

  private paste(text: string, links: boolean, point: Point): void {
    this.landing = { ids: [], point };
    this.ask('paste', { text, links, at: [Math.round(point.x / 16), Math.round(point.y / 16)] }, () => { this.landing = undefined; });
  }

  duplicate(): void {
    if (this.session.selection.length > 0) this.askAt('duplicate', { nodes: [...this.session.selection], links: true });
  }

  setField(items: readonly Item[], path: readonly string[], value: Json | undefined): void {
    const [first] = items;
    if (first === undefined) return;
    const label = `Set ${path.join('.')} of ${items.length === 1 ? first.name : `${items.length} nodes`}`;
    this.edit({ label, patch: edits.setFields(items, path, value), burst: `${items.map((item) => item.id).join()} ${path.join('.')}` });
  }

  // ---- looking

  select(ids: readonly string[], wires: ReadonlySet<string> = new Set()): void {
    const same = ids.length === this.session.selection.length && ids.every((id, i) => id === this.session.selection[i]);
    const [wire] = wires;
    if (same && wires.size === this.snapshot.selectedWires.size && (wire === undefined || this.snapshot.selectedWires.has(wire))) return;
    this.settle({ ...this.session, selection: ids }, { selectedWires: wires, screen: { ...this.screen, field: undefined } });
    if (!same) this.push(60);
  }

  open(path: readonly string[], node?: string, field?: string): void {
    const here = this.session.place;
    const there = path.length === here.length && path.every((step, i) => step === here[i]);
    if (!there) {
      this.settle({ ...this.session, place: path, selection: node === undefined ? [] : [node] }, { selectedWires: new Set(), look: { turn: this.snapshot.look.turn, node } });
      this.push();
    } else if (node !== undefined) {
      this.select([node]);
      this.set({ look: { turn: this.snapshot.look.turn + 1, node } });
    }
    this.show({ field, finder: undefined, outline: node === undefined && this.screen.outline });
  }

  enter(id: string): void {
    if (this.item(id)?.kind === 'block') this.open([...this.session.view.place.path, id]);
  }

  leave(): void {
    const path = this.session.place;
    if (path.length > 0) this.open(path.slice(0, -1));
  }

  /** The viewport shows what it was asked to. */
  looked(turn: number): void {
    const resting = turn === this.snapshot.look.turn && this.snapshot.laying === 0;
    this.set({ shown: Math.max(turn, this.snapshot.shown), veiled: this.snapshot.veiled && !resting });
  }

  fit(): void { this.set({ look: { turn: this.snapshot.look.turn + 1, all: true } }); }

  refuse(target: string, text: string): void {
    clearTimeout(this.refusalTimer);
    this.show({ refusal: { target, text } });
    this.refusalTimer = setTimeout(() => this.show({ refusal: undefined }), 4000);
  }

  startConnecting(from: Loose): void {
    this.wired = from;
    this.show({ connecting: from, verdicts: undefined, refusal: undefined, ghost: undefined });
    this.ask('fits', { from: { node: from.node, port: from.side === 'in' ? from.port.replace(/\.\d+$/, '') : from.port, side: from.side } }, (reply) => {
      if (this.wired !== from) return; // another wire was begun meanwhile
      this.show({ verdicts: { ports: portVerdicts(at(reply.data, 'ports')), ops: verdictTable(at(reply.data, 'ops')), blocks: verdictTable(at(reply.data, 'blocks')) } });
    });
  }

  /** What would come of a connection, shown before it is made. */
  preview(target: string, patch: Patch): void {
    if (this.screen.ghost?.target === target) return;
    this.show({ ghost: { target, shapes: new Map(), problems: undefined } });
    this.ask('preview', { patch: patch.map((change) => ({ ...change })) }, (reply) => {
      if (this.screen.ghost?.target !== target) return;
      const shapes = at(reply.data, 'shapes');
      const found = new Map(keys(shapes).map((id) => [id, shapeText(Object.values(isObject(at(shapes, id)) ? at(shapes, id) ?? {} : {})[0])]));
      const problems = at(reply.data, 'problems');
      this.show({ ghost: { target, shapes: found, problems: typeof problems === 'number' ? problems : undefined } });
    });
  }

  endConnecting(): void { this.show({ connecting: undefined, ghost: undefined, over: undefined }); }

  // ---- where things stand

  private arrangement(): Arrangement {
    const known = this.arrangements.get(this.placeKey);
    if (known !== undefined) return known;
    const made: Arrangement = { spots: new Map(), routes: new Map() };
    this.arrangements.set(this.placeKey, made);
    return made;
  }

  /** Where something stood that may be gone. */
  lastSpot(name: string): Point | undefined {
    const path = pinPath(this.scope.pointer, name);
    const { spots } = this.arrangement();
    return (path === undefined ? undefined : this.session.pins.get(path)) ?? spots.get(name) ?? spots.get(`out:${name}`);
  }

  private pinned(): Map<string, Point> {
    const found = new Map<string, Point>();
    for (const id of this.scope.items.keys()) {
      const path = pinPath(this.scope.pointer, id);
      const point = path === undefined ? undefined : this.session.pins.get(path);
      if (point !== undefined) found.set(id, point);
    }
    return found;
  }

  /** Give everything a spot: its pin, what it had, what ELK says, or one near its neighbours. */
  private arrange(): void {
    const { spots, routes } = this.arrangement();
    const pins = this.pinned();
    const known = new Map([...spots].filter(([id]) => this.scope.items.has(id)));
    for (const [id, point] of pins) known.set(id, point);
    const missing = [...this.scope.items.keys()].filter((id) => !known.has(id));
    if (missing.length > 0 && this.scope.items.size > 1 && pins.size === 0 && !this.snapshot.screen.tidying) {
      void this.layout(false);
    }
    if (missing.length > 0) {
      for (const [id, point] of placeNew(this.scope, known, this.landing?.point)) {
        known.set(id, point);
        if (known.size > missing.length) spots.set(id, point);
      }
    }
    this.snapshot = { ...this.snapshot, spots: known, routes: this.straight(routes, known) };
  }

  /** The routes whose ends have not moved since they were laid out. */
  private straight(routes: Arrangement['routes'], spots: ReadonlyMap<string, Point>): Map<string, readonly Point[]> {
    const still = (id: string, was: Point) => spots.get(id)?.x === was.x && spots.get(id)?.y === was.y;
    return new Map(this.scope.wires.flatMap<[string, readonly Point[]]>((wire) => {
      const route = routes.get(`${wire.source}.${wire.sourcePort}>${wire.target}.${wire.targetPort}`);
      return route !== undefined && still(wire.source, route.from) && still(wire.target, route.to) ? [[wire.id, route.points]] : [];
    }));
  }

  cancelTidy(): void {
    this.layouter.cancel();
    this.show({ tidying: false });
  }

  async tidy(): Promise<void> {
    if (this.screen.tidying) return this.cancelTidy();
    this.show({ tidying: true });
    const done = await this.layout(true);
    this.show({ tidying: false });
    if (done) this.fit();
  }

  private async layout(asked: boolean): Promise<boolean> {
    const key = this.placeKey;
    const first = this.arrangements.get(key)?.spots.size === 0;
    this.set({ laying: this.snapshot.laying + 1 });
    const made = await this.layouter.arrange(this.scope);
    this.set({ laying: this.snapshot.laying - 1 });
    if (made === undefined && this.snapshot.laying === 0) this.set({ veiled: false });
    if (made === undefined || key !== this.placeKey) return false;
    this.arrangements.set(key, made);
    const moves = new Map([...this.pinned().keys()].flatMap((id) => pinPath(this.scope.pointer, id) ?? []).map((path): [string, null] => [path, null]));
    if (asked && moves.size > 0) this.edit({ label: 'Tidy up', moves });
    this.arrange();
    this.set(first && !asked ? { look: { turn: this.snapshot.look.turn + 1, node: this.snapshot.look.node } } : {});
    return true;
  }
}
