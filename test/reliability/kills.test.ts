/**
 * Kills `verify` and `train` at random moments: what is run again always ends as what was never killed.
 * `DSTEER_KILL_RUNS=50` is the long form; it prints its figures.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../src/base/index.js';
import { ensureBuilt } from '../e2e/built-cli.js';
import { contentOf, createTinyProject, type KillPlan, runCommand, type TinyProject } from './tiny-project.js';

const runs = Number(process.env['DSTEER_KILL_RUNS'] ?? 2);
const MINUTES = 60_000;

let project: TinyProject;
beforeAll(() => {
  ensureBuilt();
  project = createTinyProject(runs > 2 ? [100, 101] : [100]);
}, 3 * MINUTES);
afterAll(() => rmSync(project.folder, { recursive: true, force: true }));

interface Figures {
  killed: number;
  over: number;
  slowestInterruption: number;
}

describe.each([
  { name: 'verify', words: () => ['verify', project.claim], codes: [0, 1, 3] },
  { name: 'train', words: () => ['train', project.experiment], codes: [0] },
])('dsteer $name, killed at random moments and run again', ({ name, words, codes }) => {
  it(
    `should end as an unbroken run does, to the byte, after each of ${runs} kills`,
    async () => {
      const inProject = { cwd: project.folder, cache: `${project.cache}-${name}` };
      const unbroken = join(project.folder, `${name}-unbroken`);
      const first = await runCommand([...words(), '--out', unbroken], { ...inProject, cache: 'off' });
      expect(codes, first.stderr).toContain(first.code);
      const expected = contentOf(unbroken);
      const random = createRandom(`kills of ${name}`);
      const figures: Figures = { killed: 0, over: 0, slowestInterruption: 0 };
      let longest = first.took;
      // One that came after the end is not counted, and says how long a run takes here.
      for (let run = 0; figures.killed < runs && run < 3 * runs; run++) {
        const out = join(project.folder, `${name}-${run}`);
        const kill: KillPlan = {
          after: random.next() * longest,
          // Every third is an interruption; the others leave no chance to tidy up.
          signal: run % 3 === 1 ? 'SIGINT' : 'SIGKILL',
          group: run % 2 === 1,
        };
        const cache = `${inProject.cache}-${run}`;
        const broken = await runCommand([...words(), '--out', out], { ...inProject, cache, kill });
        const wasKilled = broken.signal !== null || broken.code === 130;
        figures[wasKilled ? 'killed' : 'over']++;
        if (!wasKilled) longest = Math.min(longest, broken.took);
        if (broken.code === 130) {
          figures.slowestInterruption = Math.max(figures.slowestInterruption, broken.took);
        }
        const again = await runCommand([...words(), '--out', out], { ...inProject, cache });
        expect(again.code, `${JSON.stringify(kill)}\n${again.stderr}`).toBe(first.code);
        expect(contentOf(out), JSON.stringify(kill)).toEqual(expected);
        const check = await runCommand(['cache', 'verify'], { ...inProject, cache });
        expect(check.code, check.stdout).toBe(0);
        rmSync(out, { recursive: true, force: true });
        rmSync(cache, { recursive: true, force: true });
      }
      expect(figures.killed).toBe(runs);
      if (runs > 2) process.stdout.write(`${name}: ${JSON.stringify(figures)}\n`);
    },
    2 * runs * MINUTES + 2 * MINUTES,
  );
});
