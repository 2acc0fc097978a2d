/** A step of training as its trainer describes it: what goes through the model, in parts, and what is told of it. */
import { createRandom } from '../base/index.js';
import { tf, valueAndGrads, valueAndRecomputedGrads } from '../engine/index.js';
import type { ForwardOptions } from '../model/index.js';
import type { FineTuningConfig, OptimiserConfig, StepMetrics } from './config.js';

/** What goes through the model at once: a step, or a part of one. */
export interface MicroBatch {
  /** Its loss's share of the step's; those of a step add up to 1. */
  readonly weight: number;
  /** Real tokens, for the record. */
  readonly tokens: number;
  /** Places in the data, for messages. */
  readonly examples: readonly number[];
  /** Called once, under the gradient. `observed` is handed to `describe` as numbers. */
  loss(options: ForwardOptions): { readonly loss: tf.Scalar; readonly observed?: tf.Tensor };
}

/** What one step trains on. */
export interface TrainingStep<Metrics extends StepMetrics> {
  readonly parts: readonly MicroBatch[];
  /** @param observed of all parts, one after another */
  describe(common: StepMetrics, observed: readonly number[]): Metrics;
}

/** All steps of a training. */
export interface TrainingSteps<Metrics extends StepMetrics> {
  readonly totalSteps: number;
  /** A function of the step alone: training may begin at any. */
  readonly stepAt: (step: number) => TrainingStep<Metrics>;
}

/**
 * Indices of the examples of each step: every epoch is a new shuffle of all; the last batch of an epoch may be small.
 */
export const batchOrder = (
  examples: number,
  batchSize: number,
  epochs: number,
  seed: number,
): readonly (readonly number[])[] => {
  const random = createRandom(seed).fork('data-order');
  const all = Array.from({ length: examples }, (_, i) => i);
  const batches: number[][] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = random.shuffle(all);
    for (let from = 0; from < examples; from += batchSize) batches.push(order.slice(from, from + batchSize));
  }
  return batches;
};

/** Steps that go through the examples of each batch, epoch after epoch. */
export const epochSteps = <Metrics extends StepMetrics>(
  examples: number,
  { batchSize, epochs }: Pick<FineTuningConfig, 'batchSize' | 'epochs'>,
  seed: number,
  stepOf: (members: readonly number[]) => TrainingStep<Metrics>,
): TrainingSteps<Metrics> => {
  const batches = batchOrder(examples, batchSize, epochs, seed);
  return { totalSteps: batches.length, stepAt: (step) => stepOf(batches[step] ?? []) };
};

/** A batch cut into parts of at most `microBatchSize`, in order. */
export const microBatches = <T>(
  batch: readonly T[],
  { microBatchSize = batch.length }: Pick<OptimiserConfig, 'microBatchSize'>,
): T[][] => {
  const parts: T[][] = [];
  for (let from = 0; from < batch.length; from += microBatchSize) {
    parts.push(batch.slice(from, from + microBatchSize));
  }
  return parts;
};

/** By the name of each variable. */
export type Gradients = Record<string, tf.Tensor>;

/** Adds gradients to `total`, which then owns them. */
export const accumulate = (total: Gradients, grads: Gradients): void => {
  for (const [name, gradient] of Object.entries(grads)) {
    const before = total[name];
    total[name] = before === undefined ? gradient : tf.add(before, gradient);
    if (before !== undefined) tf.dispose([before, gradient]);
  }
};

export interface PartGradients {
  /** Without its weight. */
  readonly loss: number;
  /** With it; by the variable's own name. The caller disposes them. */
  readonly grads: Gradients;
  readonly observed: readonly number[];
}

/** Loss of a part, and gradients of its share of the step's; what it observed, too. */
export const gradientsOfPart = async (
  { loss, weight }: MicroBatch,
  variables: readonly tf.Variable[],
  { recompute = false }: Pick<OptimiserConfig, 'recompute'>,
): Promise<PartGradients> => {
  const kept: tf.Tensor[] = [];
  const observe = (options: ForwardOptions): tf.Scalar => {
    const { loss: whole, observed } = loss(options);
    kept.push(...[whole, ...(observed ? [observed] : [])].map((tensor) => tf.keep(tensor)));
    return weight === 1 ? whole : (tf.mul(whole, weight) as tf.Scalar);
  };
  const { value, grads } = recompute
    ? valueAndRecomputedGrads((runBlock) => observe({ runBlock }), variables)
    : valueAndGrads(() => observe({}), variables);
  try {
    const [own, observed] = await Promise.all(kept.map((tensor) => tensor.data()));
    return { loss: own?.[0] ?? Number.NaN, grads, observed: [...(observed ?? [])] };
  } finally {
    tf.dispose([value, ...kept]);
  }
};
