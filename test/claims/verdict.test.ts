import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  beats,
  type ClaimReport,
  combineOutcomes,
  describeVerdict,
  exitCodeOf,
  type Outcome,
  totalsOf,
  verdictOf,
} from '../../src/claims/index.js';

const outcome = fc.constantFrom<Outcome>('pass', 'fail', 'inconclusive', 'error');
const sortedPair = fc
  .tuple(fc.double({ noNaN: true, min: -5, max: 5 }), fc.double({ noNaN: true, min: -5, max: 5 }))
  .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);

describe('verdictOf', () => {
  it('never judges by anything but the whole interval', () => {
    fc.assert(
      fc.property(sortedPair, fc.double({ noNaN: true, min: -5, max: 5 }), ([lower, upper], bound) => {
        const verdict = verdictOf([lower, upper], { atLeast: bound });
        if (lower >= bound) expect(verdict).toBe('holds');
        else if (upper < bound) expect(verdict).toBe('breaks');
        else expect(verdict).toBe('inconclusive');
      }),
    );
  });

  it('mirrors atLeast in atMost', () => {
    fc.assert(
      fc.property(sortedPair, fc.double({ noNaN: true, min: -5, max: 5 }), ([lower, upper], bound) => {
        expect(verdictOf([lower, upper], { atMost: bound })).toBe(
          verdictOf([-upper, -lower], { atLeast: -bound }),
        );
      }),
    );
  });

  it('is an error for an interval that is none', () => {
    expect(verdictOf([Number.NaN, 1], { atLeast: 0 })).toBe('error');
    expect(verdictOf([2, 1], { atLeast: 0 })).toBe('error');
  });
});

describe('beats', () => {
  it('needs the whole difference on the side of the claim', () => {
    expect(beats([0.01, 0.2], { atLeast: 0.9 })).toBe(true);
    expect(beats([0, 0.2], { atLeast: 0.9 })).toBe(false);
    expect(beats([-0.2, -0.01], { atMost: 0.1 })).toBe(true);
    expect(beats([-0.2, 0.01], { atMost: 0.1 })).toBe(false);
  });
});

describe('outcomes', () => {
  it('a control that surprises or cannot be measured decides, one that is inconclusive does not', () => {
    fc.assert(
      fc.property(outcome, fc.array(outcome), (own, controls) => {
        const combined = combineOutcomes(own, controls);
        if ([own, ...controls].includes('error')) expect(combined).toBe('error');
        else if ([own, ...controls].includes('fail')) expect(combined).toBe('fail');
        else expect(combined).toBe(own);
      }),
    );
  });

  it('decide the exit code as the contract says', () => {
    fc.assert(
      fc.property(fc.array(outcome), fc.boolean(), (outcomes, strict) => {
        const code = exitCodeOf({ totals: totalsOf(outcomes.map((one) => ({ outcome: one }))) }, { strict });
        const bad = outcomes.some((one) => one === 'fail' || one === 'error');
        const undecided = outcomes.includes('inconclusive');
        expect(code).toBe(bad ? 1 : undecided ? (strict ? 1 : 3) : 0);
      }),
    );
  });
});

describe('describeVerdict', () => {
  const control = (id: string, verdict: 'holds' | 'breaks', beaten: boolean) =>
    ({ id, verdict, beaten, role: 'control' }) as ClaimReport['controls'][number];

  it('says which controls hold as well', () => {
    const controls = [control('placebo-noise', 'holds', false), control('sft', 'holds', true)];
    expect(describeVerdict({ verdict: 'holds', specific: false, controls })).toBe(
      'HOLDS, not specific (noise and SFT hold too)',
    );
  });

  it('says which controls are not beaten where none holds', () => {
    const controls = [control('sft', 'breaks', false), control('shuffled-labels', 'breaks', true)];
    expect(describeVerdict({ verdict: 'holds', specific: false, controls })).toBe(
      'HOLDS, not specific (does not beat SFT)',
    );
  });

  it('adds nothing to a specific claim or to one that breaks', () => {
    expect(describeVerdict({ verdict: 'holds', specific: true, controls: [] })).toBe('HOLDS');
    expect(describeVerdict({ verdict: 'breaks', specific: false, controls: [] })).toBe('BREAKS');
  });
});
