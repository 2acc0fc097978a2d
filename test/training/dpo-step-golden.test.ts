import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../../src/engine/index.js';
import { type LanguageModel, loadModel } from '../../src/model/index.js';
import {
  type DpoConfig,
  dpoSigmoidLoss,
  preferencePairLogps,
  referenceLogps,
  trainDpo,
} from '../../src/training/index.js';
import { availableEngines } from '../model/engines.js';
import { fixturesFolder, fixturesPresent, maxDifference, needsFixtures, readJson } from '../model/golden.js';

interface Run {
  readonly optimizer: string;
  readonly variant: string;
  readonly hyper: { lr: number };
  readonly steps: {
    loss: number;
    reward_margin_mean: number;
    reward_margins: number[];
    policy_chosen_logps: number[];
    policy_rejected_logps: number[];
    grad_norm: number;
  }[];
  readonly final_param_l2: Record<string, number>;
  readonly final_delta_l2: Record<string, number>;
  readonly samples: { name: string; index: number; initial: number; final: number }[];
}

interface Expected {
  readonly beta: number;
  readonly preferences: { prompt: number[]; chosen: number[]; rejected: number[] }[];
  readonly reference_logps: { chosen: number; rejected: number }[];
  readonly runs: Run[];
}

const weightsOf = async (model: LanguageModel): Promise<Map<string, Float32Array>> => {
  const weights = new Map<string, Float32Array>();
  for (const [name, variable] of model.variables) weights.set(name, Float32Array.from(await variable.data()));
  return weights;
};

const deltaNorm = (after: Float32Array, before: Float32Array): number =>
  Math.sqrt(after.reduce((sum, value, i) => sum + (value - (before[i] ?? 0)) ** 2, 0));

describe.each(availableEngines)('five DPO updates of the fixture llama with AdamW, engine %s', (engine) => {
  beforeAll(() => startEngine(engine));

  const cases = [
    ['unfrozen', 'unfrozen', 'unfrozen'],
    ['frozen embeddings and unembedding', 'frozen', 'frozen_embed_and_lm_head'],
  ] as const;
  it.skipIf(!fixturesPresent).each(cases)(
    `should follow PyTorch's float64 run, %s${needsFixtures}`,
    async (_, embeddings, variant) => {
      const expected = readJson<Expected>(fixturesFolder, 'dpo_step', 'expected.json');
      const run = expected.runs.find((one) => one.optimizer === 'adamw' && one.variant === variant);
      if (!run) throw new Error(`the fixture has no run ${variant}`);
      const data = expected.preferences.map(({ prompt, chosen, rejected }) => ({
        prompt: Int32Array.from(prompt),
        chosen: Int32Array.from(chosen),
        rejected: Int32Array.from(rejected),
      }));
      const policy = await loadModel(join(fixturesFolder, 'models', 'llama'));
      const initial = await weightsOf(policy);
      const reference = await referenceLogps(policy, data);
      const [chosenReference, rejectedReference] = [
        expected.reference_logps.map(({ chosen }) => chosen),
        expected.reference_logps.map(({ rejected }) => rejected),
      ];
      expect(maxDifference(reference.chosen, chosenReference)).toBeLessThan(5e-5);
      expect(maxDifference(reference.rejected, rejectedReference)).toBeLessThan(5e-5);

      const config: DpoConfig = {
        beta: expected.beta,
        learningRate: run.hyper.lr,
        epochs: 5,
        batchSize: data.length,
        warmupSteps: 0,
        schedule: 'constant',
        maxGradNorm: 0,
        weightDecay: 0,
        embeddings,
      };
      const result = await trainDpo(policy, data, reference, config, { seed: 1 });
      expect(result.metrics.length).toBe(5);
      for (const [step, metrics] of result.metrics.entries()) {
        const golden = run.steps[step];
        if (!golden) throw new Error(`the fixture has no step ${step}`);
        // The README measures 1.2e-7 (loss) and 1.1e-6 (margins) for Hugging Face in float32.
        expect(Math.abs(metrics.loss - golden.loss)).toBeLessThan(1e-5);
        expect(Math.abs(metrics['rewards/margins'] - golden.reward_margin_mean)).toBeLessThan(1e-5);
        expect(Math.abs(metrics.grad_norm / golden.grad_norm - 1)).toBeLessThan(1e-4);
        const meanOf = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
        expect(Math.abs(metrics['logps/chosen'] - meanOf(golden.policy_chosen_logps))).toBeLessThan(1e-4);
        expect(Math.abs(metrics['logps/rejected'] - meanOf(golden.policy_rejected_logps))).toBeLessThan(1e-4);
      }
      const last = run.steps[5];
      const after = await preferencePairLogps(policy, data);
      for (const [i, margin] of (last?.reward_margins ?? []).entries()) {
        const actual = dpoSigmoidLoss(
          {
            policyChosen: after.chosen[i] ?? 0,
            policyRejected: after.rejected[i] ?? 0,
            referenceChosen: chosenReference[i] ?? 0,
            referenceRejected: rejectedReference[i] ?? 0,
          },
          expected.beta,
        );
        expect(Math.abs(actual.margin - margin)).toBeLessThan(2e-5);
      }
      const final = await weightsOf(policy);
      for (const [name, norm] of Object.entries(run.final_delta_l2)) {
        const moved = deltaNorm(
          final.get(name) ?? new Float32Array(),
          initial.get(name) ?? new Float32Array(),
        );
        expect(Math.abs(moved - norm), name).toBeLessThanOrEqual(1e-4 * norm);
      }
      for (const { name, index, final: value } of run.samples) {
        expect(Math.abs((final.get(name)?.[index] ?? Number.NaN) - value), name).toBeLessThan(1e-5);
      }
      const { before, after: hashed } = result.embeddingHashes;
      expect(Object.keys(before)).toEqual(['model.embed_tokens.weight', 'lm_head.weight']);
      for (const name of Object.keys(before))
        expect(hashed[name] === before[name]).toBe(embeddings === 'frozen');
      policy.dispose();
    },
  );
});
