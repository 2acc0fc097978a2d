/** junit.xml: a test suite per experiment, a test case per claim, for the test views of CI services. */

import type { ClaimReport, RunReport } from '../claims/index.js';
import { describeCounterexample } from './console-table.js';
import { formatDifference, formatEstimate, formatThreshold } from './format.js';
import { experimentTitle, groupByExperiment } from './groups.js';
import { describeOutcome } from './outcome-words.js';

/**
 * Text as XML 1.0 may carry it, in content and in attributes: markup becomes references, and characters that no XML
 * document may hold, not even as references, become U+FFFD.
 */
export const escapeXml = (text: string): string =>
  text
    .replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replace(/[&<>"'\t\n\r]/g, (character) => {
      const named: Record<string, string> = {
        '&': '&amp;',
        '<': '&lt;',
        '>': '&gt;',
        '"': '&quot;',
        "'": '&apos;',
      };
      return named[character] ?? `&#${character.charCodeAt(0)};`;
    });

/** Content keeps its line breaks, which an attribute would lose. */
const escapeContent = (text: string): string => escapeXml(text).replaceAll('&#10;', '\n');

const attributes = (values: Readonly<Record<string, string | number>>): string =>
  Object.entries(values)
    .map(([name, value]) => ` ${name}="${escapeXml(String(value))}"`)
    .join('');

const numbersOf = (claim: ClaimReport): string =>
  [
    describeOutcome(claim),
    `${claim.metric}: ${formatEstimate(claim.estimate, claim.interval, claim.threshold)}, threshold ${formatThreshold(claim.threshold)}, n ${claim.n}, expected ${claim.expected}`,
    claim.population,
    claim.reason,
    ...claim.controls.map(
      (control) =>
        `control ${control.id}: ${formatEstimate(control.estimate, control.interval, control.threshold)}, ${control.verdict}, expected ${control.expected}; claim − control ${formatDifference(control.difference, control.differenceInterval)}, ${control.beaten ? 'beaten' : 'not beaten'}`,
    ),
    describeCounterexample(claim),
    claim.error ?? '',
  ]
    .filter((line) => line !== '')
    .join('\n');

/** The element that tells a CI service the outcome; a pass has none. */
const OUTCOME_ELEMENT = {
  pass: undefined,
  fail: 'failure',
  error: 'error',
  inconclusive: 'skipped',
} as const;

const testCase = (claim: ClaimReport): string => {
  const open = `<testcase${attributes({
    name: `${claim.id}: ${claim.title}`,
    classname: `dsteer.${claim.experiment ?? 'properties'}`,
    time: '0',
  })}>`;
  const element = OUTCOME_ELEMENT[claim.outcome];
  const estimate = formatEstimate(claim.estimate, claim.interval, claim.threshold);
  const message =
    claim.error ??
    `${describeOutcome(claim)}: ${estimate} against ${formatThreshold(claim.threshold)}, expected ${claim.expected}`;
  const numbers = numbersOf(claim);
  if (element === undefined) {
    return `    ${open}<system-out>${escapeContent(numbers)}</system-out></testcase>`;
  }
  const type = element === 'skipped' ? {} : { type: claim.verdict };
  return `    ${open}<${element}${attributes({ message, ...type })}>${escapeContent(numbers)}</${element}></testcase>`;
};

const count = (claims: readonly ClaimReport[], outcome: ClaimReport['outcome']): number =>
  claims.filter((claim) => claim.outcome === outcome).length;

const counts = (claims: readonly ClaimReport[]): Record<string, number> => ({
  tests: claims.length,
  failures: count(claims, 'fail'),
  errors: count(claims, 'error'),
  skipped: count(claims, 'inconclusive'),
});

/** The report as JUnit XML: inconclusive is `skipped`, a fail is `failure`, and the numbers stand in the text. */
export const junitXml = (report: RunReport): string => {
  const suites = [...groupByExperiment(report.claims)].map(([experiment, claims]) => {
    const head = attributes({
      name: experimentTitle(experiment),
      ...counts(claims),
      timestamp: report.run.startedAt,
    });
    return [`  <testsuite${head}>`, ...claims.map(testCase), '  </testsuite>'].join('\n');
  });
  const head = attributes({ name: 'dsteer', ...counts(report.claims), time: report.run.seconds.toFixed(3) });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${head}>`,
    ...suites,
    '</testsuites>',
    '',
  ].join('\n');
};
