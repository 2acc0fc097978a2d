import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createLlama,
  openActivations,
  readReport,
  reportJson,
  saveModel,
  startEngine,
  store,
} from '../../src/index.js';
import { tinyConfig } from '../activations/tiny-llama.js';
import { exampleReport } from '../reports/example-report.js';
import { run } from './run.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dsteer-cli-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('dsteer report', () => {
  it('prints a finished run again, as table or as JSON, whatever its verdicts', async () => {
    await writeFile(join(folder, 'report.json'), reportJson(exampleReport));
    const table = await run(['report', folder]);
    expect(table.code).toBe(0);
    expect(table.stdout).toContain('2 pass · 2 fail · 1 inconclusive · 1 error');
    const json = await run(['report', folder, '--json']);
    expect(json.stdout).toBe(reportJson(exampleReport));
  });
});

describe('dsteer verify', () => {
  it('runs a claim, writes every report and ends with 0 when all pass', async () => {
    const out = join(folder, 'run');
    const { code, stdout } = await run(['verify', 'logit-difference', '--seed', '7', '--out', out]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/logit-difference +\S+ \[.*PASS/);
    expect(stdout).toContain(out);
    expect((await readReport(out)).claims.map(({ id }) => id)).toEqual(['logit-difference']);
    for (const name of ['junit.xml', 'claims.sarif', 'summary.md', 'report.html', 'manifest.json']) {
      expect(existsSync(join(out, name)), name).toBe(true);
    }
  });

  it('prints report.json and nothing else on stdout with --json', async () => {
    const out = join(folder, 'json');
    const { stdout, stderr } = await run(['verify', 'logit-difference', '--out', out, '--json']);
    expect(stdout).toBe(await readFile(join(out, 'report.json'), 'utf8'));
    expect(stderr).toContain('engine');
  });
});

describe('dsteer extract', () => {
  const model = () => join(folder, 'model');
  beforeAll(async () => {
    await startEngine('auto');
    const llama = createLlama(tinyConfig, 1);
    await saveModel(llama, model());
    llama.dispose();
  });

  it('writes the states of token ids without a tokenizer, logits if asked', async () => {
    const [prompts, out] = [join(folder, 'ids.jsonl'), join(folder, 'states.safetensors')];
    await writeFile(prompts, '{"ids": [1, 2, 3]}\n{"ids": [4]}\n');
    const words = ['extract', '--model', model(), '--prompts', prompts, '--out', out, '--logits'];
    expect(await run(words)).toMatchObject({ code: 0, stdout: expect.stringContaining('2 layers × 2 × 16') });
    const { tensors, close } = await store.openSafetensors(out);
    await close();
    expect(Object.fromEntries([...tensors].map(([name, { shape }]) => [name, shape]))).toEqual({
      residual: [2, 2, 16],
      postNorm: [2, 16],
      logits: [2, 40],
    });
  });

  it('names file and line of a prompt that cannot be read', async () => {
    const prompts = join(folder, 'bad.jsonl');
    await writeFile(prompts, '{"ids": [1]}\n{"prompt": "no tokenizer"}\n');
    const { code, stderr } = await run([
      'extract',
      '--model',
      model(),
      '--prompts',
      prompts,
      '--out',
      join(folder, 'x.safetensors'),
    ]);
    expect(code).toBe(2);
    expect(stderr).toContain('bad.jsonl:2');
    expect(existsSync(join(folder, 'x.safetensors'))).toBe(false);
  });
});

describe('dsteer analyze', () => {
  const [n, d] = [6, 4];
  const file = () => join(folder, 'pair.safetensors');
  beforeAll(async () => {
    // Every row moves by the same vector: rank one, and each cosine is 1.
    const base = Float32Array.from({ length: n * d }, (_, i) => ((i * 7) % 5) + 1);
    const policy = base.map((value, i) => value + (i % d === 0 ? 3 : i % d === 2 ? 4 : 0));
    await store.writeSafetensors(file(), {
      base: { shape: [1, n, d], data: base },
      policy: { shape: [1, n, d], data: policy },
      basePostNorm: { shape: [n, d], data: base },
      policyPostNorm: { shape: [n, d], data: policy },
    });
  });

  it('prints an entry per layer with every field of the contract', async () => {
    const { code, stdout } = await run(['analyze', file(), '--json']);
    expect(code).toBe(0);
    const layers = JSON.parse(stdout);
    expect(layers.map(({ layer }: { layer: unknown }) => layer)).toEqual([1, 'postNorm']);
    expect(Object.keys(layers[0])).toEqual(
      expect.arrayContaining([
        'layer',
        'n',
        'd',
        'singularValues',
        'sigma2OverSigma1',
        'spectralEntropy',
        'participationRatio',
        'top1',
        'top3',
        'meanEnergyShare',
        'cosineToMean',
        'u1CosineToMean',
        'relativeNorm',
        'centred',
      ]),
    );
    expect(Object.keys(layers[0].cosineToMean)).toEqual(['mean', 'sd', 'median', 'p05', 'shareAbove09']);
    expect(layers[0].singularValues[0]).toBeCloseTo(5 * Math.sqrt(n), 5);
    expect(layers[0].sigma2OverSigma1).toBeCloseTo(0, 6);
    expect(layers[1].cosineToMean.mean).toBeCloseTo(1, 6);
  });

  it('prints a table that fits the terminal, with what it cannot prove said below', async () => {
    const { stdout } = await run(['analyze', file()]);
    for (const line of stdout.split('\n')) expect([...line].length).toBeLessThanOrEqual(100);
    expect(stdout).toMatch(/^postNorm /m);
    expect(stdout).toContain('in-sample');
    const { layers, close } = await openActivations(file());
    await close();
    expect(layers).toBe(1);
  });
});

describe('dsteer doctor', () => {
  it('lists each engine with its speed or the reason it is not available', async () => {
    const { stdout } = await run(['doctor', '--json']);
    const survey = JSON.parse(stdout);
    expect(survey.engines.length).toBeGreaterThan(1);
    for (const { status, sgemmGflops } of survey.engines) {
      if (status.available) expect(sgemmGflops).toBeGreaterThan(0);
      else expect(status.reason).not.toBe('');
    }
    expect(survey.engines.map(({ status }: { status: { name: string } }) => status.name)).toContain(
      survey.automatic,
    );
    const table = await run(['doctor']);
    expect(table.stdout).toContain('← auto');
    expect(table.stdout).toContain(process.versions.node);
  });
});
