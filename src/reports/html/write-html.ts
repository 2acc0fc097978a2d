/** report.html of a run's folder, and the specs of its charts beside it. */

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { RunReport } from '../../claims/index.js';
import { writeFileAtomic } from '../../store/index.js';
import { type Chart, chartConfig } from '../charts/chart.js';
import { evidenceCharts } from '../charts/evidence-charts.js';
import { readEvidence } from '../charts/job-evidence.js';
import { renderChart } from '../charts/render-chart.js';
import { tableCharts } from '../charts/table-charts.js';
import { readReport, runFolderOf, toJson } from '../report-json.js';
import type { RenderedChart } from './chart-figure.js';
import { slug } from './markup.js';
import { type EvidenceView, htmlReport } from './page.js';

/** A page with the specs of its charts, which draw the same in any vega-lite. */
export interface HtmlPage {
  readonly html: string;
  /** By file name: `many-frames-seed-100-cosines.vl.json`. */
  readonly specs: ReadonlyMap<string, string>;
}

/**
 * Draws and writes the page of a run as text.
 *
 * @param folder of the run, where the evidence of its charts is looked for
 * @throws InputError where evidence is there but cannot be read
 */
export const renderHtml = async (report: RunReport, folder: string): Promise<HtmlPage> => {
  const specs = new Map<string, string>();
  const draw = async (prefix: string, charts: readonly Chart[]): Promise<RenderedChart[]> => {
    const drawn: RenderedChart[] = [];
    for (const { spec, ...words } of charts) {
      const id = `${prefix}-${words.id}`;
      specs.set(`${id}.vl.json`, toJson({ ...spec, config: chartConfig }));
      drawn.push({ ...words, id, svg: await renderChart({ id, spec }) });
    }
    return drawn;
  };
  const evidence: EvidenceView[] = [];
  for (const one of await readEvidence(folder, report)) {
    const charts = await draw(slug(one.job), evidenceCharts(one, report));
    evidence.push({ job: one.job, charts, samples: one.data?.samples ?? [] });
  }
  const tables = new Map<string, RenderedChart[]>();
  for (const table of report.tables) {
    tables.set(table.id, await draw(`table-${slug(table.id)}`, tableCharts(table)));
  }
  return { html: htmlReport(report, { evidence, tables }), specs };
};

/**
 * Writes `report.html` and `charts/*.vl.json` into a run's folder.
 *
 * @returns the paths written, the page's last
 */
export const writeHtml = async (folder: string, report: RunReport): Promise<string[]> => {
  const { html, specs } = await renderHtml(report, folder);
  const written: string[] = [];
  for (const [name, content] of [
    ...[...specs].map(([name, spec]) => [join('charts', name), spec] as const),
    ['report.html', html] as const,
  ]) {
    const path = join(folder, name);
    await writeFileAtomic(path, content);
    written.push(path);
  }
  return written;
};

/**
 * The page of a finished run, made where it is missing.
 *
 * @param run its folder, or its `report.json`
 * @returns absolute path of `report.html`
 * @throws InputError where there is no readable report
 */
export const ensureHtml = async (run: string): Promise<string> => {
  const folder = await runFolderOf(run);
  const page = resolve(folder, 'report.html');
  const report = await readReport(run);
  if (!existsSync(page)) await writeHtml(folder, report);
  return page;
};
