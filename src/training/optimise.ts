/** The loop that all trainers share: loss and gradients, clipping, AdamW, metrics, and nothing left behind. */
import { ComputationError, createRandom, silentProgress, UsageError } from '../base/index.js';
import { createAdamW, globalNorm, tf, valueAndGrads } from '../engine/index.js';
import { hashParameters, type LanguageModel } from '../model/index.js';
import type { OptimiserConfig, StepMetrics, TrainingOptions, TrainingResult } from './config.js';
import { learningRateAt } from './learning-rate.js';

/** What one step trains on. */
export interface TrainingStep<Metrics extends StepMetrics> {
  /** Real tokens, for the record. */
  readonly tokens: number;
  /** Called once, under the gradient. `observed` is handed to `describe` as numbers. */
  loss(): { readonly loss: tf.Scalar; readonly observed?: tf.Tensor };
  describe(common: StepMetrics, observed: ArrayLike<number>): Metrics;
}

export interface OptimiseInput<Metrics extends StepMetrics> {
  readonly model: LanguageModel;
  readonly title: string;
  readonly totalSteps: number;
  readonly stepAt: (step: number) => TrainingStep<Metrics>;
  readonly config: OptimiserConfig;
  /** Names of parameters that stay fixed. */
  readonly frozen: readonly string[];
  /** Learning rates of some parameters, as factors of the schedule's. */
  readonly rateFactors?: ReadonlyMap<string, number>;
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

/** PyTorch's clip_grad_norm_: the factor by which gradients of this norm are scaled. */
export const clippingScale = (norm: number, maxGradNorm: number): number =>
  maxGradNorm > 0 && Number.isFinite(maxGradNorm) ? Math.min(1, maxGradNorm / (norm + 1e-6)) : 1;

const firstNonFinite = async (
  tensors: Iterable<readonly [string, tf.Tensor]>,
): Promise<string | undefined> => {
  for (const [name, tensor] of tensors) {
    if ((await tensor.data()).some((value) => !Number.isFinite(value))) return name;
  }
  return undefined;
};

const describeDivergence = async (
  step: number,
  loss: number,
  model: LanguageModel,
  grads: Readonly<Record<string, tf.Tensor>>,
): Promise<ComputationError> => {
  const weight = await firstNonFinite(model.variables);
  const namedGrads = [...model.variables].flatMap(([name, variable]) => {
    const gradient = grads[variable.name];
    return gradient ? [[name, gradient] as const] : [];
  });
  const gradient = weight === undefined ? await firstNonFinite(namedGrads) : undefined;
  const place =
    weight !== undefined
      ? `the weight ${weight}`
      : gradient !== undefined
        ? `the gradient of ${gradient}`
        : 'no single tensor';
  return new ComputationError(
    `training diverged at step ${step}: the loss is ${loss}; not finite: ${place}`,
    {
      hint: 'lower the learning rate, clip the gradient harder, or look at the data of this step',
    },
  );
};

/** The learning-rate factor of each of these parameters. */
export const factorsOf = (names: readonly string[], factor: number): ReadonlyMap<string, number> =>
  new Map(names.map((name) => [name, factor]));

/** Weights, without and with decay: Hugging Face's trainer spares the gains of norms. */
const createOptimiser = (
  trainable: ReadonlyMap<string, tf.Variable>,
  { learningRate, weightDecay }: OptimiserConfig,
  rateFactors: ReadonlyMap<string, number>,
) => {
  const factorOf = (name: string): number => rateFactors.get(name) ?? 1;
  const factors = [...new Set([...trainable.keys()].map(factorOf))];
  const groups = factors.flatMap((factor) =>
    [true, false].map((decayed) => ({
      factor,
      variables: new Map(
        [...trainable].filter(([name, { rank }]) => rank > 1 === decayed && factorOf(name) === factor),
      ),
      adamW: createAdamW({ learningRate, weightDecay: decayed ? weightDecay : 0 }),
    })),
  );
  return {
    apply: (grads: Readonly<Record<string, tf.Tensor>>, rate: number, scale: number): void => {
      for (const { variables, adamW, factor } of groups) adamW.apply(variables, grads, factor * rate, scale);
    },
    dispose: (): void => {
      for (const { adamW } of groups) adamW.dispose();
    },
  };
};

/**
 * Trains `model` in place.
 *
 * @throws UsageError for no steps; ComputationError naming the step and the tensor when a loss or a gradient is not finite; the weights are then
 *   those before that step
 */
export const optimise = async <Metrics extends StepMetrics>({
  model,
  title,
  totalSteps,
  stepAt,
  config,
  frozen,
  rateFactors = new Map(),
  options: { progress = silentProgress, onStep },
}: OptimiseInput<Metrics>): Promise<TrainingResult<Metrics>> => {
  if (totalSteps < 1) throw new UsageError(`${title}: there is nothing to train on`);
  const trainable = new Map([...model.variables].filter(([name]) => !frozen.includes(name)));
  const variables = [...trainable.values()];
  const before = await hashParameters(model, model.embeddingNames());
  const optimiser = createOptimiser(trainable, config, rateFactors);
  const stage = progress.stage(title, totalSteps);
  const metrics: Metrics[] = [];
  const started = performance.now();
  let tokens = 0;

  const runStep = async (index: number): Promise<Metrics> => {
    const step = stepAt(index);
    const kept: tf.Tensor[] = [];
    const { value, grads } = valueAndGrads(() => {
      const { loss, observed } = step.loss();
      if (observed) kept.push(tf.keep(observed));
      return loss;
    }, variables);
    try {
      const loss = (await value.data())[0] ?? Number.NaN;
      const norm = await globalNorm(grads);
      if (!Number.isFinite(loss) || !Number.isFinite(norm)) {
        throw await describeDivergence(index, loss, model, grads);
      }
      const rate = learningRateAt(index, totalSteps, config);
      optimiser.apply(grads, rate, clippingScale(norm, config.maxGradNorm));
      tokens += step.tokens;
      const common = { step: index, loss, grad_norm: norm, learning_rate: rate };
      return step.describe(common, (await kept[0]?.data()) ?? []);
    } finally {
      tf.dispose([value, ...kept, ...Object.values(grads)]);
    }
  };

  try {
    for (let index = 0; index < totalSteps; index++) {
      const seen = tokens;
      const described = await runStep(index);
      metrics.push(described);
      stage.advance(1, tokens - seen);
      await onStep?.(described);
    }
  } finally {
    optimiser.dispose();
    stage.end();
  }
  const after = await hashParameters(model, model.embeddingNames());
  return {
    metrics,
    embeddingHashes: { before, after },
    tokens,
    seconds: (performance.now() - started) / 1000,
  };
};
