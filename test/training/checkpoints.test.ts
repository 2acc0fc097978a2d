/** Training that was stopped goes on from its last checkpoint and ends as if it never had been. */
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Progress, silentProgress } from '../../src/base/index.js';
import { startEngine, tf } from '../../src/engine/index.js';
import { hashParameters, type LanguageModel } from '../../src/model/index.js';
import {
  type DpoConfig,
  referenceLogps,
  removeCheckpoints,
  type StepMetrics,
  storedReferenceLogps,
  type TrainingOptions,
  type TrainingResult,
  trainDpo,
  trainLanguageModel,
  trainSft,
} from '../../src/training/index.js';
import { smallT5 } from '../model/small-models.js';
import { tokenPairs } from './preference-data.js';
import { smallModel } from './small-model.js';

const data = tokenPairs(12);
const config: DpoConfig = {
  beta: 0.1,
  learningRate: 5e-3,
  epochs: 3,
  batchSize: 5,
  warmupSteps: 2,
  schedule: 'cosine',
  maxGradNorm: 1,
  weightDecay: 0.01,
  embeddings: 'frozen',
};
const rows = Array.from({ length: 7 }, (_, row) => Int32Array.from({ length: 9 }, (_v, t) => (row + t) % 20));

type Options = Omit<TrainingOptions, 'onStep'> & { readonly onStep?: (metrics: StepMetrics) => void };
type Trainer = (model: LanguageModel, options: Options) => Promise<TrainingResult>;

const dpo =
  (overrides: Partial<DpoConfig> = {}, pairs = data): Trainer =>
  async (model, options) =>
    trainDpo(model, pairs, await referenceLogps(model, pairs), { ...config, ...overrides }, options);
const examples = data.map(({ prompt, chosen }) => ({ prompt, completion: chosen }));

const trainers: readonly (readonly [string, () => LanguageModel, Trainer])[] = [
  ['DPO with AdamW', smallModel, dpo()],
  ['DPO with plain gradient descent, in parts', smallModel, dpo({ optimiser: 'sgd', microBatchSize: 2 })],
  [
    'DPO of an adapter with dropout',
    smallModel,
    dpo({ lora: { rank: 2, alpha: 8, dropout: 0.3 }, recompute: true }),
  ],
  [
    'SFT',
    smallModel,
    (model, options) => trainSft(model, examples, { ...config, embeddings: 'unfrozen' }, options),
  ],
  [
    'pretraining of an encoder–decoder',
    smallT5,
    (model, options) => trainLanguageModel(model, rows, { ...config, steps: 9 }, options),
  ],
];

let folder = '';
let next = 0;
const freshFolder = (): string => join(folder, String(next++));
beforeAll(async () => {
  await startEngine('auto');
  folder = await mkdtemp(join(tmpdir(), 'dsteer-checkpoints-'));
});
afterAll(() => rm(folder, { recursive: true }));

interface Heard {
  readonly progress: Progress;
  readonly warnings: string[];
  readonly notes: string[];
}

const listener = (): Heard => {
  const [warnings, notes]: [string[], string[]] = [[], []];
  return {
    warnings,
    notes,
    progress: {
      ...silentProgress,
      note: (message) => {
        notes.push(message);
      },
      warn: (message) => {
        warnings.push(message);
      },
    },
  };
};

class Stopped extends Error {}

const stopAfter = (step: number) => (metrics: StepMetrics) => {
  if (metrics.step === step) throw new Stopped();
};

/** What a training leaves behind: every number of it. */
const outcome = async (make: () => LanguageModel, train: Trainer, options: Options) => {
  const model = make();
  const { metrics, tokens, embeddingHashes } = await train(model, options);
  const weights = await hashParameters(model, [...model.variables.keys()]);
  model.dispose();
  return { metrics, tokens, embeddingHashes, weights };
};

const stop = async (
  make: () => LanguageModel,
  train: Trainer,
  step: number,
  options: Options,
): Promise<void> => {
  const model = make();
  await expect(train(model, { ...options, onStep: stopAfter(step) })).rejects.toThrow(Stopped);
  model.dispose();
};

describe.each(trainers)('%s', (_, make, train) => {
  it('should end with the same numbers to the byte, wherever it was stopped and however often it saved', async () => {
    const unbroken = await outcome(make, train, { seed: 3 });
    expect(unbroken.metrics.length).toBe(9);
    const tensors = tf.memory().numTensors;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 0, max: 8 }),
        async (every, last) => {
          const options = { seed: 3, checkpoints: { folder: freshFolder(), every } };
          await stop(make, train, last, options);
          const seen: number[] = [];
          const resumed = await outcome(make, train, {
            ...options,
            onStep: ({ step }) => {
              seen.push(step);
            },
          });
          expect(resumed).toEqual(unbroken);
          // Steps that a checkpoint holds are not made again.
          const saved = last === 8 ? 9 : Math.floor((last + 1) / every) * every;
          expect(seen).toEqual(Array.from({ length: 9 - saved }, (_v, i) => saved + i));
        },
      ),
      { numRuns: 3 },
    );
    expect(tf.memory().numTensors).toBe(tensors);
  });
});

describe('checkpoints', () => {
  const make = smallModel;

  it('should keep two while training, and be gone once removed, and nothing else with them', async () => {
    const home = freshFolder();
    await outcome(make, dpo(), { seed: 3, checkpoints: { folder: home, every: 2 } });
    expect((await readdir(home)).sort()).toEqual(['step-000000008', 'step-000000009']);
    await writeFile(join(home, 'mine.txt'), 'not a checkpoint');
    await removeCheckpoints(home);
    expect(await readdir(home)).toEqual(['mine.txt']);
    await rm(join(home, 'mine.txt'));
    await removeCheckpoints(home);
    await expect(readdir(home)).rejects.toThrow(/ENOENT/);
    await removeCheckpoints(home);
  });

  it.each([
    ['another configuration', dpo({ learningRate: 4e-3 }), 3, make],
    ['other data', dpo({}, tokenPairs(13).slice(1)), 3, make],
    ['another seed', dpo(), 4, make],
    ['another base model', dpo(), 3, () => smallModel({ initializerRange: 0.1 })],
    ['another adapter', dpo({ lora: { rank: 2, alpha: 8 } }), 3, make],
  ] as const)('should start anew, with a warning, for %s', async (_, train, seed, makeOther) => {
    const options = { checkpoints: { folder: freshFolder(), every: 2 } };
    await stop(make, dpo(), 4, { seed: 3, ...options });
    const { warnings, notes, progress } = listener();
    const changed = await outcome(makeOther, train, { seed, progress, ...options });
    expect(warnings).toEqual([expect.stringMatching(/another training.*starting anew/)]);
    expect(notes).toEqual([]);
    expect(changed).toEqual(await outcome(makeOther, train, { seed }));
  });

  it.each([
    [
      'cut short',
      (step: string) => truncate(join(step, 'state.safetensors'), 1000),
      /safetensors is not what was written/,
    ],
    ['not finished', (step: string) => rm(join(step, 'state.json')), /not complete/],
    ['not JSON', (step: string) => writeFile(join(step, 'state.json'), '{'), /cannot be read/],
    [
      'with other metrics',
      (step: string) => writeFile(join(step, 'metrics.jsonl'), '{"step":0}\n'),
      /metrics.jsonl/,
    ],
  ] as const)('should pass over the newest that is %s, and go on from the one before', async (_, spoil, warning) => {
    const home = freshFolder();
    const options = { seed: 3, checkpoints: { folder: home, every: 2 } };
    await stop(make, dpo(), 5, options);
    expect((await readdir(home)).sort()).toEqual(['step-000000004', 'step-000000006']);
    await spoil(join(home, 'step-000000006'));
    const { warnings, notes, progress } = listener();
    const resumed = await outcome(make, dpo(), { ...options, progress });
    expect(warnings).toEqual([expect.stringMatching(warning)]);
    expect(notes).toEqual(['going on from step 4']);
    expect(resumed).toEqual(await outcome(make, dpo(), { seed: 3 }));
  });
});

describe('storedReferenceLogps', () => {
  const stored = async (
    home: string,
    { pairs = data, tokenizerHash = 'a', model = smallModel() } = {},
  ): Promise<Heard & { readonly chosen: Float64Array; readonly rejected: Float64Array }> => {
    const heard = listener();
    const logps = await storedReferenceLogps(model, pairs, {
      folder: home,
      tokenizerHash,
      progress: heard.progress,
    });
    model.dispose();
    return { ...heard, ...logps };
  };

  it('should be those of referenceLogps, computed once and read to the bit afterwards', async () => {
    const home = freshFolder();
    const [first, second] = [await stored(home), await stored(home)];
    const model = smallModel();
    const plain = await referenceLogps(model, data);
    model.dispose();
    for (const { chosen, rejected } of [first, second]) expect({ chosen, rejected }).toEqual(plain);
    expect(first.notes).toEqual([]);
    expect(second.notes).toEqual([expect.stringMatching(/12 tuples read from/)]);
    expect((await readdir(home)).length).toBe(1);
  });

  it('should not take those of another model, data or tokenizer', async () => {
    const home = freshFolder();
    await stored(home);
    const others = [
      { pairs: data.slice(1) },
      { tokenizerHash: 'b' },
      { model: smallModel({ initializerRange: 0.1 }) },
      { model: smallModel({ ropeTheta: 500 }) },
    ];
    for (const other of others) expect((await stored(home, other)).notes).toEqual([]);
    expect((await readdir(home)).length).toBe(1 + others.length);
  });

  it('should compute anew, with a warning, where a file does not hold what was written', async () => {
    const home = freshFolder();
    const first = await stored(home);
    const [name = ''] = await readdir(home);
    const file = join(home, name);
    const text = await readFile(file, 'utf8');
    for (const [spoilt, warning] of [
      [text.slice(0, 200), /not JSON/],
      ['{"schema": 2}', /no file of reference/],
      [text.replace(/"model": "./, '"model": "!'), /of another model/],
      [text.replace(/-(\d)/, '-1$1'), /numbers are not those/],
    ] as const) {
      await writeFile(file, spoilt);
      const again = await stored(home);
      expect(again.warnings).toEqual([expect.stringMatching(warning)]);
      expect(again.chosen).toEqual(first.chosen);
      expect(await readFile(file, 'utf8')).toBe(text);
    }
  });
});
