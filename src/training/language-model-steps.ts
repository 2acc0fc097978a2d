/** Next-token prediction on rows of text, as steps of training. */
import { createRandom, UsageError } from '../base/index.js';
import type { TokenBatch } from '../data/index.js';
import { targetLogps, tf } from '../engine/index.js';
import {
  type Arranger,
  arrange,
  arrangedBatch,
  type ForwardOptions,
  type LanguageModel,
} from '../model/index.js';
import type { LoraConfig, OptimiserConfig, StepMetrics } from './config.js';
import { type MicroBatch, microBatches, type TrainingSteps } from './training-step.js';

/**
 * Text cut into rows of one length, context + 1: a row's first `context` tokens are read, its last `context` predicted.
 */
export type TokenRows = readonly Int32Array[];

export interface LanguageModellingConfig extends OptimiserConfig {
  /** Updates; the rows are gone through as often as that takes, each time in a new order. */
  readonly steps: number;
  /** `frozen` keeps E and W_U fixed. Default: `unfrozen`. */
  readonly embeddings?: 'frozen' | 'unfrozen' | undefined;
  /** Train an adapter alone and merge it at the end. */
  readonly lora?: LoraConfig | undefined;
}

/** @throws UsageError when there is no row, or rows differ in length */
export const contextOf = (rows: TokenRows): number => {
  const length = rows[0]?.length ?? 0;
  if (length < 2 || rows.some((row) => row.length !== length)) {
    throw new UsageError('text to learn from must be rows of one length, each of two tokens or more');
  }
  return length - 1;
};

/**
 * Inputs and targets of rows. An encoder–decoder reads the first `prefix` tokens in its encoder and predicts the others
 * (prefix language modelling, arXiv 1910.10683 §3.2.1); a decoder alone predicts all but the first.
 */
export const batchOfRows = (
  rows: TokenRows,
  context: number,
  model: Arranger,
  prefix: number,
): { readonly batch: TokenBatch; readonly targets: Int32Array } => {
  const batch = arrangedBatch(
    rows.map((row) => arrange(model, row.subarray(0, prefix), row.subarray(prefix, context))),
  );
  const targets = new Int32Array(rows.length * batch.length);
  for (const [i, row] of rows.entries()) {
    targets.set(row.subarray(context + 1 - batch.length), i * batch.length);
  }
  return { batch, targets };
};

/** Mean log p of the next token over all positions: a scalar, differentiable. */
export const meanNextTokenLogp = (
  model: LanguageModel,
  batch: TokenBatch,
  targets: Int32Array,
  options: ForwardOptions = {},
): tf.Scalar => {
  const { final } = model.forward(batch, options);
  return tf.mean(targetLogps(final, model.unembedding(), tf.tensor1d(targets, 'int32'))) as tf.Scalar;
};

/**
 * Values drawn one after another from a stream of randomness, by the step that they are for: a later step than asked for
 * last draws those between too, so that training which begins anywhere sees what an unbroken one would.
 */
const drawnByStep = <T>(start: () => () => T) => {
  let draw = start();
  let next = 0;
  return (step: number): T => {
    if (step < next) [draw, next] = [start(), 0];
    while (next < step) {
      draw();
      next++;
    }
    next++;
    return draw();
  };
};

/** Places of the rows of each step: one endless sequence of shuffles of all rows, cut into batches of one size. */
const rowsByStep = (count: number, { batchSize }: OptimiserConfig, seed: number) => {
  const all = Array.from({ length: count }, (_, row) => row);
  return drawnByStep(() => {
    const random = createRandom(seed).fork('row-order');
    const waiting: number[] = [];
    return (): number[] => {
      while (waiting.length < batchSize) for (const row of random.shuffle(all)) waiting.push(row);
      return waiting.splice(0, batchSize);
    };
  });
};

/** Where an encoder–decoder's rows are cut, anew at each step: its encoder sees between an eighth and seven of them. */
const prefixByStep = (context: number, seed: number) => {
  const least = Math.ceil(context / 8);
  return drawnByStep(() => {
    const random = createRandom(seed).fork('prefix');
    return () => least + random.integer(Math.max(1, context - 2 * least + 1));
  });
};

/** @throws UsageError for rows of unequal lengths */
export const languageModelSteps = (
  model: LanguageModel,
  rows: TokenRows,
  config: LanguageModellingConfig,
  seed: number,
): TrainingSteps<StepMetrics> => {
  const context = contextOf(rows);
  const membersAt = rowsByStep(rows.length, config, seed);
  const prefixAt = prefixByStep(context, seed);
  const partOf = (members: readonly number[], prefix: number, weight: number): MicroBatch => {
    const chosen = members.flatMap((row) => rows[row] ?? []);
    const { batch, targets } = batchOfRows(chosen, context, model, prefix);
    return {
      weight,
      tokens: targets.length,
      examples: members,
      loss: (forward) => ({ loss: tf.neg(meanNextTokenLogp(model, batch, targets, forward)) as tf.Scalar }),
    };
  };
  return {
    totalSteps: config.steps,
    stepAt: (step) => {
      const members = membersAt(step);
      const prefix = prefixAt(step);
      return {
        parts: microBatches(members, config).map((part) =>
          partOf(part, prefix, part.length / members.length),
        ),
        describe: (common) => common,
      };
    },
  };
};
