import { ComputationError, createRandom, type Progress, silentProgress, UsageError } from '../base/index.js';
import { linear, tf } from '../engine/index.js';
import { type HooksFor, type Steps, startSteps } from './decoding.js';
import type { LanguageModel } from './language-model.js';
import { checkSamplingRule, type SamplingRule, sampleToken } from './sample-token.js';

export interface Sampling extends SamplingRule {
  readonly seed: number | string;
  /** Name of each prompt's own stream of random numbers. Default: its index. */
  readonly streamOf?: (promptIndex: number) => number | string;
}

export interface GenerateOptions {
  readonly maxNewTokens: number;
  /** Before so many new tokens, none that ends a sequence is chosen. Default 0. */
  readonly minNewTokens?: number;
  /** A sequence ends after one of these, which is kept. Default: the model's own. */
  readonly eosTokenIds?: readonly number[];
  /** Draw each token instead of taking the likeliest. */
  readonly sampling?: Sampling;
  /**
   * Hooks for a pass, told how many positions of each of its rows come before those that predict new tokens: called for
   * every pass, since a model with a cache runs the prompts once and then one token a row, whose prompt length is 1.
   */
  readonly interventions?: HooksFor;
  /** Prompts run together. It changes results by rounding only. Default 64. */
  readonly batchSize?: number;
  readonly progress?: Progress;
}

type Chooser = Required<Pick<GenerateOptions, 'eosTokenIds'>> & Pick<GenerateOptions, 'sampling'>;

/** −∞ at the tokens banned now, 0 elsewhere: [1, V]. */
const banOf = (ids: readonly number[], vocabularySize: number): tf.Tensor2D => {
  const ban = new Float32Array(vocabularySize);
  for (const id of ids) ban[id] = Number.NEGATIVE_INFINITY;
  return tf.tensor2d(ban, [1, vocabularySize]);
};

/** The likeliest token of each row; final hidden states that are not finite are refused, since argmax would not be. */
const likeliestTokens = async (logits: tf.Tensor2D, final: tf.Tensor2D): Promise<number[]> => {
  const probed = tf.tidy(() =>
    tf.stack([tf.cast(tf.argMax(logits, 1), 'float32'), tf.sum(tf.mul(final, 0), 1)]),
  );
  try {
    const values = await probed.data<'float32'>();
    const rows = final.shape[0];
    if (values.subarray(rows).some((probe) => probe !== 0)) {
      throw new ComputationError('a final hidden state is not finite', {
        hint: 'the weights may hold NaN, or λ is far too large',
      });
    }
    return Array.from(values.subarray(0, rows));
  } finally {
    probed.dispose();
  }
};

/** The next token after each final hidden state [n, d]; `uniforms` gives each row's random number. */
const nextTokens = async (
  model: LanguageModel,
  final: tf.Tensor2D,
  { eosTokenIds, sampling }: Chooser,
  mayEnd: boolean,
  uniform: (row: number) => number,
): Promise<number[]> => {
  const logits = tf.tidy(() => {
    const scores = linear(final, model.unembedding());
    return mayEnd ? scores : (tf.add(scores, banOf(eosTokenIds, model.vocabularySize)) as tf.Tensor2D);
  });
  try {
    if (!sampling) return await likeliestTokens(logits, final);
    const scores = await logits.data<'float32'>();
    const width = model.vocabularySize;
    return Array.from({ length: final.shape[0] }, (_, row) =>
      sampleToken(scores.subarray(row * width, (row + 1) * width), sampling, uniform(row)),
    );
  } finally {
    logits.dispose();
  }
};

interface Sequence {
  readonly prompt: Int32Array;
  readonly tokens: number[];
  /** The next random number of this sequence. */
  readonly draw: () => number;
}

const runBatch = async (
  model: LanguageModel,
  sequences: readonly Sequence[],
  {
    maxNewTokens,
    minNewTokens,
    interventions,
    ...chooser
  }: Chooser &
    Required<Pick<GenerateOptions, 'maxNewTokens' | 'minNewTokens'>> & { readonly interventions: HooksFor },
): Promise<void> => {
  const ownPrompt = model.decoderStartTokenId === undefined;
  const isDone = ({ prompt, tokens }: Sequence): boolean =>
    chooser.eosTokenIds.includes(tokens.at(-1) ?? -1) ||
    (ownPrompt ? prompt.length : 1) + tokens.length >= model.config.maxPositions;
  let active = sequences;
  const steps: Steps = startSteps(
    model,
    sequences.map(({ prompt }) => prompt),
    interventions,
  );
  let final = steps.final;
  try {
    for (let made = 0; ; ) {
      const mayEnd = made >= minNewTokens;
      const chosen = await nextTokens(model, final, chooser, mayEnd, (row) => active[row]?.draw() ?? 0);
      for (const [row, { tokens }] of active.entries()) tokens.push(chosen[row] ?? 0);
      made++;
      if (made === maxNewTokens) return;
      const rows = active.flatMap((sequence, row) => (isDone(sequence) ? [] : [row]));
      if (rows.length === 0) return;
      if (rows.length < active.length) {
        steps.keep(rows);
        active = rows.flatMap((row) => active[row] ?? []);
      }
      final.dispose();
      final = steps.step(Int32Array.from(active, ({ tokens }) => tokens.at(-1) ?? 0));
    }
  } finally {
    final.dispose();
    steps.dispose();
  }
};

const checkCount = (name: string, value: number, least: number): void => {
  if (Number.isInteger(value) && value >= least) return;
  throw new UsageError(`${name} must be an integer of at least ${least}, not ${value}`);
};

/**
 * Continues each prompt, greedily unless `sampling` is given. Neither the other prompts nor padding change a
 * continuation beyond rounding; equal seeds give equal draws whatever the batches. Leaves no tensor behind.
 *
 * @returns the new tokens of each prompt, in order
 * @throws InputError for an empty or too long prompt; UsageError for senseless options; ComputationError for states or
 *   logits that are not finite
 */
export const generate = async (
  model: LanguageModel,
  prompts: readonly Int32Array[],
  {
    maxNewTokens,
    minNewTokens = 0,
    eosTokenIds = model.config.eosTokenIds,
    sampling,
    interventions = () => ({}),
    batchSize = 64,
    progress = silentProgress,
  }: GenerateOptions,
): Promise<Int32Array[]> => {
  checkCount('maxNewTokens', maxNewTokens, 0);
  checkCount('minNewTokens', minNewTokens, 0);
  checkCount('batchSize', batchSize, 1);
  if (sampling) checkSamplingRule(sampling);
  const streams = sampling && createRandom(sampling.seed);
  const sequences = prompts.map((prompt, index): Sequence => {
    const stream = streams?.fork(sampling?.streamOf?.(index) ?? index);
    return { prompt, tokens: [], draw: stream?.next ?? (() => 0) };
  });
  if (maxNewTokens === 0) return sequences.map(() => new Int32Array());
  // Prompts of like length share a batch, so that little is padding.
  const order = [...sequences].sort((a, b) => b.prompt.length - a.prompt.length);
  const stage = progress.stage('generation', order.length);
  try {
    for (let from = 0; from < order.length; from += batchSize) {
      const batch = order.slice(from, from + batchSize);
      const rule = {
        maxNewTokens,
        minNewTokens,
        eosTokenIds,
        interventions,
        ...(sampling ? { sampling } : {}),
      };
      await runBatch(model, batch, rule);
      stage.advance(
        batch.length,
        batch.reduce((sum, { prompt, tokens }) => sum + prompt.length + tokens.length, 0),
      );
    }
  } finally {
    stage.end();
  }
  return sequences.map(({ tokens }) => Int32Array.from(tokens));
};
