/** What a run was made of: versions, commit, engine, hardware, seeds and the SHA-256 of every input. */
import { execFileSync } from 'node:child_process';
import { arch, cpus, platform, totalmem } from 'node:os';
import { dsteerVersion } from '../base/index.js';
import type { EngineInfo } from '../engine/index.js';
import type { InputHash } from './inputs.js';

export interface RunManifest {
  readonly schema: 1;
  readonly versions: { readonly dsteer: string; readonly node: string; readonly tfjs: string };
  /** Commit of the working tree that the run started in, where it is one. */
  readonly commit: string | null;
  readonly engine: EngineInfo;
  readonly hardware: {
    readonly platform: string;
    readonly cpu: string;
    readonly cores: number;
    readonly memoryBytes: number;
  };
  readonly seeds: readonly number[];
  readonly inputs: readonly InputHash[];
}

const commitOf = (folder: string): string | null => {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] })
      .toString()
      .trim();
  } catch {
    return null;
  }
};

export const createManifest = (given: {
  readonly engine: EngineInfo;
  readonly seeds: readonly number[];
  readonly inputs: readonly InputHash[];
  readonly tfjs: string;
}): RunManifest => ({
  schema: 1,
  versions: { dsteer: dsteerVersion, node: process.versions.node, tfjs: given.tfjs },
  commit: commitOf(process.cwd()),
  engine: given.engine,
  hardware: {
    platform: `${platform()} ${arch()}`,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
  },
  seeds: given.seeds,
  inputs: given.inputs,
});
