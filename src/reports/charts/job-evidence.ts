/** What a run's folder holds of one job, read for drawing: chart data, prompts, training curves. */

import { join } from 'node:path';
import type { RunReport } from '../../claims/index.js';
import { type ChartData, readChartData, readIfPresent } from './chart-data.js';
import type { TrainingCurve } from './training-charts.js';

export interface JobEvidence {
  /** `many-frames/seed-100`: its folder in the run. */
  readonly job: string;
  readonly experiment: string;
  readonly data: ChartData | undefined;
  /** Of `prompts.csv`; nothing where it is missing. */
  readonly prompts:
    | {
        readonly base: readonly number[];
        readonly policy: readonly number[];
        readonly cosines: readonly number[];
      }
    | undefined;
  readonly training: readonly TrainingCurve[];
}

type Row = Readonly<Record<string, string>>;

const readCsv = async (file: string): Promise<readonly Row[] | undefined> => {
  const text = await readIfPresent(file);
  if (text === undefined) return undefined;
  const { read } = await import('vega');
  return read(text, { type: 'csv', parse: {} }).map((row) => Object.fromEntries(Object.entries(row)));
};

/** A field as a number; NaN where it is empty or none. */
const numberIn = (row: Row, column: string): number => {
  const text = row[column]?.trim() ?? '';
  return text === '' ? Number.NaN : Number(text);
};

const finiteColumn = (rows: readonly Row[], column: string): number[] =>
  rows.map((row) => numberIn(row, column)).filter(Number.isFinite);

const readPrompts = async (folder: string): Promise<JobEvidence['prompts']> => {
  const rows = await readCsv(join(folder, 'prompts.csv'));
  return (
    rows && {
      base: finiteColumn(rows, 'base_margin'),
      policy: finiteColumn(rows, 'policy_margin'),
      cosines: finiteColumn(rows, 'cosine_to_steering_vector'),
    }
  );
};

/** Policies that are trained, in the order of their colours. */
const TRAINED = ['dpo', 'shuffled-labels', 'flipped-labels', 'sft'] as const;

const readTraining = async (folder: string): Promise<TrainingCurve[]> => {
  const curves: TrainingCurve[] = [];
  for (const subject of TRAINED) {
    const rows = await readCsv(join(folder, `training-${subject}.csv`));
    if (rows === undefined) continue;
    const steps = rows.map((row) => {
      const loss = numberIn(row, 'loss');
      const margin = numberIn(row, 'rewards/margins');
      return {
        step: numberIn(row, 'step'),
        ...(Number.isFinite(loss) ? { loss } : {}),
        ...(Number.isFinite(margin) ? { rewardMargin: margin } : {}),
      };
    });
    curves.push({ subject, steps: steps.filter(({ step }) => Number.isFinite(step)) });
  }
  return curves;
};

/** Names come from a report, which may be anybody's: none may lead out of the run's folder. */
const isPlainName = (name: string): boolean => /^[\w.-]+$/.test(name) && !/^\.+$/.test(name);

/** Experiments of a report with their seeds, in the order in which they appear. */
const seedsByExperiment = ({ claims, tables }: RunReport): Map<string, number[]> => {
  const found = new Map<string, number[]>();
  const add = (experiment: string | null, seeds: readonly number[]): void => {
    if (experiment === null || !isPlainName(experiment)) return;
    const known = found.get(experiment) ?? [];
    found.set(experiment, [...new Set([...known, ...seeds])]);
  };
  for (const { experiment, comparison, seeds } of claims) {
    add(experiment, seeds);
    if (comparison?.kind === 'against') add(comparison.experiment, seeds);
    if (comparison?.kind === 'trend') for (const one of comparison.experiments) add(one, seeds);
  }
  for (const { rows } of tables) for (const { experiment, seeds } of rows) add(experiment, seeds);
  return found;
};

/**
 * Reads the first seed's evidence of each experiment that a report names; experiments that left none are not among them.
 *
 * @throws InputError where a file is there but cannot be read
 */
export const readEvidence = async (folder: string, report: RunReport): Promise<JobEvidence[]> => {
  const evidence: JobEvidence[] = [];
  for (const [experiment, seeds] of seedsByExperiment(report)) {
    for (const seed of seeds) {
      const job = `${experiment}/seed-${seed}`;
      const own = join(folder, experiment, `seed-${seed}`);
      const [data, prompts, training] = [
        await readChartData(own),
        await readPrompts(own),
        await readTraining(own),
      ];
      if (data === undefined && prompts === undefined && training.length === 0) continue;
      evidence.push({ job, experiment, data, prompts, training });
      break;
    }
  }
  return evidence;
};
