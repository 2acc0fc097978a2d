/** junit.xml: a test suite per experiment, a test case per claim, for the test views of CI services. */

import type { BaselineReport, ClaimReport, ControlReport, RunReport } from '../claims/index.js';
import { missingText } from './baseline/baseline-findings.js';
import { describeCounterexample } from './counterexample.js';
import { formatDifference, formatEstimate, formatThreshold } from './format.js';
import { caseTitle, controlsByRole, groupByEvidence } from './groups.js';
import { describeComparison, describeCorrection, describeOutcome, describeSeeds } from './outcome-words.js';

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

const controlText = (control: ControlReport): string => {
  const beaten = control.beaten ? ', beaten' : ', not beaten';
  return `${control.role} ${control.id}: ${formatEstimate(control.estimate, control.interval, control.threshold)}, ${control.verdict}, expected ${control.expected}; claim − ${control.role} ${formatDifference(control.difference, control.differenceInterval)}${control.role === 'control' ? beaten : ''}`;
};

const numbersOf = (claim: ClaimReport): string => {
  const { control, companion } = controlsByRole(claim);
  return [
    describeOutcome(claim),
    `${claim.metric}: ${formatEstimate(claim.estimate, claim.interval, claim.threshold)}, threshold ${formatThreshold(claim.threshold)}, n ${claim.n}, expected ${claim.expected}`,
    describeComparison(claim),
    describeSeeds(claim),
    describeCorrection(claim),
    claim.population,
    claim.reason,
    ...[...control, ...companion].map(controlText),
    describeCounterexample(claim),
    claim.error ?? '',
  ]
    .filter((line) => line !== '')
    .join('\n');
};

/** What tells test cases of the same claim apart. */
const classOf = ({ experiment, comparison }: ClaimReport): string => {
  if (comparison?.kind === 'trend') return 'dsteer.trends';
  if (experiment === null) return 'dsteer.properties';
  return `dsteer.${experiment}${comparison === null ? '' : `-against-${comparison.experiment}`}`;
};

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
    classname: classOf(claim),
    time: '0',
    ...(claim.location === undefined ? {} : { file: claim.location.file, line: claim.location.line }),
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

/** @param missing cases of a baseline that were not judged, each a failure */
const counts = (claims: readonly ClaimReport[], missing = 0): Record<string, number> => ({
  tests: claims.length + missing,
  failures: count(claims, 'fail') + missing,
  errors: count(claims, 'error'),
  skipped: count(claims, 'inconclusive'),
});

/** A suite of the cases that a baseline knows and the run did not judge; nothing where there are none. */
const missingSuite = ({ run, baseline }: RunReport): string[] => {
  const { missing = [], file = '' }: Partial<BaselineReport> = baseline ?? {};
  if (missing.length === 0) return [];
  const cases = missing.map((name) => {
    const message = missingText(name, file);
    const open = `<testcase${attributes({ name: caseTitle(name), classname: 'dsteer.baseline', time: '0', file })}>`;
    return `    ${open}<failure${attributes({ message, type: 'missing' })}>${escapeContent(message)}</failure></testcase>`;
  });
  const head = attributes({
    name: 'baseline',
    ...counts([], missing.length),
    time: '0',
    timestamp: run.startedAt,
  });
  return [`  <testsuite${head}>`, ...cases, '  </testsuite>'];
};

/**
 * The report as JUnit XML. GitLab shows `classname` as the suite and tells test cases apart by it and `name`; annotating
 * actions of GitHub read `file` and `line`; Jenkins groups by `classname` up to its last dot. Inconclusive is `skipped`, a
 * fail is `failure`, and the numbers stand in the text. What a baseline knows and the run did not judge is a `failure` of the
 * suite `baseline`.
 */
export const junitXml = (report: RunReport): string => {
  const suites = [...groupByEvidence(report.claims)].map(([title, claims]) => {
    const head = attributes({
      name: title,
      ...counts(claims),
      time: '0',
      timestamp: report.run.startedAt,
    });
    return [`  <testsuite${head}>`, ...claims.map(testCase), '  </testsuite>'].join('\n');
  });
  const head = attributes({
    name: 'dsteer',
    ...counts(report.claims, report.baseline?.missing.length),
    time: report.run.seconds.toFixed(3),
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${head}>`,
    ...suites,
    ...missingSuite(report),
    '</testsuites>',
    '',
  ].join('\n');
};
