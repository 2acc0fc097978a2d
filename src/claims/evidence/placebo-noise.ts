/**
 * The noise placebo: Gaussian noise on the tensors that DPO trained, in the proportions of DPO's own update, scaled so
 * that its mean ‖Δh‖ equals DPO's. Matching weight norms instead would leave the shift 14–48 times too small.
 */
import { ComputationError, createRandom } from '../../base/index.js';
import { tf } from '../../engine/index.js';
import type { LanguageModel } from '../../model/index.js';

export interface PlaceboOptions {
  readonly base: LanguageModel;
  readonly policy: LanguageModel;
  /** Mean ‖Δh‖ that the placebo has to reach. */
  readonly targetNorm: number;
  /** Mean ‖Δh‖ of a perturbed model on the probe prompts. */
  readonly measureNorm: (model: LanguageModel) => Promise<number>;
  readonly seed: number;
}

/** Relative mismatch in mean ‖Δh‖ that is good enough. */
const tolerance = 0.01;
const maximumTrials = 12;

const noiseFor = async (
  base: LanguageModel,
  policy: LanguageModel,
  seed: number,
): Promise<ReadonlyMap<string, Float32Array>> => {
  const noise = new Map<string, Float32Array>();
  const random = createRandom(seed).fork('placebo-noise');
  for (const [name, variable] of policy.variables) {
    const before = base.variables.get(name);
    if (before === undefined)
      throw new ComputationError(`the policy has a tensor ${name} that the base lacks`);
    const [after, initial] = [await variable.data(), await before.data()];
    let squares = 0;
    for (let i = 0; i < after.length; i++) squares += ((after[i] ?? 0) - (initial[i] ?? 0)) ** 2;
    if (squares === 0) continue;
    const deviation = Math.sqrt(squares / after.length);
    const stream = random.fork(name);
    noise.set(
      name,
      Float32Array.from(after, () => deviation * stream.normal()),
    );
  }
  return noise;
};

/** A perturbed copy of `base`; the caller disposes it. */
export const createPlacebo = async (
  options: PlaceboOptions,
): Promise<{ model: LanguageModel; scale: number; meanNorm: number }> => {
  const { base, policy, targetNorm, measureNorm, seed } = options;
  const noise = await noiseFor(base, policy, seed);
  const model = base.clone();
  const apply = (scale: number): void => {
    for (const [name, values] of noise) {
      const variable = model.variables.get(name);
      const initial = base.variables.get(name);
      if (variable === undefined || initial === undefined) continue;
      tf.tidy(() => variable.assign(tf.add(initial, tf.mul(tf.tensor(values, initial.shape), scale))));
    }
  };
  // Secant steps on log ‖Δh‖ against log scale, where the two are nearly a straight line of slope one.
  let scale = 1;
  let previous: { logScale: number; logNorm: number } | undefined;
  for (let trial = 0; trial < maximumTrials; trial++) {
    apply(scale);
    const meanNorm = await measureNorm(model);
    if (!(meanNorm > 0)) break;
    if (Math.abs(meanNorm / targetNorm - 1) <= tolerance) return { model, scale, meanNorm };
    const point = { logScale: Math.log(scale), logNorm: Math.log(meanNorm) };
    const rise = previous ? point.logNorm - previous.logNorm : 0;
    const run = previous ? point.logScale - previous.logScale : 0;
    const slope = Math.abs(run) > 1e-9 ? Math.min(4, Math.max(0.25, rise / run)) : 1;
    scale = Math.exp(point.logScale + (Math.log(targetNorm) - point.logNorm) / slope);
    previous = point;
  }
  model.dispose();
  throw new ComputationError(
    `the noise placebo did not reach a mean ‖Δh‖ of ${targetNorm.toPrecision(3)} in ${maximumTrials} trials`,
  );
};
