/** The smallest project that trains, verifies and can be killed meanwhile. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const main = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..', 'dist', 'cli', 'main.js');

const experiment = `experiment: tiny
title: A few tuples
model: shipped/llama-d32
data: { preferences: one-frame, train: 64, heldOut: 64 }
training: { learningRate: 1.0e-3, epochs: 4, batchSize: 8, checkpointEvery: 2 }
`;

const claim = `claim: tiny-cosine
title: Displacements point along the steering vector
source: a test
statement: The cosine to v* is at least 0.9.
metric: cosine-to-steering-vector
layers: final
threshold: { atLeast: 0.9 }
cases:
  - experiment: tiny
    expected: holds
    reason: the smallest case
    controls: { shuffled-labels: holds, sft: holds }
`;

export interface TinyProject {
  readonly folder: string;
  readonly experiment: string;
  readonly claim: string;
  /** An empty artefact store of its own. */
  readonly cache: string;
}

/** @param seeds jobs of the run, each with three policies */
export const createTinyProject = (seeds: readonly number[]): TinyProject => {
  const folder = mkdtempSync(join(tmpdir(), 'dsteer-reliability-'));
  const files = { experiment: join(folder, 'tiny.yaml'), claim: join(folder, 'claim.yaml') };
  writeFileSync(files.experiment, `${experiment}seeds: [${seeds.join(', ')}]\n`);
  writeFileSync(files.claim, claim);
  return { folder, ...files, cache: join(folder, 'cache') };
};

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Milliseconds from the signal to the end; without one, of the whole run. */
  readonly took: number;
}

export interface KillPlan {
  /** Milliseconds after the start. */
  readonly after: number;
  readonly signal: 'SIGKILL' | 'SIGINT';
  /** The worker processes too, as a terminal does and the system may. */
  readonly group: boolean;
}

/** Runs the built command line, to its end or until it is killed. */
export const runCommand = (
  words: readonly string[],
  { cwd, cache, kill }: { readonly cwd: string; readonly cache: string; readonly kill?: KillPlan },
): Promise<Ended> =>
  new Promise((fulfil, reject) => {
    const env = { ...process.env, DSTEER_CACHE: cache };
    const child = spawn(process.execPath, [main, ...words], { cwd, env, detached: true });
    const written = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        written[name] += text;
      });
    }
    let from = performance.now();
    const timer =
      kill &&
      setTimeout(() => {
        from = performance.now();
        if (child.pid === undefined) return;
        process.kill(kill.group ? -child.pid : child.pid, kill.signal);
      }, kill.after);
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      const took = performance.now() - from;
      child.on('close', () => fulfil({ code, signal, ...written, took }));
    });
  });

/** What differs between equal runs, and may. */
const withoutTimes = (name: string, text: string): string => {
  const timed = name.endsWith('report.json')
    ? ['startedAt', 'finishedAt', 'seconds']
    : name.endsWith('manifest.json')
      ? ['seconds']
      : [];
  return timed.reduce((left, key) => left.replaceAll(new RegExp(`^\\s*"${key}":.*$`, 'gm'), ''), text);
};

/** Views of the report that show its times. */
const isTimed = (name: string): boolean =>
  /(^|\/)(report\.html|junit\.xml|summary\.md|claims\.sarif)$/.test(name);

/** SHA-256 of every file of a folder by name, times left out. */
export const contentOf = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
      .sort()
      .map((name) => {
        const bytes = readFileSync(join(folder, name));
        const content = name.endsWith('.json') ? withoutTimes(name, bytes.toString('utf8')) : bytes;
        return [name, isTimed(name) ? 'timed' : createHash('sha256').update(content).digest('hex')];
      }),
  );
