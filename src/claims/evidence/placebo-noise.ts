/**
 * The noise placebo: Gaussian noise on the tensors that DPO trained, in the proportions of DPO's own update, scaled so
 * that its mean ‖Δh‖ equals DPO's. Matching weight norms instead would leave the shift 14–48 times too small.
 */
import { ComputationError, createRandom } from '../../base/index.js';
import { tf } from '../../engine/index.js';
import type { LanguageModel } from '../../model/index.js';
import { matchNorm, type NormMatch } from './match-norm.js';

export interface PlaceboOptions {
  readonly base: LanguageModel;
  readonly policy: LanguageModel;
  /** Mean ‖Δh‖ that the placebo has to reach. */
  readonly targetNorm: number;
  /** Mean ‖Δh‖ of a perturbed model on the probe prompts. */
  readonly measureNorm: (model: LanguageModel) => Promise<number>;
  readonly seed: number;
}

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
): Promise<NormMatch & { readonly model: LanguageModel }> => {
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
  const measureAt = (scale: number): Promise<number> => {
    apply(scale);
    return measureNorm(model);
  };
  try {
    return { ...(await matchNorm({ measureAt, targetNorm, what: 'the noise placebo' })), model };
  } catch (error) {
    model.dispose();
    throw error;
  }
};
