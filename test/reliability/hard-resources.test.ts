/** What the machine refuses: a full disk, a folder that cannot be written to, memory. One error, and nothing half-written. */
import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureBuilt } from '../e2e/built-cli.js';
import { createTinyProject, type TinyProject } from './tiny-project.js';

const MINUTES = 60_000;
const main = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..', 'dist', 'cli', 'main.js');

/** Runs a shell script where mounting concerns nobody else. */
const inNamespace = (
  script: string,
  environment: Readonly<Record<string, string>> = {},
): SpawnSyncReturns<string> =>
  spawnSync('unshare', ['--map-root-user', '--mount', 'sh', '-c', script], {
    env: { ...process.env, ...environment },
    encoding: 'utf8',
  });

const canMount = inNamespace('mount -t tmpfs -o size=64k none /mnt').status === 0;
const skipped = canMount ? '' : ' (skipped: nothing can be mounted here)';

let project: TinyProject;
beforeAll(() => {
  ensureBuilt();
  project = createTinyProject([100]);
}, 3 * MINUTES);
afterAll(() => rmSync(project.folder, { recursive: true, force: true }));

describe.skipIf(!canMount)(`a disk that is full${skipped}`, () => {
  it.each([
    ['verify', 'claim.yaml'],
    ['train', 'tiny.yaml'],
  ])(
    'should end %s with one error that names the file, and leave nothing unfinished',
    (command, file) => {
      const disk = join(project.folder, `disk-${command}`);
      mkdirSync(disk);
      const { stdout, stderr } = inNamespace(
        `mount -t tmpfs -o size=32k none '${disk}'; cd '${project.folder}'
         '${process.execPath}' '${main}' ${command} ${file} --out '${disk}/run'; echo "exit $?"
         find '${disk}' -name '.*'`,
        { DSTEER_CACHE: 'off' },
      );
      expect(stderr).toMatch(
        /error: .*: cannot be written: the disk is full \(ENOSPC\)\n {2}→ free some space/,
      );
      expect(stderr.match(/error: /g)).toHaveLength(1);
      expect(stdout.trim()).toBe('exit 4');
    },
    2 * MINUTES,
  );

  it(
    'should cost a run no more than the keeping where it is that of the cache',
    () => {
      const disk = join(project.folder, 'disk-cache');
      mkdirSync(disk);
      const { stdout, stderr } = inNamespace(
        `mount -t tmpfs -o size=32k none '${disk}'; cd '${project.folder}'
         '${process.execPath}' '${main}' verify claim.yaml --out '${project.folder}/uncached' >'${project.folder}/said'
         echo "exit $?"; find '${disk}' -type f`,
        { DSTEER_CACHE: join(disk, 'cache') },
      );
      expect(stderr).toContain('is not used for writing: cannot be written: the disk is full');
      expect(stdout).toMatch(/^exit [013]\n$/);
      expect(existsSync(join(project.folder, 'uncached', 'report.json'))).toBe(true);
    },
    2 * MINUTES,
  );
});

describe.skipIf(!canMount)(`a folder that cannot be written to${skipped}`, () => {
  it('should be one error with exit code 4, before anything is trained', () => {
    const disk = join(project.folder, 'read-only');
    mkdirSync(disk);
    const { stdout, stderr } = inNamespace(
      `mount -t tmpfs -o ro none '${disk}'; cd '${project.folder}'
       '${process.execPath}' '${main}' verify claim.yaml --out '${disk}/run'; echo "exit $?"`,
      { DSTEER_CACHE: 'off' },
    );
    expect(stdout).toBe('exit 4\n');
    expect(stderr).toMatch(/^error: .*read-only\/run: cannot be written: .*\n {2}→ choose .*\n$/);
  });
});

/** Processes that a process has forked, by the parent that /proc names. */
const childrenOf = (pid: number): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        // The name in parentheses may hold anything; state and parent follow it.
        const [, parent] = readFileSync(`/proc/${name}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
        return Number(parent) === pid;
      } catch {
        return false;
      }
    })
    .map(Number);
const canSee = existsSync('/proc/self/stat');

describe.skipIf(!canSee)(
  `a worker process that the system kills for its memory${canSee ? '' : ' (skipped: processes cannot be seen here)'}`,
  () => {
    it(
      'should be one error that says so, with exit code 4, and nothing unfinished',
      async () => {
        const out = join(project.folder, 'memory');
        const child = spawn(process.execPath, [main, 'verify', 'claim.yaml', '--out', out], {
          cwd: project.folder,
          stdio: ['ignore', 'ignore', 'pipe'],
        });
        let stderr = '';
        child.stderr.setEncoding('utf8').on('data', (text: string) => {
          stderr += text;
        });
        const ended = once(child, 'close');
        const workers = async (): Promise<number[]> => {
          for (;;) {
            const found = childrenOf(child.pid ?? 0);
            if (found.length > 0 || child.exitCode !== null) return found;
            await sleep(10);
          }
        };
        for (const pid of await workers()) process.kill(pid, 'SIGKILL');
        expect(await ended).toEqual([4, null]);
        expect(stderr).toMatch(
          /error: a worker process was ended \(SIGKILL\), most likely for want of memory\n {2}→ /,
        );
        const left = existsSync(out) ? readdirSync(out, { recursive: true, encoding: 'utf8' }) : [];
        expect(left.filter((name) => name.endsWith('.tmp') || name.endsWith('.lock'))).toEqual([]);
      },
      2 * MINUTES,
    );
  },
);
