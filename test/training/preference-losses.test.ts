import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { startEngine, tf } from '../../src/engine/index.js';
import {
  checkPreferenceLoss,
  oddsRatioLosses,
  type PreferenceBatch,
  type PreferenceLossConfig,
  preferenceLosses,
  preferenceLossNames,
} from '../../src/training/index.js';
import { availableEngines } from '../model/engines.js';
import { fixturesFolder, fixturesPresent, needsFixtures, readJson } from '../model/golden.js';

type Inputs = Record<
  'policy_chosen_logps' | 'policy_rejected_logps' | 'ref_chosen_logps' | 'ref_rejected_logps',
  number[]
>;

interface Case {
  readonly loss_type: string;
  readonly beta: number;
  readonly label_smoothing?: number;
  readonly gamma?: number;
  readonly losses: number[];
  readonly mean_loss: number;
  readonly grad_sum_chosen: number[];
  readonly grad_sum_rejected: number[];
  readonly grad_mean_chosen: number[];
  readonly grad_mean_rejected: number[];
}

interface Fixture {
  readonly inputs: Inputs;
  readonly chosen_lengths: number[];
  readonly rejected_lengths: number[];
  readonly cases: Case[];
}

/** The fixture's names of losses, as settings. */
const settingsOf: Readonly<Record<string, Omit<PreferenceLossConfig, 'beta'>>> = {
  sigmoid: {},
  sigmoid_norm: { loss: 'sigmoid', lengthNormalised: true },
  sigmoid_label_smoothing_cdpo: { loss: 'cdpo' },
  hinge: { loss: 'hinge' },
  ipo: { loss: 'ipo' },
  ipo_unnormalized: { loss: 'ipo', lengthNormalised: false },
  robust: { loss: 'robust' },
  simpo: { loss: 'simpo' },
  kto_pair: { loss: 'kto-pair' },
};

interface Evaluated {
  readonly losses: Float32Array;
  readonly chosen: Float32Array;
  readonly rejected: Float32Array;
}

/** Losses, and the gradient of their sum with respect to the policy's log-probabilities. */
const evaluate = async (
  losses: (batch: PreferenceBatch) => tf.Tensor1D,
  { inputs, chosen_lengths, rejected_lengths }: Omit<Fixture, 'cases'>,
): Promise<Evaluated> => {
  const tensors = tf.tidy(() => {
    const batchOf = (policyChosen: tf.Tensor, policyRejected: tf.Tensor): PreferenceBatch => ({
      policyChosen: policyChosen as tf.Tensor1D,
      policyRejected: policyRejected as tf.Tensor1D,
      referenceChosen: inputs.ref_chosen_logps,
      referenceRejected: inputs.ref_rejected_logps,
      chosenLengths: chosen_lengths,
      rejectedLengths: rejected_lengths,
    });
    const policy = [tf.tensor1d(inputs.policy_chosen_logps), tf.tensor1d(inputs.policy_rejected_logps)] as [
      tf.Tensor1D,
      tf.Tensor1D,
    ];
    const [chosen, rejected] = tf.grads((c: tf.Tensor, r: tf.Tensor) => tf.sum(losses(batchOf(c, r))))(
      policy,
    );
    return [losses(batchOf(...policy)), chosen, rejected] as tf.Tensor[];
  });
  const [values, chosen, rejected] = await Promise.all(tensors.map((tensor) => tensor.data()));
  tf.dispose(tensors);
  return {
    losses: Float32Array.from(values ?? []),
    chosen: Float32Array.from(chosen ?? []),
    rejected: Float32Array.from(rejected ?? []),
  };
};

/**
 * Largest |actual − expected| over max(1, |expected|). Log-probabilities of about −100 have 8e-6 to the next number of
 * float32, which β, a length or a slope of the loss multiply.
 */
const worst = (actual: ArrayLike<number>, expected: readonly number[]): number => {
  expect(actual.length).toBe(expected.length);
  return expected.reduce((most, value, i) => {
    const error = Math.abs((actual[i] ?? Number.NaN) - value) / Math.max(1, Math.abs(value));
    return error <= most ? most : Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
  }, 0);
};

describe.each(availableEngines)('preferenceLosses on engine %s', (engine) => {
  beforeAll(() => startEngine(engine));

  it.skipIf(!fixturesPresent)(
    `should agree with TRL in value and gradient, for every loss and setting${needsFixtures}`,
    async () => {
      const fixture = readJson<Fixture>(fixturesFolder, 'dpo', 'losses.json');
      const seen = new Set<string>();
      for (const one of fixture.cases) {
        const { loss_type, beta, label_smoothing, gamma, losses: golden } = one;
        const isOrpo = loss_type === 'orpo_odds_ratio';
        const settings = settingsOf[loss_type];
        if (!isOrpo && settings === undefined) throw new Error(`no setting for ${loss_type}`);
        const name = `${loss_type}, β ${beta}`;
        seen.add(loss_type);
        const evaluated = await evaluate(
          isOrpo
            ? ({ policyChosen, policyRejected, chosenLengths, rejectedLengths }) =>
                oddsRatioLosses(
                  tf.div(policyChosen, tf.tensor1d([...Array.from(chosenLengths)])),
                  tf.div(policyRejected, tf.tensor1d([...Array.from(rejectedLengths)])),
                  beta,
                )
            : (batch) =>
                preferenceLosses(batch, { beta, labelSmoothing: label_smoothing, gamma, ...settings }),
          fixture,
        );
        const n = fixture.chosen_lengths.length;
        const paired = loss_type === 'kto_pair';
        // The fixture keeps KTO's two terms of a pair apart; ours is their mean.
        const losses = paired
          ? golden.slice(0, n).map((value, i) => (value + (golden[n + i] ?? 0)) / 2)
          : golden;
        const scale = paired ? 2 : 1;
        expect(worst(evaluated.losses, losses), name).toBeLessThan(2e-5);
        for (const [gradients, sums, means] of [
          [evaluated.chosen, one.grad_sum_chosen, one.grad_mean_chosen],
          [evaluated.rejected, one.grad_sum_rejected, one.grad_mean_rejected],
        ] as const) {
          expect(
            worst(
              gradients.map((value) => value * scale),
              sums,
            ),
            name,
          ).toBeLessThan(1e-5);
          expect(
            worst(
              gradients.map((value) => value / n),
              means,
            ),
            name,
          ).toBeLessThan(1e-6);
        }
        const mean = evaluated.losses.reduce((sum, value) => sum + value, 0) / n;
        expect(Math.abs(mean / one.mean_loss - 1), name).toBeLessThan(2e-6);
      }
      expect([...seen].sort()).toEqual([...Object.keys(settingsOf), 'orpo_odds_ratio'].sort());
    },
  );
});

describe('preferenceLosses', () => {
  beforeAll(() => startEngine('auto'));

  const logps = fc.double({ min: -60, max: -0.5, noNaN: true });
  const lengths = fc.integer({ min: 1, max: 12 });
  const pairs = fc.array(
    fc.record({ pc: logps, pr: logps, rc: logps, rr: logps, lc: lengths, lr: lengths }),
    {
      minLength: 1,
      maxLength: 6,
    },
  );
  const fixtureOf = (
    drawn: { pc: number; pr: number; rc: number; rr: number; lc: number; lr: number }[],
  ) => ({
    inputs: {
      policy_chosen_logps: drawn.map(({ pc }) => pc),
      policy_rejected_logps: drawn.map(({ pr }) => pr),
      ref_chosen_logps: drawn.map(({ rc }) => rc),
      ref_rejected_logps: drawn.map(({ rr }) => rr),
    },
    chosen_lengths: drawn.map(({ lc }) => lc),
    rejected_lengths: drawn.map(({ lr }) => lr),
  });

  it('should be the sigmoid loss for cDPO and robust DPO without wrong labels', async () => {
    await fc.assert(
      fc.asyncProperty(pairs, async (drawn) => {
        const input = fixtureOf(drawn);
        const plain = await evaluate((batch) => preferenceLosses(batch, { beta: 0.2 }), input);
        for (const loss of ['cdpo', 'robust'] as const) {
          const other = await evaluate((batch) => preferenceLosses(batch, { loss, beta: 0.2 }), input);
          expect(worst(other.losses, [...plain.losses])).toBeLessThan(1e-6);
          expect(worst(other.chosen, [...plain.chosen])).toBeLessThan(1e-6);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('should never push a chosen completion down or a rejected one up, but for IPO and robust DPO past their aim', async () => {
    const monotone = preferenceLossNames.filter(
      (name) => !['ipo', 'robust', 'cdpo', 'kto-pair'].includes(name),
    );
    await fc.assert(
      fc.asyncProperty(pairs, fc.constantFrom(...monotone), async (drawn, loss) => {
        const { chosen, rejected } = await evaluate(
          (batch) => preferenceLosses(batch, { loss, beta: 0.3 }),
          fixtureOf(drawn),
        );
        expect(Math.max(...chosen)).toBeLessThanOrEqual(0);
        expect(Math.min(...rejected)).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 40 },
    );
  });

  it('should add the mean negative log-likelihood of the chosen completion to the odds ratio in ORPO', async () => {
    await fc.assert(
      fc.asyncProperty(pairs, async (drawn) => {
        const input = fixtureOf(drawn);
        const { losses } = await evaluate(
          (batch) => preferenceLosses(batch, { loss: 'orpo', beta: 0.4 }),
          input,
        );
        const expected = drawn.map(({ pc, pr, lc, lr }) => {
          const logit = (x: number): number => x - Math.log(-Math.expm1(x));
          const odds = logit(pc / lc) - logit(pr / lr);
          return -pc / lc + 0.4 * Math.log1p(Math.exp(-odds));
        });
        expect(worst(losses, expected)).toBeLessThan(1e-5);
      }),
      { numRuns: 25 },
    );
  });

  it('should stay finite where a model is certain', async () => {
    const certain = fixtureOf([{ pc: 0, pr: -3000, rc: -3000, rr: 0, lc: 1, lr: 1 }]);
    for (const loss of preferenceLossNames) {
      const { losses, chosen, rejected } = await evaluate(
        (batch) => preferenceLosses(batch, { loss, beta: 0.5 }),
        certain,
      );
      expect([...losses, ...chosen, ...rejected].every(Number.isFinite), loss).toBe(true);
    }
  });

  it.each([
    [{ beta: 0 }, /beta is 0/],
    [{ beta: 0.1, loss: 'cdpo', labelSmoothing: 0.5 }, /labelSmoothing is 0.5/],
    [{ beta: 0.1, labelSmoothing: 0.1 }, /sigmoid has no label smoothing/],
    [{ beta: 0.1, loss: 'ipo', gamma: 1 }, /ipo has no gamma/],
    [{ beta: 0.1, loss: 'simpo', lengthNormalised: false }, /simpo is defined with lengthNormalised: true/],
    [{ beta: 0.1, loss: 'kto-pair', lengthNormalised: true }, /kto-pair is defined with/],
  ] as const)('should refuse %j', (config, message) => {
    expect(() => checkPreferenceLoss(config)).toThrow(message);
  });
});
