import { afterEach, describe, expect, it, vi } from 'vitest';
import { ResourceError, UsageError } from '../../src/base/index.js';
import {
  activeEngine,
  ENGINE_NAMES,
  measureSgemm,
  parseEngineName,
  startEngine,
  surveyEngines,
} from '../../src/engine/index.js';

describe('starting an engine', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('lists every engine, with a reason and a cure for each that is not there', async () => {
    const statuses = await surveyEngines();
    expect(statuses.map(({ name }) => name)).toEqual([...ENGINE_NAMES]);
    for (const status of statuses) {
      if (status.available) expect(status.details).not.toBe('');
      else expect([status.reason, status.hint]).not.toContain('');
    }
    expect(statuses.find(({ name }) => name === 'wasm')?.available).toBe(true);
  });

  it('takes the first that runs when asked for none, and says why not the others', async () => {
    vi.stubEnv('DSTEER_BLAS', 'none');
    const info = await startEngine('auto');
    expect(info.tried.map(({ name }) => name)).toEqual(
      ['tensorflow-gpu', 'tensorflow', 'blas'].slice(0, info.tried.length),
    );
    for (const { reason } of info.tried) expect(reason).not.toBe('');
    expect(activeEngine()).toEqual(info);
  });

  it('refuses an engine asked for by name that is not there: exit code 4, with what to install', async () => {
    vi.stubEnv('DSTEER_BLAS', 'none');
    const refusal: unknown = await startEngine('blas').catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(ResourceError);
    expect(refusal).toMatchObject({ exitCode: 4, hint: expect.stringContaining('DSTEER_BLAS') });
  });

  it('does not fall back silently from a library named by DSTEER_BLAS that does not load', async () => {
    vi.stubEnv('DSTEER_BLAS', '/nowhere/libnothing.so');
    const survey = await surveyEngines();
    expect(survey.find(({ name }) => name === 'blas')).toMatchObject({ available: false });
    await expect(startEngine('blas')).rejects.toThrow(/libnothing/);
  });

  it('reads names, and refuses others with the list of them', () => {
    for (const name of ['auto', ...ENGINE_NAMES]) expect(parseEngineName(name)).toBe(name);
    expect(() => parseEngineName('cuda')).toThrow(UsageError);
  });

  it('measures a speed', async () => {
    await startEngine('wasm');
    expect(await measureSgemm(64, 2)).toBeGreaterThan(0);
  });
});
