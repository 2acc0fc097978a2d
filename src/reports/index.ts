/** Views of a run: one reporter a file, all over the report model of src/claims. */

export {
  CHART_DATA_FILE,
  type ChartData,
  type LayerPoint,
  readChartData,
  type Spectrum,
  type SweepPoint,
  type TextSample,
} from './charts/chart-data.js';
export { comparisonCsv } from './comparison-csv.js';
export { comparisonMarkdown } from './comparison-markdown.js';
export { type ConsoleOptions, renderComparison, renderConsole, totalsLine } from './console-table.js';
export { describeCounterexample } from './counterexample.js';
export { createProgress, type WritableOutput } from './create-progress.js';
export { displayWidth } from './display-width.js';
export {
  formatAgainst,
  formatDifference,
  formatEstimate,
  formatInterval,
  formatLevel,
  formatNumber,
  formatParameters,
  formatQuantity,
  formatSeconds,
  formatThreshold,
  printable,
} from './format.js';
export { controlsByRole, groupByEvidence, groupTitle } from './groups.js';
export { type HtmlPage, renderHtml, writeHtml } from './html/write-html.js';
export { escapeXml, junitXml } from './junit.js';
export { escapeMarkdown } from './markdown.js';
export { createPlainProgress, type PlainProgressOptions } from './plain-progress.js';
export { readReport, reportJson, toJson } from './report-json.js';
export type { Clock } from './stage-clock.js';
export {
  type Environment,
  type OutputStream,
  type Style,
  styleFor,
  wantsColor,
  widthOf,
} from './style.js';
export { summaryMarkdown } from './summary.js';
export {
  type ClearableProgress,
  createTerminalProgress,
  type TerminalProgressOptions,
} from './terminal-progress.js';
export { alignColumns, cut, pad, wrapText } from './text.js';
export { writeReports } from './write-reports.js';
