/** Reads YAML specifications; every fault is reported at once, each with its line and column. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import { InputError, type SourceLocation, SpecError, type SpecIssue, UsageError } from '../../base/index.js';
import { type Draft, parseDraft, readDraft } from './draft.js';
import { explainIssues } from './explain-issue.js';
import { createExperimentLibrary, type ExperimentLibrary } from './inherit.js';
import {
  type ClaimSpec,
  claimSchema,
  type ExperimentSpec,
  experimentSchema,
  type SuiteSpec,
  suiteSchema,
} from './schema.js';

/** A specification with the means to point into its file. */
export interface Loaded<Kind extends string, Value> {
  readonly kind: Kind;
  readonly file: string;
  readonly value: Value;
  /** Line and column of the node at `path`, or of its nearest ancestor. */
  locate(path: readonly PropertyKey[]): SourceLocation;
}

export interface LoadedExperiment extends Loaded<'experiment', ExperimentSpec> {
  /** What tells it from the others of its file; its name where it is alone. */
  readonly label: string;
}
export type LoadedClaim = Loaded<'claim', ClaimSpec>;
export type LoadedSuite = Loaded<'suite', SuiteSpec>;
export type LoadedSpec = LoadedExperiment | LoadedClaim | LoadedSuite;

/** Folder of the shipped specifications; the same from src and from dist. */
export const shippedSpecsFolder = (): string => {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'specs', 'suites'))) folder = dirname(folder);
  return join(folder, 'specs');
};

export const isSpecFile = (target: string): boolean => ['.yaml', '.yml'].includes(extname(target));

/** YAML files below a folder. */
export const specFilesBelow = async (folder: string): Promise<string[]> => {
  if (!existsSync(folder)) return [];
  const entries = await readdir(folder, { withFileTypes: true });
  const nested = await Promise.all(
    entries.map(async (entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return specFilesBelow(path);
      return isSpecFile(path) ? [path] : [];
    }),
  );
  return nested.flat().sort();
};

const check = <Schema extends z.ZodType>(
  schema: Schema,
  raw: unknown,
  locate: Draft['locate'],
  inheriting: readonly string[] = [],
): z.output<Schema> => {
  const result = schema.safeParse(raw);
  if (result.success) return result.data;
  throw new SpecError(
    explainIssues(result.error.issues, schema, raw, inheriting).map(
      ({ path, key, message, hint }): SpecIssue => ({
        where: locate(path, key),
        message,
        ...(hint === undefined ? {} : { hint }),
      }),
    ),
  );
};

/** The specifications of one file: several where it is a family of experiments. */
const interpret = (draft: Draft, library: ExperimentLibrary): LoadedSpec[] => {
  const { kind, file, raw, locate } = draft;
  if (kind === 'claim') return [{ kind, file, value: check(claimSchema, raw, locate), locate }];
  if (kind === 'suite') return [{ kind, file, value: check(suiteSchema, raw, locate), locate }];
  return library.membersOf(draft).map(({ label, variation, raw: whole }): LoadedExperiment => {
    const find: Draft['locate'] = (path, key) => {
      const own = variation === undefined ? path : ['vary', variation, ...path];
      return draft.has(own) ? locate(own, key) : locate(path, key);
    };
    return {
      kind,
      file,
      label,
      value: check(experimentSchema, whole, find, ['extends', 'vary']),
      locate: find,
    };
  });
};

/** Interprets drafts together, so that experiments can extend one another. */
export const interpretAll = (drafts: readonly Draft[], further: readonly Draft[] = []): LoadedSpec[] => {
  const library = createExperimentLibrary([...drafts, ...further]);
  return drafts.flatMap((draft) => interpret(draft, library));
};

/**
 * Parses specification text that stands on its own.
 *
 * @throws SpecError listing every fault of the YAML or of its values
 */
export const parseSpec = (source: string, file: string): LoadedSpec => {
  const [spec, ...others] = interpretAll([parseDraft(source, file)]);
  if (spec === undefined || others.length > 0) throw new UsageError(`${file} holds several experiments`);
  return spec;
};

const readableDrafts = async (files: readonly string[]): Promise<Draft[]> => {
  const drafts = await Promise.all(files.map((file) => readDraft(file).catch(() => undefined)));
  return drafts.filter((draft) => draft !== undefined);
};

/** What stands beside a user's file: in its folder, and in folders `experiments` and `claims` in it or beside it. */
export const neighbouringDrafts = async (file: string): Promise<Draft[]> => {
  const own = dirname(resolve(file));
  const folders = [
    own,
    ...['experiments', 'claims'].flatMap((name) => [join(own, name), join(own, '..', name)]),
  ];
  const files: string[] = [];
  for (const folder of folders) {
    if (!existsSync(folder)) continue;
    for (const entry of (await readdir(folder)).sort()) {
      const path = join(folder, entry);
      if (isSpecFile(entry) && path !== resolve(file)) files.push(path);
    }
  }
  return readableDrafts(files);
};

const draftsBelow = async (folder: string): Promise<Draft[]> =>
  Promise.all((await specFilesBelow(folder)).map(readDraft));

let shipped: Promise<readonly Draft[]> | undefined;

/** Drafts of the shipped specifications, which are read once, or of another folder. */
export const shippedDrafts = async (folder = shippedSpecsFolder()): Promise<readonly Draft[]> => {
  if (folder !== shippedSpecsFolder()) return draftsBelow(folder);
  shipped ??= draftsBelow(folder);
  return shipped;
};

/**
 * Reads one file, with the experiments that it may extend: its neighbours and the shipped ones.
 *
 * @throws InputError where it cannot be read, SpecError listing its faults
 */
export const loadSpecs = async (file: string): Promise<LoadedSpec[]> => {
  const draft = await readDraft(file);
  const further =
    draft.kind === 'experiment' && 'extends' in draft.raw
      ? [...(await neighbouringDrafts(file)), ...(await shippedDrafts())]
      : [];
  return interpretAll([draft], further);
};

/**
 * As `loadSpecs`, for a file that holds one specification.
 *
 * @throws InputError for a family of experiments
 */
export const loadSpec = async (file: string): Promise<LoadedSpec> => {
  const [spec, ...others] = await loadSpecs(file);
  if (spec !== undefined && others.length === 0) return spec;
  const names = [spec, ...others].flatMap((one) =>
    one?.kind === 'experiment' ? [one.value.experiment] : [],
  );
  throw new InputError(`this file holds a family of ${names.length} experiments`, {
    where: { file },
    hint: `write a file that extends one of them: ${names.join(', ')}`,
  });
};
