/**
 * Trains the shipped base model, or rungs of the ladder (scripts/rungs.ts), on the corpus of scripts/build-assets and
 * writes each, with a record of how, below assets/. Run by `npm run build:assets` after the corpus step; alone:
 *
 *   npx tsx scripts/pretrain.ts [--rung shipped|ladder|NAME,NAME…] [--steps N | --minutes M] [--seed N] [--engine auto]
 *                               [--out DIR] [--dtype F32|F16]
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadTokenizer } from '../src/data/index.js';
import { parseEngineName, startEngine } from '../src/engine/index.js';
import {
  countParameters,
  createModel,
  hashParameters,
  type LanguageModel,
  loadModel,
  saveModel,
} from '../src/model/index.js';
import { stableJson, writeFileAtomic } from '../src/store/index.js';
import {
  evaluateLanguageModel,
  type LanguageModelEvaluation,
  type LanguageModellingConfig,
  removeCheckpoints,
  type StepMetrics,
  type TokenRows,
  trainLanguageModel,
} from '../src/training/index.js';
import { buildCorpus } from './build-assets/corpus.js';
import { ASSETS_FOLDER } from './build-assets/settings.js';
import { RUNGS, type Rung } from './rungs.js';

const flags = {
  rung: { type: 'string', default: 'shipped' },
  steps: { type: 'string' },
  minutes: { type: 'string' },
  seed: { type: 'string', default: '1' },
  engine: { type: 'string', default: 'auto' },
  out: { type: 'string' },
  dtype: { type: 'string' },
} as const;

const reportEvery = 20;
const evaluateEvery = 500;
const checkpointEvery = 200;

const countOf = (text: string, flag: string): number => {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${flag} needs a number above 0, not "${text}"`);
  return value;
};

const rungsNamed = (text: string): readonly Rung[] => {
  const names = text === 'ladder' ? Object.keys(RUNGS).filter((name) => name !== 'shipped') : text.split(',');
  return names.map((name) => {
    const rung = RUNGS[name];
    if (!rung) throw new Error(`there is no rung "${name}": ladder, ${Object.keys(RUNGS).join(', ')}`);
    return rung;
  });
};

const dtypeOf = (text: string | undefined, fallback: 'F32' | 'F16'): 'F32' | 'F16' => {
  if (text === undefined) return fallback;
  if (text !== 'F32' && text !== 'F16') throw new Error(`--dtype is F32 or F16, not "${text}"`);
  return text;
};

const trainingConfig = (steps: number, learningRate: number): LanguageModellingConfig => ({
  learningRate,
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
  await trainLanguageModel(copy, rows, trainingConfig(8, 1e-3), { seed: 0, onStep });
  copy.dispose();
  const median = durations.slice(1).sort((a, b) => a - b)[3] ?? 1000;
  return Math.max(1, Math.floor((minutes * 60_000) / median));
};

/** Mean loss of every `reportEvery` steps, and of those left at the end. */
const lossCurve = (metrics: readonly StepMetrics[]): { step: number; loss: number }[] => {
  const curve: { step: number; loss: number }[] = [];
  for (let from = 0; from < metrics.length; from += reportEvery) {
    const window = metrics.slice(from, from + reportEvery);
    const mean = window.reduce((sum, { loss }) => sum + loss, 0) / window.length;
    curve.push({ step: from + window.length, loss: Number(mean.toFixed(4)) });
  }
  return curve;
};

const describe = ({ natsPerToken, perplexity, tokens }: LanguageModelEvaluation): string =>
  `${natsPerToken.toFixed(4)} nats/token (perplexity ${perplexity.toFixed(1)}, ${tokens} tokens)`;

const { values } = parseArgs({ options: flags });
const seed = Number(values.seed);
const tokenizerFolder = join(ASSETS_FOLDER, 'model');
const engine = await startEngine(parseEngineName(values.engine));
console.log(`engine ${engine.name}: ${engine.details}`);
const { trainRows, heldOutSpeeches, heldOutReviews, context, counts } = await buildCorpus();
const tokenizer = await loadTokenizer(tokenizerFolder);

const pretrain = async (rung: Rung): Promise<void> => {
  const folder = values.out ?? join(ASSETS_FOLDER, rung.folder);
  const dtype = dtypeOf(values.dtype, rung.dtype);
  const model = createModel(rung.configure(tokenizer, context), seed);
  const steps =
    values.minutes === undefined
      ? countOf(values.steps ?? String(rung.steps), 'steps')
      : await stepsWithin(countOf(values.minutes, 'minutes'), model, trainRows);
  const training = trainingConfig(steps, rung.learningRate);
  const evaluate = async (of: LanguageModel) => ({
    speeches: await evaluateLanguageModel(of, heldOutSpeeches),
    reviews: await evaluateLanguageModel(of, heldOutReviews),
  });
  const report = async (): Promise<void> => {
    const { speeches, reviews } = await evaluate(model);
    console.log(`  held-out speeches ${describe(speeches)}\n  held-out reviews  ${describe(reviews)}`);
  };
  console.log(
    `${rung.folder}: ${trainRows.length} rows of ${context} tokens; ${steps} steps of ${training.batchSize} rows`,
  );
  await report();
  const started = performance.now();
  let made = 0;
  const onStep = async ({ step, loss, grad_norm, learning_rate }: StepMetrics): Promise<void> => {
    made++;
    if ((step + 1) % reportEvery !== 0 && step + 1 !== steps) return;
    const seconds = (performance.now() - started) / 1000;
    const left = (seconds / made) * (steps - step - 1);
    const speed = (made * training.batchSize * context) / seconds;
    console.log(
      `step ${step + 1}/${steps}  loss ${loss.toFixed(4)}  grad ${grad_norm.toFixed(2)}  ` +
        `lr ${learning_rate.toExponential(2)}  ${speed.toFixed(0)} tokens/s  ${(left / 60).toFixed(1)} min left`,
    );
    if ((step + 1) % evaluateEvery === 0 && step + 1 !== steps) await report();
  };
  // Stopped or killed, the same command goes on from the last of these.
  const checkpoints = { folder: join(folder, 'checkpoints'), every: checkpointEvery };
  const result = await trainLanguageModel(model, trainRows, training, { seed, onStep, checkpoints });
  await saveModel(model, folder, { dtype, tokenizerFolder });
  model.dispose();
  // What is recorded is true of what is stored, which may be rounded.
  const stored = await loadModel(folder);
  const heldOut = await evaluate(stored);
  console.log(`held-out speeches ${describe(heldOut.speeches)}`);
  console.log(`held-out reviews  ${describe(heldOut.reviews)}`);
  const parameters = countParameters(stored);
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
    sha256: await hashParameters(stored, stored.embeddingNames()),
    lossCurve: lossCurve(result.metrics),
  };
  await writeFileAtomic(join(folder, 'training.json'), stableJson(record));
  await removeCheckpoints(checkpoints.folder);
  console.log(`wrote ${folder}: ${parameters} parameters`);
  stored.dispose();
};

for (const rung of rungsNamed(values.rung)) await pretrain(rung);
