import { type Progress, silentProgress } from '../base/index.js';
import type { EncodedPreference } from '../data/index.js';
import { tf } from '../engine/index.js';
import type { ForwardOptions, LanguageModel } from '../model/index.js';
import { packedSequenceLogps, packSequences, type TokenSequence } from './packed-sequences.js';

export interface SequenceLogpsOptions {
  /** Sequences a forward pass. Default 32. It changes results by rounding only. */
  readonly batchSize?: number;
  /** Interventions on the forward pass, told the prompt length of each row of the batch. */
  readonly interventions?: (promptLengths: readonly number[]) => ForwardOptions;
  readonly progress?: Progress;
}

/** Summed completion log-probabilities of each preference tuple under one model. */
export interface PreferenceLogps {
  readonly chosen: Float64Array;
  readonly rejected: Float64Array;
}

/** Those of the reference model, computed once before DPO. */
export type ReferenceLogps = PreferenceLogps;

/** log p of each group's completions; groups of like length share a batch, so that little is padding. */
const groupedLogps = async (
  model: LanguageModel,
  groups: readonly (readonly TokenSequence[])[],
  { batchSize = 32, interventions, progress = silentProgress }: SequenceLogpsOptions,
  title: string,
): Promise<Float64Array[]> => {
  const longest = groups.map((group) =>
    group.reduce((length, { prompt, completion }) => Math.max(length, prompt.length + completion.length), 0),
  );
  const order = groups.map((_, i) => i).sort((a, b) => (longest[a] ?? 0) - (longest[b] ?? 0) || a - b);
  const results = groups.map((group) => new Float64Array(group.length));
  const stage = progress.stage(title, groups.length);
  const groupsPerBatch = Math.max(1, Math.floor(batchSize / Math.max(1, groups[0]?.length ?? 1)));
  for (let from = 0; from < order.length; from += groupsPerBatch) {
    const members = order.slice(from, from + groupsPerBatch);
    const packed = packSequences(
      members.flatMap((index) => groups[index] ?? []),
      model,
    );
    const sums = tf.tidy(() => packedSequenceLogps(model, packed, interventions?.(packed.promptLengths)));
    const values = await sums.data();
    sums.dispose();
    let next = 0;
    for (const index of members) {
      const result = results[index] ?? new Float64Array();
      for (let i = 0; i < result.length; i++) result[i] = values[next++] ?? Number.NaN;
    }
    stage.advance(members.length, packed.tokens);
  }
  stage.end();
  return results;
};

/**
 * log π(completion | prompt), summed over the completion's tokens; the prompt's own tokens do not count.
 *
 * @returns one number a sequence, in their order
 * @throws UsageError for an empty prompt or completion
 */
export const sequenceLogps = async (
  model: LanguageModel,
  sequences: readonly TokenSequence[],
  options: SequenceLogpsOptions = {},
): Promise<Float64Array> => {
  const groups = sequences.map((sequence) => [sequence]);
  const results = await groupedLogps(model, groups, options, 'log-probabilities');
  return Float64Array.from(results, ([logp]) => logp ?? Number.NaN);
};

/** The two sequences of a tuple. */
export const pairOf = ({
  prompt,
  chosen,
  rejected,
}: Pick<EncodedPreference, 'prompt' | 'chosen' | 'rejected'>): [TokenSequence, TokenSequence] => [
  { prompt, completion: chosen },
  { prompt, completion: rejected },
];

/** Summed log-probabilities of both completions of each tuple; what the two have in common is computed once. */
export const preferencePairLogps = async (
  model: LanguageModel,
  data: readonly Pick<EncodedPreference, 'prompt' | 'chosen' | 'rejected'>[],
  options: SequenceLogpsOptions = {},
): Promise<PreferenceLogps> => {
  const results = await groupedLogps(model, data.map(pairOf), options, 'log-probabilities');
  return {
    chosen: Float64Array.from(results, ([chosen]) => chosen ?? Number.NaN),
    rejected: Float64Array.from(results, ([, rejected]) => rejected ?? Number.NaN),
  };
};

/** The reference log-probabilities of DPO: of the model as it is before training. */
export const referenceLogps = (
  model: LanguageModel,
  data: readonly Pick<EncodedPreference, 'prompt' | 'chosen' | 'rejected'>[],
  options: SequenceLogpsOptions = {},
): Promise<ReferenceLogps> => preferencePairLogps(model, data, options);
