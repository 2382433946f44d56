/** Colours of families as CSS variables; the sheet makes them lighter on dark ground. */
import type { CSSProperties } from 'react';
import type { Catalogue } from '../graph/catalogue';
import type { Item } from '../graph/scope';

export interface FamilyStyle extends CSSProperties {
  '--family': string;
  '--tint': string;
}

const BLOCK = { dark: '#4338ca', light: '#e7e6fb' };

export function familyStyle(catalogue: Catalogue, family: string): FamilyStyle {
  const shade = family === 'block' ? BLOCK : catalogue.colours.get(family);
  return { '--family': shade?.dark ?? '#475569', '--tint': shade?.light ?? '#eef1f5' };
}

/** The family of an item: its card's, or what it is. */
export const familyOf = (catalogue: Catalogue, item: Item, known: string | undefined): string => {
  if (item.kind === 'input' || item.kind === 'output') return item.kind;
  return item.kind === 'op' ? (catalogue.ops.get(item.type)?.family ?? known ?? '') : 'block';
};
