import { InputError } from '../base/index.js';
import { padBatch } from '../data/index.js';
import { gatherRows, linear, tf } from '../engine/index.js';
import type { ForwardOptions, LanguageModel } from './language-model.js';

export interface GenerateOptions {
  readonly maxNewTokens: number;
  /** A sequence ends after one of these, which is kept. Default: the model's own. */
  readonly eosTokenIds?: readonly number[];
  /** Interventions on every forward pass; told how long each prompt is. */
  readonly interventions?: (promptLengths: readonly number[]) => ForwardOptions;
}

/** The most likely next token after each sequence. */
const nextTokens = async (
  model: LanguageModel,
  sequences: readonly Int32Array[],
  options: ForwardOptions,
): Promise<Int32Array> => {
  const chosen = tf.tidy(() => {
    const batch = padBatch([...sequences], 0);
    const lastRows = Int32Array.from(sequences, (ids, i) => i * batch.length + ids.length - 1);
    const last = gatherRows(model.forward(batch, options).final, tf.tensor1d(lastRows, 'int32'));
    return tf.argMax(linear(last, model.unembedding()), 1);
  });
  try {
    return Int32Array.from(await chosen.data());
  } finally {
    chosen.dispose();
  }
};

/**
 * Greedy continuation of each prompt, all prompts in one batch; the whole prefix is run again for every token.
 *
 * @returns the new tokens of each prompt
 * @throws InputError for an empty prompt
 */
export const generateGreedy = async (
  model: LanguageModel,
  prompts: readonly Int32Array[],
  { maxNewTokens, eosTokenIds = model.config.eosTokenIds, interventions }: GenerateOptions,
): Promise<Int32Array[]> => {
  if (prompts.some((prompt) => prompt.length === 0)) throw new InputError('a prompt has no tokens');
  const sequences = prompts.map((ids) => ({ ids, done: false }));
  for (let step = 0; step < maxNewTokens; step++) {
    const active = sequences.flatMap((sequence, i) => (sequence.done ? [] : [{ sequence, i }]));
    if (active.length === 0) break;
    const next = await nextTokens(
      model,
      active.map(({ sequence }) => sequence.ids),
      interventions?.(active.map(({ i }) => prompts[i]?.length ?? 0)) ?? {},
    );
    for (const [k, { sequence }] of active.entries()) {
      const token = next[k] ?? 0;
      sequence.ids = Int32Array.of(...sequence.ids, token);
      sequence.done = eosTokenIds.includes(token) || sequence.ids.length >= model.config.maxPositions;
    }
  }
  return sequences.map(({ ids }, i) => ids.slice(prompts[i]?.length ?? 0));
};
