import { defineConfig } from 'vitest/config';

/** They replace modules, environment or engine of their process, and so take one each. */
const apart = [
  'test/behaviour/g-eval.test.ts',
  'test/claims/metrics/gradient-law.test.ts',
  'test/claims/metrics/gradient-properties.test.ts',
  'test/claims/metrics/random-tensors.test.ts',
  'test/claims/planted-faults.test.ts',
  'test/cli/**/*.test.ts',
  'test/e2e/**/*.test.ts',
  'test/reliability/**/*.test.ts',
  'test/security/**/*.test.ts',
  'test/engine/**/*.test.ts',
  'test/linalg/native-blas.test.ts',
  'test/linalg/openblas-core.test.ts',
];

const common = {
  // What a test trains, it trains: only those of the store give it a folder.
  env: { DSTEER_CACHE: 'off' },
  setupFiles: ['test/setup.ts'],
  testTimeout: 60_000,
  hookTimeout: 60_000,
  pool: 'forks' as const,
};

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        // Most files share what they import with the next: loading the engine takes longer than many a test.
        test: { ...common, name: 'shared', include: ['test/**/*.test.ts'], exclude: apart, isolate: false },
      },
      { test: { ...common, name: 'apart', include: apart } },
    ],
  },
});
