/** `dsteer verify` on models, preferences and hidden states that the command line names. */
import { cp, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunReport } from '../../src/claims/index.js';
import { assetsFolder, loadShippedPreferences } from '../../src/data/index.js';
import { openSafetensors, writeSafetensors } from '../../src/store/index.js';
import { run } from '../cli/run.js';
import { dsteer, ensureBuilt } from './built-cli.js';

let folder = '';
/** Smaller than the model that `shipped` names: what is asked is how evidence is named, whatever model it is of. */
const base = join(assetsFolder(), 'models', 'llama-d64');
const at = (...parts: string[]): string => join(folder, ...parts);
const policy = (): string => at('policy');
const pairs = (): string => at('pairs.jsonl');

beforeAll(async () => {
  ensureBuilt();
  folder = await mkdtemp(join(tmpdir(), 'dsteer-own-'));
  const { heldOut } = await loadShippedPreferences('one-frame');
  const lines = heldOut
    .slice(0, 140)
    .map(({ prompt, chosen, rejected }) => JSON.stringify({ prompt, chosen, rejected }));
  // A pair that says nothing, to be counted.
  await writeFile(
    pairs(),
    [...lines, JSON.stringify({ prompt: 'It was', chosen: ' good', rejected: ' good' })].join('\n'),
  );
  await writeFile(
    at('train.yaml'),
    `experiment: own-policy
extends: one-frame
title: A few steps
model: shipped/llama-d64
data: { preferences: one-frame, train: 96 }
training: { learningRate: 3.0e-4 }
`,
  );
  const trained = await dsteer(['train', at('train.yaml'), '--out', policy()]);
  expect(trained.stderr).not.toContain('error:');
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

const reportOf = async (out: string): Promise<RunReport> =>
  JSON.parse(await readFile(join(out, 'report.json'), 'utf8')) as RunReport;
const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

describe('dsteer verify --base --policy', () => {
  it('should judge two checkpoints as they are, with the shift from a third as a control', async () => {
    const out = at('pair');
    const words = ['--base', base, '--policy', policy(), '--sft-base', policy(), '--preferences', pairs()];
    const { code, stderr } = await dsteer(['verify', ...words, '--out', out]);
    expect(stderr).not.toContain('error:');
    expect(code).toBe(1);
    expect(stderr).toContain('chosen and rejected are the same (1, first on line 141)');
    const { claims } = await reportOf(out);
    expect(claims.map(({ id }) => id)).toContain('cosine-concentration');
    const find = (id: string) => claims.find((claim) => claim.id === id);
    expect(find('preference-learnt')).toMatchObject({ experiment: 'given', verdict: 'holds', n: 140 });
    const cosine = find('cosine-concentration');
    expect(cosine?.verdict).toBe('holds');
    expect(cosine?.controls.map(({ id }) => id)).toEqual([
      'sft',
      'placebo-noise',
      'massive-noise',
      'random-directions',
      'shuffled-rows',
    ]);
    // From the policy to the base is the same way back.
    expect(cosine?.controls[0]?.estimate).toBeCloseTo(cosine?.estimate ?? Number.NaN, 9);
    const gain = find('preference-learnt');
    expect(gain?.controls[0]?.estimate).toBeCloseTo(-(gain?.estimate ?? Number.NaN), 9);
    const data = JSON.parse(await readFile(join(out, 'given', 'seed-100', 'data.json'), 'utf8'));
    expect(data).toMatchObject({
      train: 0,
      heldOut: 140,
      files: [{ file: 'pairs.jsonl', kept: 140, dropped: { 'equal-answers': { count: 1 } } }],
    });
    // The specification that was written is one like any other, and another run of it finds the same.
    expect(await exists(join(out, 'given.yaml'))).toBe(true);
  }, 120_000);

  it('should refuse checkpoints of another shape or tokenizer, and write nothing', async () => {
    const other = resolve(assetsFolder(), 'models', 'llama-d48');
    const refused = await run([
      'verify',
      '--base',
      base,
      '--policy',
      other,
      '--preferences',
      pairs(),
      '--out',
      at('no'),
    ]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/two checkpoints of different shapes: .*hiddenSize \d+ and 48/);
    await mkdir(at('renamed'));
    await cp(policy(), at('renamed'), { recursive: true });
    const tokenizer = await readFile(at('renamed', 'tokenizer.json'), 'utf8');
    const { model } = JSON.parse(tokenizer) as { model: { vocab: Record<string, number> } };
    const [first = '', second = ''] = Object.keys(model.vocab).filter((token) => /^[a-z]$/.test(token));
    const swapped = { ...model.vocab, [first]: model.vocab[second], [second]: model.vocab[first] };
    await writeFile(
      at('renamed', 'tokenizer.json'),
      JSON.stringify({ ...JSON.parse(tokenizer), model: { ...model, vocab: swapped } }),
    );
    const renamed = await run([
      'verify',
      '--base',
      base,
      '--policy',
      at('renamed'),
      '--preferences',
      pairs(),
      '--out',
      at('no'),
    ]);
    expect(renamed.code).toBe(2);
    expect(renamed.stderr).toMatch(
      /its tokenizer is not that of .*: token \d+ is "[a-z]" there, "[a-z]" here/,
    );
    expect(await exists(at('no'))).toBe(false);
  }, 60_000);

  it.each([
    [['--base', 'a'], '--base alone names no evidence'],
    [['--preferences', 'a'], '--preferences alone names no evidence'],
    [['--model', 'a', '--base', 'b', '--preferences', 'c'], '--model trains a policy of its own'],
    [['--suite', 'checkpoints'], 'is about models of your own, and none is named'],
    [
      ['--model', base, '--preferences', 'absent.jsonl'],
      'absent.jsonl: there is no such file of preferences',
    ],
  ])('should refuse %j', async (words, message) => {
    const { code, stderr } = await run(['verify', ...words, '--out', at('no')]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(await exists(at('no'))).toBe(false);
  });
});

describe('dsteer verify --model', () => {
  it('should train, extract and judge on a model and preferences of the user', async () => {
    const out = at('own');
    const words = ['cosine-concentration', '--model', base, '--preferences', pairs(), '--out', out];
    const { code } = await dsteer(['verify', ...words]);
    expect([0, 1, 3]).toContain(code);
    const { claims } = await reportOf(out);
    expect(claims).toHaveLength(1);
    expect(claims[0]).toMatchObject({
      id: 'cosine-concentration',
      experiment: 'given',
      n: 70,
      verdict: 'holds',
    });
    expect(claims[0]?.controls.map(({ id }) => id)).toEqual([
      'placebo-noise',
      'shuffled-labels',
      'sft',
      'random-directions',
      'shuffled-rows',
    ]);
    expect(await exists(join(out, 'given', 'seed-100', 'training-dpo.csv'))).toBe(true);
  }, 120_000);
});

describe('dsteer verify --prompts', () => {
  it('should find at prompts without answers what it found at the prompts of preferences', async () => {
    const lines = (await readFile(pairs(), 'utf8')).split('\n').slice(0, 140);
    const prompts = lines.map((line) => JSON.stringify({ prompt: JSON.parse(line).prompt }));
    await writeFile(at('prompts.jsonl'), prompts.join('\n'));
    const out = at('prompts');
    const words = ['--base', base, '--policy', policy(), '--sft-base', policy()];
    const { code, stderr } = await dsteer([
      'verify',
      ...words,
      '--prompts',
      at('prompts.jsonl'),
      '--out',
      out,
    ]);
    expect(stderr).not.toContain('error:');
    expect([0, 1, 3]).toContain(code);
    const [own, whole] = await Promise.all([reportOf(out), reportOf(at('pair'))]);
    expect(own.claims).toHaveLength(5);
    for (const claim of own.claims) {
      const same = whole.claims.find(({ id }) => id === claim.id);
      expect(claim.n).toBe(140);
      expect(claim.estimate).toBeCloseTo(same?.estimate ?? Number.NaN, 2);
      expect(claim.controls.map(({ id }) => id)).toEqual(same?.controls.map(({ id }) => id));
      for (const [index, control] of claim.controls.entries()) {
        expect(control.estimate).toBeCloseTo(same?.controls[index]?.estimate ?? Number.NaN, 1);
      }
    }
    // What was read is kept, and judged by itself says the same.
    const states = join(out, 'given', 'seed-100', 'activations.safetensors');
    await dsteer(['verify', 'rank-one-dominance', '--activations', states, '--out', at('again')]);
    const [again] = (await reportOf(at('again'))).claims;
    const ratio = own.claims.find(({ id }) => id === 'rank-one-dominance');
    expect(again?.estimate).toBeCloseTo(ratio?.estimate ?? Number.NaN, 12);
  }, 120_000);

  it('should refuse too few prompts, and prompts beside preferences', async () => {
    await writeFile(at('few.jsonl'), '{"prompt":"It was"}\n'.repeat(3));
    const words = ['verify', '--base', base, '--policy', policy(), '--prompts', at('few.jsonl')];
    const few = await run([...words, '--out', at('few')]);
    expect(few.code).toBe(2);
    expect(few.stderr).toContain('3 prompts are too few: at least 64 are needed');
    const both = await run([...words, '--preferences', pairs(), '--out', at('no')]);
    expect(both.code).toBe(2);
    expect(both.stderr).toContain('--prompts stand in the place of --preferences');
  });
});

describe('dsteer verify --activations', () => {
  it('should find in captured hidden states what it found in the checkpoints they came from', async () => {
    const pair = at('pair');
    const file = join(pair, 'given', 'seed-100', 'activations.safetensors');
    const { code } = await dsteer(['verify', '--activations', file, '--out', at('states')]);
    expect([0, 1, 3]).toContain(code);
    const [own, whole] = await Promise.all([reportOf(at('states')), reportOf(pair)]);
    expect(own.claims.map(({ id }) => id)).toEqual([
      'cosine-concentration',
      'rank-one-dominance',
      'entropy-collapse',
      'leading-direction',
      'inversion-recovery-energy',
    ]);
    for (const claim of own.claims) {
      const same = whole.claims.find(({ id }) => id === claim.id);
      expect(claim.n).toBe(140);
      // The folds of cross-fitting differ: rows without a source are sources of their own.
      expect(claim.estimate).toBeCloseTo(same?.estimate ?? Number.NaN, 2);
      expect(claim.controls.map(({ id }) => id)).not.toContain('placebo-noise');
    }
    const ratio = (report: RunReport) =>
      report.claims.find(({ id }) => id === 'rank-one-dominance')?.estimate;
    expect(ratio(own)).toBeCloseTo(ratio(whole) ?? Number.NaN, 12);
  }, 120_000);

  it('should judge the last layer where there is no final hidden state', async () => {
    const file = await openSafetensors(at('pair', 'given', 'seed-100', 'activations.safetensors'));
    const tensors: Record<string, { shape: number[]; data: Float32Array }> = {};
    for (const name of ['base', 'policy']) {
      const { shape } = file.tensors.get(name) ?? { shape: [] };
      tensors[name] = { shape: [...shape], data: await file.read(name) };
    }
    await file.close();
    await writeSafetensors(at('residual.safetensors'), tensors);
    const { code } = await dsteer([
      'verify',
      '--activations',
      at('residual.safetensors'),
      '--out',
      at('residual'),
    ]);
    expect([0, 1, 3]).toContain(code);
    const { claims } = await reportOf(at('residual'));
    expect(claims).toHaveLength(5);
    for (const { id, outcome, controls } of claims) {
      expect([id, outcome]).not.toContain('error');
      expect(controls.filter((control) => control.verdict === 'error')).toEqual([]);
    }
  }, 60_000);

  it('should refuse what holds no pair of hidden states, and flags that do not go with it', async () => {
    const stray = await run(['verify', '--activations', join(base, 'model.safetensors'), '--out', at('no')]);
    expect(stray.code).toBe(2);
    expect(stray.stderr).toContain('there is no tensor "base" or "it"');
    const mixed = await run(['verify', '--activations', 'a', '--base', 'b', '--out', at('no')]);
    expect(mixed.code).toBe(2);
    expect(mixed.stderr).toContain('--activations are judged by themselves, without --base');
    expect(await exists(at('no'))).toBe(false);
  });
});
