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
  readonly frozen: readonly string[];
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
  readonly initial_gradient: {
    readonly grad_l2: Record<string, number>;
    readonly samples: { name: string; index: number; grad: number }[];
  };
}

const weightsOf = async (model: LanguageModel): Promise<Map<string, Float32Array>> => {
  const weights = new Map<string, Float32Array>();
  for (const [name, variable] of model.variables) weights.set(name, Float32Array.from(await variable.data()));
  return weights;
};

const pairsOf = ({ preferences }: Expected) =>
  preferences.map(({ prompt, chosen, rejected }) => ({
    prompt: Int32Array.from(prompt),
    chosen: Int32Array.from(chosen),
    rejected: Int32Array.from(rejected),
  }));

const deltaNorm = (after: Float32Array, before: Float32Array): number =>
  Math.sqrt(after.reduce((sum, value, i) => sum + (value - (before[i] ?? 0)) ** 2, 0));

describe.each(availableEngines)('five DPO updates of the fixture llama, engine %s', (engine) => {
  beforeAll(() => startEngine(engine));

  const cases = (['adamw', 'sgd'] as const).flatMap((optimiser) =>
    (['unfrozen', 'frozen_embed', 'frozen_embed_and_lm_head'] as const).map(
      (variant) => [optimiser, variant] as const,
    ),
  );
  it.skipIf(!fixturesPresent).each(cases)(
    `should follow PyTorch's float64 run, %s, %s${needsFixtures}`,
    async (optimiser, variant) => {
      const expected = readJson<Expected>(fixturesFolder, 'dpo_step', 'expected.json');
      const run = expected.runs.find((one) => one.optimizer === optimiser && one.variant === variant);
      if (!run) throw new Error(`the fixture has no run ${optimiser}, ${variant}`);
      expect(run.steps.length).toBe(6);
      const data = pairsOf(expected);
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
        optimiser,
        embeddings: variant === 'frozen_embed_and_lm_head' ? 'frozen' : 'unfrozen',
        alsoFrozen: variant === 'frozen_embed' ? ['model.embed_tokens.weight'] : [],
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
      let loss = 0;
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
        loss += actual.loss / data.length;
      }
      expect(Math.abs(loss - (last?.loss ?? Number.NaN))).toBeLessThan(1e-5);
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
      for (const name of Object.keys(before)) {
        expect(hashed[name] === before[name], name).toBe(run.frozen.includes(name));
      }
      const l2 = (values: Float32Array): number => Math.hypot(...values);
      for (const [name, norm] of Object.entries(run.final_param_l2)) {
        expect(Math.abs(l2(final.get(name) ?? new Float32Array()) / norm - 1), name).toBeLessThan(1e-5);
      }
      policy.dispose();
    },
  );

  it.skipIf(!fixturesPresent)(
    `should have PyTorch's gradient of every tensor, whole or in parts and recomputed${needsFixtures}`,
    async () => {
      const expected = readJson<Expected>(fixturesFolder, 'dpo_step', 'expected.json');
      const { grad_l2, samples } = expected.initial_gradient;
      for (const memory of [{}, { microBatchSize: 3, recompute: true }]) {
        const policy = await loadModel(join(fixturesFolder, 'models', 'llama'));
        const initial = await weightsOf(policy);
        const data = pairsOf(expected);
        // One step of plain gradient descent at rate 1 takes the gradient itself off the weights.
        const config: DpoConfig = {
          beta: expected.beta,
          optimiser: 'sgd',
          learningRate: 1,
          epochs: 1,
          batchSize: data.length,
          warmupSteps: 0,
          schedule: 'constant',
          maxGradNorm: 0,
          weightDecay: 0,
          embeddings: 'unfrozen',
          ...memory,
        };
        await trainDpo(policy, data, await referenceLogps(policy, data), config, { seed: 1 });
        const final = await weightsOf(policy);
        expect([...policy.variables.keys()].sort()).toEqual(Object.keys(grad_l2).sort());
        for (const [name, norm] of Object.entries(grad_l2)) {
          const [after, before] = [final.get(name), initial.get(name)];
          const moved = deltaNorm(after ?? new Float32Array(), before ?? new Float32Array());
          expect(Math.abs(moved / norm - 1), name).toBeLessThan(1e-4);
        }
        for (const { name, index, grad } of samples) {
          const moved = (initial.get(name)?.[index] ?? Number.NaN) - (final.get(name)?.[index] ?? Number.NaN);
          expect(Math.abs(moved - grad), name).toBeLessThan(1e-6);
        }
        policy.dispose();
      }
    },
  );
});
