/** No token holds it: tokens come from splitting at white space. */
const separator = '\n';

/** How often each run of `order` tokens in a row occurs. */
export const countNgrams = (tokens: readonly string[], order: number): Map<string, number> => {
  const counts = new Map<string, number>();
  for (let from = 0; from + order <= tokens.length; from++) {
    const ngram = tokens.slice(from, from + order).join(separator);
    counts.set(ngram, (counts.get(ngram) ?? 0) + 1);
  }
  return counts;
};

/** Occurrences that two counts have in common: Σ min(a, b). */
export const sharedNgrams = (a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): number => {
  let shared = 0;
  for (const [ngram, count] of a) shared += Math.min(count, b.get(ngram) ?? 0);
  return shared;
};
