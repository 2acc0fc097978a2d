import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { assetsFolder } from '../../src/data/index.js';
import { startEngine } from '../../src/engine/index.js';
import { countParameters, loadModel } from '../../src/model/index.js';
import { fixturesFolder, fixturesPresent, needsFixtures } from '../model/golden.js';
import { run } from './run.js';

const shipped = join(assetsFolder(), 'model');

describe('dsteer doctor --model', () => {
  it('tells of a folder what loading it shows, and what its tokenizer knows', async () => {
    const { code, stdout } = await run(['doctor', '--model', shipped, '--json']);
    expect(code).toBe(0);
    const survey = JSON.parse(stdout);
    await startEngine('auto');
    const model = await loadModel(shipped);
    expect(survey).toMatchObject({
      architecture: model.config.architecture,
      layers: model.layers,
      hiddenSize: model.hiddenSize,
      vocabularySize: model.vocabularySize,
      maxPositions: model.config.maxPositions,
      tied: model.tied,
      parameters: countParameters(model),
      stored: { F16: countParameters(model) },
      tokenizer: { vocabularySize: 1536, hasChatTemplate: false },
      warnings: [],
    });
    model.dispose();
    expect(survey.memory.modelBytes).toBe(4 * survey.parameters);
    expect(survey.memory.extractBytes).toBeGreaterThan(survey.memory.modelBytes);
    expect(survey.memory.dpoUnfrozenBytes).toBeGreaterThan(survey.memory.dpoFrozenBytes);
    const table = await run(['doctor', '--model', shipped]);
    expect(table.stdout).toMatch(/layers +6\n/);
    expect(table.stdout).toMatch(/DPO, frozen +[\d.]+ MiB/);
    for (const line of table.stdout.split('\n')) expect([...line].length).toBeLessThanOrEqual(100);
  });

  it('counts memory for the work that it is told of, and warns of more than the model can read', async () => {
    const bytes = async (...words: string[]): Promise<number> =>
      JSON.parse((await run(['doctor', '--model', shipped, '--json', ...words])).stdout).memory.extractBytes;
    const model = JSON.parse((await run(['doctor', '--model', shipped, '--json'])).stdout).memory.modelBytes;
    const one = (await bytes('--length', '16', '--batch-size', '8')) - model;
    expect((await bytes('--length', '16', '--batch-size', '16')) - model).toBe(2 * one);
    const { stdout } = await run(['doctor', '--model', shipped, '--length', '100']);
    expect(stdout).toContain('100 tokens are more than the model');
  });

  it.skipIf(!fixturesPresent)(`reads every fixture, however it is stored${needsFixtures}`, async () => {
    const stored: Record<string, unknown> = {};
    for (const name of ['llama', 'llama3_scaled', 'mistral', 'gpt2', 'gpt2_hub', 't5']) {
      const { code, stdout } = await run([
        'doctor',
        '--model',
        join(fixturesFolder, 'models', name),
        '--json',
      ]);
      expect(code).toBe(0);
      const survey = JSON.parse(stdout);
      stored[name] = [survey.architecture, Object.keys(survey.stored).join(), survey.shards];
      expect(survey.warnings).toEqual([expect.stringContaining('no tokenizer.json')]);
    }
    expect(stored).toEqual({
      llama: ['llama', 'F32', 2],
      llama3_scaled: ['llama', 'F32', 1],
      mistral: ['mistral', 'BF16', 1],
      gpt2: ['gpt2', 'F16', 1],
      gpt2_hub: ['gpt2', 'F32', 1],
      t5: ['t5', 'F32', 1],
    });
  });

  it('ends with 2 where the folder cannot be used', async () => {
    const { code, stdout, stderr } = await run(['doctor', '--model', 'nowhere']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('nowhere');
    expect(stderr).not.toContain('unexpected');
  });
});
