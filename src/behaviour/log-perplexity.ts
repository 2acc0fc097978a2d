import type { LanguageModel } from '../model/index.js';
import { type SequenceLogpsOptions, sequenceLogps, type TokenSequence } from '../training/index.js';

/**
 * The log-perplexity of each text under a model: −log p(completion | prompt) / tokens, in nats a token. An empty completion
 * has none: NaN, never 0, which would say that it is certain.
 *
 * @param texts prompts that are not empty, each with what was written behind it
 * @returns one number a text
 * @throws UsageError for an empty prompt
 */
export const logPerplexities = async (
  model: LanguageModel,
  texts: readonly TokenSequence[],
  options: SequenceLogpsOptions = {},
): Promise<Float64Array> => {
  const written = [...texts.keys()].filter((index) => (texts[index]?.completion.length ?? 0) > 0);
  const logps = await sequenceLogps(
    model,
    written.flatMap((index) => texts[index] ?? []),
    options,
  );
  const results = new Float64Array(texts.length).fill(Number.NaN);
  written.forEach((index, k) => {
    results[index] = -(logps[k] ?? Number.NaN) / (texts[index]?.completion.length ?? 0);
  });
  return results;
};
