/** Fuzzy search: letters in order, the better the closer together and the nearer to beginnings of words. */

export interface Hit<T> {
  readonly item: T;
  readonly score: number;
}

const BOUNDARY = /[\s_\-./>]/;

/** How well `query` matches `text`; undefined: not at all. */
export function score(query: string, text: string): number | undefined {
  const wanted = query.toLowerCase().replaceAll(/[\s_]+/g, '');
  const given = text.toLowerCase();
  if (wanted === '') return 0;
  const whole = given.replaceAll(/[\s_]+/g, '').indexOf(wanted);
  if (whole >= 0) return 1000 - whole * 10 - given.length;
  let total = 0;
  let from = 0;
  let previous = -2;
  for (const letter of wanted) {
    const found = given.indexOf(letter, from);
    if (found < 0) return undefined;
    const starts = found === 0 || BOUNDARY.test(given[found - 1] ?? '');
    total += found === previous + 1 ? 12 : starts ? 10 : 1;
    previous = found;
    from = found + 1;
  }
  return total < wanted.length * 5 ? undefined : total - given.length * 0.1;
}

/** The items that match, best first. `texts` gives what is looked at, with the weight of each. */
export function search<T>(query: string, items: readonly T[], texts: (item: T) => readonly (readonly [text: string, weight: number])[]): T[] {
  if (query.trim() === '') return [...items];
  const hits: Hit<T>[] = [];
  for (const item of items) {
    const found = texts(item).flatMap(([text, weight]) => {
      const value = score(query, text);
      return value === undefined ? [] : [value * weight];
    });
    if (found.length > 0) hits.push({ item, score: Math.max(...found) });
  }
  return hits.sort((one, other) => other.score - one.score).map((hit) => hit.item);
}
