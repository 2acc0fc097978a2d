/** Everything a run leaves behind beside its evidence. */

import { join } from 'node:path';
import type { Verification } from '../claims/index.js';
import { writeFileAtomic } from '../store/index.js';
import { comparisonCsv } from './comparison-csv.js';
import { writeHtml } from './html/write-html.js';
import { junitXml } from './junit.js';
import { reportJson, toJson } from './report-json.js';
import { sarifJson } from './sarif.js';
import { summaryMarkdown } from './summary.js';

/**
 * Writes `report.html` with the specs of its charts (`charts/*.vl.json`), `junit.xml`, `claims.sarif`, `summary.md`,
 * `manifest.json`, a CSV file for each comparison table (`tables/ID.csv`) and `report.json` into a run's folder, each to a
 * temporary name first, `report.json` last: where it stands, the run is complete. Charts draw the evidence that stands in the
 * folder by then.
 *
 * @returns the paths written
 */
export const writeReports = async (folder: string, { report, manifest }: Verification): Promise<string[]> => {
  const files: [name: string, content: string][] = [
    ['junit.xml', junitXml(report)],
    ['claims.sarif', sarifJson(report)],
    ['summary.md', summaryMarkdown(report)],
    ...report.tables.map((table): [string, string] => [
      join('tables', `${table.id}.csv`),
      comparisonCsv(table),
    ]),
    ['manifest.json', toJson(manifest)],
    ['report.json', reportJson(report)],
  ];
  const written = await writeHtml(folder, report);
  for (const [name, content] of files) {
    const path = join(folder, name);
    await writeFileAtomic(path, content);
    written.push(path);
  }
  return written;
};
