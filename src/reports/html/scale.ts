/** A linear scale for plots whose width the page decides: positions are shares of it, in per cent. */

export interface Scale {
  readonly lower: number;
  readonly upper: number;
  /** Position of a value, `12.34%`; values beyond the ends stand at the ends. */
  at(value: number): string;
  /** Width between two values, `12.34%`. */
  between(from: number, to: number): string;
  /** Round numbers within the scale, ascending. */
  readonly ticks: readonly number[];
}

/** 1, 2 or 5 times a power of ten. */
const roundStep = (span: number, count: number): number => {
  const raw = span / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const multiple = raw / power;
  return power * (multiple > 5 ? 10 : multiple > 2 ? 5 : multiple > 1 ? 2 : 1);
};

const ticksBetween = (lower: number, upper: number, count: number): number[] => {
  const step = roundStep(upper - lower, count);
  const first = Math.ceil(lower / step);
  const last = Math.floor(upper / step);
  const decimals = Math.max(0, -Math.floor(Math.log10(step)));
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) =>
    Number(((first + index) * step).toFixed(Math.min(20, decimals))),
  );
};

const percent = (share: number): string => `${Math.round(share * 1e4) / 100}%`;

/**
 * The scale that shows all of `values`, with a margin.
 *
 * @param values finite ones count; none give the scale from 0 to 1
 * @param margin share of the span left free on either side
 * @param count about so many ticks
 */
export const scaleOver = (values: readonly number[], margin = 0.08, count = 4): Scale => {
  const finite = values.filter(Number.isFinite);
  const [least, greatest] = finite.length === 0 ? [0, 1] : [Math.min(...finite), Math.max(...finite)];
  const span = greatest - least;
  const free = span > 0 ? span * margin : Math.max(Math.abs(least) * 0.1, 1e-9);
  const lower = least - free;
  const upper = greatest + free;
  const share = (value: number): number => Math.min(1, Math.max(0, (value - lower) / (upper - lower)));
  return {
    lower,
    upper,
    at: (value) => percent(share(value)),
    between: (from, to) => percent(Math.max(0, share(to) - share(from))),
    ticks: ticksBetween(lower, upper, count),
  };
};
