/** Names of new things. */

export const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;

/** `wish`, or `wish` with a number, such that nothing in `taken` has it; always an identifier. */
export function freeName(wish: string, taken: { has(name: string): boolean }): string {
  const plain = wish.replace(/[^A-Za-z0-9_]/g, '_').slice(0, 56) || 'node';
  const base = IDENTIFIER.test(plain) ? plain : `n_${plain}`;
  if (!taken.has(base)) return base;
  const stem = base.replace(/\d+$/, '').replace(/_+$/, '') || base;
  let number = 2;
  while (taken.has(`${stem}${number}`)) number++;
  return `${stem}${number}`;
}
