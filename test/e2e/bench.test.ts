/** `dsteer bench` as it is built: timings are not judged here, what is written of them is. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BenchmarkReport } from '../../src/benchmarks/index.js';
import { dsteer, ensureBuilt, type ProcessResult } from './built-cli.js';

let folder = '';
beforeAll(async () => {
  ensureBuilt();
  folder = await mkdtemp(join(tmpdir(), 'dsteer-bench-'));
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

/** Of the cases that several tests look at. */
let timed: ProcessResult;
let report: BenchmarkReport;

const bench = (...words: string[]) =>
  dsteer(['bench', '--budget', '1', '--engine', 'wasm', '--out', folder, ...words]);

describe('dsteer bench', () => {
  beforeAll(async () => {
    timed = await bench('--filter', 'gemm/A·B 1', '--filter', 'kernels/RMSNorm d = 128');
    report = JSON.parse(await readFile(join(folder, 'bench.json'), 'utf8'));
  }, 60_000);

  it('should time the cases asked for, and leave a report and a drawing', async () => {
    const { code, stdout } = timed;
    expect(code).toBe(0);
    const { results, engines } = report;
    expect(engines).toMatchObject([{ state: 'ran', name: 'wasm' }]);
    expect(results.map(({ subject, size, state }) => `${subject} ${size} ${state}`)).toEqual([
      'gemm 128³ measured',
      'gemm 1024³ measured',
      'kernels d = 128 measured',
    ]);
    for (const result of results) {
      if (result.state !== 'measured') continue;
      const [low, high] = result.medianInterval;
      expect(low).toBeLessThanOrEqual(result.medianMs);
      expect(high).toBeGreaterThanOrEqual(result.medianMs);
      expect(result.peakMemoryMiB).toBeGreaterThan(10);
    }
    // Work over time is the same thing said twice.
    const [product] = results;
    if (product?.state === 'measured') {
      expect((product.gflops ?? 0) * product.medianMs * 1e6).toBeCloseTo(2 * 128 ** 3, -1);
    }
    expect(stdout).toContain('A·B, 1024³');
    expect(await readFile(join(folder, 'bench.svg'), 'utf8')).toMatch(/^<svg.*gemm/s);
  }, 60_000);

  it('should end with 1 where a case has become slower than a report says, and with 0 where none has', async () => {
    const case128 = ['--filter', 'gemm/A·B 128'];
    const [result] = report.results;
    if (result?.state !== 'measured') throw new Error('nothing was timed');
    expect(result.size).toBe('128³');
    const against = join(folder, 'before.json');
    const pretend = (factor: number) =>
      writeFile(
        against,
        JSON.stringify({ ...report, results: [{ ...result, toGemm: result.toGemm * factor }] }),
      );
    await pretend(1e-6);
    const slower = await bench(...case128, '--against', against);
    expect(slower.code).toBe(1);
    expect(slower.stdout).toMatch(/gemm\/A·B 128³ .*SLOWER/);
    await pretend(1e6);
    const faster = await bench(...case128, '--against', against, '--json');
    expect(faster.code).toBe(0);
    expect(JSON.parse(faster.stdout).comparisons).toMatchObject([{ state: 'compared', isSlower: false }]);
  }, 60_000);

  it('should refuse what names no benchmark, and a file that is no report', async () => {
    const none = await bench('--filter', 'quantum');
    expect(none.code).toBe(2);
    expect(none.stderr).toContain('no benchmark is called anything like quantum');
    await writeFile(join(folder, 'other.json'), '{"schema":1}');
    const other = await bench('--filter', 'gemm/A·B 128', '--against', join(folder, 'other.json'));
    expect(other.code).toBe(2);
    expect(other.stderr).toContain('not a benchmark report: run');
    const auto = await bench('--engine', 'auto');
    expect(auto.code).toBe(2);
  }, 30_000);

  it('should skip an engine that is not here with the reason, and end with 4 where it was the only one', async () => {
    const { code, stdout } = await dsteer(
      ['bench', '--engine', 'blas', '--filter', 'gemm/A·B 128', '--out', folder],
      { environment: { DSTEER_BLAS: 'none' } },
    );
    expect(code).toBe(4);
    expect(stdout).toMatch(/✗ blas: .*DSTEER_BLAS=none/);
  }, 30_000);
});
