import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assetsFolder } from '../../src/data/index.js';
import { startEngine } from '../../src/engine/index.js';
import { hashParameters, loadModel } from '../../src/model/index.js';
import { loadAdapter } from '../../src/training/index.js';
import { run } from './run.js';

let folder = '';
beforeAll(async () => {
  await startEngine('auto');
  folder = await mkdtemp(join(tmpdir(), 'dsteer-train-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** An experiment on 16 tuples of the shipped data with the smallest shipped model; `training` is added to. */
const put = async (name: string, training: string): Promise<string> => {
  const file = join(folder, `${name}.yaml`);
  await writeFile(
    file,
    `experiment: ${name}
title: A few tuples
model: shipped/llama-d32
data: { preferences: one-frame, train: 16, heldOut: 64 }
training:
  learningRate: 1.0e-3
  epochs: 1
  batchSize: 8
${training}seeds: [100]
`,
  );
  return file;
};

const metricsOf = async (out: string): Promise<Record<string, unknown>[]> =>
  (await readFile(join(out, 'metrics.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

const manifestOf = async (out: string) => JSON.parse(await readFile(join(out, 'manifest.json'), 'utf8'));

const hashOf = async (out: string): Promise<string> => (await manifestOf(out)).outputs['model.safetensors'];

const cli = (name: string): string => join(folder, name);

describe('dsteer train', () => {
  it('runs stages in order, each from where the last one ended, and keeps their models', async () => {
    await writeFile(join(folder, 'corpus.txt'), 'The food was good. '.repeat(100));
    const file = await put(
      'staged',
      `  initial:
    - { objective: lm, corpus: corpus.txt, learningRate: 1.0e-3, epochs: 2, batchSize: 2, embeddings: unfrozen }
    - { objective: sft, learningRate: 1.0e-3, epochs: 1, batchSize: 8 }
`,
    );
    const out = cli('staged');
    const { code, stdout, stderr } = await run(['train', file, '--out', out]);
    expect(code, stderr).toBe(0);
    expect(stdout.split('\n').map((line) => line.replace(/.*staged: (\w+: \d+ steps).*/, '$1'))).toEqual([
      expect.stringMatching(/^lm: \d+ steps$/),
      'sft: 2 steps',
      'dpo: 2 steps',
      '',
    ]);
    expect((await readdir(out)).sort()).toEqual([
      'config.json',
      'manifest.json',
      'metrics.jsonl',
      'model.safetensors',
      expect.stringMatching(/^reference-logps-/),
      'stages',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    const metrics = await metricsOf(out);
    const dpo = metrics.filter(({ objective }) => objective === 'dpo');
    // The reference is the model that SFT left, so DPO begins at ln 2.
    expect(dpo[0]?.['loss']).toBeCloseTo(Math.LN2, 5);
    const lm = metrics.filter(({ objective }) => objective === 'lm');
    expect(Number(lm.at(-1)?.['loss'])).toBeLessThan(Number(lm[0]?.['loss']) / 2);
    const folders = [
      join(assetsFolder(), 'models', 'llama-d32'),
      join(out, 'stages', '1-lm'),
      join(out, 'stages', '2-sft'),
      out,
    ];
    const embeddings: string[] = [];
    const weights: string[] = [];
    for (const each of folders) {
      const model = await loadModel(each);
      const hashes = await hashParameters(model, [model.embeddingName, 'model.layers.0.mlp.up_proj.weight']);
      embeddings.push(hashes[model.embeddingName] ?? '');
      weights.push(hashes['model.layers.0.mlp.up_proj.weight'] ?? '');
      model.dispose();
    }
    expect(new Set(weights).size).toBe(4);
    expect(embeddings[1]).not.toBe(embeddings[0]);
    expect(embeddings.slice(2)).toEqual([embeddings[1], embeddings[1]]);
    const { objectives, seconds } = await manifestOf(out);
    expect(objectives).toEqual(['lm', 'sft', 'dpo']);
    expect(String(seconds)).toMatch(/^\d+(\.\d{1,3})?$/);
  });

  it('takes the last objective from the command line, and gives the bytes of a file that says so', async () => {
    const asked = await run(['train', await put('plain', ''), '--objective', 'sft', '--out', cli('asked')]);
    expect(asked).toMatchObject({ code: 0, stdout: expect.stringMatching(/asked: 2 steps, loss [^,]*\n$/) });
    const said = await run(['train', await put('said', '  objective: sft\n'), '--out', cli('said')]);
    expect(said.code).toBe(0);
    expect(await hashOf(cli('asked'))).toBe(await hashOf(cli('said')));
    const [first] = await metricsOf(cli('asked'));
    expect(Object.keys(first ?? {})).toEqual(['step', 'loss', 'grad_norm', 'learning_rate']);
    const text = await run(['train', await put('text', ''), '--objective', 'lm', '--out', cli('text')]);
    expect(text, text.stderr).toMatchObject({ code: 0 });
    expect(await hashOf(cli('text'))).not.toBe(await hashOf(cli('said')));
  });

  it('saves an adapter that is the difference between base and policy', async () => {
    const file = await put('adapter', '  lora: { rank: 4, alpha: 8, targetModules: [o_proj, up_proj] }\n');
    const out = cli('adapter');
    expect((await run(['train', file, '--out', out])).code).toBe(0);
    const base = join(assetsFolder(), 'models', 'llama-d32');
    const [policy, adapted] = [await loadModel(out), await loadModel(base)];
    const names = [...policy.variables.keys()];
    const before = await hashParameters(adapted, names);
    const adapter = await loadAdapter(adapted, join(out, 'adapter'));
    adapter.merge();
    const [merged, trained] = [await hashParameters(adapted, names), await hashParameters(policy, names)];
    expect(merged).toEqual(trained);
    for (const name of names) {
      expect(trained[name] !== before[name], name).toBe(/\.(?:o_proj|up_proj)\./.test(name));
    }
    policy.dispose();
    adapted.dispose();
  });

  it('keeps reference log-probabilities in a folder that several trainings share, with the same results', async () => {
    const cache = cli('cache');
    const file = await put('cached', '');
    const alone = await run(['train', file, '--out', cli('alone')]);
    const first = await run(['train', file, '--out', cli('first'), '--cache', cache]);
    const second = await run([
      'train',
      file,
      '--out',
      cli('second'),
      '--cache',
      cache,
      '--checkpoint-every',
      '0',
    ]);
    expect([alone.code, first.code, second.code]).toEqual([0, 0, 0]);
    expect(first.stderr).not.toContain('read from');
    expect(second.stderr).toContain('16 tuples read from');
    expect(await readdir(cache)).toEqual(
      (await readdir(cli('alone'))).filter((name) => name.startsWith('reference')),
    );
    expect((await readdir(cli('first'))).filter((name) => name.startsWith('reference'))).toEqual([]);
    expect(
      new Set([await hashOf(cli('alone')), await hashOf(cli('first')), await hashOf(cli('second'))]).size,
    ).toBe(1);
  });

  it('trains every loss, those without a reference without one', async () => {
    const hashes = new Set<string>();
    for (const loss of ['sigmoid', 'cdpo', 'hinge', 'ipo', 'robust', 'simpo', 'orpo', 'kto-pair']) {
      const smoothed = loss === 'cdpo' || loss === 'robust' ? '  labelSmoothing: 0.1\n' : '';
      const file = await put(`loss-${loss}`, `  loss: ${loss}\n  warmupSteps: 0\n${smoothed}`);
      const out = cli(`loss-${loss}`);
      const { code, stderr } = await run(['train', file, '--out', out]);
      expect(code, stderr).toBe(0);
      const isFree = loss === 'simpo' || loss === 'orpo';
      expect(
        (await readdir(out)).some((name) => name.startsWith('reference')),
        loss,
      ).toBe(!isFree);
      hashes.add(await hashOf(out));
    }
    expect(hashes.size).toBe(8);
  });

  it.each([
    ['a loss that there is not', '  loss: hindge\n', /wrong\.yaml:9:9: .*hinge/s],
    ['a stage within a stage', '  initial: [{ initial: [] }]\n', /wrong\.yaml:9/],
    ['smoothing of a loss without', '  labelSmoothing: 0.2\n', /sigmoid has no label smoothing/],
    ['parts of coupled pairs', '  loss: kto-pair\n  microBatchSize: 2\n', /couples the pairs/],
    [
      'a module that there is not',
      '  lora: { rank: 2, alpha: 2, targetModules: [c_attn] }\n',
      /called c_attn/,
    ],
    ['a corpus for preferences', '  corpus: some.txt\n', /reads no corpus/],
    [
      'a corpus that is not there',
      '  objective: lm\n  corpus: none.txt\n',
      /none\.txt: cannot read this corpus/,
    ],
  ])('ends with 2 for %s', async (_, training, message) => {
    const { code, stdout, stderr } = await run([
      'train',
      await put('wrong', training),
      '--out',
      cli('wrong'),
    ]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });

  it('ends with 2 for an objective that there is not, naming those that there are', async () => {
    const words = ['train', await put('goal', ''), '--out', cli('goal'), '--objective', 'ppo'];
    const { code, stderr } = await run(words);
    expect(code).toBe(2);
    expect(stderr).toMatch(/dpo, sft, lm/);
  });
});
