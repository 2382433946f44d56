// @vitest-environment happy-dom
import { expect, it, vi } from 'vitest';
import mount from '../src/index';

vi.mock('@xyflow/react/dist/style.css?inline', () => ({ default: '' }));
vi.mock('../src/style.css?inline', () => ({ default: '' }));

type Given = Parameters<typeof mount>[0];
const later = () => new Promise((done) => { setTimeout(done, 20); });

it('is not taken down by the clean-up of a call that newer data overtook, but goes with its place on the page', async () => {
  vi.stubGlobal('Worker', class { postMessage(): void { /* lays nothing out */ } });
  const holder = document.createElement('div');
  document.body.append(holder);
  const parentElement = holder.attachShadow({ mode: 'open' });
  const given = { key: 'canvas', name: 'canvas', data: { epoch: 1, ack: 0 }, parentElement, setStateValue: () => undefined, setTriggerValue: () => undefined } as unknown as Given;
  const overtaken = mount(given);
  const host = parentElement.querySelector('.host');
  const last = mount({ ...given, data: { epoch: 1, ack: 1 } } as Given);
  if (typeof overtaken === 'function') overtaken();
  await later();
  expect(parentElement.querySelector('.host')).toBe(host);
  expect(host?.childElementCount).toBeGreaterThan(0);
  holder.remove();
  if (typeof last === 'function') last();
  await later();
  expect(parentElement.childElementCount).toBe(0);
});
