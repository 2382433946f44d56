/** Every key of the canvas: what `?` lists is what is looked up. */

export type Command =
  | 'undo' | 'redo' | 'cut' | 'copy' | 'paste' | 'pasteLinked' | 'duplicate' | 'all' | 'delete' | 'bridge' | 'rename' | 'note'
  | 'add' | 'find' | 'go' | 'tidy' | 'group' | 'inline' | 'enter' | 'leave' | 'fit' | 'reset' | 'outline' | 'keys' | 'problems' | 'save' | 'inspect';

interface Binding {
  readonly command: Command;
  readonly section: string;
  readonly words: string;
  readonly keys: readonly string[];
}

/** Written as shown: modifiers in the order Ctrl, Shift, Alt; Ctrl is Cmd on a Mac. */
export const BINDINGS: readonly Binding[] = [
  { section: 'Add and connect', command: 'add', words: 'Search for something to add', keys: ['Tab'] },
  { section: 'Add and connect', command: 'duplicate', words: 'Duplicate', keys: ['Ctrl+D'] },
  { section: 'Add and connect', command: 'note', words: 'Write a note on the node', keys: ['N'] },
  { section: 'Edit', command: 'undo', words: 'Undo', keys: ['Ctrl+Z'] },
  { section: 'Edit', command: 'redo', words: 'Redo', keys: ['Ctrl+Y', 'Ctrl+Shift+Z'] },
  { section: 'Edit', command: 'cut', words: 'Cut', keys: ['Ctrl+X'] },
  { section: 'Edit', command: 'copy', words: 'Copy as graph JSON', keys: ['Ctrl+C'] },
  { section: 'Edit', command: 'paste', words: 'Paste', keys: ['Ctrl+V'] },
  { section: 'Edit', command: 'pasteLinked', words: 'Paste, fed as the original was', keys: ['Ctrl+Shift+V'] },
  { section: 'Edit', command: 'delete', words: 'Delete', keys: ['Delete', 'Backspace'] },
  { section: 'Edit', command: 'bridge', words: 'Delete and join what is around', keys: ['Ctrl+Delete', 'Ctrl+Backspace'] },
  { section: 'Edit', command: 'rename', words: 'Rename; references follow', keys: ['F2'] },
  { section: 'Edit', command: 'inspect', words: 'Go to the inspector; Escape comes back', keys: ['I'] },
  { section: 'Edit', command: 'save', words: 'Save the file', keys: ['Ctrl+S'] },
  { section: 'Edit', command: 'all', words: 'Select all', keys: ['Ctrl+A'] },
  { section: 'Blocks', command: 'group', words: 'Group the selection into a block', keys: ['Ctrl+G'] },
  { section: 'Blocks', command: 'inline', words: 'Replace a block by what is in it', keys: ['Ctrl+Shift+G'] },
  { section: 'Blocks', command: 'enter', words: 'Open the block', keys: ['Enter'] },
  { section: 'Blocks', command: 'leave', words: 'Leave the block', keys: ['Escape'] },
  { section: 'Find and look', command: 'find', words: 'Find a node here', keys: ['Ctrl+F'] },
  { section: 'Find and look', command: 'go', words: 'Go to anything', keys: ['Ctrl+K'] },
  { section: 'Find and look', command: 'fit', words: 'Show everything', keys: ['1'] },
  { section: 'Find and look', command: 'reset', words: 'Zoom to 100 %', keys: ['0'] },
  { section: 'Find and look', command: 'tidy', words: 'Tidy up', keys: ['Shift+Alt+T'] },
  { section: 'Find and look', command: 'outline', words: 'Canvas or outline', keys: ['O'] },
  { section: 'Find and look', command: 'problems', words: 'Show or hide the problems', keys: ['P'] },
  { section: 'Find and look', command: 'keys', words: 'Show the keys', keys: ['?'] },
];

/** What the mouse does, for the same list. */
export const GESTURES: readonly (readonly [gesture: string, words: string])[] = [
  ['Double-click on empty space', 'Search for something to add'],
  ['Drag from a port', 'Connect; on empty space: what fits here'],
  ['Drop on a wire', 'Put the node between'],
  ['Double-click a block', 'Open it'],
  ['Shift+drag', 'Select an area'],
  ['Space+drag', 'Move the canvas'],
  ['Arrow keys', 'Move the selected nodes'],
];

export interface Stroke {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly shiftKey: boolean;
  readonly altKey: boolean;
  readonly code?: string;
}

/** A stroke as it is written in the table. */
export function written(stroke: Stroke): string {
  const letter = stroke.altKey && stroke.code?.startsWith('Key') ? stroke.code.slice(3) : stroke.key;
  const key = letter.length === 1 ? letter.toUpperCase() : letter;
  const shift = stroke.shiftKey && (key.length > 1 || /[A-Z]/.test(key));
  return `${stroke.ctrlKey || stroke.metaKey ? 'Ctrl+' : ''}${shift ? 'Shift+' : ''}${stroke.altKey ? 'Alt+' : ''}${key}`;
}

const COMMANDS = new Map(BINDINGS.flatMap((binding) => binding.keys.map((key): [string, Command] => [key, binding.command])));

export const commandOf = (stroke: Stroke): Command | undefined => COMMANDS.get(written(stroke));
