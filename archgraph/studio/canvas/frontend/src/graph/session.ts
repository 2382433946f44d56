/** What the browser holds of the document, and how it agrees with Python: pure, without a timer or a socket. */
import { NO_CATALOGUE, readCatalogue, type Catalogue } from './catalogue';
import { back, EMPTY, forth, record, type Entry, type History, type Moves } from './history';
import { at, flag, isList, isObject, number, table, text, type Json, type JsonObject } from './json';
import { GRID, type Point } from './layout';
import { apply, between, inverse, type Patch } from './patches';
import { NO_VIEW, readView, type View } from './view';

interface Pending {
  readonly id: number;
  readonly patch: Patch;
  readonly label: string;
}

export interface Ask {
  readonly id: number;
  readonly what: string;
  readonly arguments: JsonObject;
}

export interface Reply {
  readonly id: number;
  readonly label: string;
  readonly selection: readonly string[] | undefined;
  /** The whole answer, for those that ask for facts. */
  readonly data: Json;
  readonly refused: { readonly message: string; readonly hint: string } | undefined;
}

export interface FileState {
  readonly id: string;
  readonly name: string;
  readonly dirty: boolean;
  readonly changedOnDisk: boolean;
}

export interface Session {
  readonly document: Json;
  readonly epoch: number;
  readonly seq: number;
  readonly next: number;
  readonly pending: readonly Pending[];
  readonly asks: readonly Ask[];
  readonly catalogue: Catalogue;
  readonly view: View;
  readonly file: FileState;
  readonly history: History;
  /** Pinned places in pixels, by path in the layout file. */
  readonly pins: ReadonlyMap<string, Point>;
  /** Moves that Python has not taken yet. */
  readonly moved: readonly { readonly id: number; readonly moves: Moves }[];
  readonly place: readonly string[];
  readonly selection: readonly string[];
}

export const NO_FILE: FileState = { id: '', name: '', dirty: false, changedOnDisk: false };

/** `start` makes ids grow over reloads of this module as well. */
export const empty = (start: number): Session => ({
  document: null, epoch: 0, seq: start, next: start, pending: [], asks: [], catalogue: NO_CATALOGUE, view: NO_VIEW, file: NO_FILE,
  history: EMPTY, pins: new Map(), moved: [], place: [], selection: [],
});

const withMoves = (pins: ReadonlyMap<string, Point>, moves: Moves): Map<string, Point> => {
  const next = new Map(pins);
  for (const [path, point] of moves) {
    if (point === null) next.delete(path);
    else next.set(path, point);
  }
  return next;
};

function changed(session: Session, patch: Patch, moves: Moves, label: string): Session {
  const next: Session = moves.size === 0 ? session : {
    ...session, pins: withMoves(session.pins, moves), next: session.next + 1, moved: [...session.moved, { id: session.next, moves }],
  };
  if (patch.length === 0) return next;
  return { ...next, document: apply(next.document, patch), next: next.next + 1, pending: [...next.pending, { id: next.next, patch, label }] };
}

export interface Gesture {
  readonly label: string;
  readonly patch?: Patch;
  readonly moves?: Moves;
  readonly burst?: string;
  readonly time: number;
}

/** An edit made here: one gesture, one entry. Throws `Refused` where the patch does not fit. */
export function edit(session: Session, gesture: Gesture): Session {
  const patch = gesture.patch ?? [];
  const moves = gesture.moves ?? new Map();
  const next = changed(session, patch, moves, gesture.label);
  const old: Moves = new Map([...moves.keys()].map((path) => [path, session.pins.get(path) ?? null]));
  const backward = { patch: inverse(session.document, patch), moves: old };
  if (backward.patch.length === 0 && moves.size === 0) return session;
  const entry: Entry = { label: gesture.label, forward: { patch, moves }, backward, time: gesture.time, burst: gesture.burst };
  return { ...next, history: record(session.history, entry) };
}

export function undo(session: Session): Session {
  const made = back(session.history);
  if (made === undefined) return session;
  const { patch, moves } = made.entry.backward;
  return { ...changed(session, patch, moves, `Undo: ${made.entry.label}`), history: made.history };
}

export function redo(session: Session): Session {
  const made = forth(session.history);
  if (made === undefined) return session;
  const { patch, moves } = made.entry.forward;
  return { ...changed(session, patch, moves, `Redo: ${made.entry.label}`), history: made.history };
}

/** A question to Python; its answer comes by the id. */
export const ask = (session: Session, what: string, given: JsonObject): { session: Session; id: number } => ({
  id: session.next,
  session: { ...session, next: session.next + 1, asks: [...session.asks, { id: session.next, what, arguments: given }] },
});

const grid = (point: Point): number[] => [Math.round(point.x / GRID), Math.round(point.y / GRID)];

/** Whether Python owes an answer. */
export const unanswered = (session: Session): boolean =>
  session.pending.length > 0 || session.asks.length > 0 || session.moved.length > 0 || session.place.join('\n') !== session.view.place.path.join('\n');

/** Everything that Python has not acknowledged, as one idempotent message. */
export function message(session: Session): JsonObject {
  return {
    ...(session.file.id === '' ? {} : { file: Number(session.file.id) }),
    epoch: session.epoch,
    seq: session.seq,
    catalogue: session.catalogue.hash,
    patches: session.pending.map(({ id, patch, label }) => ({ id, label, patch: patch.map((change) => ({ ...change })) })),
    asks: session.asks.map(({ id, what, arguments: given }) => ({ id, what, ...given })),
    place: session.place,
    selection: session.selection,
    layout: session.moved.map(({ id, moves }) => ({ id, moves: Object.fromEntries([...moves].map(([path, point]) => [path, point && grid(point)])) })),
  };
}

const readReply = (value: Json, id: string): Reply => {
  const refused = at(value, 'error');
  const selection = at(value, 'selection');
  return {
    id: Number(id),
    label: text(at(value, 'label')),
    selection: isList(selection) ? selection.filter((one) => typeof one === 'string') : undefined,
    data: value,
    refused: isObject(refused) ? { message: text(at(refused, 'message')), hint: text(at(refused, 'hint')) } : undefined,
  };
};

const readPins = (value: Json | undefined): Map<string, Point> =>
  table(value, (item) => {
    const [x, y] = isList(item) ? item : [];
    return { x: number(x) * GRID, y: number(y) * GRID };
  });

const readFile = (value: Json | undefined): FileState => ({
  id: String(number(at(value, 'id'))), name: text(at(value, 'name')), dirty: flag(at(value, 'dirty')), changedOnDisk: flag(at(value, 'changedOnDisk')),
});

export interface Received {
  readonly session: Session;
  readonly replies: readonly Reply[];
  /** Whether Python must hear from us: it lacks edits, or still sends what we have. */
  readonly resend: boolean;
  /** Whether another file is open now. */
  readonly opened: boolean;
}

/** Take in what Python says. Echoes never replace the document; only a newer epoch does, and then what it lacks is made anew. */
export function receive(session: Session, data: Json, time: number): Received {
  const ack = number(at(data, 'ack'), -1);
  const all = [...table(at(data, 'replies'), readReply).values()];
  const replies = all.filter((reply) => session.asks.some((one) => one.id === reply.id) || session.pending.some((one) => one.id === reply.id));
  const answered = new Set(replies.map((reply) => reply.id));
  const sent = at(data, 'catalogue');
  const hash = text(at(data, 'catalogueHash'));
  const fresh = sent !== undefined && hash !== session.catalogue.hash;
  const taken: Session = {
    ...session,
    pending: session.pending.filter((one) => one.id > ack),
    asks: session.asks.filter((one) => !answered.has(one.id)),
    moved: session.moved.filter((one) => one.id > ack),
    catalogue: fresh ? readCatalogue(sent, hash) : session.catalogue,
    view: at(data, 'view') === undefined ? session.view : readView(at(data, 'view')),
    file: readFile(at(data, 'file')),
  };
  const epoch = number(at(data, 'epoch'));
  const document = at(data, 'document');
  const opened = taken.file.id !== session.file.id || session.epoch === 0;
  if (document === undefined || (epoch <= session.epoch && !opened)) {
    return { session: taken, replies, resend: fresh || epoch > session.epoch, opened: false };
  }
  const label = replies.find((reply) => reply.label !== '')?.label ?? text(at(data, 'label'), 'Edit');
  const next = rebased(taken, document, epoch, { opened, label, time });
  const pins = at(data, 'layout');
  return { session: pins === undefined ? next : { ...next, pins: next.moved.reduce<Map<string, Point>>((held, one) => withMoves(held, one.moves), readPins(pins)) }, replies, resend: true, opened };
}

function rebased(session: Session, document: Json, epoch: number, why: { opened: boolean; label: string; time: number }): Session {
  if (why.opened) return { ...session, document, epoch, pending: [], history: EMPTY, moved: [], place: [], selection: [] };
  let next = document;
  const pending = session.pending.filter((one) => {
    try {
      next = apply(next, one.patch);
      return true;
    } catch {
      return false; // what it changed is gone
    }
  });
  const forward = between(session.document, next);
  if (forward.length === 0) return { ...session, document: next, epoch, pending };
  const entry: Entry = { label: why.label, time: why.time, forward: { patch: forward, moves: new Map() }, backward: { patch: between(next, session.document), moves: new Map() } };
  return { ...session, document: next, epoch, pending, history: record(session.history, entry) };
}
