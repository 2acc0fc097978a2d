/** Runs beside each other, over one store of trained policies and over one folder. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createArtefactStore } from '../../src/store/index.js';
import { ensureBuilt } from '../e2e/built-cli.js';
import { contentOf, createTinyProject, type Ended, runCommand, type TinyProject } from './tiny-project.js';

const MINUTES = 60_000;
const silent = { warn: () => undefined, note: () => undefined };
/** DPO, shuffled labels and SFT. */
const POLICIES = 3;

let project: TinyProject;
beforeAll(ensureBuilt, 3 * MINUTES);
beforeEach(() => {
  project = createTinyProject([100]);
});
afterEach(() => rmSync(project.folder, { recursive: true, force: true }));

const verifyInto = (out: string): Promise<Ended> =>
  runCommand(['verify', project.claim, '--out', join(project.folder, out)], {
    cwd: project.folder,
    cache: project.cache,
  });

/** Policies that a run did not train. */
const reusedOf = ({ stderr }: Ended): number =>
  Number(/(\d+) trained polic(?:y comes|ies come) from the cache/.exec(stderr)?.[1] ?? 0);

describe('runs beside each other', () => {
  it(
    'should share a store: every policy is trained once among them, and all end alike',
    async () => {
      const outs = ['a', 'b', 'c'];
      const ended = await Promise.all(outs.map(verifyInto));
      for (const { code, stderr } of ended) expect([0, 1, 3], stderr).toContain(code);
      const [first, ...others] = outs.map((out) => contentOf(join(project.folder, out)));
      for (const other of others) expect(other).toEqual(first);
      const store = createArtefactStore(project.cache, silent);
      const entries = await store.verify();
      expect(entries.map(({ fault }) => fault)).toEqual(Array.from({ length: POLICIES }, () => undefined));
      expect(ended.reduce((sum, one) => sum + POLICIES - reusedOf(one), 0)).toBe(POLICIES);
      expect(
        readdirSync(join(project.cache, 'trainings')).filter((name) => !/^[0-9a-f]{64}$/.test(name)),
      ).toEqual([]);
    },
    2 * MINUTES,
  );

  it(
    'should not write to one folder: the second says who does, and the first ends as ever',
    async () => {
      const first = verifyInto('one');
      while (!existsSync(join(project.folder, 'one', '.dsteer.lock'))) await sleep(10);
      const second = await verifyInto('one');
      expect(second.code).toBe(2);
      expect(second.stderr).toMatch(
        /another dsteer is writing there: process \d+ on .*, since .*\n {2}→ wait/,
      );
      expect([0, 1, 3]).toContain((await first).code);
      expect(existsSync(join(project.folder, 'one', 'report.json'))).toBe(true);
      expect(existsSync(join(project.folder, 'one', '.dsteer.lock'))).toBe(false);
    },
    2 * MINUTES,
  );

  it(
    'should go on where one is killed while another waits for what it makes',
    async () => {
      const doomed = runCommand(['verify', project.claim, '--out', join(project.folder, 'doomed')], {
        cwd: project.folder,
        cache: project.cache,
        kill: { after: 1200, signal: 'SIGKILL', group: true },
      });
      const other = await verifyInto('other');
      expect((await doomed).signal).toBe('SIGKILL');
      expect([0, 1, 3], other.stderr).toContain(other.code);
      expect(await createArtefactStore(project.cache, silent).verify()).toHaveLength(POLICIES);
    },
    2 * MINUTES,
  );
});
