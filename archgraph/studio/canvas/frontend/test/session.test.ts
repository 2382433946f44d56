import { describe, expect, it } from 'vitest';
import { BURST } from '../src/graph/history';
import { at, type Json, type JsonObject } from '../src/graph/json';
import { lookup } from '../src/graph/patches';
import { ask, edit, empty, message, receive, redo, unanswered, undo, type Session } from '../src/graph/session';
import { document } from './graphs';

const told = (more: JsonObject = {}): JsonObject => ({ epoch: 1, ack: 0, document, layout: {}, catalogueHash: '', file: { id: 1 }, replies: {}, ...more });
const opened = (): Session => receive(empty(100), told(), 0).session;
const filters = (session: Session): Json | undefined => lookup(session.document, '/nodes/a/filters');
const set = (session: Session, value: number, time = 0, burst?: string): Session => edit(session, { label: 'Set', patch: [{ at: '/nodes/a/filters', value }], burst, time });
const echo = (session: Session, more: JsonObject = {}): Session => receive(session, told({ document: null, ...more }), 0).session;

describe('agreeing with Python', () => {
  it('forgets what Python has taken, and keeps the rest', () => {
    const session = set(set(opened(), 9), 10);
    const { document: _, ...heard } = told({ ack: 100 });
    const after = receive(session, heard, 0).session;
    expect(after.pending.map((one) => one.id)).toEqual([101]);
    expect(filters(after)).toBe(10);
  });

  it('makes again what Python had not heard of when it edited', () => {
    const theirs = { ...Object(document), name: 'renamed' };
    const { session, resend } = receive(set(opened(), 9), told({ epoch: 2, document: theirs }), 0);
    expect([at(session.document, 'name'), filters(session), resend]).toEqual(['renamed', 9, true]);
  });

  it('drops what cannot be made again', () => {
    const { session } = receive(set(opened(), 9), told({ epoch: 2, document: { archgraph: 1 } }), 0);
    expect([session.pending, session.document]).toEqual([[], { archgraph: 1 }]);
  });

  it('undoes what Python did, as one step', () => {
    const theirs = { ...Object(document), name: 'renamed', doc: 'more' };
    const { session } = receive(opened(), told({ epoch: 2, document: theirs }), 0);
    expect(undo(session).document).toEqual(document);
  });

  it('begins a new history with another file', () => {
    const { session, opened: fresh } = receive(set(opened(), 9), told({ file: { id: 2 } }), 0);
    expect([fresh, session.history.past, session.pending]).toEqual([true, [], []]);
  });

  it('says all that is not acknowledged, in every message', () => {
    const { session } = ask(set(set(opened(), 9), 10), 'copy', { nodes: ['a'] });
    const said = message(session);
    expect(at(said, 'patches')).toHaveLength(2);
    expect(at(said, 'asks')).toEqual([{ id: 102, what: 'copy', nodes: ['a'] }]);
    expect(at(said, 'epoch')).toBe(1);
  });

  it('hears an answer once', () => {
    const { session, id } = ask(opened(), 'copy', {});
    const answer = told({ replies: { [String(id)]: { text: 'x' } } });
    const first = receive(session, answer, 0);
    expect(first.replies.map((reply) => at(reply.data, 'text'))).toEqual(['x']);
    expect(receive(first.session, answer, 0).replies).toEqual([]);
  });

  it('keeps pins that Python has not heard of', () => {
    const moved = edit(opened(), { label: 'Move', moves: new Map([['a', { x: 32, y: 16 }]]), time: 0 });
    expect(at(message(moved), 'layout')).toEqual([{ id: 100, moves: { a: [2, 1] } }]);
    expect(echo(moved).pins.get('a')).toEqual({ x: 32, y: 16 });
  });
});

describe('history', () => {
  it('takes back and makes again', () => {
    const session = set(opened(), 9);
    expect(filters(undo(session))).toBe(8);
    expect(filters(redo(undo(session)))).toBe(9);
  });

  it('takes a hundred steps back', () => {
    let session = opened();
    for (let i = 0; i < 150; i++) session = set(session, 10 + i, i);
    for (let i = 0; i < 150; i++) session = undo(session);
    expect(session.document).toEqual(document);
  });

  it('makes one entry of a burst, and two of two', () => {
    const burst = set(set(set(opened(), 1, 0, 'filters'), 16, 300, 'filters'), 160, 600, 'filters');
    expect(burst.history.past).toHaveLength(1);
    expect(filters(undo(burst))).toBe(8);
    expect(set(burst, 5, 600 + BURST, 'filters').history.past).toHaveLength(2);
  });

  it('takes a move back, and makes no line of the graph of it', () => {
    const before = opened();
    const moved = edit(before, { label: 'Move', moves: new Map([['a', { x: 32, y: 16 }]]), time: 0 });
    expect(moved.document).toBe(before.document);
    expect(moved.pending).toEqual([]);
    expect(undo(moved).pins.has('a')).toBe(false);
  });

  it('forgets the future after an edit', () => expect(redo(set(undo(set(opened(), 9)), 7)).history.future).toEqual([]));
});

describe('whether Python owes an answer', () => {
  it.each([
    ['nothing', opened(), false],
    ['an edit', set(opened(), 9), true],
    ['a question', ask(opened(), 'copy', {}).session, true],
    ['another place', { ...opened(), place: ['unit'] }, true],
  ])('%s', (_, session, owed) => expect(unanswered(session)).toBe(owed));

  it('not of what it has taken', () => {
    const { document: _, ...heard } = told({ ack: 1000 });
    expect(unanswered(receive(set(opened(), 9), heard, 0).session)).toBe(false);
  });
});
