import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openActivations } from '../../src/activations/index.js';
import { createRandom, InputError, silentProgress, UsageError } from '../../src/base/index.js';
import {
  type ClaimReport,
  metricCatalogue,
  metricIds,
  type Verification,
  verify,
} from '../../src/claims/index.js';
import { isPropertyMetric } from '../../src/claims/metrics/index.js';
import { continuedPrompts } from '../../src/claims/metrics/steered-texts.js';
import { assetsFolder, loadTokenizer } from '../../src/data/index.js';
import { startEngine, tf } from '../../src/engine/index.js';
import { createLlama, saveModel } from '../../src/model/index.js';
import { openSafetensors, sha256Hex, stableJson } from '../../src/store/index.js';
import { tinyConfig } from '../activations/tiny-llama.js';
import { experimentText } from './synthetic-evidence.js';

const heldOut = 80;
/** Two of them below half the depth, one in the upper range. */
const layers = 4;
const promptMetrics = metricIds.filter((id) => !isPropertyMetric(id));

let folder: string;
let targets: string[];
let first: Verification;
let few: readonly [Verification, Verification];
let tensors: { before: number; after: number };

const writePairs = (file: string, count: number): Promise<void> => {
  const random = createRandom('pairs');
  const word = (words: readonly string[]) => words[random.integer(words.length)] ?? '';
  const lines = Array.from({ length: count }, (_, i) =>
    JSON.stringify({
      prompt: `The ${word(['food', 'film', 'phone', 'room'])} of day ${i} was`,
      chosen: ` ${word(['good', 'great', 'excellent', 'wonderful'])}`,
      rejected: ` ${word(['bad', 'awful', 'terrible', 'disappointing'])}`,
      source: `day ${i}`,
    }),
  );
  return writeFile(file, lines.join('\n'));
};

const spectral: readonly string[] = [
  'singular-value-ratio',
  'leading-direction-cosine',
  'spectral-entropy-drop',
  'participation-ratio',
  'components-80',
  'components-95',
];

/** Every control, but one alone where a bootstrap of spectra makes each of them cost seconds. */
const controlsOf = (metric: (typeof promptMetrics)[number]): readonly string[] =>
  spectral.includes(metric) ? ['sft'] : metricCatalogue[metric].controls;

const claimText = (metric: (typeof promptMetrics)[number]): string => `claim: own-${metric}
title: A title
source: a paper
statement: Something holds.
metric: ${metric}
family: none
${metric === 'singular-value-ratio' ? 'threshold: { atMost: 0.1 }\nlayers: 1' : 'threshold: { atLeast: 0.5 }'}
cases:
  - experiment: tiny
    expected: holds
    reason: because
    controls:
${controlsOf(metric)
  .map((control) => `      ${control}: breaks\n`)
  .join('')}`;

const run = (name: string, over: Partial<Parameters<typeof verify>[0]> = {}) =>
  verify({
    targets,
    engine: 'auto',
    seed: 7,
    outFolder: join(folder, name),
    progress: silentProgress,
    ...over,
  });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dsteer-verify-'));
  await startEngine('auto');
  const tokenizerFolder = join(assetsFolder(), 'model');
  const { vocabularySize } = await loadTokenizer(tokenizerFolder);
  const model = createLlama({ ...tinyConfig, layers, vocabularySize }, 1);
  await saveModel(model, join(folder, 'model'), { tokenizerFolder });
  model.dispose();
  await writePairs(join(folder, 'pairs.jsonl'), 2 * heldOut);
  const experiment = experimentText('tiny', 'pairs.jsonl').replace('model: .', 'model: ./model');
  await writeFile(join(folder, 'tiny.yaml'), experiment);
  targets = ['logit-difference'];
  for (const metric of promptMetrics) {
    targets.push(join(folder, `${metric}.yaml`));
    await writeFile(join(folder, `${metric}.yaml`), claimText(metric));
  }
  const quick = [join(folder, 'cosine-to-steering-vector.yaml'), join(folder, 'flips-undone.yaml')];
  // The first run leaves behind what the engine keeps for good.
  const second = await run('second', { targets: quick });
  const before = tf.memory().numTensors;
  first = await run('first');
  few = [second, await run('third', { targets: quick })];
  tensors = { before, after: tf.memory().numTensors };
}, 240_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const claimOf = (metric: string): ClaimReport => {
  const claim = first.report.claims.find((one) => one.metric === metric);
  if (claim === undefined) throw new RangeError(`no claim on ${metric}`);
  return claim;
};

describe('verify on a model and data of one’s own', () => {
  it('reports every claim asked for, in the order asked', () => {
    expect(first.report.claims.map(({ metric }) => metric)).toEqual([
      'logit-difference-identity',
      ...promptMetrics,
    ]);
  });

  it('gives the same report twice but for times', () => {
    const timeless = ({ report }: Verification) => {
      const { startedAt: _started, finishedAt: _finished, seconds: _seconds, ...run } = report.run;
      return stableJson({ ...report, run });
    };
    expect(timeless(few[1])).toBe(timeless(few[0]));
    expect(stableJson(few[1].manifest)).toBe(stableJson(few[0].manifest));
  });

  it('judges a claim the same whatever else is asked for', () => {
    expect(few[0].report.claims).toHaveLength(2);
    for (const claim of few[0].report.claims)
      expect(stableJson(claim)).toBe(stableJson(claimOf(claim.metric)));
  });

  it('fills every field of the contract, of claims and of controls', () => {
    const { report } = first;
    expect(report.schema).toBe(1);
    expect(report.run.seeds).toEqual([7]);
    expect(report.run.targets).toEqual(targets);
    expect(Date.parse(report.run.finishedAt)).toBeGreaterThanOrEqual(Date.parse(report.run.startedAt));
    expect(Object.values(report.totals).reduce((a, b) => a + b, 0)).toBe(report.claims.length);
    for (const claim of report.claims) {
      for (const text of [
        claim.id,
        claim.title,
        claim.source,
        claim.statement,
        claim.population,
        claim.reason,
      ]) {
        expect(text.length).toBeGreaterThan(0);
      }
      const judgedOn = claim.experiment === null ? 500 : heldOut;
      const isWritten =
        ['lambda-ceiling', 'text-flips-undone'].includes(claim.metric) ||
        /oversteering|toxicity/.test(claim.metric);
      if (claim.verdict === 'error') expect(claim.n).toBe(0);
      // Texts are written for some of the prompts.
      else if (isWritten) expect([continuedPrompts, judgedOn]).toContain(claim.n);
      else expect(claim.n).toBe(judgedOn);
      expect(claim.controls.length).toBeGreaterThan(0);
      for (const judged of [claim, ...claim.controls]) {
        expect(['holds', 'breaks', 'inconclusive', 'error']).toContain(judged.verdict);
        expect(['pass', 'fail', 'inconclusive', 'error']).toContain(judged.outcome);
        expect(judged.threshold).toEqual(claim.threshold);
        expect(judged.level).toBe(0.95);
        expect(judged.seeds).toEqual([7]);
        if (judged.verdict === 'error') {
          expect([judged.estimate, judged.interval]).toEqual([null, null]);
          expect(judged.error).toBeTruthy();
          continue;
        }
        const [lower, upper] = judged.interval ?? [Number.NaN, Number.NaN];
        expect(lower).toBeLessThanOrEqual(upper);
        expect(judged.seedEstimates).toHaveLength(1);
        expect(judged.seedEstimates[0]).toBeCloseTo(judged.estimate ?? Number.NaN, 12);
        expect(Object.values(judged.details).every(Number.isFinite)).toBe(true);
      }
    }
  });

  it('tells of each control how far the claim is beyond it, and whether it beats it', () => {
    for (const claim of first.report.claims.filter(({ verdict }) => verdict !== 'error')) {
      for (const control of claim.controls.filter(({ verdict }) => verdict !== 'error')) {
        expect(control.difference).toBeCloseTo((claim.estimate ?? 0) - (control.estimate ?? 0), 10);
        const [lower, upper] = control.differenceInterval ?? [Number.NaN, Number.NaN];
        expect(control.beaten).toBe('atLeast' in claim.threshold ? lower > 0 : upper < 0);
      }
      expect(claim.specific).toBe(
        claim.controls.every(
          ({ beaten, verdict, role }) => role === 'companion' || (beaten && verdict !== 'holds'),
        ),
      );
    }
  });

  it('finds the algebra to hold and its broken variants to break', () => {
    expect(claimOf('logit-difference-identity').outcome).toBe('pass');
    const { verdict, estimate, controls } = claimOf('gradient-law-agreement');
    expect([verdict, estimate]).toEqual(['holds', 1]);
    const broken = ['pre-norm', 'after-divergence', 'wrong-reference'];
    for (const { id, verdict: own } of controls) {
      expect([id, own]).toEqual([id, broken.includes(id) ? 'breaks' : 'holds']);
    }
  });

  it('finds random directions to install and recover less than v*', () => {
    for (const metric of ['cosine-to-steering-vector', 'energy-recovery'] as const) {
      const control = claimOf(metric).controls.find(({ id }) => id === 'random-directions');
      expect(control?.beaten).toBe(true);
      expect(control?.details['rankP']).toBeCloseTo(1 / 21, 12);
    }
  });

  it('leaves activations and steering vectors behind that belong together', async () => {
    const place = join(folder, 'first', 'tiny', 'seed-7');
    const activations = await openActivations(join(place, 'activations.safetensors'));
    const vectors = await openSafetensors(join(place, 'steering-vectors.safetensors'));
    const d = tinyConfig.hiddenSize;
    expect([activations.layers, activations.n, activations.d]).toEqual([layers, heldOut, d]);
    expect(activations.metadata['readout']).toBe('prompt-last');
    for (const [layer, name, offset] of [
      [2, 'residual', d],
      ['postNorm', 'postNorm', 0],
    ] as const) {
      const { base, policy } = await activations.readLayer(layer);
      const vector = await vectors.read(name);
      for (let j = 0; j < d; j++) {
        let shift = 0;
        for (let i = 0; i < heldOut; i++)
          shift += ((policy[i * d + j] ?? 0) - (base[i * d + j] ?? 0)) / heldOut;
        expect(vector[offset + j]).toBeCloseTo(shift, 5);
      }
    }
    expect(vectors.tensors.get('postNormByFold')?.shape).toEqual([2, d]);
    await activations.close();
    await vectors.close();
  });

  it('leaves tables of prompts and training steps behind', async () => {
    const place = join(folder, 'first', 'tiny', 'seed-7');
    const prompts = (await readFile(join(place, 'prompts.csv'), 'utf8')).trim().split(/\r?\n/);
    expect(prompts).toHaveLength(heldOut + 1);
    expect(prompts[0]).toBe('prompt,source,fold,base_margin,policy_margin,cosine_to_steering_vector');
    const cosines = prompts.slice(1).map((line) => Number(line.split(',').at(-1)));
    const mean = cosines.reduce((a, b) => a + b, 0) / heldOut;
    expect(mean).toBeCloseTo(claimOf('cosine-to-steering-vector').estimate ?? 0, 6);
    for (const variant of ['dpo', 'shuffled-labels', 'sft']) {
      const steps = (await readFile(join(place, `training-${variant}.csv`), 'utf8')).trim().split(/\r?\n/);
      expect(steps).toHaveLength(1 + heldOut / 16);
    }
    expect(existsSync(join(place, 'training-placebo-noise.csv'))).toBe(false);
  });

  it('names every input with its hash in the manifest, by no absolute path', async () => {
    const { inputs, seeds, engine } = first.manifest;
    expect(seeds).toEqual([7]);
    expect(engine.name).toBe(first.report.run.engine);
    const pairs = inputs.find(({ file }) => file.endsWith('pairs.jsonl'));
    expect(pairs?.sha256).toBe(sha256Hex(await readFile(join(folder, 'pairs.jsonl'))));
    for (const name of [
      'tiny.yaml',
      'config.json',
      'model.safetensors',
      'tokenizer.json',
      'logit-difference.yaml',
      'flips-undone.yaml',
    ]) {
      expect(inputs.some(({ file }) => file.endsWith(name))).toBe(true);
    }
    for (const { file, sha256 } of inputs) {
      expect(file.startsWith('/')).toBe(false);
      expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    }
  });

  it('leaks no tensors', () => {
    expect(tensors.after).toBe(tensors.before);
  });
});

describe('verify that cannot begin', () => {
  it('refuses an unknown name and too few prompts, and writes nothing', async () => {
    await expect(run('unknown', { targets: ['gradiant-law'] })).rejects.toThrow(UsageError);
    const place = join(folder, 'few');
    await mkdir(place);
    await writePairs(join(place, 'pairs.jsonl'), 100);
    const experiment = experimentText('tiny', 'pairs.jsonl').replace('model: .', 'model: ../model');
    await writeFile(join(place, 'tiny.yaml'), experiment);
    await writeFile(join(place, 'claim.yaml'), claimText('energy-recovery'));
    const before = tf.memory().numTensors;
    await expect(
      run('few-prompts', { targets: [join(place, 'claim.yaml')], allowOutside: true }),
    ).rejects.toThrow(InputError);
    expect(tf.memory().numTensors).toBe(before);
    expect([existsSync(join(folder, 'unknown')), existsSync(join(folder, 'few-prompts'))]).toEqual([
      false,
      false,
    ]);
  });
});
