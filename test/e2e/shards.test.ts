import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { dsteer, ensureBuilt } from './built-cli.js';

let folder = '';
beforeAll(async () => {
  ensureBuilt();
  folder = await mkdtemp(join(tmpdir(), 'dsteer-shards-'));
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

const experiment = (name: string, preferences: string): string => `experiment: ${name}
title: A few tuples
model: shipped/llama-d32
data:
  preferences: ${preferences}
  train: 16
  heldOut: 64
training:
  learningRate: 1.0e-3
  epochs: 1
  batchSize: 8
seeds: [100]
`;

const claim = `claim: own
title: A title
source: a paper
statement: Something holds.
metric: cosine-to-steering-vector
threshold: { atLeast: 0.5 }
cases:
  - { experiment: tiny-one, expected: holds, reason: because, controls: { random-directions: breaks } }
  - { experiment: tiny-many, expected: holds, reason: because, controls: { random-directions: breaks } }
`;

const withoutTimes = (report: string): string =>
  report.replace(/"(startedAt|finishedAt|seconds)": [^\n]*/g, '"$1": …');

it('two parts of a run, merged, are the whole run byte for byte but for times', async () => {
  await writeFile(join(folder, 'one.yaml'), experiment('tiny-one', 'one-frame'));
  await writeFile(join(folder, 'many.yaml'), experiment('tiny-many', 'many-frames'));
  await writeFile(join(folder, 'own.yaml'), claim);
  const verify = (out: string, ...words: string[]) =>
    dsteer(['verify', join(folder, 'own.yaml'), 'logit-difference', ...words, '--out', join(folder, out)]);
  const whole = await verify('whole');
  for (const part of ['1', '2']) await verify(`part-${part}`, '--shard', `${part}/2`);
  const parts = [join(folder, 'part-1'), join(folder, 'part-2')];
  const merged = await dsteer(['report', 'merge', ...parts, '--out', join(folder, 'merged')]);
  expect(merged.code).toBe(whole.code);
  const reportOf = async (name: string): Promise<string> =>
    withoutTimes(await readFile(join(folder, name, 'report.json'), 'utf8'));
  expect(JSON.parse(await readFile(join(folder, 'whole', 'report.json'), 'utf8')).claims).toHaveLength(3);
  expect(await reportOf('merged')).toBe(await reportOf('whole'));
}, 120_000);
