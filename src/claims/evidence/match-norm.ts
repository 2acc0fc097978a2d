/** Scales a perturbation until it moves hidden states as far as it has to. */
import { ComputationError } from '../../base/index.js';

export interface NormMatch {
  readonly scale: number;
  /** Mean ‖Δh‖ at that scale. */
  readonly meanNorm: number;
}

export interface NormMatchOptions {
  /** Perturbs the model by `scale`, > 0, and measures its mean ‖Δh‖. */
  readonly measureAt: (scale: number) => Promise<number>;
  readonly targetNorm: number;
  /** What does not reach it, for the error. */
  readonly what: string;
}

/** Relative mismatch in mean ‖Δh‖ that is good enough. */
const tolerance = 0.01;
const maximumTrials = 16;

/**
 * Secant steps on log ‖Δh‖ against log scale, where the two are nearly a straight line. The model is left at the scale
 * that is returned.
 *
 * @throws ComputationError where the target is not reached
 */
export const matchNorm = async ({ measureAt, targetNorm, what }: NormMatchOptions): Promise<NormMatch> => {
  let scale = 1;
  let previous: { logScale: number; logNorm: number } | undefined;
  for (let trial = 0; trial < maximumTrials; trial++) {
    const meanNorm = await measureAt(scale);
    if (!(meanNorm > 0 && Number.isFinite(meanNorm))) break;
    if (Math.abs(meanNorm / targetNorm - 1) <= tolerance) return { scale, meanNorm };
    const point = { logScale: Math.log(scale), logNorm: Math.log(meanNorm) };
    const rise = previous ? point.logNorm - previous.logNorm : 0;
    const run = previous ? point.logScale - previous.logScale : 0;
    const slope = Math.abs(run) > 1e-9 ? Math.min(4, Math.max(0.25, rise / run)) : 1;
    scale = Math.exp(point.logScale + (Math.log(targetNorm) - point.logNorm) / slope);
    previous = point;
  }
  throw new ComputationError(
    `${what} did not reach a mean ‖Δh‖ of ${targetNorm.toPrecision(3)} in ${maximumTrials} trials`,
  );
};
