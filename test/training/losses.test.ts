import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { startEngine, tf } from '../../src/engine/index.js';
import { dpoSigmoidLoss, hiddenStateGradient, logSigmoid, sigmoid } from '../../src/training/index.js';
import { negativeLogSigmoid } from '../../src/training/negative-log-sigmoid.js';
import { fixturesFolder, fixturesPresent, maxDifference, needsFixtures, readJson } from '../model/golden.js';

interface LossCases {
  readonly inputs: Record<
    'policy_chosen_logps' | 'policy_rejected_logps' | 'ref_chosen_logps' | 'ref_rejected_logps',
    number[]
  >;
  readonly cases: {
    loss_type: string;
    beta: number;
    losses: number[];
    grad_sum_chosen: number[];
    grad_sum_rejected: number[];
  }[];
}

interface GradientCases {
  readonly E: number[][];
  readonly one_token: {
    h: number[];
    w: number;
    l: number;
    beta: number;
    margin: number;
    ref_chosen_logp: number;
    ref_rejected_logp: number;
    policy_chosen_logp: number;
    policy_rejected_logp: number;
    loss: number;
    grad_h: number[];
    closed_form: number[];
  }[];
}

const relativeDifference = (actual: number, expected: number): number =>
  Math.abs(actual - expected) / Math.max(Math.abs(expected), 1e-30);

const logps = fc.record({
  policyChosen: fc.double({ min: -200, max: 0, noNaN: true }),
  policyRejected: fc.double({ min: -200, max: 0, noNaN: true }),
  referenceChosen: fc.double({ min: -200, max: 0, noNaN: true }),
  referenceRejected: fc.double({ min: -200, max: 0, noNaN: true }),
});
const betas = fc.double({ min: 0.01, max: 1, noNaN: true });

beforeAll(() => startEngine('auto'));

describe('dpoSigmoidLoss', () => {
  it.skipIf(!fixturesPresent)(
    `should agree with TRL's sigmoid loss and its gradients${needsFixtures}`,
    () => {
      const { inputs, cases } = readJson<LossCases>(fixturesFolder, 'dpo', 'losses.json');
      const sigmoidCases = cases.filter(({ loss_type }) => loss_type === 'sigmoid');
      expect(sigmoidCases.length).toBe(3);
      for (const { beta, losses, grad_sum_chosen, grad_sum_rejected } of sigmoidCases) {
        for (const [i, expected] of losses.entries()) {
          const actual = dpoSigmoidLoss(
            {
              policyChosen: inputs.policy_chosen_logps[i] ?? 0,
              policyRejected: inputs.policy_rejected_logps[i] ?? 0,
              referenceChosen: inputs.ref_chosen_logps[i] ?? 0,
              referenceRejected: inputs.ref_rejected_logps[i] ?? 0,
            },
            beta,
          );
          // float64 on both sides; the extreme margins leave losses of e-65, so errors are relative.
          expect(relativeDifference(actual.loss, expected)).toBeLessThan(1e-11);
          expect(relativeDifference(actual.chosenGradient, grad_sum_chosen[i] ?? 0)).toBeLessThan(1e-11);
          expect(relativeDifference(actual.rejectedGradient, grad_sum_rejected[i] ?? 0)).toBeLessThan(1e-11);
        }
      }
    },
  );

  it('should be ln 2 where policy and reference agree, whatever β', () => {
    fc.assert(
      fc.property(logps, betas, (pair, beta) => {
        const same = { ...pair, policyChosen: pair.referenceChosen, policyRejected: pair.referenceRejected };
        const { loss, margin } = dpoSigmoidLoss(same, beta);
        return margin === 0 && Math.abs(loss - Math.LN2) < 1e-15;
      }),
    );
  });

  it('should have the gradients that finite differences see', () => {
    fc.assert(
      fc.property(logps, betas, (pair, beta) => {
        const step = 1e-4;
        const lossAt = (key: keyof typeof pair, change: number): number =>
          dpoSigmoidLoss({ ...pair, [key]: pair[key] + change }, beta).loss;
        const slope = (key: keyof typeof pair): number =>
          (lossAt(key, step) - lossAt(key, -step)) / (2 * step);
        const { chosenGradient, rejectedGradient } = dpoSigmoidLoss(pair, beta);
        expect(chosenGradient).toBeCloseTo(slope('policyChosen'), 6);
        expect(rejectedGradient).toBeCloseTo(slope('policyRejected'), 6);
      }),
    );
  });

  it('should differ by the margin when labels are flipped: −log σ(m) + log σ(−m) = −m', () => {
    fc.assert(
      fc.property(logps, betas, (pair, beta) => {
        const flipped = {
          policyChosen: pair.policyRejected,
          policyRejected: pair.policyChosen,
          referenceChosen: pair.referenceRejected,
          referenceRejected: pair.referenceChosen,
        };
        const { loss, margin } = dpoSigmoidLoss(pair, beta);
        expect(loss - dpoSigmoidLoss(flipped, beta).loss).toBeCloseTo(-margin, 9);
      }),
    );
  });
});

describe('sigmoid and logSigmoid', () => {
  it('should stay finite and consistent far from zero', () => {
    for (const x of [-1e6, -745, -40, -1e-9, 0, 3, 40, 1e6]) {
      expect(sigmoid(x) + sigmoid(-x)).toBeCloseTo(1, 15);
      expect(Number.isFinite(logSigmoid(x))).toBe(true);
      if (Math.abs(x) < 700) expect(Math.exp(logSigmoid(x))).toBeCloseTo(sigmoid(x), 14);
    }
  });
});

describe('negativeLogSigmoid', () => {
  it('should agree with float64 in value and slope, at 0 and far from it', async () => {
    const points = [-300, -30, -2, -1e-4, 0, 1e-4, 0.5, 12, 300];
    const { value, slope } = tf.tidy(() => {
      const m = tf.tensor1d(points);
      return { value: negativeLogSigmoid(m), slope: tf.grad((x) => negativeLogSigmoid(x as tf.Tensor1D))(m) };
    });
    const [values, slopes] = [await value.data(), await slope.data()];
    tf.dispose([value, slope]);
    for (const [i, m] of points.entries()) {
      expect(Math.abs((values[i] ?? Number.NaN) + logSigmoid(m))).toBeLessThan(
        3e-7 * Math.max(1, Math.abs(m)),
      );
      expect(slopes[i]).toBeCloseTo(-sigmoid(-m), 6);
    }
  });
});

describe('hiddenStateGradient', () => {
  it.skipIf(!fixturesPresent)(
    `should agree with PyTorch's autograd and with the fixture's closed form${needsFixtures}`,
    () => {
      const { E, one_token } = readJson<GradientCases>(fixturesFolder, 'dpo', 'gradient_h.json');
      expect(one_token.length).toBe(8);
      for (const { w, l, beta, grad_h, closed_form, loss, ...logp } of one_token) {
        const pair = dpoSigmoidLoss(
          {
            policyChosen: logp.policy_chosen_logp,
            policyRejected: logp.policy_rejected_logp,
            referenceChosen: logp.ref_chosen_logp,
            referenceRejected: logp.ref_rejected_logp,
          },
          beta,
        );
        // The fixture's margin is of log-probabilities; ours is scaled by β.
        expect(pair.margin).toBeCloseTo(beta * logp.margin, 10);
        expect(pair.loss).toBeCloseTo(loss, 12);
        const gradient = hiddenStateGradient({
          beta,
          margin: pair.margin,
          chosenEmbedding: E[w] ?? [],
          rejectedEmbedding: E[l] ?? [],
        });
        expect(maxDifference(gradient, grad_h)).toBeLessThan(1e-12);
        expect(maxDifference(gradient, closed_form)).toBeLessThan(1e-12);
      }
    },
  );

  it('should point against e_w − e_l and shrink as the margin grows', () => {
    const rows = { chosenEmbedding: [1, 2], rejectedEmbedding: [3, -1] };
    expect([...hiddenStateGradient({ beta: 0.1, margin: 0, ...rows })]).toEqual([0.1, -0.15000000000000002]);
    const norms = [-5, 0, 5, 50].map((margin) =>
      Math.hypot(...hiddenStateGradient({ beta: 0.1, margin, ...rows })),
    );
    expect([...norms].sort((a, b) => b - a)).toEqual(norms);
    expect(() => hiddenStateGradient({ beta: 1, margin: 0, ...rows, chosenEmbedding: [1] })).toThrow(
      RangeError,
    );
  });
});
