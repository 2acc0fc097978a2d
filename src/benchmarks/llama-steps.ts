/** The model whose steps are timed: 4 Llama layers, 4 heads, SwiGLU of 4·d, vocabulary 512, untied. */
import { createRandom } from '../base/index.js';
import { createLlama, type LanguageModel } from '../model/index.js';
import {
  type DpoConfig,
  type LanguageModellingConfig,
  type ReferenceLogps,
  type Replicas,
  referenceLogps,
  type StepMetrics,
  startReplicas,
  trainDpo,
  trainLanguageModel,
} from '../training/index.js';
import { atWidth, type BenchmarkCase, type PreparedCase } from './case.js';
import { stepwise } from './stepwise.js';

const [LAYERS, HEADS, VOCABULARY] = [4, 4, 512];
/** Tokens of a row, rows a batch; tokens of a pair's prompt and of each completion. */
export const [LENGTH, BATCH, PROMPT, COMPLETION] = [64, 16, 48, 16];
const PAIRS = BATCH / 2;

/** Tokens a step, as a program counts them that runs a pair's prompt twice. */
export const STEP_TOKENS = BATCH * LENGTH;

/** The ladder of widths d. */
export const WIDTHS = [64, 128, 256, 512] as const;

/** Steps in one timed run: of small ones several, so that compilers have come to know them. */
const stepsARun = (width: number): number => (width <= 128 ? 4 : 1);

/** More than are ever timed. */
const ENDLESS = 10_000;

const random = createRandom('benchmark tokens');
const tokens = (count: number): Int32Array => Int32Array.from({ length: count }, () => random.integer(48));

export const textRows = Array.from({ length: BATCH }, () => tokens(LENGTH + 1));
export const preferencePairs = Array.from({ length: PAIRS }, () => ({
  prompt: tokens(PROMPT),
  chosen: tokens(COMPLETION),
  rejected: tokens(COMPLETION),
}));

/** The caller disposes it. */
export const createStepModel = (width: number): LanguageModel =>
  createLlama(
    {
      architecture: 'llama',
      padTokenId: undefined,
      vocabularySize: VOCABULARY,
      hiddenSize: width,
      intermediateSize: 4 * width,
      layers: LAYERS,
      heads: HEADS,
      keyValueHeads: HEADS,
      headDim: width / HEADS,
      maxPositions: 2 * LENGTH,
      rmsNormEpsilon: 1e-5,
      ropeTheta: 10_000,
      ropeScaling: { type: 'none' },
      tied: false,
      initializerRange: 0.02,
      bosTokenId: undefined,
      eosTokenIds: [],
    },
    1,
  );

/**
 * A case on a fresh model of that width, which it disposes at the end.
 *
 * @param ready gives what a run does
 */
export const onStepModel = async (
  width: number,
  ready: (model: LanguageModel) => Promise<PreparedCase['run']>,
): Promise<PreparedCase> => {
  const model = createStepModel(width);
  return { run: await ready(model), dispose: () => model.dispose() };
};

/** What the steps are timed with: one model, whose products are on all cores, or two on a core each. */
const stepSeries = [
  { series: 'step', replicas: 1, widths: WIDTHS },
  // The largest spends its time in products, which one model has on all cores as well.
  { series: 'step, 2 replicas', replicas: 2, widths: WIDTHS.slice(0, 3) },
] as const;

/** Trains a model for so many steps. */
type Train = (model: LanguageModel, steps: number, options: StepOptions) => Promise<unknown>;

/** Steps of a training under way: what it begins with is in the first run, which is timed apart. */
const prepareSteps = async (width: number, count: number, train: Train): Promise<PreparedCase> => {
  const model = createStepModel(width);
  const replicas = count === 1 ? undefined : await startReplicas(model.config, count);
  const training = stepwise((onStep) => train(model, ENDLESS, { onStep, replicas }));
  return {
    run: async () => {
      for (let step = 0; step < stepsARun(width); step++) await training.step();
    },
    dispose: async () => {
      await training.stop();
      await replicas?.close();
      model.dispose();
    },
  };
};

/** Steps at every width, by every series. */
export const stepCases = (flops: (width: number) => number, train: Train): BenchmarkCase[] =>
  stepSeries.flatMap(({ series, replicas, widths }) =>
    widths.map((width) =>
      atWidth(width, {
        series,
        replicas,
        repeats: stepsARun(width),
        flops: flops(width),
        tokens: STEP_TOKENS,
        prepare: () => prepareSteps(width, replicas, train),
      }),
    ),
  );

const blockWeights = (width: number): number => LAYERS * (4 + 12) * width * width;
const headWeights = (width: number): number => VOCABULARY * width;
/** Multiply-adds of a score matrix and its mixture, of each query with each key. */
const attentionFlops = (width: number, scores: number, products: number): number =>
  LAYERS * products * 2 * scores * width;

/** Of a training step: every weight thrice (forward, two gradients), attention seven products. */
export const trainingFlops = (width: number): number =>
  6 * STEP_TOKENS * (blockWeights(width) + headWeights(width)) +
  attentionFlops(width, BATCH * LENGTH * LENGTH, 7);

/** Of a DPO step whose prompts run once, with logits at the completions alone. */
export const dpoFlops = (width: number): number => {
  const completed = BATCH * COMPLETION;
  const scores = PAIRS * PROMPT * PROMPT + completed * (PROMPT + COMPLETION);
  return (
    6 * (PAIRS * PROMPT + completed) * blockWeights(width) +
    6 * completed * headWeights(width) +
    attentionFlops(width, scores, 7)
  );
};

/** Of a forward pass without logits over `rows` of LENGTH tokens. */
export const forwardFlops = (width: number, rows: number): number =>
  2 * rows * LENGTH * blockWeights(width) + attentionFlops(width, rows * LENGTH * LENGTH, 2);

const common = {
  learningRate: 1e-4,
  warmupSteps: 0,
  schedule: 'constant',
  maxGradNorm: 1,
  weightDecay: 0.01,
} as const;

export interface StepOptions {
  readonly onStep?: (metrics: StepMetrics) => void | Promise<void>;
  readonly replicas?: Replicas | undefined;
}

/** Steps of forward, backward and AdamW on next-token prediction, all parameters trained. */
export const runTrainingSteps = (
  model: LanguageModel,
  steps: number,
  { onStep, replicas }: StepOptions = {},
) => {
  const config: LanguageModellingConfig = { ...common, batchSize: BATCH, steps };
  return trainLanguageModel(model, textRows, config, { seed: 1, replicas, ...(onStep && { onStep }) });
};

export const referenceOf = (model: LanguageModel): Promise<ReferenceLogps> =>
  referenceLogps(model, preferencePairs);

/** Steps of DPO on all pairs, all parameters trained. */
export const runDpoSteps = (
  model: LanguageModel,
  reference: ReferenceLogps,
  steps: number,
  { onStep, replicas }: StepOptions = {},
) => {
  const config: DpoConfig = {
    ...common,
    batchSize: PAIRS,
    epochs: steps,
    beta: 0.1,
    embeddings: 'unfrozen',
  };
  return trainDpo(model, preferencePairs, reference, config, {
    seed: 1,
    replicas,
    ...(onStep && { onStep }),
  });
};
