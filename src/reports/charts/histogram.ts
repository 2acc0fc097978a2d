/** Histograms whose bins several samples share. */

export interface Bin {
  readonly from: number;
  readonly to: number;
  /** Of the sample's values. */
  readonly share: number;
}

/** 1, 2, 2.5 or 5 times a power of ten, at least `raw`. */
const roundUp = (raw: number): number => {
  const power = 10 ** Math.floor(Math.log10(raw));
  return power * ([1, 2, 2.5, 5, 10].find((multiple) => multiple * power >= raw * (1 - 1e-12)) ?? 10);
};

/**
 * Edges of equal bins of a round width that cover every value.
 *
 * @param most bins, at most
 */
export const binEdges = (values: readonly number[], most = 40): number[] => {
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0) return [];
  const least = finite.reduce((a, b) => Math.min(a, b));
  const greatest = finite.reduce((a, b) => Math.max(a, b));
  const spread = greatest > least ? (greatest - least) / (most - 1) : 0;
  const width = roundUp(Math.max(spread === 0 ? 1e-3 : spread, Math.abs(least) / 1e9));
  const edge = (index: number): number => Number((index * width).toPrecision(12));
  let first = Math.floor(least / width);
  while (edge(first) > least) first--;
  let last = Math.floor(greatest / width);
  while (edge(last + 1) <= greatest) last++;
  return Array.from({ length: last - first + 2 }, (_, index) => edge(first + index));
};

/** Shares of the values that lie in each bin [from, to); values that are not finite count in none. */
export const histogramOf = (values: readonly number[], edges: readonly number[]): Bin[] => {
  const [first = 0, second = 1] = edges;
  const counts = new Array<number>(Math.max(0, edges.length - 1)).fill(0);
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    let bin = Math.min(counts.length - 1, Math.max(0, Math.floor((value - first) / (second - first))));
    if (value < (edges[bin] ?? 0)) bin--;
    else if (value >= (edges[bin + 1] ?? Number.POSITIVE_INFINITY) && bin < counts.length - 1) bin++;
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts.map((count, bin) => ({
    from: edges[bin] ?? 0,
    to: edges[bin + 1] ?? 0,
    share: count / values.length,
  }));
};

/** The outline of a histogram as points of a line, from zero to zero. */
export const outlineOf = (bins: readonly Bin[]): { readonly x: number; readonly share: number }[] => {
  const [first] = bins;
  const last = bins.at(-1);
  if (first === undefined || last === undefined) return [];
  return [
    { x: first.from, share: 0 },
    ...bins.flatMap(({ from, to, share }) => [
      { x: from, share },
      { x: to, share },
    ]),
    { x: last.to, share: 0 },
  ];
};
