import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe } from 'vitest';
import { packageFolder } from '../../src/base/index.js';
import { loadCatalogue, loadSpecs, select } from '../../src/claims/index.js';
import { itObeysTheLaw } from './parser-law.js';

const shipped = (path: string): Promise<string> => readFile(join(packageFolder(), 'specs', path), 'utf8');

const family = `experiment: mine
extends: many-frames
title: A family
data:
  mixture:
    - { name: one, preferences: one-frame, weight: 2, labels: flipped }
    - &part { name: two, preferences: pairs.jsonl, cue: "Mind: " }
    - *part
training: { initial: [{ objective: sft, learningRate: 1e-3, epochs: 1, batchSize: 4 }], lora: { rank: 2, alpha: 4 } }
vary:
  beta-1: { training: { beta: 1 } }
  untied: { untie: true, checkpoints: { policy: ./policy } }
`;

describe('specifications', () => {
  itObeysTheLaw('claims, experiments, families and suites', {
    name: 'mine.yaml',
    parse: (file) => loadSpecs(file),
    seeds: async () => [
      { bytes: family },
      { bytes: await shipped('experiments/many-frames.yaml') },
      { bytes: await shipped('claims/cosine-concentration.yaml') },
      { bytes: await shipped('suites/frozen-vs-unfrozen.yaml') },
    ],
  });
});

describe('a selection', () => {
  itObeysTheLaw('a claim and a suite beside experiments of their own', {
    name: 'mine.yaml',
    parse: async (file) => select([file], await catalogue()),
    seeds: async () => [
      { bytes: await shipped('claims/cosine-concentration.yaml') },
      { bytes: await shipped('suites/quick.yaml') },
    ],
  });
});

let kept: ReturnType<typeof loadCatalogue> | undefined;
const catalogue = (): ReturnType<typeof loadCatalogue> => {
  kept ??= loadCatalogue();
  return kept;
};
