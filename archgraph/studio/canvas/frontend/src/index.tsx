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

function rootIn(parent: HTMLElement | ShadowRoot, studio: Studio): Root {
  const known = roots.get(parent);
  if (known !== undefined) return known;
  // The sheet must be there before the first drawing: React Flow measures unstyled nodes otherwise.
  const sheet = document.createElement('style');
  sheet.textContent = flowStyle + style;
  // Streamlit's own wrapper has no height that 100 % could be of.
  const host = document.createElement('div');
  host.className = 'host';
  parent.append(sheet, host);
  const stop = filling(host);
  stops.set(parent, stop);
  const root = createRoot(host);
  roots.set(parent, root);
  root.render(<App studio={studio} />);
  return root;
}

const mount: FrontendRenderer<State, Json> = ({ data, key, parentElement, setStateValue }) => {
  const studio = studioOf(key);
  studio.connect((message) => setStateValue('edit', message));
  const root = rootIn(parentElement, studio);
  studio.take(data);
  return () => {
    stops.get(parentElement)?.();
    root.unmount();
    roots.delete(parentElement);
    parentElement.replaceChildren();
  };
};

export default mount;
