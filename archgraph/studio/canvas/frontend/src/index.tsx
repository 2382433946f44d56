/** The component that Streamlit mounts. Sessions live in this module, so that being mounted anew loses nothing. */
import flowStyle from '@xyflow/react/dist/style.css?inline';
import type { FrontendRenderer } from '@streamlit/component-v2-lib';
import { createRoot, type Root } from 'react-dom/client';
import type { Json } from './graph/json';
import style from './style.css?inline';
import { filling } from './view/filling';
import { App } from './view/App';
import { Studio } from './view/studio';

type State = { edit: Json };

const studios = new Map<string, Studio>();
const roots = new WeakMap<HTMLElement | ShadowRoot, Root>();
const stops = new WeakMap<HTMLElement | ShadowRoot, () => void>();

const studioOf = (key: string): Studio => {
  const known = studios.get(key);
  if (known !== undefined) return known;
  const made = new Studio();
  studios.set(key, made);
  return made;
};

function draw(parent: HTMLElement | ShadowRoot, studio: Studio): void {
  if (roots.has(parent)) return;
  // The sheet must be there before the first drawing: React Flow measures unstyled nodes otherwise.
  const sheet = document.createElement('style');
  sheet.textContent = flowStyle + style;
  // Streamlit's own wrapper has no height that 100 % could be of.
  const host = document.createElement('div');
  host.className = 'host';
  parent.append(sheet, host);
  stops.set(parent, filling(host));
  const root = createRoot(host);
  roots.set(parent, root);
  root.render(<App studio={studio} />);
}

/** Streamlit also cleans up after a call that newer data has overtaken, while what it drew is in use: only what has left the page goes. */
function dismantle(parent: HTMLElement | ShadowRoot): void {
  stops.get(parent)?.();
  roots.get(parent)?.unmount();
  roots.delete(parent);
  parent.replaceChildren();
}

const mount: FrontendRenderer<State, Json> = ({ data, key, parentElement, setStateValue }) => {
  const studio = studioOf(key);
  studio.connect((message) => setStateValue('edit', message));
  draw(parentElement, studio);
  studio.take(data);
  return () => { setTimeout(() => { if (!parentElement.isConnected) dismantle(parentElement); }); };
};

export default mount;
