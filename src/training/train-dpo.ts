import { UsageError } from '../base/index.js';
import type { LanguageModel } from '../model/index.js';
import type { DpoConfig, DpoStepMetrics } from './config.js';
import { hashNumbers } from './hash-data.js';
import { optimiseTrained } from './optimise-trained.js';
import { checkPreferenceLoss, needsReference } from './preference-losses.js';
import type { Pair } from './preference-steps.js';
import type { ReferenceLogps } from './sequence-logps.js';
import type { TrainingOptions, TrainingResult } from './training-options.js';

/** @throws UsageError for a loss that cannot be trained as asked */
const checkConfig = (config: DpoConfig): void => {
  checkPreferenceLoss(config);
  if (config.loss === 'kto-pair' && (config.microBatchSize ?? config.batchSize) < config.batchSize) {
    throw new UsageError(
      'kto-pair couples the pairs of a batch, which cannot go through the model in parts',
      {
        hint: 'leave microBatchSize out; recompute: true saves memory too',
      },
    );
  }
};

/**
 * Direct Preference Optimization (arXiv 2305.18290, eq. 7) of `policy`, in place: −log σ(m), or another loss of
 * `preferenceLosses`, averaged over the batch, on summed completion log-probabilities, chosen and rejected in one forward
 * pass.
 *
 * @param reference log-probabilities of the same data under the model before training; a loss without reference (SimPO,
 *   ORPO) takes none
 * @throws UsageError when they are not of this data's length; ComputationError when training diverges
 */
export const trainDpo = async (
  policy: LanguageModel,
  data: readonly Pair[],
  reference: ReferenceLogps | undefined,
  config: DpoConfig,
  options: TrainingOptions<DpoStepMetrics>,
): Promise<TrainingResult<DpoStepMetrics>> => {
  checkConfig(config);
  const used = needsReference(config) ? reference : undefined;
  if (needsReference(config) && used === undefined) {
    throw new UsageError(`the loss ${config.loss ?? 'sigmoid'} needs reference log-probabilities`);
  }
  if (used && (used.chosen.length !== data.length || used.rejected.length !== data.length)) {
    throw new UsageError(
      `${data.length} preference tuples need as many reference log-probabilities, not ${used.chosen.length}`,
    );
  }
  const pairs = data.map((pair, index) => ({
    prompt: pair.prompt,
    chosen: pair.chosen,
    rejected: pair.rejected,
    referenceChosen: used?.chosen[index] ?? Number.NaN,
    referenceRejected: used?.rejected[index] ?? Number.NaN,
  }));
  return optimiseTrained({
    model: policy,
    title: config.loss === undefined || config.loss === 'sigmoid' ? 'DPO' : `DPO (${config.loss})`,
    task: { trainer: 'dpo', data: pairs, config, seed: options.seed },
    dataHash: hashNumbers([
      ...pairs.flatMap(({ prompt, chosen, rejected }) => [prompt, chosen, rejected]),
      ...(used ? [used.chosen, used.rejected] : []),
    ]),
    options,
  });
};
