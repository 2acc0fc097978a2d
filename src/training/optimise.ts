/** The loop that all trainers share: loss and gradients, clipping, updates, metrics, checkpoints, and nothing left behind. */
import { ComputationError, createRandom, dsteerVersion, silentProgress, UsageError } from '../base/index.js';
import { activeEngine, globalNorm, tf, valueAndGrads, valueAndRecomputedGrads } from '../engine/index.js';
import { type ForwardOptions, hashParameters, type LanguageModel } from '../model/index.js';
import { checkpointKey, createCheckpoints } from './checkpoints.js';
import type { OptimiserConfig, StepMetrics, TrainingOptions, TrainingResult } from './config.js';
import { describeDivergence, firstNonFinite } from './divergence.js';
import { learningRateAt } from './learning-rate.js';
import type { LoraAdapter } from './lora.js';
import { createOptimiser } from './optimiser.js';
import { type StoredTraining, storedTraining } from './stored-training.js';

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

export interface OptimiseInput<Metrics extends StepMetrics> {
  readonly model: LanguageModel;
  readonly title: string;
  readonly totalSteps: number;
  /** A function of the step alone: training may begin at any. */
  readonly stepAt: (step: number) => TrainingStep<Metrics>;
  readonly config: OptimiserConfig;
  /** Names of parameters that stay fixed. */
  readonly frozen: readonly string[];
  /** Hash of the data, so that a checkpoint is not gone on from with other data. */
  readonly dataHash: string;
  readonly options: TrainingOptions<Metrics>;
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

/** PyTorch's clip_grad_norm_: the factor by which gradients of this norm are scaled. */
export const clippingScale = (norm: number, maxGradNorm: number): number =>
  maxGradNorm > 0 && Number.isFinite(maxGradNorm) ? Math.min(1, maxGradNorm / (norm + 1e-6)) : 1;

type Gradients = Record<string, tf.Tensor>;

/** Adds weight·gradients to `total`, and frees the gradients. */
const accumulate = (total: Gradients, grads: Gradients, weight: number): void => {
  for (const [name, gradient] of Object.entries(grads)) {
    const before = total[name];
    total[name] = tf.tidy(() => {
      const weighted = tf.mul(gradient, weight);
      return before === undefined ? weighted : tf.add(before, weighted);
    });
    tf.dispose(before === undefined ? gradient : [before, gradient]);
  }
};

const trainableOf = (
  model: LanguageModel,
  frozen: readonly string[],
  adapter: LoraAdapter | undefined,
): ReadonlyMap<string, tf.Variable> =>
  adapter?.variables ?? new Map([...model.variables].filter(([name]) => !frozen.includes(name)));

/** An adapter that the forward pass never asks would be trained in vain, silently. */
const checkAdapted = ({ variables }: LoraAdapter, grads: Gradients): void => {
  const idle = [...variables].find(([, variable]) => grads[variable.name] === undefined);
  if (idle !== undefined) {
    throw new ComputationError(`the forward pass does not use ${idle[0]}`, {
      hint: 'leave its module out of targetModules: this architecture does not compute it by itself',
    });
  }
};

/**
 * Trains `model` in place, or its adapter alone.
 *
 * @throws UsageError for no steps; ComputationError naming step, tensor and batch when a loss or a gradient is not
 *   finite; the weights are then those before that step
 */
export const optimise = async <Metrics extends StepMetrics>({
  model,
  title,
  totalSteps,
  stepAt,
  config,
  frozen,
  dataHash,
  options: { seed, progress = silentProgress, onStep, adapter, checkpoints: checkpointing, store },
}: OptimiseInput<Metrics>): Promise<TrainingResult<Metrics>> => {
  if (totalSteps < 1) throw new UsageError(`${title}: there is nothing to train on`);
  const trainable = trainableOf(model, frozen, adapter);
  const variables = [...trainable.values()];
  const before = await hashParameters(model, model.embeddingNames());
  const optimiser = createOptimiser(trainable, model, config);
  const metrics: Metrics[] = [];
  let tokens = 0;

  const gradientsOf = ({ loss }: MicroBatch, kept: tf.Tensor[]) => {
    const observe = (options: ForwardOptions): tf.Scalar => {
      const { loss: value, observed } = loss(options);
      if (observed) kept.push(tf.keep(observed));
      return value;
    };
    return config.recompute === true
      ? valueAndRecomputedGrads((runBlock) => observe({ runBlock }), variables)
      : valueAndGrads(() => observe({}), variables);
  };

  const diverged = (step: number, loss: number, examples: readonly number[], grads: Gradients) =>
    describeDivergence({
      step,
      loss,
      examples,
      weights: [...model.variables, ...trainable],
      gradients: [...trainable].flatMap(([name, variable]) => {
        const gradient = grads[variable.name];
        return gradient ? [[name, gradient] as const] : [];
      }),
    });

  const runStep = async (index: number): Promise<Metrics> => {
    const { parts, describe } = stepAt(index);
    const total: Gradients = {};
    const observed: number[] = [];
    let loss = 0;
    try {
      for (const [place, part] of parts.entries()) {
        adapter?.dropBy(`${seed}/${index}/${place}`);
        const kept: tf.Tensor[] = [];
        const { value, grads } = gradientsOf(part, kept);
        try {
          const partLoss = (await value.data())[0] ?? Number.NaN;
          if (!Number.isFinite(partLoss)) throw await diverged(index, partLoss, part.examples, grads);
          loss += part.weight * partLoss;
          observed.push(...((await kept[0]?.data()) ?? []));
          if (parts.length === 1) Object.assign(total, grads);
          else accumulate(total, grads, part.weight);
        } catch (error) {
          tf.dispose(Object.values(grads));
          throw error;
        } finally {
          tf.dispose([value, ...kept]);
        }
      }
      if (adapter) checkAdapted(adapter, total);
      const norm = await globalNorm(total);
      if (!Number.isFinite(norm)) {
        throw await diverged(
          index,
          loss,
          parts.flatMap(({ examples }) => examples),
          total,
        );
      }
      const rate = learningRateAt(index, totalSteps, config);
      optimiser.apply(total, rate, clippingScale(norm, config.maxGradNorm));
      for (const part of parts) tokens += part.tokens;
      return describe({ step: index, loss, grad_norm: norm, learning_rate: rate }, observed);
    } finally {
      adapter?.dropBy(undefined);
      tf.dispose(Object.values(total));
    }
  };

  const request = async () => ({
    dsteer: dsteerVersion,
    engine: activeEngine().name,
    title,
    totalSteps,
    config,
    lora: adapter && [
      adapter.config,
      await hashParameters({ ...model, variables: adapter.variables }, [...adapter.variables.keys()]),
    ],
    frozen,
    seed,
    dataHash,
    base: await hashParameters(model, [...model.variables.keys()]),
  });

  const checkpoints = checkpointing && {
    every: checkpointing.every,
    ...createCheckpoints<Metrics>({
      folder: checkpointing.folder,
      key: checkpointKey(await request()),
      seed,
      trainable,
      optimiser,
      progress,
    }),
  };

  const started = performance.now();
  const train = async (): Promise<StoredTraining<Metrics>> => {
    let stage: ReturnType<typeof progress.stage> | undefined;
    try {
      const resumed = await checkpoints?.resume();
      metrics.push(...(resumed?.metrics ?? []));
      tokens = resumed?.tokens ?? 0;
      stage = progress.stage(title, totalSteps);
      if (resumed) stage.advance(resumed.step);
      for (let index = resumed?.step ?? 0; index < totalSteps; index++) {
        const seen = tokens;
        const described = await runStep(index);
        metrics.push(described);
        const done = index + 1;
        if (checkpoints && (done % checkpoints.every === 0 || done === totalSteps)) {
          await checkpoints.save({ step: done, tokens, metrics });
        }
        stage.advance(1, tokens - seen);
        await onStep?.(described);
      }
      const spoilt = await firstNonFinite(trainable);
      if (spoilt !== undefined) {
        throw new ComputationError(`training diverged at its last step: not finite: the weight ${spoilt}`, {
          hint: 'lower the learning rate, or clip the gradient harder',
        });
      }
      return { metrics, tokens };
    } finally {
      stage?.end();
    }
  };

  try {
    const trained =
      store === undefined
        ? { ...(await train()), reused: false }
        : await storedTraining({ store, request: await request(), title, trainable, train });
    const after = await hashParameters(model, model.embeddingNames());
    return {
      ...trained,
      embeddingHashes: { before, after },
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    optimiser.dispose();
  }
};
