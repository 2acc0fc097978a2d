import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadNativeBlas } from '../../src/linalg/native-blas.js';
import { coreFor, correctCore } from '../../src/linalg/openblas-core.js';

const cpuinfo = (...flags: readonly string[]): string =>
  `processor\t: 0\nmodel name\t: A processor\nflags\t\t: fpu sse2 ${flags.join(' ')}\nbugs\t\t: none\n`;
const avx512 = ['avx', 'avx2', 'fma', 'avx512f', 'avx512bw', 'avx512dq', 'avx512vl', 'avx512cd'];

/** A library that detects `seen`, and looks at the variable when asked to choose again. */
const library = (seen: string, environment: NodeJS.ProcessEnv) => {
  let core = seen;
  return {
    corename: () => core,
    choose: () => {
      core = environment['OPENBLAS_CORETYPE'] ?? seen;
    },
  };
};

describe('the kind of kernels', () => {
  it('should be the newest that the processor has the instructions of, and none without AVX2', () => {
    expect(coreFor(cpuinfo(...avx512, 'avx512_bf16'))).toBe('Cooperlake');
    expect(coreFor(cpuinfo(...avx512))).toBe('SkylakeX');
    expect(coreFor(cpuinfo(...avx512.filter((flag) => flag !== 'avx512vl')))).toBe('Haswell');
    expect(coreFor(cpuinfo('avx', 'avx2'))).toBeUndefined();
    expect(coreFor('')).toBeUndefined();
  });

  it('should be chosen again where OpenBLAS takes a new processor for its oldest, and nowhere else', () => {
    const correct = (seen: string, environment: NodeJS.ProcessEnv, ...flags: readonly string[]): string => {
      const blas = library(seen, environment);
      correctCore(blas, environment, () => cpuinfo(...flags));
      return blas.corename();
    };
    expect(correct('Prescott', {}, ...avx512)).toBe('SkylakeX');
    expect(correct('Prescott', {}, 'sse3')).toBe('Prescott');
    expect(correct('Zen', {}, ...avx512)).toBe('Zen');
    expect(correct('Prescott', { OPENBLAS_CORETYPE: 'Prescott' }, ...avx512)).toBe('Prescott');
  });
});

const blas = loadNativeBlas();
const isOpenBlas = !('unavailable' in blas) && blas.name.startsWith('OpenBLAS');
const able = isOpenBlas && process.platform === 'linux' && coreFor(readFileSync('/proc/cpuinfo', 'utf8'));

describe.skipIf(!able)(`OpenBLAS on this processor${able ? '' : ' (skipped: it is not here)'}`, () => {
  it('should not be left with kernels of 2004, and compute what the oldest ones do', () => {
    if ('unavailable' in blas) return;
    expect(blas.name).not.toContain('Prescott');
    const script = `
      import { loadNativeBlas } from ${JSON.stringify(new URL('../../src/linalg/native-blas.ts', import.meta.url).href)};
      const blas = loadNativeBlas();
      const n = 96;
      const a = Float64Array.from({ length: n * n }, (_, i) => Math.sin(i));
      const c = new Float64Array(n * n);
      blas.dgemm(false, true, n, n, n, 1, a, n, a, n, 0, c, n);
      console.log(JSON.stringify({ name: blas.name, c: [...c] }));`;
    const outcomes = ['', 'Prescott'].map((core) => {
      const { OPENBLAS_CORETYPE: _, ...environment } = process.env;
      const { stdout, stderr } = spawnSync(
        process.execPath,
        ['--import', 'tsx', '--input-type=module', '-e', script],
        { env: { ...environment, ...(core === '' ? {} : { OPENBLAS_CORETYPE: core }) }, encoding: 'utf8' },
      );
      expect(stderr).toBe('');
      return JSON.parse(stdout) as { name: string; c: number[] };
    });
    const [chosen, oldest] = outcomes;
    expect(chosen?.name).not.toContain('Prescott');
    expect(oldest?.name).toContain('Prescott');
    for (const [i, value] of (oldest?.c ?? []).entries()) expect(chosen?.c[i]).toBeCloseTo(value, 10);
  });
});
