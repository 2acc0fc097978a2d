/** A comparison table as CSV in long format: a record a condition and metric, numbers in full precision. */

import type { ComparisonTable } from '../claims/index.js';
import { type CsvField, formatCsv } from '../store/index.js';

const orEmpty = (value: number | null | undefined): CsvField => value ?? '';

/** Columns end with the estimate of each training seed that any row has, and with further numbers as JSON. */
export const comparisonCsv = ({ id, baseline, metrics, rows }: ComparisonTable): string => {
  const seeds = [...new Set(rows.flatMap((row) => row.seeds))].sort((a, b) => a - b);
  const columns = [
    'table',
    'experiment',
    'label',
    'baseline',
    'metric',
    'n',
    'parameters',
    'estimate',
    'lower',
    'upper',
    'difference',
    'difference_lower',
    'difference_upper',
    'paired',
    'seeds',
    ...seeds.map((seed) => `estimate_seed_${seed}`),
    'details',
    'error',
  ];
  const records = rows.flatMap(({ experiment, label, n, parameters, seeds: own, cells }) =>
    cells.map((cell, index): CsvField[] => [
      id,
      experiment,
      label,
      baseline,
      metrics[index]?.id ?? '',
      n,
      orEmpty(parameters),
      orEmpty(cell.estimate),
      orEmpty(cell.interval?.[0]),
      orEmpty(cell.interval?.[1]),
      orEmpty(cell.difference),
      orEmpty(cell.differenceInterval?.[0]),
      orEmpty(cell.differenceInterval?.[1]),
      cell.difference === null ? '' : String(cell.paired),
      own.join(' '),
      ...seeds.map((seed) => orEmpty(cell.seedEstimates[own.indexOf(seed)])),
      JSON.stringify(cell.details),
      cell.error ?? '',
    ]),
  );
  return formatCsv(columns, records);
};
