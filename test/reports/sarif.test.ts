import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sarifJson, sarifLog } from '../../src/reports/index.js';
import { exampleClaim, exampleReport, reportOf } from './example-report.js';

const failing = (changes: Parameters<typeof exampleClaim>[0] = {}) =>
  exampleClaim({ verdict: 'breaks', outcome: 'fail', ...changes });

const onlyRun = (report: typeof exampleReport) => {
  const [run, ...others] = sarifLog(report).runs;
  if (run === undefined || others.length > 0) throw new Error('one run is wanted');
  return run;
};

describe('SARIF', () => {
  it('has a result for each fail and error, and a rule for each claim', () => {
    const { results = [], tool } = onlyRun(exampleReport);
    expect(results.map(({ ruleId }) => ruleId)).toEqual([
      'gradient-law',
      'inversion-recovery',
      'steering-installs',
    ]);
    expect(results.every(({ level }) => level === 'error')).toBe(true);
    const ids = tool.driver.rules?.map(({ id }) => id) ?? [];
    expect(new Set(ids)).toEqual(new Set(exampleReport.claims.map(({ id }) => id)));
    expect(ids).toHaveLength(new Set(ids).size);
    for (const { ruleId, ruleIndex } of results) expect(ids[ruleIndex ?? -1]).toBe(ruleId);
    expect(results[2]?.message.text).toContain('at least 64 prompts');
  });

  it('is version 2.1.0, whose required properties are there', () => {
    const log = JSON.parse(sarifJson(exampleReport));
    expect(log).toMatchObject({ version: '2.1.0', runs: [{ tool: { driver: { name: 'dsteer' } } }] });
    for (const { message } of log.runs[0].results) expect(message.text).not.toBe('');
    expect(log.runs[0].invocations[0]).toMatchObject({
      executionSuccessful: false,
      startTimeUtc: exampleReport.run.startedAt,
    });
  });

  it('points at file and line, by a relative reference that comes back as the file', () => {
    const name = fc.string({
      unit: fc.constantFrom('a', ' ', ':', '%', '#', '?', 'ü', '.'),
      minLength: 1,
      maxLength: 9,
    });
    fc.assert(
      fc.property(
        fc.array(name, { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 1, max: 999 }),
        (parts, line) => {
          const file = parts.join('/');
          const [result] = onlyRun(reportOf(failing({ location: { file, line } }))).results ?? [];
          const { artifactLocation, region } = result?.locations?.[0]?.physicalLocation ?? {};
          expect(artifactLocation?.uri).not.toMatch(/[ :#?]/);
          expect(decodeURIComponent(artifactLocation?.uri ?? '')).toBe(file);
          expect(region).toEqual({ startLine: line });
        },
      ),
    );
  });

  it('has no place for a claim whose specification is not known', () => {
    expect(onlyRun(reportOf(failing())).results?.[0]?.locations).toEqual([]);
  });

  it('knows an alert again: the same fingerprint for the same claim and evidence, whatever its numbers', () => {
    const print = (changes: Parameters<typeof exampleClaim>[0]): string =>
      JSON.stringify(onlyRun(reportOf(failing(changes))).results?.[0]?.partialFingerprints);
    expect(print({ estimate: 0.1, title: 'other' })).toBe(print({ estimate: 0.2 }));
    expect(print({ experiment: 'one-frame' })).not.toBe(print({}));
    expect(print({ id: 'another' })).not.toBe(print({}));
  });
});
