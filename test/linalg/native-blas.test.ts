import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createRandom, packageFolder, ResourceError } from '../../src/base/index.js';
import { loadNativeBlas } from '../../src/linalg/native-blas.js';

const blas = loadNativeBlas();
const present = !('unavailable' in blas);
const missing = present ? '' : ` (skipped: ${blas.unavailable})`;

const randomMatrix = (rows: number, columns: number, seed: number): Float64Array => {
  const random = createRandom(seed);
  return Float64Array.from({ length: rows * columns }, () => random.normal());
};
const at = (x: ArrayLike<number>, i: number): number => x[i] ?? Number.NaN;

describe('the choice of a BLAS library', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('is switched off by DSTEER_BLAS=none', () => {
    vi.stubEnv('DSTEER_BLAS', 'none');
    expect(loadNativeBlas()).toEqual({ unavailable: expect.stringContaining('DSTEER_BLAS=none') });
  });

  it('refuses a library named by DSTEER_BLAS that does not load', () => {
    vi.stubEnv('DSTEER_BLAS', '/nowhere/libnothing.so');
    expect(() => loadNativeBlas()).toThrow(ResourceError);
    expect(() => loadNativeBlas()).toThrow(/libnothing/);
  });

  it('looks at nothing in the working folder', () => {
    const folder = mkdtempSync(join(tmpdir(), 'dsteer-blas-'));
    try {
      for (const name of ['libopenblas.so.0', 'libopenblas.so', 'libopenblas.dll', 'libmkl_rt.so.2']) {
        writeFileSync(join(folder, name), 'not a library');
      }
      const module = pathToFileURL(join(packageFolder(), 'dist', 'linalg', 'index.js')).href;
      const program = `const { loadNativeBlas } = await import(${JSON.stringify(module)});
        console.log(JSON.stringify(loadNativeBlas()));`;
      const told = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
        cwd: folder,
        encoding: 'utf8',
      });
      expect(JSON.parse(told).path).toBe('unavailable' in blas ? undefined : blas.path);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe.skipIf(!present)(`a native BLAS${missing}`, () => {
  if ('unavailable' in blas) return;
  const [m, n, k] = [3, 4, 5];

  it.each([
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ])('multiplies row-major matrices with transposition %s, %s', (transA, transB) => {
    const a = randomMatrix(m, k, 1);
    const b = randomMatrix(k, n, 2);
    const c = new Float64Array(m * n).fill(1);
    blas.dgemm(transA, transB, m, n, k, 2, a, transA ? m : k, b, transB ? k : n, 3, c, n);
    const c32 = new Float32Array(m * n).fill(1);
    const [a32, b32] = [Float32Array.from(a), Float32Array.from(b)];
    blas.sgemm(transA, transB, m, n, k, 2, a32, transA ? m : k, b32, transB ? k : n, 3, c32, n);
    const byAddress = new Float32Array(m * n).fill(1);
    const [pa, pb, pc] = [a32, b32, byAddress].map((view) => blas.addressOf(view)) as [
      number,
      number,
      number,
    ];
    blas.sgemmAt(transA, transB, m, n, k, 2, pa, transA ? m : k, pb, transB ? k : n, 3, pc, n);
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let l = 0; l < k; l++) {
          sum += at(a, transA ? l * m + i : i * k + l) * at(b, transB ? j * k + l : l * n + j);
        }
        expect(at(c, i * n + j)).toBeCloseTo(2 * sum + 3, 12);
        expect(at(c32, i * n + j)).toBeCloseTo(2 * sum + 3, 4);
      }
    }
    expect(byAddress).toEqual(c32);
  });

  it('computes the upper triangle of A·Aᵀ and of Aᵀ·A', () => {
    const a = randomMatrix(m, k, 3);
    for (const trans of [false, true]) {
      const order = trans ? k : m;
      const c = new Float64Array(order * order);
      blas.dsyrk(trans, order, trans ? m : k, 1, a, k, 0, c, order);
      const full = new Float64Array(order * order);
      blas.dgemm(trans, !trans, order, order, trans ? m : k, 1, a, k, a, k, 0, full, order);
      for (let i = 0; i < order; i++) {
        for (let j = i; j < order; j++) expect(at(c, i * order + j)).toBeCloseTo(at(full, i * order + j), 12);
      }
    }
  });

  it('changes the number of its threads', () => {
    const before = blas.threads;
    if (before === 0) return;
    blas.setThreads(1);
    expect(blas.threads).toBe(1);
    blas.setThreads(before);
    expect(blas.threads).toBe(before);
  });

  it.skipIf(blas.lapack === undefined)(
    'finds eigenvectors and singular vectors that rebuild the matrix',
    () => {
      const lapack = blas.lapack;
      if (lapack === undefined) return;
      const x = randomMatrix(m, k, 4);
      const s = new Float64Array(m);
      const u = new Float64Array(m * m);
      const vt = new Float64Array(m * k);
      expect(lapack.dgesdd('row', 'thin', m, k, x.slice(), s, u, vt)).toBe(0);
      const scaled = u.map((value, i) => value * at(s, i % m));
      const rebuilt = new Float64Array(m * k);
      blas.dgemm(false, false, m, k, m, 1, scaled, m, vt, k, 0, rebuilt, k);
      rebuilt.forEach((value, i) => {
        expect(value).toBeCloseTo(at(x, i), 12);
      });
      const gram = new Float64Array(m * m);
      blas.dgemm(false, true, m, m, k, 1, x, k, x, k, 0, gram, m);
      const values = new Float64Array(m);
      const vectors = gram.slice();
      expect(lapack.dsyevd('row', true, m, vectors, values)).toBe(0);
      values.forEach((value, i) => {
        expect(value).toBeCloseTo(at(s, m - 1 - i) ** 2, 11);
        for (let row = 0; row < m; row++) {
          let product = 0;
          for (let j = 0; j < m; j++) product += at(gram, row * m + j) * at(vectors, j * m + i);
          expect(product).toBeCloseTo(value * at(vectors, row * m + i), 11);
        }
      });
    },
  );
});
