import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { InputError, UsageError } from '../../src/base/index.js';
import { startEngine, tf } from '../../src/engine/index.js';
import {
  arrange,
  arrangedBatch,
  createLlama,
  createModel,
  type ForwardOptions,
  type GenerateOptions,
  generate,
  type LanguageModel,
  type LlamaConfig,
} from '../../src/model/index.js';
import { type Intervention, interventionHooks, type Site } from '../../src/steering/index.js';
import { randomTokens, tinyConfig } from '../activations/tiny-llama.js';
import { availableEngines } from './engines.js';
import { maxDifference } from './golden.js';
import { smallConfigs } from './small-models.js';

/** The same model without its cache: every prefix is run again. */
const withoutCache = ({ startDecoding, ...model }: LanguageModel): LanguageModel => {
  expect(startDecoding).toBeDefined();
  return model;
};

const vectorOf = fc
  .array(fc.double({ min: -1, max: 1, noNaN: true }), {
    minLength: tinyConfig.hiddenSize,
    maxLength: tinyConfig.hiddenSize,
  })
  .filter((values) => Math.hypot(...values) > 0.1)
  .map((values) => Float32Array.from(values));

const interventionOf: fc.Arbitrary<Intervention> = fc.record({
  kind: fc.constantFrom('add', 'ablate'),
  at: fc.constantFrom<Site[]>(1, 2, 'postNorm'),
  vector: vectorOf,
  lambda: fc.double({ min: 0, max: 3, noNaN: true }),
  normPreserving: fc.boolean(),
  positions: fc.constantFrom('all', 'completion'),
});

/** Random weights, a random batch of prompts of unequal lengths, random interventions. */
const caseOf = fc.record({
  heads: fc.constantFrom([4, 4], [4, 2], [4, 1], [1, 1]),
  seed: fc.nat(1000),
  lengths: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }),
  eosTokenIds: fc.uniqueArray(fc.nat(tinyConfig.vocabularySize - 1), { maxLength: 6 }),
  minNewTokens: fc.nat(4),
  interventions: fc.array(interventionOf, { maxLength: 2 }),
});

const modelOf = (heads: readonly number[], seed: number): LanguageModel => {
  const [queryHeads = 1, keyValueHeads = 1] = heads;
  const config: LlamaConfig = {
    ...tinyConfig,
    heads: queryHeads,
    keyValueHeads,
    headDim: 4,
  };
  return createLlama(config, seed);
};

const steer =
  (model: LanguageModel, interventions: readonly Intervention[]) =>
  (promptLengths: readonly number[]): ForwardOptions =>
    interventionHooks(model, interventions, promptLengths);

describe.each(availableEngines)('generate on the engine %s', (engine) => {
  beforeAll(async () => {
    await startEngine(engine);
  });

  it('should give, with a cache, the tokens that whole prefixes give, whatever is steered', async () => {
    await fc.assert(
      fc.asyncProperty(caseOf, async ({ heads, seed, lengths, interventions, ...options }) => {
        const model = modelOf(heads, seed);
        const prompts = lengths.map((length, i) => randomTokens(length, `${seed} ${i}`));
        const rule: GenerateOptions = {
          ...options,
          maxNewTokens: 8,
          interventions: steer(model, interventions),
        };
        try {
          const cached = await generate(model, prompts, rule);
          expect(cached).toEqual(await generate(withoutCache(model), prompts, rule));
          // One alone: no other prompt, no padding, the same tokens.
          expect((await generate(model, prompts.slice(-1), rule))[0]).toEqual(cached.at(-1));
        } finally {
          model.dispose();
        }
      }),
      { numRuns: 25 },
    );
  });

  it('should give the same final hidden states at every step, up to rounding', async () => {
    const model = modelOf([4, 2], 5);
    const prompts = [7, 2, 4].map((length) => randomTokens(length, length));
    const statesOf = async (of: LanguageModel): Promise<Float32Array[]> => {
      const seen: Promise<Float32Array>[] = [];
      await generate(of, prompts, {
        maxNewTokens: 6,
        interventions: (promptLengths) => ({
          transformFinal: (final, { length, lengths }) => {
            const rows = Int32Array.from(lengths, (own, row) => row * length + own - 1);
            const last = tf.gather(final, tf.tensor1d(rows, 'int32'));
            expect(promptLengths.length).toBe(lengths.length);
            seen.push(last.data<'float32'>());
            return final;
          },
        }),
      });
      return Promise.all(seen);
    };
    const [cached, whole] = [await statesOf(model), await statesOf(withoutCache(model))];
    expect(cached.length).toBe(6);
    cached.forEach((states, step) => {
      states.forEach((value, i) => {
        expect(value).toBeCloseTo(whole[step]?.[i] ?? Number.NaN, 4);
      });
    });
    model.dispose();
  });

  it('should leave no tensor behind, also where it fails', async () => {
    const model = modelOf([4, 2], 3);
    const prompts = [3, 1, 6].map((length) => randomTokens(length, length));
    await generate(model, prompts, { maxNewTokens: 2 });
    const before = tf.memory().numTensors;
    await generate(model, prompts, { maxNewTokens: 12, eosTokenIds: [1, 2, 3, 4, 5, 6, 7, 8] });
    await generate(model, prompts, { maxNewTokens: 4, sampling: { seed: 1 } });
    expect(tf.memory().numTensors).toBe(before);
    let passes = 0;
    const failing = generate(model, prompts, {
      maxNewTokens: 12,
      interventions: () => ({
        transformResidual: (residual, layer) => {
          if (layer === 2 && ++passes === 3) throw new Error('planted');
          return residual;
        },
      }),
    });
    await expect(failing).rejects.toThrow('planted');
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
  });

  it('should draw the same tokens for a seed whatever the batches, and others for another seed', async () => {
    const model = modelOf([4, 2], 8);
    const prompts = [5, 5, 2, 7].map((length, i) => randomTokens(length, `draw ${i}`));
    const draw = (seed: number, batchSize: number): Promise<Int32Array[]> =>
      generate(model, prompts, {
        maxNewTokens: 10,
        batchSize,
        sampling: { temperature: 1.5, topK: 30, topP: 0.95, seed },
      });
    const drawn = await draw(1, 4);
    expect(await draw(1, 3)).toEqual(drawn);
    expect(await draw(1, 1)).toEqual(drawn);
    expect(await draw(2, 4)).not.toEqual(drawn);
    const greedy = await generate(model, prompts, { maxNewTokens: 10 });
    expect(drawn).not.toEqual(greedy);
    const likeliest = { maxNewTokens: 10, sampling: { topK: 1, seed: 9 } };
    expect(await generate(model, prompts, likeliest)).toEqual(greedy);
    model.dispose();
  });

  it.each(
    Object.entries(smallConfigs),
  )('should give, with the cache of %s, the tokens and states that whole prefixes give', async (_, config) => {
    const model = createModel(config, 4);
    const before = tf.memory().numTensors;
    const vector = Float32Array.from({ length: model.hiddenSize }, (_unused, i) => Math.cos(3 * i));
    const interventions: Intervention[] = [
      { kind: 'add', at: 1, vector, lambda: 0.7, positions: 'completion' },
      { kind: 'ablate', at: 'postNorm', vector, lambda: 0.5, positions: 'all' },
    ];
    // Lengths around the window of three that one of them has; two prompts alike, which an encoder reads once.
    const prompts = [[3, 4, 5, 9, 11, 6], [9], [3, 7, 5, 2], [9], [8, 1], [4, 4, 6]].map((ids) =>
      Int32Array.from(ids),
    );
    const run = async (of: LanguageModel) => {
      const states: Promise<Float32Array>[] = [];
      const tokens = await generate(of, prompts, {
        maxNewTokens: 9,
        minNewTokens: 2,
        // Drawn hot, with a fifth of the vocabulary to end them: sequences leave the batch at different steps.
        eosTokenIds: [2, 7, 12, 17],
        sampling: { temperature: 5, seed: 3 },
        interventions: (promptLengths) => {
          const { transformFinal, ...hooks } = interventionHooks(model, interventions, promptLengths);
          return {
            ...hooks,
            transformFinal: (final, batch) => {
              const steered = transformFinal?.(final, batch) ?? final;
              const last = Int32Array.from(batch.lengths, (own, row) => row * batch.length + own - 1);
              states.push(tf.gather(steered, tf.tensor1d(last, 'int32')).data<'float32'>());
              return steered;
            },
          };
        },
      });
      return { tokens, states: await Promise.all(states) };
    };
    const [cached, whole] = [await run(model), await run(withoutCache(model))];
    expect(cached.tokens).toEqual(whole.tokens);
    expect(new Set(cached.tokens.map(({ length }) => length)).size).toBeGreaterThan(1);
    expect(cached.states.length).toBe(whole.states.length);
    for (const [step, states] of cached.states.entries()) {
      expect(maxDifference(states, whole.states[step] ?? [])).toBeLessThan(1e-4);
    }
    // The rotary tables stay with the model.
    expect(tf.memory().numTensors - before).toBeLessThanOrEqual(2);
    model.dispose();
  });

  it.each(
    Object.entries(smallConfigs),
  )('should decode with %s from sequences of unequal lengths as from whole ones', async (_, config) => {
    const model = createModel(config, 6);
    const rows = [
      arrange(model, Int32Array.of(3, 4, 5), Int32Array.of(6, 7, 8, 9)),
      arrange(model, Int32Array.of(9, 2), Int32Array.of(5)),
      arrange(model, Int32Array.of(4), new Int32Array()),
    ];
    const lastOf = (sequences: typeof rows): tf.Tensor2D =>
      tf.tidy(() => {
        const batch = arrangedBatch(sequences);
        const at = Int32Array.from(batch.lengths, (own, row) => row * batch.length + own - 1);
        return tf.gather(model.forward(batch).final, tf.tensor1d(at, 'int32'));
      });
    const start = model.startDecoding?.(arrangedBatch(rows));
    if (!start) throw new Error('there is no cache');
    const expectSame = async (states: tf.Tensor2D, sequences: typeof rows): Promise<void> => {
      const whole = lastOf(sequences);
      expect(maxDifference(await states.data(), await whole.data())).toBeLessThan(1e-4);
      tf.dispose([states, whole]);
    };
    await expectSame(start.final, rows);
    let longer = rows;
    for (const tokens of [
      [10, 11, 12],
      [13, 3, 5],
      [14, 8, 6],
      [3, 15, 7],
    ]) {
      longer = longer.map((row, i) => ({ ...row, ids: Int32Array.of(...row.ids, tokens[i] ?? 0) }));
      await expectSame(start.decoding.step(Int32Array.from(tokens)), longer);
    }
    start.decoding.keep([2, 0]);
    longer = [longer[2], longer[0]].flatMap((row, i) =>
      row ? [{ ...row, ids: Int32Array.of(...row.ids, 16 + i) }] : [],
    );
    await expectSame(start.decoding.step(Int32Array.of(16, 17)), longer);
    start.decoding.dispose();
    model.dispose();
  });
});

describe('generate', () => {
  beforeAll(async () => {
    await startEngine('auto');
  });

  it('should end a sequence at its end token, but not before minNewTokens', async () => {
    const model = modelOf([4, 2], 11);
    const prompt = randomTokens(4, 'end');
    const [free = new Int32Array()] = await generate(model, [prompt], { maxNewTokens: 6, eosTokenIds: [] });
    expect(free.length).toBe(6);
    const [first = 0] = free;
    expect(await generate(model, [prompt], { maxNewTokens: 6, eosTokenIds: [first] })).toEqual([
      Int32Array.of(first),
    ]);
    const [longer = new Int32Array()] = await generate(model, [prompt], {
      maxNewTokens: 6,
      minNewTokens: 3,
      eosTokenIds: [first],
    });
    expect(longer.length).toBeGreaterThanOrEqual(3);
    expect([...longer.subarray(0, 3)]).not.toContain(first);
    expect(await generate(model, [prompt], { maxNewTokens: 0 })).toEqual([new Int32Array()]);
    model.dispose();
  });

  it('should stop where the model has no more positions', async () => {
    const model = createLlama({ ...tinyConfig, maxPositions: 6 }, 2);
    for (const each of [model, withoutCache(model)]) {
      const [long, short] = await generate(each, [randomTokens(4, 1), randomTokens(1, 2)], {
        maxNewTokens: 20,
      });
      expect([long?.length, short?.length]).toEqual([2, 5]);
    }
    await expect(generate(model, [randomTokens(7, 3)], { maxNewTokens: 1 })).rejects.toThrow(/6 positions/);
    model.dispose();
  });

  it('should refuse empty prompts and senseless counts', async () => {
    const model = modelOf([1, 1], 1);
    const prompt = randomTokens(2, 0);
    await expect(generate(model, [prompt, new Int32Array()], { maxNewTokens: 1 })).rejects.toThrow(
      InputError,
    );
    await expect(generate(model, [prompt], { maxNewTokens: 1.5 })).rejects.toThrow(UsageError);
    await expect(generate(model, [prompt], { maxNewTokens: 1, batchSize: 0 })).rejects.toThrow(UsageError);
    await expect(
      generate(model, [prompt], { maxNewTokens: 1, sampling: { seed: 1, temperature: -1 } }),
    ).rejects.toThrow(UsageError);
    expect(await generate(model, [], { maxNewTokens: 3 })).toEqual([]);
    model.dispose();
  });

  it('should refuse hidden states that are not finite', async () => {
    const model = modelOf([1, 1], 1);
    const broken = generate(model, [randomTokens(2, 0)], {
      maxNewTokens: 2,
      interventions: () => ({ transformFinal: (h) => tf.mul(h, Number.NaN) as tf.Tensor2D }),
    });
    await expect(broken).rejects.toThrow(/not finite/);
    model.dispose();
  });
});
