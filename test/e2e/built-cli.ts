import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');
const main = join(root, 'dist', 'cli', 'main.js');

const newest = (folder: string): number =>
  Math.max(
    ...readdirSync(folder, { recursive: true, encoding: 'utf8' }).map(
      (name) => statSync(join(folder, name)).mtimeMs,
    ),
  );

/** Builds `dist` where it is older than the sources, so that these tests never judge yesterday's program. */
export const ensureBuilt = (): void => {
  if (existsSync(main) && statSync(main).mtimeMs > newest(join(root, 'src'))) return;
  execFileSync('npm', ['run', 'build'], { cwd: root, shell: process.platform === 'win32', stdio: 'pipe' });
};

export interface ProcessResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProcessOptions {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** The process is interrupted once stderr holds this. */
  readonly interruptAt?: string;
}

/** Runs the built command line in a process of its own, without a terminal. */
export const dsteer = (words: readonly string[], options: ProcessOptions = {}): Promise<ProcessResult> =>
  new Promise((fulfil, reject) => {
    const { cwd = root, environment = {}, interruptAt } = options;
    const child = spawn(process.execPath, [main, ...words], { cwd, env: { ...process.env, ...environment } });
    const written = { stdout: '', stderr: '' };
    let isInterrupted = false;
    child.stdout.on('data', (chunk: Buffer) => {
      written.stdout += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      written.stderr += chunk.toString();
      if (interruptAt === undefined || isInterrupted || !written.stderr.includes(interruptAt)) return;
      isInterrupted = true;
      child.kill('SIGINT');
    });
    child.on('error', reject);
    child.on('close', (code) => fulfil({ code, ...written }));
  });
