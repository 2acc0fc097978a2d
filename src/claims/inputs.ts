/** The files that evidence is made of, by their hashes. */
import { readdir, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { packageFolder } from '../base/index.js';
import { isRegime, shippedPreferencesFile } from '../data/index.js';
import { sha256OfFile } from '../store/index.js';
import { activationsFileOf, modelFoldersOf, promptsFileOf } from './evidence/index.js';
import type { LoadedExperiment } from './spec/load.js';

export interface InputHash {
  /** From the package for shipped files, from the working directory for the user's own: no machine's paths. */
  readonly file: string;
  readonly sha256: string;
}

/** A file's name without this machine's paths, with slashes. */
export const portableName = (file: string): string => {
  const whole = resolve(file);
  const inside = relative(packageFolder(), whole);
  const name = inside.startsWith('..') ? relative(process.cwd(), whole) : inside;
  return name.replaceAll('\\', '/');
};

const modelFilesIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder))
    .filter((name) => /\.(json|safetensors)$/.test(name))
    .map((name) => join(folder, name));

/** Files that an experiment's evidence is made of. */
export const inputFilesOf = async (experiment: LoadedExperiment): Promise<string[]> => {
  const activations = activationsFileOf(experiment);
  if (activations !== undefined) return [experiment.file, activations];
  const model = (await Promise.all(modelFoldersOf(experiment).map(modelFilesIn))).flat();
  const prompts = promptsFileOf(experiment);
  if (prompts !== undefined) return [experiment.file, ...model, prompts];
  const { preferences, mixture = [] } = experiment.value.data;
  const named = preferences === undefined ? mixture.map((part) => part.preferences) : [preferences];
  const data = named.flatMap((name) =>
    isRegime(name)
      ? [shippedPreferencesFile(name, 'train'), shippedPreferencesFile(name, 'held-out')]
      : [resolve(dirname(experiment.file), name)],
  );
  return [experiment.file, ...model, ...data];
};

/** Hashes of those of some files that are there, each once, in the order of their paths. */
export type HashInputs = (files: readonly string[]) => Promise<InputHash[]>;

/** Reads each file once, however often its hash is asked for: models and hidden states may be of gigabytes. */
export const createInputHasher = (): HashInputs => {
  const known = new Map<string, InputHash | undefined>();
  const hash = async (file: string): Promise<InputHash | undefined> => {
    const isThere = (await stat(file).catch(() => undefined))?.isFile();
    return isThere ? { file: portableName(file), sha256: await sha256OfFile(file) } : undefined;
  };
  return async (files) => {
    const inputs: InputHash[] = [];
    for (const file of [...new Set(files.map((name) => resolve(name)))].sort()) {
      if (!known.has(file)) known.set(file, await hash(file));
      const input = known.get(file);
      if (input !== undefined) inputs.push(input);
    }
    return inputs;
  };
};
