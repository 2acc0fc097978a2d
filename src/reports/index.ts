/** Views of a run: one reporter a file, all over the report model of src/claims. */

export { acceptedBand } from './baseline/accepted-band.js';
export { applyBaseline, fallsOut, standingOf, withoutBaseline } from './baseline/apply-baseline.js';
export { baselineLines, renderBaselineUpdate } from './baseline/baseline-console.js';
export { baselineJson, parseBaseline, readBaseline, writeBaseline } from './baseline/baseline-file.js';
export {
  type BaselineFinding,
  type BaselineFindings,
  baselineFindings,
} from './baseline/baseline-findings.js';
export { type BaselineChange, type BaselineUpdate, updateBaseline } from './baseline/update-baseline.js';
export { renderBenchmarks, renderRegressions } from './bench-table.js';
export { drawBenchmarks } from './charts/bench-chart.js';
export {
  CHART_DATA_FILE,
  type ChartData,
  type LayerPoint,
  readChartData,
  type Spectrum,
  type SweepPoint,
  type TextSample,
} from './charts/chart-data.js';
export { claimSentence } from './claim-sentence.js';
export { comparisonCsv } from './comparison-csv.js';
export { comparisonMarkdown } from './comparison-markdown.js';
export { type ConsoleOptions, renderComparison, renderConsole, totalsLine } from './console-table.js';
export { describeCounterexample } from './counterexample.js';
export { createProgress, type WritableOutput } from './create-progress.js';
export {
  type CellChange,
  type Change,
  type ClaimChange,
  type ClaimName,
  type DiffSide,
  diffReports,
  hasMoved,
  type ReportDiff,
} from './diff.js';
export { renderDiff } from './diff-console.js';
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
} from './format.js';
export { announceToGithub, githubAnnotations, githubSummary } from './github.js';
export { caseKey, caseTitle, controlsByRole, groupByEvidence, groupTitle } from './groups.js';
export { ensureHtml, type HtmlPage, renderHtml, writeHtml } from './html/write-html.js';
export { escapeXml, junitXml } from './junit.js';
export { escapeMarkdown } from './markdown.js';
export { mergeReports, type Part } from './merge.js';
export { type MergedManifest, mergeRuns } from './merge-runs.js';
export { createPlainProgress, type PlainProgressOptions } from './plain-progress.js';
export { readReport, reportJson, runFolderOf, toJson } from './report-json.js';
export { sarifJson, sarifLog } from './sarif.js';
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
