import { tf } from '../engine/index.js';
import type { LanguageModel } from '../model/index.js';
import { batchOfRows, contextOf, meanNextTokenLogp, type TokenRows } from './language-model-steps.js';

export interface LanguageModelEvaluation {
  /** Mean −log p of the next token. */
  readonly natsPerToken: number;
  /** e to the power of it. */
  readonly perplexity: number;
  /** Tokens predicted. */
  readonly tokens: number;
}

/** How well a model predicts held-out text; an encoder–decoder the second half of each row, given the first. */
export const evaluateLanguageModel = async (
  model: LanguageModel,
  rows: TokenRows,
  { batchSize = 32 }: { readonly batchSize?: number } = {},
): Promise<LanguageModelEvaluation> => {
  const context = contextOf(rows);
  const prefix = Math.ceil(context / 2);
  let total = 0;
  let tokens = 0;
  for (let from = 0; from < rows.length; from += batchSize) {
    const { batch, targets } = batchOfRows(rows.slice(from, from + batchSize), context, model, prefix);
    const mean = tf.tidy(() => meanNextTokenLogp(model, batch, targets));
    total -= ((await mean.data())[0] ?? Number.NaN) * targets.length;
    tokens += targets.length;
    mean.dispose();
  }
  const natsPerToken = total / tokens;
  return { natsPerToken, perplexity: Math.exp(natsPerToken), tokens };
};
