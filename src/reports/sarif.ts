/** SARIF 2.1.0: an alert for each claim that failed, at the line of its specification. */

import { createHash } from 'node:crypto';
import type { Log, ReportingDescriptor, Result } from 'sarif';
import type { BaselineReport, CaseName, ClaimReport, RunReport } from '../claims/index.js';
import { missingText } from './baseline/baseline-findings.js';
import { claimSentence } from './claim-sentence.js';
import { caseKey, groupTitle } from './groups.js';
import { toJson } from './report-json.js';

const ruleOf = ({ id, title, statement, source }: ClaimReport): ReportingDescriptor => ({
  id,
  shortDescription: { text: title },
  fullDescription: { text: statement },
  help: { text: `${statement}\n\nSource: ${source}` },
  defaultConfiguration: { level: 'error' },
});

/** A relative reference as RFC 3986 has it, for files with blanks or colons in their names. */
const uriOf = (file: string): string => file.split('/').map(encodeURIComponent).join('/');

const resultOf = (claim: ClaimReport, ruleIndex: number): Result => {
  const { id, location } = claim;
  const fingerprint = createHash('sha256')
    .update(`${id}\n${groupTitle(claim)}`)
    .digest('hex');
  return {
    ruleId: id,
    ruleIndex,
    level: 'error',
    message: { text: claimSentence(claim) },
    locations:
      location === undefined
        ? []
        : [
            {
              physicalLocation: {
                artifactLocation: { uri: uriOf(location.file), uriBaseId: '%SRCROOT%' },
                region: { startLine: location.line },
              },
            },
          ],
    partialFingerprints: { 'dsteerClaim/v1': fingerprint },
  };
};

/** Its alert closes once the case is judged again, or is no longer in the baseline. */
const MISSING_RULE: ReportingDescriptor = {
  id: 'baseline-missing',
  shortDescription: { text: 'A claim of the baseline was not judged' },
  fullDescription: { text: 'The baseline holds a case of a claim that the run did not judge.' },
  defaultConfiguration: { level: 'error' },
};

const missingResult = (name: CaseName, { file }: BaselineReport, ruleIndex: number): Result => ({
  ruleId: MISSING_RULE.id,
  ruleIndex,
  level: 'error',
  message: { text: missingText(name, file) },
  locations: [
    {
      physicalLocation: {
        artifactLocation: { uri: uriOf(file), uriBaseId: '%SRCROOT%' },
        region: { startLine: 1 },
      },
    },
  ],
  partialFingerprints: {
    'dsteerClaim/v1': createHash('sha256').update(caseKey(name)).digest('hex'),
  },
});

/** Fails, errors and what is missing of the baseline as results; a rule for each claim of the run, so that what passes now closes its alerts. */
export const sarifLog = ({ run, claims, baseline }: RunReport): Log => {
  const rules: ReportingDescriptor[] = [];
  const indices = new Map<string, number>();
  for (const claim of claims) {
    if (indices.has(claim.id)) continue;
    indices.set(claim.id, rules.length);
    rules.push(ruleOf(claim));
  }
  const claimRules = rules.length;
  if (baseline !== undefined) rules.push(MISSING_RULE);
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'dsteer', version: run.dsteer, rules } },
        automationDetails: { id: `dsteer/${run.targets.join(',')}/` },
        invocations: [
          {
            executionSuccessful: claims.every(({ outcome }) => outcome !== 'error'),
            startTimeUtc: run.startedAt,
            endTimeUtc: run.finishedAt,
          },
        ],
        columnKind: 'utf16CodeUnits',
        results: [
          ...claims
            .filter(({ outcome }) => outcome === 'fail' || outcome === 'error')
            .map((claim) => resultOf(claim, indices.get(claim.id) ?? 0)),
          ...(baseline === undefined
            ? []
            : baseline.missing.map((name) => missingResult(name, baseline, claimRules))),
        ],
      },
    ],
  };
};

/** `sarifLog` as text. */
export const sarifJson = (report: RunReport): string => toJson(sarifLog(report));
