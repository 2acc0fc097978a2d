import { describe } from 'vitest';
import { baselineJson, readBaseline, updateBaseline } from '../../src/reports/index.js';
import { exampleReport } from '../reports/example-report.js';
import { itObeysTheLaw } from './parser-law.js';

describe('a baseline', () => {
  itObeysTheLaw('of claims, experiments, comparisons and trends', {
    name: 'dsteer.baseline.json',
    parse: readBaseline,
    seeds: [{ bytes: baselineJson(updateBaseline(exampleReport).baseline) }],
  });
});
