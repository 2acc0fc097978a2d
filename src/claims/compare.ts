/** Comparison tables: conditions side by side, each metric with its difference to the baseline. */
import { ComputationError } from '../base/index.js';
import { intervalOfDraws } from '../statistics/index.js';
import type { Task } from './jobs/job.js';
import { differenceOf, intervalOf, type Quantity } from './judge.js';
import { metricCatalogue } from './metrics/index.js';
import { tasksOfTable } from './plan.js';
import type { ComparisonCell, ComparisonRow, ComparisonTable } from './report.js';
import type { LoadedExperiment } from './spec/load.js';
import type { SelectedTable } from './spec/select.js';

const level = 0.95;

const errorCell = (error: string): ComparisonCell => ({
  estimate: null,
  interval: null,
  seedEstimates: [],
  difference: null,
  differenceInterval: null,
  paired: false,
  details: {},
  error,
});

const cellOf = (quantity: Quantity, baseline: Quantity | undefined): ComparisonCell => {
  if (quantity.state === 'failed') return errorCell(quantity.message);
  try {
    const { estimate, seedEstimates, details } = quantity;
    const cell = { estimate, interval: intervalOf(quantity, level), seedEstimates, details };
    const difference = baseline && differenceOf(quantity, baseline);
    if (difference?.state !== 'measured') {
      return { ...cell, difference: null, differenceInterval: null, paired: false };
    }
    return {
      ...cell,
      difference: difference.estimate,
      differenceInterval: intervalOfDraws(difference.draws, level),
      paired: difference.paired === true,
    };
  } catch (error) {
    if (error instanceof ComputationError) return errorCell(error.message);
    throw error;
  }
};

export interface TableSource {
  quantity(experiment: LoadedExperiment, seeds: readonly number[], task: Task): Quantity;
  seedsOf(experiment: LoadedExperiment): readonly number[];
  parametersOf(experiment: LoadedExperiment): number | null;
}

/** The table of its experiments' measurements. */
export const compare = ({ table, experiments }: SelectedTable, source: TableSource): ComparisonTable => {
  const tasks = tasksOfTable(table);
  const quantitiesOf = (experiment: LoadedExperiment): Quantity[] =>
    tasks.map((task) => source.quantity(experiment, source.seedsOf(experiment), task));
  const baselineName = table.baseline ?? table.experiments[0];
  const baseline = experiments.find(({ value }) => value.experiment === baselineName);
  const baselineQuantities = baseline === undefined ? [] : quantitiesOf(baseline);
  return {
    id: table.table,
    title: table.title,
    baseline: baseline?.value.experiment ?? '',
    metrics: tasks.map(({ metric }) => ({ id: metric, title: metricCatalogue[metric].title })),
    rows: experiments.map((experiment): ComparisonRow => {
      const quantities = experiment === baseline ? baselineQuantities : quantitiesOf(experiment);
      const measured = quantities.flatMap((quantity) => (quantity.state === 'measured' ? [quantity.n] : []));
      return {
        experiment: experiment.value.experiment,
        label: experiment.label,
        n: Math.max(0, ...measured),
        seeds: source.seedsOf(experiment),
        parameters: source.parametersOf(experiment),
        cells: quantities.map((quantity, index) =>
          cellOf(quantity, experiment === baseline ? undefined : baselineQuantities[index]),
        ),
      };
    }),
  };
};
