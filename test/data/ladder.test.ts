/** The shipped models beside the base: what their records say of them is true. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { RUNGS } from '../../scripts/rungs.js';
import { assetsFolder, loadTokenizer } from '../../src/data/index.js';
import { startEngine } from '../../src/engine/index.js';
import { countParameters, hashParameters, loadModel } from '../../src/model/index.js';

interface TrainingRecord {
  readonly parameters: number;
  readonly steps: number;
  readonly heldOut: Readonly<Record<'speeches' | 'reviews', { readonly perplexity: number }>>;
  readonly sha256: Readonly<Record<string, string>>;
}

const assets = assetsFolder();
const rungs = Object.entries(RUNGS).filter(([name]) => name !== 'shipped');

describe('the ladder', () => {
  beforeAll(() => startEngine('auto'));

  it('should be what scripts/rungs.ts lists', () => {
    expect(readdirSync(join(assets, 'models')).sort()).toEqual(rungs.map(([name]) => name).sort());
    for (const [name, { folder }] of rungs) expect(folder).toBe(`models/${name}`);
  });

  it.each(rungs)('should ship %s with a record of itself, and the tokenizer of the base', async (_, rung) => {
    const folder = join(assets, rung.folder);
    const record = JSON.parse(readFileSync(join(folder, 'training.json'), 'utf8')) as TrainingRecord;
    const [tokenizer, base] = [await loadTokenizer(folder), await loadTokenizer(join(assets, 'model'))];
    expect(tokenizer.sha256).toBe(base.sha256);
    expect(tokenizer.bosId).toBe(base.bosId);
    const model = await loadModel(folder);
    expect(model.config).toEqual(rung.configure(tokenizer, 64));
    expect(countParameters(model)).toBe(record.parameters);
    expect(await hashParameters(model, model.embeddingNames())).toEqual(record.sha256);
    expect(record.steps).toBe(rung.steps);
    // A guess would have the vocabulary's size.
    for (const { perplexity } of Object.values(record.heldOut)) expect(perplexity).toBeLessThan(200);
    model.dispose();
  });
});
