import { ComputationError, UsageError } from '../base/index.js';

export interface CeilingSearch {
  /** Share of degenerate texts, 0 to 1, at a strength λ ≥ 0 of one vector. */
  readonly degenerateShareAt: (lambda: number) => Promise<number>;
  /** Text has begun to degenerate where the share is more than this above the share at λ = 0. Default 0. */
  readonly tolerance?: number;
  /** Text has begun to degenerate where the share is at least this; takes the place of `tolerance`. */
  readonly threshold?: number;
  /** The first λ above 0 that is tried; doubled until text degenerates. */
  readonly first: number;
  /** The largest λ that is tried. */
  readonly limit: number;
  /** The ceiling is known to within this much λ. */
  readonly resolution: number;
  /** … or to within this share of itself, whichever is wider. Default 0. */
  readonly relativeResolution?: number;
  /** Evaluations after which the best answer so far is given. Default 60. */
  readonly maxEvaluations?: number;
}

export interface CeilingPoint {
  readonly lambda: number;
  readonly degenerateShare: number;
  /** Whether the share is above the threshold. */
  readonly degenerates: boolean;
}

export interface Ceiling {
  /** The largest λ tried, up to the limit, at which text did not degenerate: itself tried, itself sound. */
  readonly ceiling: number;
  /** The smallest λ tried above the ceiling, at which text degenerated; null where the limit was reached without. */
  readonly degeneratesAt: number | null;
  /** Share at λ = 0 plus the tolerance, or the threshold that was given. */
  readonly threshold: number;
  /** Points that contradict the ceiling: sound above it, or degenerate below. 0 where the share rises with λ. */
  readonly contradictions: number;
  /** Everything that was evaluated, by λ. */
  readonly points: readonly CeilingPoint[];
}

const checkSearch = ({
  tolerance = 0,
  threshold = 1,
  first,
  limit,
  resolution,
  relativeResolution = 0,
}: CeilingSearch): void => {
  if (!(tolerance >= 0)) throw new UsageError(`tolerance must be at least 0, not ${tolerance}`);
  if (!(threshold > 0 && threshold <= 1)) {
    throw new UsageError(`the threshold must be above 0 and at most 1, not ${threshold}`);
  }
  if (!(first > 0 && first <= limit && Number.isFinite(limit))) {
    throw new UsageError(`the search needs 0 < first ≤ limit, not ${first} and ${limit}`);
  }
  if (!(resolution > 0 && relativeResolution >= 0)) {
    throw new UsageError(
      `resolution must be positive and its relative part not negative, not ${resolution} and ${relativeResolution}`,
    );
  }
};

interface Split {
  /** Indices of the last point below the lowest and the highest best split. */
  readonly lowest: number;
  readonly highest: number;
  readonly contradictions: number;
}

/** Splits into sound and degenerate points that fewest points contradict; point 0 is λ = 0, sound by definition. */
const bestSplit = (points: readonly CeilingPoint[]): Split => {
  let contradictions = points.filter(({ degenerates }) => !degenerates).length;
  let best: Split = { lowest: 0, highest: 0, contradictions: Number.POSITIVE_INFINITY };
  points.forEach(({ degenerates }, last) => {
    contradictions += degenerates ? 1 : -1;
    if (contradictions < best.contradictions) best = { lowest: last, highest: last, contradictions };
    else if (contradictions === best.contradictions) best = { ...best, highest: last };
  });
  return best;
};

/** Where to look next: the middle of the widest gap that may still hold the ceiling; undefined when all are narrow. */
const nextLambda = (
  points: readonly CeilingPoint[],
  { resolution, relativeResolution = 0 }: CeilingSearch,
): number | undefined => {
  const { lowest, highest } = bestSplit(points);
  let widest: { readonly width: number; readonly middle: number } | undefined;
  for (let last = lowest; last <= highest; last++) {
    const [from, to] = [points[last]?.lambda, points[last + 1]?.lambda];
    if (from === undefined || to === undefined) continue;
    const [width, middle] = [to - from, (from + to) / 2];
    const splits = width > Math.max(resolution, relativeResolution * from) && middle > from && middle < to;
    if (splits && width > (widest?.width ?? 0)) widest = { width, middle };
  }
  return widest?.middle;
};

/**
 * The ceiling of one vector: the largest λ at which text does not degenerate. λ is doubled from `first` until two
 * points in a row degenerate or the limit is reached; then the gap that holds the ceiling is halved until it is no wider
 * than `resolution`.
 *
 * Where the share does not rise with λ everywhere (a share of few texts is noisy), the ceiling is the split of all points
 * into sound below and degenerate above that fewest of them contradict. While several splits are equally good, the gaps
 * between them are halved too, which settles whether one point was a false alarm; of splits that stay equal the lowest
 * is taken. So a single false alarm costs evaluations, not the answer, and the ceiling was always seen to be sound, the
 * point above it to degenerate.
 *
 * @throws UsageError for a senseless search; ComputationError for a share outside [0, 1]
 */
export const findCeiling = async (search: CeilingSearch): Promise<Ceiling> => {
  checkSearch(search);
  const { degenerateShareAt, tolerance = 0, first, limit, maxEvaluations = 60 } = search;
  const points: CeilingPoint[] = [];
  let threshold = search.threshold ?? Number.POSITIVE_INFINITY;
  const isDegenerate = (share: number): boolean =>
    search.threshold === undefined ? share > threshold : share >= threshold;
  const evaluate = async (lambda: number): Promise<CeilingPoint> => {
    const degenerateShare = await degenerateShareAt(lambda);
    if (!(degenerateShare >= 0 && degenerateShare <= 1)) {
      throw new ComputationError(`the share of degenerate texts at λ = ${lambda} is ${degenerateShare}`);
    }
    const point = { lambda, degenerateShare, degenerates: isDegenerate(degenerateShare) };
    points.push(point);
    points.sort((a, b) => a.lambda - b.lambda);
    return point;
  };
  const { degenerateShare: baseline } = await evaluate(0);
  if (search.threshold === undefined) threshold = baseline + tolerance;
  else if (isDegenerate(baseline)) {
    throw new ComputationError(
      `a share of ${baseline} of the texts is degenerate without any steering, so that no λ can be told to be too much`,
    );
  }

  let alarms = 0;
  for (
    let lambda = first;
    alarms < 2 && points.length < maxEvaluations;
    lambda = Math.min(2 * lambda, limit)
  ) {
    alarms = (await evaluate(lambda)).degenerates ? alarms + 1 : 0;
    if (lambda === limit) break;
  }
  while (points.length < maxEvaluations) {
    const lambda = nextLambda(points, search);
    if (lambda === undefined) break;
    await evaluate(lambda);
  }
  const { lowest, contradictions } = bestSplit(points);
  return {
    ceiling: points[lowest]?.lambda ?? 0,
    degeneratesAt: points[lowest + 1]?.lambda ?? null,
    threshold,
    contradictions,
    points,
  };
};
