/** What a run was made of: versions, commit, engine, hardware, seeds and the SHA-256 of every input. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { arch, cpus, platform, totalmem } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { dsteerVersion, packageFolder } from '../base/index.js';
import { isRegime, shippedPreferencesFile } from '../data/index.js';
import type { EngineInfo } from '../engine/index.js';
import { sha256Hex } from '../store/index.js';
import { modelFolderOf } from './evidence/index.js';
import type { EvidencePlan } from './plan.js';
import type { SelectedCase } from './spec/catalogue.js';

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
  readonly inputs: readonly { readonly file: string; readonly sha256: string }[];
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

/** Shipped files are named from the package, the user's own from the working directory: no machine's paths. */
const portableName = (file: string): string => {
  const inside = relative(packageFolder(), file);
  return inside.startsWith('..') ? relative(process.cwd(), file) : inside;
};

const filesOf = async ({ experiment }: EvidencePlan): Promise<string[]> => {
  const modelFolder = modelFolderOf(experiment);
  const model = (await readdir(modelFolder))
    .filter((name) => /\.(json|safetensors)$/.test(name))
    .map((name) => join(modelFolder, name));
  const { preferences } = experiment.value.data;
  const data = isRegime(preferences)
    ? [shippedPreferencesFile(preferences, 'train'), shippedPreferencesFile(preferences, 'held-out')]
    : [resolve(dirname(experiment.file), preferences)];
  return [experiment.file, ...model, ...data];
};

export const createManifest = async ({
  cases,
  plans,
  engine,
  seed,
  tfjs,
}: {
  readonly cases: readonly SelectedCase[];
  readonly plans: readonly EvidencePlan[];
  readonly engine: EngineInfo;
  readonly seed: number;
  readonly tfjs: string;
}): Promise<RunManifest> => {
  const named = [...cases.map(({ claim }) => claim.file), ...(await Promise.all(plans.map(filesOf))).flat()];
  const files = [...new Set(named.map((file) => resolve(file)))].filter((file) => existsSync(file)).sort();
  const inputs = [];
  for (const file of files)
    inputs.push({ file: portableName(file), sha256: sha256Hex(await readFile(file)) });
  const seeds = [...new Set(plans.flatMap((plan) => plan.seeds))];
  return {
    schema: 1,
    versions: { dsteer: dsteerVersion, node: process.versions.node, tfjs },
    commit: commitOf(process.cwd()),
    engine,
    hardware: {
      platform: `${platform()} ${arch()}`,
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memoryBytes: totalmem(),
    },
    seeds: seeds.length > 0 ? seeds : [seed],
    inputs,
  };
};
