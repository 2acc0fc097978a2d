import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { junitXml } from '../../src/reports/index.js';
import { exampleClaim, exampleReport, reportOf } from './example-report.js';
import { parseStrictXml, type XmlElement } from './strict-xml.js';

const anyText = fc.string({ unit: 'binary', maxLength: 30 });

/** What a strict XML reader sees of a text: what XML cannot carry is replaced, the rest survives. */
const carried = (text: string): string =>
  [...text]
    .map((character) => {
      const code = character.codePointAt(0) ?? 0;
      const isLegal =
        [9, 10, 13].includes(code) ||
        (code >= 0x20 && !(code >= 0xd800 && code <= 0xdfff) && code !== 0xfffe && code !== 0xffff);
      return isLegal ? character : '\ufffd';
    })
    .join('');

const cases = (root: XmlElement): XmlElement[] => root.children.flatMap((suite) => suite.children);

describe('junit.xml', () => {
  it('is well formed and keeps titles whatever characters they hold', () => {
    fc.assert(
      fc.property(anyText, anyText, anyText, (title, error, experiment) => {
        const claim = exampleClaim({ title, error, experiment, verdict: 'error', outcome: 'error' });
        const root = parseStrictXml(junitXml(reportOf(claim)));
        const [testCase] = cases(root);
        expect(testCase?.attributes['name']).toBe(carried(`cosine-concentration: ${title}`));
        expect(testCase?.children[0]?.attributes['message']).toBe(carried(error));
        expect(root.children[0]?.attributes['name']).toBe(carried(experiment));
      }),
      { numRuns: 300 },
    );
  });

  it('has a suite per experiment and a case per claim, with counts that add up to the totals', () => {
    const root = parseStrictXml(junitXml(exampleReport));
    expect(root.children.map(({ attributes }) => attributes['name'])).toEqual([
      'properties over random tensors',
      'one-frame',
      'many-frames',
    ]);
    expect(cases(root)).toHaveLength(exampleReport.claims.length);
    const { fail, error, inconclusive } = exampleReport.totals;
    expect(root.attributes).toMatchObject({
      tests: String(exampleReport.claims.length),
      failures: String(fail),
      errors: String(error),
      skipped: String(inconclusive),
    });
    for (const name of ['tests', 'failures', 'errors', 'skipped']) {
      const sum = root.children.reduce((total, suite) => total + Number(suite.attributes[name]), 0);
      expect(sum).toBe(Number(root.attributes[name]));
    }
  });

  it('tells fail, error and inconclusive apart by element, with the numbers in the text', () => {
    const elements = cases(parseStrictXml(junitXml(exampleReport))).map(({ children }) => children[0]?.name);
    expect(elements).toEqual(['failure', 'system-out', 'skipped', 'system-out', 'failure', 'error']);
    const [failure] = cases(parseStrictXml(junitXml(exampleReport)));
    expect(failure?.children[0]?.text).toContain('0.310 [0.310, 0.310], threshold ≤ 0.0001, n 200');
    expect(failure?.children[0]?.text).toContain('seed: 42, path: "0:3"');
  });

  it('names file and line of the specification where they are known', () => {
    const located = exampleClaim({ location: { file: 'specs/claims/a&b.yaml', line: 12 } });
    const [known, unknown] = cases(parseStrictXml(junitXml(reportOf(located, exampleClaim()))));
    expect(known?.attributes).toMatchObject({ file: 'specs/claims/a&b.yaml', line: '12' });
    expect(unknown?.attributes).not.toHaveProperty('file');
  });
});
