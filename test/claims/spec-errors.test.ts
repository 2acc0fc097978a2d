import { describe, expect, it } from 'vitest';
import { SpecError } from '../../src/base/index.js';
import { parseSpec } from '../../src/claims/index.js';

const good = `claim: my-claim
title: A title
source: somewhere
statement: Something holds.
metric: cosine-to-steering-vector
threshold: { atLeast: 0.9 }
cases:
  - experiment: one-frame
    expected: holds
    reason: because
    controls:
      sft: breaks
`;

/** Replaces one line of the good specification and gives back the faults found. */
const faultsWith = (line: string, replacement: string) => {
  expect(good).toContain(line);
  try {
    parseSpec(good.replace(line, replacement), 'claim.yaml');
  } catch (error) {
    if (error instanceof SpecError) return error.issues;
    throw error;
  }
  return [];
};

describe('a specification with a fault', () => {
  it('is accepted without one', () => {
    const spec = parseSpec(good, 'claim.yaml');
    expect(spec.kind).toBe('claim');
    expect(spec.locate(['threshold', 'atLeast'])).toEqual({ file: 'claim.yaml', line: 6, column: 23 });
  });

  it('names a misspelt key, where it stands, the likeliest meaning and all legal keys', () => {
    const [issue, ...others] = faultsWith('statement:', 'statment:');
    expect(others).toEqual([]);
    expect(issue?.where).toEqual({ file: 'claim.yaml', line: 4, column: 1 });
    expect(issue?.hint).toContain('did you mean statement?');
    expect(issue?.hint).toContain('metric, layers, threshold');
  });

  it('reports a misspelt optional key as one fault', () => {
    const issues = faultsWith('threshold:', 'layer: final\nthreshold:');
    expect(issues).toHaveLength(1);
    expect(issues[0]?.where).toEqual({ file: 'claim.yaml', line: 6, column: 1 });
    expect(issues[0]?.hint).toContain('did you mean layers?');
  });

  it('names a metric that does not exist with those that do', () => {
    const [issue, ...others] = faultsWith('cosine-to-steering-vector', 'cosine-to-stering-vector');
    expect(others).toEqual([]);
    expect(issue?.where).toEqual({ file: 'claim.yaml', line: 5, column: 9 });
    expect(issue?.hint).toContain('did you mean cosine-to-steering-vector?');
    expect(issue?.hint).toContain('flips-undone');
  });

  it('says that a threshold has to be a number', () => {
    const [issue, ...others] = faultsWith('atLeast: 0.9', 'atLeast: high');
    expect(others).toEqual([]);
    expect(issue?.where).toEqual({ file: 'claim.yaml', line: 6, column: 23 });
    expect(issue?.message).toContain('threshold.atLeast takes a number, not "high"');
    expect(issue?.hint).toContain('0.9');
  });

  it('refuses a threshold with two bounds or with none', () => {
    expect(faultsWith('{ atLeast: 0.9 }', '{ atLeast: 0.9, atMost: 1 }')[0]?.message).toContain(
      'exactly one bound',
    );
    expect(faultsWith('{ atLeast: 0.9 }', '{}')[0]?.message).toContain('exactly one bound');
  });

  it('names a control that the metric does not have, at its key', () => {
    const [issue] = faultsWith('sft: breaks', 'pre-norm: breaks');
    expect(issue?.message).toContain('has no control pre-norm');
    expect(issue?.where.line).toBe(12);
  });

  it('names an unknown control with the legal ones', () => {
    const [issue] = faultsWith('sft: breaks', 'stf: breaks');
    expect(issue?.where).toEqual({ file: 'claim.yaml', line: 12, column: 7 });
    expect(issue?.hint).toContain('did you mean sft?');
  });

  it('refuses a claim without controls: a threshold that a placebo passes says nothing', () => {
    expect(faultsWith('controls:\n      sft: breaks', 'controls: {}')[0]?.message).toContain(
      'without a control',
    );
  });

  it('reports broken YAML with its place', () => {
    const [issue] = faultsWith('title: A title', 'title: [A title');
    expect(issue?.message).toContain('YAML');
    expect(issue?.where.line).toBeGreaterThan(1);
  });

  it('lists all faults at once', () => {
    const broken = good
      .replace('expected: holds', 'expected: maybe')
      .replace('atLeast: 0.9', 'atLeast: "0.9"');
    try {
      parseSpec(broken, 'claim.yaml');
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(SpecError);
      expect((error as SpecError).issues).toHaveLength(2);
      expect((error as SpecError).exitCode).toBe(2);
    }
  });

  it('says what a file is not', () => {
    expect(() => parseSpec('hello: world\n', 'x.yaml')).toThrow(SpecError);
    expect(() => parseSpec('', 'x.yaml')).toThrow(SpecError);
    expect(() => parseSpec('- 1\n', 'x.yaml')).toThrow(SpecError);
  });
});
