/** What a request means: which claims are judged in which experiments, which conditions are set side by side. */
import { resolve } from 'node:path';
import { type SourceLocation, UsageError } from '../../base/index.js';
import { type ControlId, isPropertyMetric, metricCatalogue, variantControls } from '../metrics/catalogue.js';
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

/** An experiment made of what the command line names, and the suite that says what is expected of it. */
export interface GivenExperiment {
  readonly experiment: LoadedExperiment;
  readonly suite: string;
  /** Of hidden states without a final one: the layer that claims about it are judged at instead. */
  readonly lastLayer?: number | undefined;
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

/** The claim in one case of its own: on what the command line names. */
const givenCase = (
  claim: LoadedClaim,
  { expected, reason, controls }: Omit<NonNullable<LoadedSuite['value']['given']>, 'experiment'>,
  experiment: LoadedExperiment,
  restricted: Restrictions['controls'],
): SelectedCase => {
  const { checkpoints, activations } = experiment.value;
  const isMade = (id: ControlId): boolean => {
    if (activations !== undefined) return !(variantControls as readonly ControlId[]).includes(id);
    return id !== 'sft' || !checkpoints || checkpoints.sftBase !== undefined;
  };
  const possible: readonly ControlId[] = metricCatalogue[claim.value.metric].controls;
  const all = Object.entries(controls) as [ControlId, Expected][];
  return {
    claim,
    claimCase: { experiment: experiment.value.experiment, expected, reason, controls },
    experiments: [experiment],
    controls: all
      .filter(([id]) => possible.includes(id) && isMade(id) && restricted?.includes(id) !== false)
      .map(([id, expectedOfControl]) => ({ id, expected: expectedOfControl })),
    seeds: undefined,
  };
};

/** Claims of these names on one experiment; properties in their own cases. */
const givenCases = (
  names: readonly string[],
  whereOf: (index: number) => SourceLocation,
  catalogue: Catalogue,
  judge: (claim: LoadedClaim) => SelectedCase,
): SelectedCase[] =>
  names.flatMap((name, index) => {
    const claim = findNamed(catalogue, 'claims', name, whereOf(index));
    return isPropertyMetric(claim.value.metric) ? casesOfClaim(claim, catalogue) : [judge(claim)];
  });

/**
 * As `select`, on an experiment that the command line names: each claim in one case, with the expectations of the suite
 * that is made for it; properties in their own.
 *
 * @param targets names of claims or suites; none means that suite
 * @throws UsageError for a target that is no shipped claim or suite
 */
export const selectGiven = (
  targets: readonly string[],
  catalogue: Catalogue,
  { experiment, suite: name, lastLayer }: GivenExperiment,
): Selection => {
  const template = catalogue.suites.get(name)?.value.given;
  if (template === undefined) throw new RangeError(`the suite ${name} expects nothing of given evidence`);
  const cases = (targets.length === 0 ? [name] : targets).flatMap((target) => {
    const suite = catalogue.suites.get(target);
    const names =
      suite?.value.claims ?? (catalogue.claims.has(target) ? [target] : refuseTarget(target, catalogue));
    const whereOf = (index: number) => suite?.locate(['claims', index]) ?? { file: target };
    return givenCases(names, whereOf, catalogue, (claim) => {
      const isMoved = lastLayer !== undefined && claim.value.layers === 'final';
      const judged = isMoved ? { ...claim, value: { ...claim.value, layers: lastLayer } } : claim;
      return givenCase(judged, template, experiment, suite?.value.controls);
    });
  });
  const seen = new Set<string>();
  return {
    cases: cases.filter(({ claim: { value } }) => !seen.has(value.claim) && seen.add(value.claim)),
    tables: [],
  };
};

const selectSuite = (suite: LoadedSuite, catalogue: Catalogue): Selection => {
  const { given } = suite.value;
  if (given?.experiment !== undefined) {
    const where = suite.locate(['given', 'experiment']);
    const experiment = findNamed(catalogue, 'experiments', given.experiment, where);
    const { claims, controls, seeds } = suite.value;
    const whereOf = (index: number) => suite.locate(['claims', index]);
    const cases = givenCases(claims, whereOf, catalogue, (claim) => ({
      ...givenCase(claim, given, experiment, controls),
      seeds,
    }));
    return { cases, tables: [] };
  }
  if (given !== undefined) {
    throw new UsageError(`the suite ${suite.value.suite} is about models of your own, and none is named`, {
      hint: 'dsteer verify --base DIR --policy DIR --preferences FILE, or --model DIR --preferences FILE',
    });
  }
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
