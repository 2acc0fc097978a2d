import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Baseline } from '../../src/claims/index.js';
import { baselineJson, parseBaseline, writeReports } from '../../src/reports/index.js';
import { exampleClaim, exampleManifest, reportOf } from '../reports/example-report.js';
import { run } from './run.js';

let folder = '';
let file = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dsteer-baseline-'));
  file = join(folder, 'dsteer.baseline.json');
});
afterEach(() => rm(folder, { recursive: true }));

const read = async (): Promise<Baseline> => parseBaseline(await readFile(file, 'utf8'), file);
const editBand = async (band: readonly [number, number]): Promise<void> => {
  const baseline = await read();
  await writeFile(
    file,
    baselineJson({ ...baseline, claims: baseline.claims.map((entry) => ({ ...entry, band })) }),
  );
};

describe('dsteer verify with a baseline', () => {
  const verify = (name: string, ...words: string[]) =>
    run(['verify', 'logit-difference', ...words, '--out', join(folder, name)]);

  it('accepts a run, holds the next one against it, and fails where a band is left', async () => {
    const first = await verify('a', '--baseline', file, '--update-baseline');
    expect(first.code, first.stderr).toBe(0);
    expect(first.stdout).toContain('+ logit-difference (properties over random tensors): HOLDS');
    expect(first.stdout.replace(/\s+/g, ' ')).toContain('1 added · 0 rewritten · 0 removed · 0 unchanged');
    const written = await readFile(file, 'utf8');

    const same = await verify('b', '--baseline', file);
    expect(same.code).toBe(0);
    expect(same.stdout).toContain('1 within · 0 left');

    await editBand([0.5, 0.6]);
    const left = await verify('c', '--baseline', file);
    expect(left.code).toBe(1);
    expect(left.stdout).toContain('left the accepted band [0.5, 0.6]');
    const report = JSON.parse(await readFile(join(folder, 'c', 'report.json'), 'utf8'));
    expect(report.totals).toEqual({ pass: 0, fail: 1, inconclusive: 0, error: 0 });
    expect(report.claims[0]).toMatchObject({
      verdict: 'holds',
      outcome: 'fail',
      baseline: { state: 'left' },
    });
    expect(await readFile(join(folder, 'c', 'junit.xml'), 'utf8')).toContain('failures="1"');

    const again = await verify('d', '--baseline', file, '--update-baseline', '--json');
    expect(again.code).toBe(0);
    expect(JSON.parse(again.stdout).totals.pass).toBe(1);
    expect(again.stderr.replace(/\s+/g, ' ')).toContain('in [0.5, 0.6] → HOLDS');
    expect(await readFile(file, 'utf8')).toBe(written);
  });

  it('fails for a claim that it does not judge, save in a shard', async () => {
    await run([
      'verify',
      'logit-difference',
      'gradient-law-property',
      '--baseline',
      file,
      '--update-baseline',
      '--out',
      join(folder, 'a'),
    ]);
    expect((await read()).claims).toHaveLength(2);
    const whole = await verify('b', '--baseline', file);
    expect(whole.code).toBe(1);
    expect(whole.stdout).toContain('1 missing');
    const part = await verify('c', '--baseline', file, '--shard', '1/2');
    expect(part.code, part.stdout).toBe(0);
  });

  it('refuses what is no baseline before any work, and leaves it as it is', async () => {
    await writeFile(file, '{\n  "schema": 1,\n  "claims": [}\n');
    for (const words of [
      ['--baseline', file],
      ['--baseline', file, '--update-baseline'],
    ]) {
      const { code, stdout, stderr } = await verify('a', ...words);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain(`${file}:3:14: this baseline is not JSON`);
    }
    expect(existsSync(join(folder, 'a'))).toBe(false);
    expect(await readFile(file, 'utf8')).toContain('[}');
  });

  it('says how to make one that is not there, and does not make one of a shard', async () => {
    const absent = await verify('a', '--baseline', file);
    expect(absent.code).toBe(2);
    expect(absent.stderr).toContain('--update-baseline');
    const part = await verify('a', '--baseline', file, '--update-baseline', '--shard', '1/2');
    expect(part.code).toBe(2);
    expect(part.stderr).toContain('dsteer report merge');
    expect(existsSync(file)).toBe(false);
  });
});

describe('dsteer report merge with a baseline', () => {
  it('makes one of the merged run, and holds it against one', async () => {
    const parts: string[] = [];
    for (const id of ['a', 'b']) {
      parts.push(join(folder, id));
      await writeReports(join(folder, id), {
        report: reportOf(exampleClaim({ id })),
        manifest: exampleManifest(),
      });
    }
    const merge = (out: string, ...words: string[]) =>
      run(['report', 'merge', ...parts, '--out', join(folder, out), '--baseline', file, ...words]);
    expect((await merge('one', '--update-baseline')).code).toBe(0);
    expect((await read()).claims.map(({ id }) => id)).toEqual(['a', 'b']);
    expect((await merge('two')).code).toBe(0);
    await editBand([0, 0.1]);
    const left = await merge('three');
    expect(left.code).toBe(1);
    expect(left.stdout).toContain('0 within · 2 left');
    expect(await readFile(join(folder, 'three', 'junit.xml'), 'utf8')).toContain('failures="2"');
  });
});
