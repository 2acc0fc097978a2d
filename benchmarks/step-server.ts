/**
 * Times training and DPO steps on request, so that another program can take turns with it on a loaded machine.
 *
 *     npx tsx benchmarks/step-server.ts [engine]
 *
 * Each line of standard input is `train WIDTH STEPS` or `dpo WIDTH STEPS`; each answer is a line of JSON. The model is
 * that of DESIGN section 3: 4 Llama layers, 4 heads, SwiGLU of 4 · width, vocabulary 512. `train` reads 16 rows of 64
 * tokens a step; `dpo` 8 pairs, each a prompt of 48 tokens and two completions of 16. Tokens are counted as a program
 * without shared prompts would run them: 1,024 a step.
 */
import { createInterface } from 'node:readline';
import { createRandom } from '../src/base/index.js';
import { measureSgemm, parseEngineName, startEngine, tf } from '../src/engine/index.js';
import { createLlama, type LanguageModel } from '../src/model/index.js';
import { referenceLogps, type StepMetrics, trainDpo, trainLanguageModel } from '../src/training/index.js';

const [LAYERS, HEADS, VOCABULARY, LENGTH, BATCH] = [4, 4, 512, 64, 16];
const [PROMPT, COMPLETION] = [48, 16];
export const TOKENS = BATCH * LENGTH;

const random = createRandom('step-server');
const tokens = (count: number): Int32Array => Int32Array.from({ length: count }, () => random.integer(48));

const rows = Array.from({ length: BATCH }, () => tokens(LENGTH + 1));
const pairs = Array.from({ length: BATCH / 2 }, () => ({
  prompt: tokens(PROMPT),
  chosen: tokens(COMPLETION),
  rejected: tokens(COMPLETION),
}));

const createModel = (width: number): LanguageModel =>
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

/** Multiply-adds of a step times two: weights thrice (forward, two gradients), attention seven products a head. */
const gemmFlops = (width: number): number => {
  const weights = LAYERS * (4 * width * width + 12 * width * width) + VOCABULARY * width;
  return 6 * TOKENS * weights + LAYERS * BATCH * 7 * 2 * LENGTH * LENGTH * width;
};

const common = {
  learningRate: 1e-4,
  warmupSteps: 0,
  schedule: 'constant',
  maxGradNorm: 1,
  weightDecay: 0.01,
} as const;

const models = new Map<number, LanguageModel>();
const modelOf = (width: number): LanguageModel => {
  const model = models.get(width) ?? createModel(width);
  models.set(width, model);
  return model;
};

const steps: Readonly<
  Record<
    string,
    (model: LanguageModel, count: number, onStep: (metrics: StepMetrics) => void) => Promise<unknown>
  >
> = {
  train: (model, count, onStep) =>
    trainLanguageModel(model, rows, { ...common, batchSize: BATCH, steps: count }, { seed: 1, onStep }),
  dpo: async (model, count, onStep) => {
    const reference = await referenceLogps(model, pairs);
    const config = {
      ...common,
      batchSize: pairs.length,
      epochs: count,
      beta: 0.1,
      embeddings: 'unfrozen',
    } as const;
    return trainDpo(model, pairs, reference, config, { seed: 1, onStep });
  },
};

await startEngine(parseEngineName(process.argv[2] ?? 'auto'));
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const [kind = '', width = '', count = ''] = line.split(' ');
  const run = steps[kind];
  if (run === undefined) throw new RangeError(`a line is "train WIDTH STEPS" or "dpo WIDTH STEPS": ${line}`);
  const times: number[] = [];
  let loss = Number.NaN;
  let last = performance.now();
  const cpu = process.cpuUsage();
  await run(modelOf(Number(width)), Number(count), (metrics) => {
    const now = performance.now();
    times.push(now - last);
    last = now;
    loss = metrics.loss;
  });
  const { user, system } = process.cpuUsage(cpu);
  // The first time holds what comes before the first step.
  const steady = times.slice(1).sort((a, b) => a - b);
  const gflops = await measureSgemm(512, 4);
  console.log(
    JSON.stringify({
      kind,
      width: Number(width),
      median: steady[steady.length >> 1],
      best: steady[0],
      cpu: (user + system) / 1000 / times.length,
      gflops,
      floor: gemmFlops(Number(width)) / gflops / 1e6,
      loss,
      tensors: tf.memory().numTensors,
      rssMiB: Math.round(process.memoryUsage.rss() / 2 ** 20),
    }),
  );
}
