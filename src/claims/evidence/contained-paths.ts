/** What a specification may read: its own folder and what is shipped. A file from elsewhere can name anything. */
import { readdir, realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { SpecError, type SpecIssue, showValue } from '../../base/index.js';
import { assetsFolder, isRegime } from '../../data/index.js';
import type { LoadedExperiment } from '../spec/load.js';
import type { ExperimentSpec } from '../spec/schema.js';
import { isShippedModel } from './model-folder.js';

interface NamedPath {
  /** Where the specification names it. */
  readonly at: readonly PropertyKey[];
  readonly name: string;
}

/** Every path that an experiment names, relative to its file; names of what is shipped are none. */
const pathsOf = ({ model, checkpoints, activations, data, training }: ExperimentSpec): NamedPath[] => {
  const named: (readonly [at: readonly PropertyKey[], name: string | undefined])[] = [
    [['model'], isShippedModel(model) ? undefined : model],
    [['checkpoints', 'policy'], checkpoints?.policy],
    [['checkpoints', 'sftBase'], checkpoints?.sftBase],
    [['activations'], activations],
    [['data', 'preferences'], data.preferences],
    [['data', 'prompts'], data.prompts],
    ...(data.mixture ?? []).map(
      ({ preferences }, part) => [['data', 'mixture', part, 'preferences'], preferences] as const,
    ),
    [['training', 'corpus'], training.corpus],
    ...(training.initial ?? []).map(
      ({ corpus }, stage) => [['training', 'initial', stage, 'corpus'], corpus] as const,
    ),
  ];
  return named.flatMap(([at, name]) => (name === undefined || isRegime(name) ? [] : [{ at, name }]));
};

/** Where a path leads once links are followed; of what is not there, where its nearest folder leads. */
const followed = async (path: string): Promise<string> => {
  try {
    return await realpath(path);
  } catch {
    const folder = dirname(path);
    return folder === path ? path : join(await followed(folder), basename(path));
  }
};

const isWithin = (folder: string, path: string): boolean => {
  const way = relative(folder, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
};

/** The path itself, and of a folder what lies in it: a link there leads elsewhere as well. */
const allOf = async (path: string): Promise<string[]> => {
  const entries = await readdir(path).catch(() => []);
  return Promise.all([path, ...entries.map((entry) => join(path, entry))].map(followed));
};

const issuesOf = async ({ value, file, locate }: LoadedExperiment): Promise<SpecIssue[]> => {
  const own = dirname(resolve(file));
  const roots = await Promise.all([own, assetsFolder()].map(followed));
  const issues: SpecIssue[] = [];
  for (const { at, name } of pathsOf(value)) {
    const reached = await allOf(resolve(own, name));
    const outside = reached.find((path) => !roots.some((root) => isWithin(root, path)));
    if (outside === undefined) continue;
    issues.push({
      where: locate(at),
      message: `${at.join('.')} ${showValue(name)} leads outside the folder of this specification, to ${outside}`,
      hint: 'put the file into that folder, or give --allow-outside if you trust this specification',
    });
  }
  return issues;
};

/**
 * Refuses experiments that name files outside the folder of their specification and the shipped assets: by `..`, by an
 * absolute path, or by a symbolic link.
 *
 * @throws SpecError listing every such path at its line
 */
export const requireContainedPaths = async (experiments: readonly LoadedExperiment[]): Promise<void> => {
  const issues = (await Promise.all(experiments.map(issuesOf))).flat();
  if (issues.length > 0) throw new SpecError(issues);
};
