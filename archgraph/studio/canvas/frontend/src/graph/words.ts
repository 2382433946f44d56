/** Numbers and texts as people read them. */

const STEPS: readonly (readonly [number, string])[] = [[1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e3, 'k']];

/** 1,792 -> 1.79k; below a thousand as it is. */
export function short(value: number): string {
  const [size, unit] = STEPS.find(([step]) => Math.abs(value) >= step) ?? [1, ''];
  const scaled = value / size;
  const digits = unit === '' ? 0 : Math.abs(scaled) < 10 ? 2 : Math.abs(scaled) < 100 ? 1 : 0;
  return unit === '' ? String(value) : `${Number(scaled.toFixed(digits))}${unit}`;
}

export const amount = (value: number | string | undefined): string => (value === undefined ? '' : typeof value === 'number' ? short(value) : value);

export const full = (value: number): string => value.toLocaleString('en-US');

const BYTES: readonly (readonly [number, string])[] = [[2 ** 40, 'TiB'], [2 ** 30, 'GiB'], [2 ** 20, 'MiB'], [2 ** 10, 'KiB']];

export function bytes(value: number): string {
  const [size, unit] = BYTES.find(([step]) => value >= step) ?? [1, 'B'];
  return `${Number((value / size).toFixed(value / size < 10 ? 1 : 0))} ${unit}`;
}

/** A key of a record for people: kernel_size -> Kernel size. */
export function title(name: string): string {
  const words = name.replaceAll('_', ' ').trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
