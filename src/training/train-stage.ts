/** One stage of an experiment's training, whatever its objective; stages run one after another on one model. */
import type { EncodedPreference } from '../data/index.js';
import type { LanguageModel } from '../model/index.js';
import type { DpoConfig, StepMetrics } from './config.js';
import type { TokenRows } from './language-model-steps.js';
import { needsReference } from './preference-losses.js';
import { type ReferenceLogps, referenceLogps } from './sequence-logps.js';
import { textRows } from './text-rows.js';
import { trainDpo } from './train-dpo.js';
import { trainLanguageModel } from './train-language-model.js';
import { trainSft } from './train-sft.js';
import type { TrainingOptions, TrainingResult } from './training-options.js';

export const objectives = ['dpo', 'sft', 'lm'] as const;

/**
 * `dpo` learns from preferences, by any loss; `sft` from the chosen answers given their prompts; `lm` from text, by default
 * that of prompts and chosen answers.
 */
export type Objective = (typeof objectives)[number];

export interface StageConfig extends DpoConfig {
  /** Default `dpo`. */
  readonly objective?: Objective | undefined;
  /** Steps from one checkpoint to the next, where checkpoints are kept. Default: a twentieth of all steps. 0: none. */
  readonly checkpointEvery?: number | undefined;
}

export interface StageData {
  readonly pairs: readonly Pick<EncodedPreference, 'prompt' | 'chosen' | 'rejected'>[];
  /** Rows for `lm` instead of those of the pairs. */
  readonly rows?: TokenRows | undefined;
  /** Tokens that a row of text has for input. */
  readonly context: number;
}

export interface StageOptions extends Omit<TrainingOptions, 'onStep' | 'checkpoints'> {
  /** Where checkpoints of this stage are kept; none are without it. */
  readonly checkpointFolder?: string;
  /** The reference log-probabilities of `pairs` under the model before this stage. Default: computed. */
  readonly reference?: (model: LanguageModel) => Promise<ReferenceLogps>;
}

const defaultCheckpoints = 20;

/**
 * Trains `model` in place.
 *
 * @throws as the trainer of its objective does
 */
export const trainStage = async (
  model: LanguageModel,
  { objective = 'dpo', checkpointEvery, ...config }: StageConfig,
  { pairs, rows, context }: StageData,
  { checkpointFolder, reference, ...options }: StageOptions,
): Promise<TrainingResult> => {
  const text =
    objective === 'lm'
      ? (rows ??
        textRows(
          pairs.flatMap(({ prompt, chosen }) => [prompt, chosen]),
          context,
        ))
      : [];
  const examples = objective === 'lm' ? text.length : pairs.length;
  const steps = config.epochs * Math.ceil(examples / config.batchSize);
  const every = checkpointEvery ?? Math.max(1, Math.ceil(steps / defaultCheckpoints));
  const training = {
    ...options,
    checkpoints:
      checkpointFolder === undefined || every === 0 ? undefined : { folder: checkpointFolder, every },
  };
  if (objective === 'lm') return trainLanguageModel(model, text, { ...config, steps }, training);
  if (objective === 'sft') {
    const examplesOf = pairs.map(({ prompt, chosen }) => ({ prompt, completion: chosen }));
    return trainSft(model, examplesOf, config, training);
  }
  const logps = needsReference(config)
    ? await (reference ?? ((policy) => referenceLogps(policy, pairs)))(model)
    : undefined;
  return trainDpo(model, pairs, logps, config, training);
};

/** The stages of a training in their order: `initial` ones, then the one that its other settings describe. */
export const stagesOf = <Stage extends StageConfig>({
  initial = [],
  ...final
}: Stage & { readonly initial?: readonly StageConfig[] | undefined }): StageConfig[] => [...initial, final];

/** Runs the stages that come before the last on `model`: what they leave is the base, and DPO's reference. */
export const trainInitialStages = async (
  model: LanguageModel,
  training: StageConfig & { readonly initial?: readonly StageConfig[] | undefined },
  data: StageData,
  options: TrainingOptions<StepMetrics>,
): Promise<void> => {
  for (const stage of stagesOf(training).slice(0, -1)) await trainStage(model, stage, data, options);
};
