/** The whole of `dsteer verify` on the suite quick, in a process of its own: training, extraction, controls, verdicts, reports. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ComputationError } from '../../base/index.js';
import { activeEngine } from '../../engine/index.js';
import type { Subject } from '../case.js';

const main = fileURLToPath(new URL('../../cli/main.js', import.meta.url));

const runVerify = async (): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), 'dsteer-bench-'));
  try {
    const words = [main, 'verify', '--engine', activeEngine().name, '--no-cache', '--out', folder];
    const code = await new Promise<number | null>((resolve, reject) => {
      spawn(process.execPath, words, { stdio: 'ignore' }).on('error', reject).on('exit', resolve);
    });
    // 1 and 3 are findings of the run.
    if (code !== 0 && code !== 1 && code !== 3)
      throw new ComputationError(`dsteer verify ended with exit code ${code}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

export const wholeVerify: Subject = {
  name: 'verify',
  title: 'dsteer verify, suite quick',
  axis: 'runs',
  cases: [
    {
      series: 'suite quick',
      size: 'whole',
      scale: 1,
      isSingle: true,
      prepare: async () => ({ run: runVerify, dispose: () => undefined }),
    },
  ],
};
