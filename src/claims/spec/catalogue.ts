/** Finds specifications by name or path and ties them together: which cases a request means. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { closestName, SpecError, UsageError } from '../../base/index.js';
import { type LoadedClaim, type LoadedExperiment, type LoadedSuite, loadSpec } from './load.js';
import type { ClaimCase } from './schema.js';

export interface Catalogue {
  readonly experiments: ReadonlyMap<string, LoadedExperiment>;
  readonly claims: ReadonlyMap<string, LoadedClaim>;
  readonly suites: ReadonlyMap<string, LoadedSuite>;
}

/** One row of the report to be: a claim in one of its cases, with the experiment that makes its evidence. */
export interface SelectedCase {
  readonly claim: LoadedClaim;
  readonly claimCase: ClaimCase;
  readonly experiment: LoadedExperiment | undefined;
}

/** Folder of the shipped specifications; the same from src and from dist. */
export const shippedSpecsFolder = (): string => {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'specs', 'suites'))) folder = dirname(folder);
  return join(folder, 'specs');
};

const yamlFiles = async (folder: string): Promise<string[]> => {
  if (!existsSync(folder)) return [];
  const entries = await readdir(folder, { withFileTypes: true });
  const nested = await Promise.all(
    entries.map(async (entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return yamlFiles(path);
      return ['.yaml', '.yml'].includes(extname(entry.name)) ? [path] : [];
    }),
  );
  return nested.flat().sort();
};

/** Reads every specification below `folder`. */
export const loadCatalogue = async (folder = shippedSpecsFolder()): Promise<Catalogue> => {
  const catalogue = {
    experiments: new Map<string, LoadedExperiment>(),
    claims: new Map<string, LoadedClaim>(),
    suites: new Map<string, LoadedSuite>(),
  };
  for (const file of await yamlFiles(folder)) {
    const spec = await loadSpec(file);
    if (spec.kind === 'experiment') catalogue.experiments.set(spec.value.experiment, spec);
    else if (spec.kind === 'claim') catalogue.claims.set(spec.value.claim, spec);
    else catalogue.suites.set(spec.value.suite, spec);
  }
  return catalogue;
};

const isFile = (target: string): boolean => ['.yaml', '.yml'].includes(extname(target));

const unknownName = (what: string, given: string, legal: readonly string[]): string => {
  const closest = closestName(given, legal);
  return `${closest === undefined ? '' : `did you mean ${closest}? `}${what}: ${legal.join(', ')}`;
};

/** Experiments beside a user's file: in its folder, and in ../experiments. */
const neighbouringExperiments = async (file: string): Promise<Map<string, LoadedExperiment>> => {
  const found = new Map<string, LoadedExperiment>();
  const folders = [
    dirname(file),
    join(dirname(file), '..', 'experiments'),
    join(dirname(file), 'experiments'),
  ];
  for (const folder of folders) {
    if (!existsSync(folder)) continue;
    for (const entry of await readdir(folder)) {
      const path = join(folder, entry);
      if (!isFile(entry) || resolve(path) === resolve(file)) continue;
      const spec = await loadSpec(path).catch(() => undefined);
      if (spec?.kind === 'experiment' && !found.has(spec.value.experiment))
        found.set(spec.value.experiment, spec);
    }
  }
  return found;
};

const casesOfClaim = (
  claim: LoadedClaim,
  experiments: ReadonlyMap<string, LoadedExperiment>,
  only?: readonly string[],
): SelectedCase[] =>
  claim.value.cases.flatMap((claimCase, index): SelectedCase[] => {
    const name = claimCase.experiment;
    if (name === undefined) return [{ claim, claimCase, experiment: undefined }];
    const experiment = experiments.get(name);
    if (experiment === undefined) {
      throw new SpecError([
        {
          where: claim.locate(['cases', index, 'experiment']),
          message: `there is no experiment ${name}`,
          hint: unknownName('experiments', name, [...experiments.keys()]),
        },
      ]);
    }
    return only === undefined || only.includes(name) ? [{ claim, claimCase, experiment }] : [];
  });

const casesOfSuite = (suite: LoadedSuite, catalogue: Catalogue): SelectedCase[] => {
  suite.value.experiments?.forEach((name, index) => {
    if (catalogue.experiments.has(name)) return;
    throw new SpecError([
      {
        where: suite.locate(['experiments', index]),
        message: `there is no experiment ${name}`,
        hint: unknownName('experiments', name, [...catalogue.experiments.keys()]),
      },
    ]);
  });
  return suite.value.claims.flatMap((name, index) => {
    const claim = catalogue.claims.get(name);
    if (claim === undefined) {
      throw new SpecError([
        {
          where: suite.locate(['claims', index]),
          message: `there is no claim ${name}`,
          hint: unknownName('claims', name, [...catalogue.claims.keys()]),
        },
      ]);
    }
    return casesOfClaim(claim, catalogue.experiments, suite.value.experiments);
  });
};

/**
 * The cases that `targets` mean, each once, in order.
 *
 * @param targets names of claims or suites, or YAML files of either
 * @throws UsageError for a name that is not there, SpecError for a fault in a file
 */
export const selectCases = async (
  targets: readonly string[],
  catalogue: Catalogue,
): Promise<SelectedCase[]> => {
  const selected: SelectedCase[] = [];
  for (const target of targets) {
    if (isFile(target)) {
      const spec = await loadSpec(target);
      const experiments = new Map([...catalogue.experiments, ...(await neighbouringExperiments(target))]);
      if (spec.kind === 'claim') selected.push(...casesOfClaim(spec, experiments));
      else if (spec.kind === 'suite') selected.push(...casesOfSuite(spec, { ...catalogue, experiments }));
      else {
        throw new UsageError(`${target} is an experiment: it makes evidence and asserts nothing`, {
          hint: 'verify a claim or a suite that names it, or train it: dsteer train FILE.yaml --out DIR',
        });
      }
      continue;
    }
    const suite = catalogue.suites.get(target);
    const claim = catalogue.claims.get(target);
    if (suite) selected.push(...casesOfSuite(suite, catalogue));
    else if (claim) selected.push(...casesOfClaim(claim, catalogue.experiments));
    else {
      const legal = [...catalogue.claims.keys(), ...catalogue.suites.keys()];
      throw new UsageError(`there is no claim or suite ${target}`, {
        hint: unknownName('claims and suites', target, legal),
      });
    }
  }
  const keyOf = ({ claim, claimCase }: SelectedCase) =>
    `${resolve(claim.file)}\n${claim.value.cases.indexOf(claimCase)}`;
  const keys = selected.map(keyOf);
  return selected.filter((_, index) => keys.indexOf(keys[index] ?? '') === index);
};
