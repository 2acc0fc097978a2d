import { UsageError } from '../base/index.js';
import type { TokenBatch } from '../data/index.js';
import { tf } from '../engine/index.js';
import type { ForwardOptions, LanguageModel } from '../model/index.js';
import { checkIntervention, type Intervention } from './intervention.js';

/** 1 where an intervention on completions acts: from each sequence's last prompt token to its last token; [B·T, 1]. */
const completionMask = (batch: TokenBatch, promptLengths: ArrayLike<number>): tf.Tensor2D => {
  if (promptLengths.length !== batch.batch) {
    throw new UsageError(`${batch.batch} sequences need as many prompt lengths, not ${promptLengths.length}`);
  }
  const mask = new Float32Array(batch.batch * batch.length);
  for (let b = 0; b < batch.batch; b++) {
    const from = Math.max(0, (promptLengths[b] ?? 0) - 1);
    mask.fill(1, b * batch.length + from, b * batch.length + (batch.lengths[b] ?? 0));
  }
  return tf.tensor2d(mask, [mask.length, 1]);
};

const rowNorms = (h: tf.Tensor2D): tf.Tensor => tf.sqrt(tf.sum(tf.square(h), 1, true));

/** The change an intervention makes to rows h [N, d], as tensors: the same mathematics as `steerRow`. */
const steerRows = (h: tf.Tensor2D, { kind, vector, lambda, normPreserving }: Intervention): tf.Tensor2D => {
  const v = tf.tensor2d(Float32Array.from(vector), [1, vector.length]);
  let changed: tf.Tensor;
  if (kind === 'add') {
    changed = tf.add(h, tf.mul(v, lambda));
  } else {
    const unit = tf.div(v, rowNorms(v));
    changed = tf.sub(h, tf.mul(tf.mul(tf.sum(tf.mul(h, unit), 1, true), unit), lambda));
  }
  if (normPreserving !== true) return changed as tf.Tensor2D;
  const after = rowNorms(changed as tf.Tensor2D);
  return tf.mul(changed, tf.div(rowNorms(h), tf.maximum(after, 1e-30))) as tf.Tensor2D;
};

/**
 * Forward options that apply interventions, in the order given where several act at one site. They make tensors that
 * the caller's `tf.tidy` frees.
 *
 * @param promptLengths tokens of each sequence of the batch before its completion; needed for positions `completion`
 * @throws UsageError for a layer the model does not have, a vector of another size, or missing prompt lengths
 */
export const interventionHooks = (
  model: Pick<LanguageModel, 'hiddenSize' | 'layers'>,
  interventions: readonly Intervention[],
  promptLengths?: ArrayLike<number>,
): ForwardOptions => {
  for (const intervention of interventions) checkIntervention(intervention, model);
  if (promptLengths === undefined && interventions.some(({ positions }) => positions === 'completion')) {
    throw new UsageError('interventions on completions need to know where each prompt ends');
  }
  const apply = (h: tf.Tensor2D, site: Intervention['at'], batch: TokenBatch): tf.Tensor2D => {
    let steered = h;
    for (const intervention of interventions) {
      if (intervention.at !== site) continue;
      const changed = steerRows(steered, intervention);
      if (intervention.positions === 'all') {
        steered = changed;
      } else {
        const mask = completionMask(batch, promptLengths ?? []);
        steered = tf.add(steered, tf.mul(tf.sub(changed, steered), mask)) as tf.Tensor2D;
      }
    }
    return steered;
  };
  const hasResidual = interventions.some(({ at }) => at !== 'postNorm');
  const hasFinal = interventions.some(({ at }) => at === 'postNorm');
  return {
    ...(hasResidual
      ? { transformResidual: (h: tf.Tensor2D, layer: number, batch: TokenBatch) => apply(h, layer, batch) }
      : {}),
    ...(hasFinal
      ? { transformFinal: (h: tf.Tensor2D, batch: TokenBatch) => apply(h, 'postNorm', batch) }
      : {}),
  };
};
