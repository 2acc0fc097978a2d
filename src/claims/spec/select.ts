/** What a request means: which claims are judged in which experiments, which conditions are set side by side. */
import { resolve } from 'node:path';
import { UsageError } from '../../base/index.js';
import type { ControlId } from '../metrics/catalogue.js';
import type { Expected } from '../report.js';
import { type Catalogue, catalogueAround, findNamed, refuseTarget } from './catalogue.js';
import { isSpecFile, type LoadedClaim, type LoadedExperiment, type LoadedSuite, loadSpecs } from './load.js';
import type { ClaimCase, ComparisonSpec } from './schema.js';

/** One row of the report to be: a claim in one of its cases. */
export interface SelectedCase {
  readonly claim: LoadedClaim;
  readonly claimCase: ClaimCase;
  /** What its evidence comes from: none for properties; the experiment, and what it is held against; or the trend's. */
  readonly experiments: readonly LoadedExperiment[];
  readonly controls: readonly { readonly id: ControlId; readonly expected: Expected }[];
  /** Training seeds, where the suite sets them. */
  readonly seeds: readonly number[] | undefined;
}

export interface SelectedTable {
  readonly table: ComparisonSpec;
  readonly experiments: readonly LoadedExperiment[];
  readonly seeds: readonly number[] | undefined;
}

export interface Selection {
  readonly cases: readonly SelectedCase[];
  readonly tables: readonly SelectedTable[];
}

interface Restrictions {
  readonly experiments?: readonly string[] | undefined;
  readonly controls?: readonly string[] | undefined;
  readonly seeds?: readonly number[] | undefined;
}

const casesOfClaim = (
  claim: LoadedClaim,
  catalogue: Catalogue,
  { experiments: only, controls, seeds }: Restrictions = {},
): SelectedCase[] =>
  claim.value.cases.flatMap((claimCase, index): SelectedCase[] => {
    const at = (...path: PropertyKey[]) => claim.locate(['cases', index, ...path]);
    const judged = claimCase.experiment === undefined ? (claimCase.trend ?? []) : [claimCase.experiment];
    if (only !== undefined && !judged.every((name) => only.includes(name))) return [];
    const experiments = [
      ...judged.map((name, position) =>
        findNamed(
          catalogue,
          'experiments',
          name,
          claimCase.trend === undefined ? at('experiment') : at('trend', position),
        ),
      ),
      ...(claimCase.against === undefined
        ? []
        : [findNamed(catalogue, 'experiments', claimCase.against, at('against'))]),
    ];
    const all = Object.entries(claimCase.controls) as [ControlId, Expected][];
    return [
      {
        claim,
        claimCase,
        experiments,
        controls: all
          .filter(([id]) => controls === undefined || controls.includes(id))
          .map(([id, expected]) => ({ id, expected })),
        seeds,
      },
    ];
  });

const selectSuite = (suite: LoadedSuite, catalogue: Catalogue): Selection => {
  const { experiments, controls, seeds, claims, tables = [] } = suite.value;
  experiments?.forEach((name, index) => {
    findNamed(catalogue, 'experiments', name, suite.locate(['experiments', index]));
  });
  return {
    cases: claims.flatMap((name, index) => {
      const claim = findNamed(catalogue, 'claims', name, suite.locate(['claims', index]));
      return casesOfClaim(claim, catalogue, { experiments, controls, seeds });
    }),
    tables: tables.map((table, index) => ({
      table,
      experiments: table.experiments.map((name, row) =>
        findNamed(catalogue, 'experiments', name, suite.locate(['tables', index, 'experiments', row])),
      ),
      seeds,
    })),
  };
};

const selectTarget = async (target: string, catalogue: Catalogue): Promise<Selection> => {
  if (isSpecFile(target)) {
    const around = await catalogueAround(target, catalogue);
    const [spec] = await loadSpecs(target);
    if (spec?.kind === 'claim') return { cases: casesOfClaim(spec, around), tables: [] };
    if (spec?.kind === 'suite') return selectSuite(spec, around);
    throw new UsageError(`${target} is an experiment: it makes evidence and asserts nothing`, {
      hint: 'verify a claim or a suite that names it, or train it: dsteer train FILE.yaml --out DIR',
    });
  }
  const suite = catalogue.suites.get(target);
  if (suite) return selectSuite(suite, catalogue);
  const claim = catalogue.claims.get(target);
  return claim ? { cases: casesOfClaim(claim, catalogue), tables: [] } : refuseTarget(target, catalogue);
};

/**
 * What `targets` mean, each case once, in order.
 *
 * @param targets names of claims or suites, or YAML files of either
 * @throws UsageError for a name that is not there, SpecError for a fault in a file
 */
export const select = async (targets: readonly string[], catalogue: Catalogue): Promise<Selection> => {
  const selections: Selection[] = [];
  for (const target of targets) selections.push(await selectTarget(target, catalogue));
  const cases = selections.flatMap((selection) => selection.cases);
  const keys = cases.map(
    ({ claim, claimCase }) => `${resolve(claim.file)}\n${claim.value.cases.indexOf(claimCase)}`,
  );
  const tables = selections.flatMap((selection) => selection.tables);
  return {
    cases: cases.filter((_, index) => keys.indexOf(keys[index] ?? '') === index),
    tables: tables.filter(
      ({ table }, index) => tables.findIndex((other) => other.table.table === table.table) === index,
    ),
  };
};
