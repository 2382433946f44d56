/** Undo and redo: one gesture is one entry, bursts of typing are one, selection and viewport are none. */
import type { Patch } from './patches';
import type { Point } from './layout';

/** Where things were put; null: left to the automatic layout again. */
export type Moves = ReadonlyMap<string, Point | null>;

export interface Step {
  readonly patch: Patch;
  readonly moves: Moves;
}

export interface Entry {
  readonly label: string;
  readonly forward: Step;
  readonly backward: Step;
  /** Entries of the same burst that follow each other at once become one. */
  readonly burst?: string;
  readonly time: number;
}

export interface History {
  readonly past: readonly Entry[];
  readonly future: readonly Entry[];
}

export const EMPTY: History = { past: [], future: [] };
export const MOST = 500;
/** Milliseconds between two keystrokes of one burst. */
export const BURST = 1500;

const merged = (one: Moves, other: Moves): Moves => new Map([...one, ...other]);

const joined = (one: Entry, next: Entry): Entry => ({
  ...next,
  forward: { patch: [...one.forward.patch, ...next.forward.patch], moves: merged(one.forward.moves, next.forward.moves) },
  backward: { patch: [...next.backward.patch, ...one.backward.patch], moves: merged(next.backward.moves, one.backward.moves) },
});

export function record(history: History, entry: Entry): History {
  const last = history.past.at(-1);
  const grows = last !== undefined && entry.burst !== undefined && last.burst === entry.burst && entry.time - last.time < BURST;
  const past = grows ? [...history.past.slice(0, -1), joined(last, entry)] : [...history.past, entry];
  return { past: past.slice(-MOST), future: [] };
}

export function back(history: History): { readonly history: History; readonly entry: Entry } | undefined {
  const entry = history.past.at(-1);
  return entry && { entry, history: { past: history.past.slice(0, -1), future: [entry, ...history.future] } };
}

export function forth(history: History): { readonly history: History; readonly entry: Entry } | undefined {
  const [entry, ...future] = history.future;
  return entry && { entry, history: { past: [...history.past, entry], future } };
}
