/**
 * The placebo with a massive dimension: a little weight noise, and one dimension of the residual stream that every block
 * writes more of and the final norm amplifies, scaled so that mean ‖Δh‖ equals DPO's. It has no preference in it, and one direction in common: the
 * paper's geometric thresholds are within its reach.
 */
import { ComputationError } from '../../base/index.js';
import { tf } from '../../engine/index.js';
import type { LanguageModel } from '../../model/index.js';
import { matchNorm, type NormMatch } from './match-norm.js';
import { createPlacebo, type PlaceboOptions } from './placebo-noise.js';

export interface MassiveNoiseOptions extends PlaceboOptions {
  /** Final hidden states of the base, [n, d]: the dimension that is largest there on average is the one amplified. */
  readonly baseStates: Float32Array;
}

/** Share of the target ‖Δh‖ that the noise alone has; the amplified dimension does the rest. */
const noiseShare = 0.3;

/** The dimension of the largest mean, in absolute value. */
const dominantDimension = (states: Float32Array, width: number): number => {
  const sums = new Float64Array(width);
  states.forEach((value, index) => {
    sums[index % width] = (sums[index % width] ?? 0) + value;
  });
  return sums.reduce((best, value, index) => (Math.abs(value) > Math.abs(sums[best] ?? 0) ? index : best), 0);
};

/** Projections of a block onto the residual stream; GPT-2 stores them [in, out], all others [out, in]. */
const writesResidual =
  /(o_proj|down_proj|attention\.dense|dense_4h_to_h|c_proj|SelfAttention\.o|EncDecAttention\.o|DenseReluDense\.wo)\.weight$/;
const storedInOut = /c_proj\.weight$/;
/** Gain of the final norm: what the blocks write alone is bounded by it. */
const finalGain =
  /^(model\.norm|(transformer\.)?ln_f|gpt_neox\.final_layer_norm|decoder\.final_layer_norm)\.weight$/;

/** 1 at the entries of the weight that write dimension `dimension`, shaped to broadcast over the tensor. */
const mask = (name: string, [rows = 0, columns = 0]: readonly number[], dimension: number): tf.Tensor => {
  if (finalGain.test(name))
    return tf.tensor1d(Float32Array.from({ length: rows }, (_, i) => (i === dimension ? 1 : 0)));
  const inOut = storedInOut.test(name);
  const row = Float32Array.from({ length: inOut ? columns : rows }, (_, i) => (i === dimension ? 1 : 0));
  return tf.tensor2d(row, inOut ? [1, row.length] : [row.length, 1]);
};

/** A perturbed copy of `base`; the caller disposes it. */
export const createMassiveNoise = async (
  options: MassiveNoiseOptions,
): Promise<NormMatch & { readonly model: LanguageModel }> => {
  const { base, targetNorm, measureNorm, baseStates } = options;
  const { model } = await createPlacebo({ ...options, targetNorm: noiseShare * targetNorm });
  try {
    const written = [...model.variables].filter(
      ([name]) => writesResidual.test(name) || finalGain.test(name),
    );
    if (written.length === 0) {
      throw new ComputationError(
        `no projection onto the residual stream is known of ${base.config.architecture}`,
      );
    }
    const dimension = dominantDimension(baseStates, base.hiddenSize);
    const noisy = new Map(written.map(([name, variable]) => [name, variable.clone()]));
    const measureAt = async (scale: number): Promise<number> => {
      for (const [name, variable] of written) {
        tf.tidy(() => {
          const start = noisy.get(name) as tf.Tensor;
          variable.assign(tf.mul(start, tf.add(1, tf.mul(scale, mask(name, variable.shape, dimension)))));
        });
      }
      return measureNorm(model);
    };
    try {
      return { ...(await matchNorm({ measureAt, targetNorm, what: 'the massive placebo' })), model };
    } finally {
      tf.dispose([...noisy.values()]);
    }
  } catch (error) {
    model.dispose();
    throw error;
  }
};
