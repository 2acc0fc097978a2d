/** The loop that all trainers share: loss and gradients, clipping, updates, metrics, checkpoints, and nothing left behind. */
import { ComputationError, dsteerVersion, silentProgress, UsageError } from '../base/index.js';
import { activeEngine, tf } from '../engine/index.js';
import { hashParameters, type LanguageModel } from '../model/index.js';
import { checkpointKey, createCheckpoints } from './checkpoints.js';
import type { StepMetrics } from './config.js';
import { describeDivergence, firstNonFinite } from './divergence.js';
import { learningRateAt } from './learning-rate.js';
import type { LoraAdapter } from './lora.js';
import { createOptimiser } from './optimiser.js';
import type { PartResult } from './replica-messages.js';
import type { ReplicatedTraining } from './replicated-training.js';
import { type StoredTraining, storedTraining } from './stored-training.js';
import type { TrainingOptions, TrainingResult } from './training-options.js';
import {
  accumulate,
  type Gradients,
  gradientsOfPart,
  type MicroBatch,
  type TrainingSteps,
} from './training-step.js';
import { inParts, stepsOf, type TrainingTask } from './training-task.js';
import { localUpdates, type Updates } from './updates.js';

export interface OptimiseInput<Metrics extends StepMetrics> {
  readonly model: LanguageModel;
  readonly title: string;
  readonly task: TrainingTask;
  /** Names of parameters that stay fixed. */
  readonly frozen: readonly string[];
  /** Hash of the data, so that a checkpoint is not gone on from with other data. */
  readonly dataHash: string;
  readonly options: TrainingOptions<Metrics>;
}

/** PyTorch's clip_grad_norm_: the factor by which gradients of this norm are scaled. */
export const clippingScale = (norm: number, maxGradNorm: number): number =>
  maxGradNorm > 0 && Number.isFinite(maxGradNorm) ? Math.min(1, maxGradNorm / (norm + 1e-6)) : 1;

type Computed = Omit<PartResult, 'place'>;

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
  task,
  frozen,
  dataHash,
  options: {
    seed,
    progress = silentProgress,
    onStep,
    adapter,
    checkpoints: checkpointing,
    replicas: others,
    store,
  },
}: OptimiseInput<Metrics>): Promise<TrainingResult<Metrics>> => {
  const { config } = task;
  const replicas = adapter === undefined ? others : undefined;
  const parted = inParts(task, replicas?.count ?? 1);
  // What a step tells is its trainer's.
  const { totalSteps, stepAt } = stepsOf(parted, model) as TrainingSteps<Metrics>;
  if (totalSteps < 1) throw new UsageError(`${title}: there is nothing to train on`);
  const trainable = trainableOf(model, frozen, adapter);
  const variables = [...trainable.values()];
  const before = await hashParameters(model, model.embeddingNames());
  const optimiser = createOptimiser(trainable, model, config);
  const metrics: Metrics[] = [];
  let tokens = 0;

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

  let replicated: ReplicatedTraining | undefined;
  const alone = localUpdates(optimiser);
  const updates = (): Updates => replicated ?? alone;

  /** Adds a part's gradients to those of the step. */
  const computePart = async (step: number, part: MicroBatch, total: Gradients): Promise<Computed> => {
    const { loss, grads, observed } = await gradientsOfPart(part, variables, config);
    try {
      if (!Number.isFinite(loss)) throw await diverged(step, loss, part.examples, grads);
      accumulate(total, grads);
      return { loss, observed };
    } catch (error) {
      tf.dispose(Object.values(grads));
      throw error;
    }
  };

  const runStep = async (index: number): Promise<Metrics> => {
    const { parts, describe } = stepAt(index);
    const total: Gradients = {};
    try {
      const shared = replicated?.begin(index, parts.length);
      const results: Partial<Computed>[] = parts.map(() => ({}));
      for (const [place, part] of parts.entries()) {
        if (shared?.isOthers(place)) continue;
        adapter?.dropBy(`${seed}/${index}/${place}`);
        results[place] = await computePart(index, part, total);
      }
      for (const { place, ...result } of (await shared?.results()) ?? []) {
        const part = parts[place];
        // What went wrong elsewhere is told best of tensors that are here.
        if (!Number.isFinite(result.loss) && part) await computePart(index, part, total);
        results[place] = result;
      }
      const observed = results.flatMap((result) => result.observed ?? []);
      const loss = parts.reduce(
        (sum, { weight }, place) => sum + weight * (results[place]?.loss ?? Number.NaN),
        0,
      );
      if (adapter) checkAdapted(adapter, total);
      const norm = await updates().norm(total);
      if (!Number.isFinite(norm)) {
        await updates().collect(total);
        throw await diverged(
          index,
          loss,
          parts.flatMap(({ examples }) => examples),
          total,
        );
      }
      const rate = learningRateAt(index, totalSteps, config);
      await updates().apply(total, rate, clippingScale(norm, config.maxGradNorm));
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

  const started = performance.now();
  const train = async (): Promise<StoredTraining<Metrics>> => {
    let stage: ReturnType<typeof progress.stage> | undefined;
    try {
      replicated = replicas?.open(parted, model, trainable, optimiser);
      const checkpoints =
        checkpointing &&
        createCheckpoints<Metrics>({
          folder: checkpointing.folder,
          key: checkpointKey(await request()),
          seed,
          trainable,
          updates: updates(),
          progress,
        });
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
        if (checkpoints && (done % checkpointing.every === 0 || done === totalSteps)) {
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
      replicated?.end();
      stage?.end();
    }
  };

  try {
    const trained =
      store === undefined
        ? { ...(await train()), reused: false }
        : await storedTraining({
            store,
            request: { ...(await request()), replicas: replicas?.count ?? 1 },
            title,
            trainable,
            train,
          });
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
