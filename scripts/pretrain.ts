/**
 * Trains the shipped base model on the corpus of scripts/build-assets and writes it, with a record of how, to
 * assets/model. Run by `npm run build:assets` after the corpus step; alone:
 *
 *   npx tsx scripts/pretrain.ts [--steps N | --minutes M] [--seed N] [--engine auto] [--out DIR] [--dtype F32|F16]
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadTokenizer } from '../src/data/index.js';
import { parseEngineName, startEngine } from '../src/engine/index.js';
import {
  createLlama,
  hashParameters,
  type LanguageModel,
  type LlamaConfig,
  saveModel,
} from '../src/model/index.js';
import { stableJson, writeFileAtomic } from '../src/store/index.js';
import {
  evaluateLanguageModel,
  type LanguageModelEvaluation,
  type LanguageModellingConfig,
  type StepMetrics,
  type TokenRows,
  trainLanguageModel,
} from '../src/training/index.js';
import { buildCorpus } from './build-assets/corpus.js';
import { ASSETS_FOLDER } from './build-assets/settings.js';

const flags = {
  steps: { type: 'string' },
  minutes: { type: 'string' },
  seed: { type: 'string', default: '1' },
  engine: { type: 'string', default: 'auto' },
  out: { type: 'string', default: join(ASSETS_FOLDER, 'model') },
  dtype: { type: 'string', default: 'F32' },
} as const;

const defaultSteps = 1400;
const reportEvery = 20;
const evaluateEvery = 500;

const countOf = (text: string, flag: string): number => {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${flag} needs a number above 0, not "${text}"`);
  return value;
};

const modelConfig = async (context: number): Promise<LlamaConfig> => {
  const tokenizer = await loadTokenizer(join(ASSETS_FOLDER, 'model'));
  return {
    architecture: 'llama',
    hiddenSize: 96,
    intermediateSize: 256,
    layers: 6,
    heads: 4,
    keyValueHeads: 2,
    headDim: 24,
    vocabularySize: tokenizer.vocabularySize,
    maxPositions: context,
    rmsNormEpsilon: 1e-5,
    ropeTheta: 10000,
    ropeScaling: { type: 'none' },
    tied: true,
    initializerRange: 0.02,
    bosTokenId: tokenizer.bosId,
    eosTokenIds: tokenizer.eosId === undefined ? [] : [tokenizer.eosId],
    padTokenId: tokenizer.padId,
  };
};

const trainingConfig = (steps: number): LanguageModellingConfig => ({
  learningRate: 3e-3,
  batchSize: 32,
  warmupSteps: Math.min(100, Math.ceil(steps / 10)),
  schedule: 'cosine',
  maxGradNorm: 1,
  weightDecay: 0.1,
  steps,
});

/** How many steps fit into `minutes`, by the median of a few on a copy. */
const stepsWithin = async (minutes: number, model: LanguageModel, rows: TokenRows): Promise<number> => {
  const copy = model.clone();
  const durations: number[] = [];
  let last = performance.now();
  const onStep = (): void => {
    durations.push(performance.now() - last);
    last = performance.now();
  };
  await trainLanguageModel(copy, rows, trainingConfig(8), { seed: 0, onStep });
  copy.dispose();
  const median = durations.slice(1).sort((a, b) => a - b)[3] ?? 1000;
  return Math.max(1, Math.floor((minutes * 60_000) / median));
};

const describe = ({ natsPerToken, perplexity, tokens }: LanguageModelEvaluation): string =>
  `${natsPerToken.toFixed(4)} nats/token (perplexity ${perplexity.toFixed(1)}, ${tokens} tokens)`;

const main = async (): Promise<void> => {
  const { values } = parseArgs({ options: flags });
  const { dtype } = values;
  if (dtype !== 'F32' && dtype !== 'F16') throw new Error(`--dtype is F32 or F16, not "${dtype}"`);
  const seed = Number(values.seed);
  const engine = await startEngine(parseEngineName(values.engine));
  console.log(`engine ${engine.name}: ${engine.details}`);
  const { trainRows, heldOutSpeeches, heldOutReviews, context, counts } = await buildCorpus();
  const config = await modelConfig(context);
  const model = createLlama(config, seed);
  const steps =
    values.minutes === undefined
      ? countOf(values.steps ?? String(defaultSteps), 'steps')
      : await stepsWithin(countOf(values.minutes, 'minutes'), model, trainRows);
  const training = trainingConfig(steps);
  const evaluate = async () => ({
    speeches: await evaluateLanguageModel(model, heldOutSpeeches),
    reviews: await evaluateLanguageModel(model, heldOutReviews),
  });
  const report = async (): Promise<void> => {
    const { speeches, reviews } = await evaluate();
    console.log(`  held-out speeches ${describe(speeches)}\n  held-out reviews  ${describe(reviews)}`);
  };
  console.log(`${trainRows.length} rows of ${context} tokens; ${steps} steps of ${training.batchSize} rows`);
  await report();
  const started = performance.now();
  let window: number[] = [];
  const curve: { step: number; loss: number }[] = [];
  const onStep = async ({ step, loss, grad_norm, learning_rate }: StepMetrics): Promise<void> => {
    window.push(loss);
    if ((step + 1) % reportEvery !== 0 && step + 1 !== steps) return;
    const mean = window.reduce((sum, value) => sum + value, 0) / window.length;
    window = [];
    const seconds = (performance.now() - started) / 1000;
    const left = (seconds / (step + 1)) * (steps - step - 1);
    const speed = ((step + 1) * training.batchSize * context) / seconds;
    curve.push({ step: step + 1, loss: Number(mean.toFixed(4)) });
    console.log(
      `step ${step + 1}/${steps}  loss ${mean.toFixed(4)}  grad ${grad_norm.toFixed(2)}  ` +
        `lr ${learning_rate.toExponential(2)}  ${speed.toFixed(0)} tokens/s  ${(left / 60).toFixed(1)} min left`,
    );
    if ((step + 1) % evaluateEvery === 0 && step + 1 !== steps) await report();
  };
  const result = await trainLanguageModel(model, trainRows, training, { seed, onStep });
  const heldOut = await evaluate();
  console.log(`held-out speeches ${describe(heldOut.speeches)}`);
  console.log(`held-out reviews  ${describe(heldOut.reviews)}`);
  await saveModel(model, values.out, { dtype, tokenizerFolder: join(ASSETS_FOLDER, 'model') });
  const parameters = [...model.variables.values()].reduce((sum, { size }) => sum + size, 0);
  const record = {
    parameters,
    seeds: { initialisation: seed, rowOrder: seed },
    training,
    steps,
    tokens: result.tokens,
    passesOverTheCorpus: Number(((steps * training.batchSize) / trainRows.length).toFixed(3)),
    corpus: { context, trainRows: trainRows.length, ...counts },
    engine: { name: engine.name, details: engine.details, node: process.version },
    seconds: Math.round(result.seconds),
    heldOut,
    storedAs: dtype,
    sha256: await hashParameters(model, model.embeddingNames()),
    lossCurve: curve,
  };
  await writeFileAtomic(join(values.out, 'training.json'), stableJson(record));
  console.log(`wrote ${values.out}: ${parameters} parameters`);
  model.dispose();
};

await main();
