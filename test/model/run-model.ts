import { padBatch, type TokenBatch } from '../../src/data/index.js';
import { linear, targetLogps, tf } from '../../src/engine/index.js';
import type { ForwardOptions, LanguageModel } from '../../src/model/index.js';

export interface ModelStates {
  readonly length: number;
  /** [batch·length][vocabulary] */
  readonly logits: number[][];
  readonly final: number[][];
  /** [layer][batch·length][d] */
  readonly residuals: number[][][];
}

/** Everything a forward pass shows, on the host. */
export const runBatch = async (
  model: LanguageModel,
  batch: TokenBatch,
  options: ForwardOptions = {},
): Promise<ModelStates> => {
  const tensors = tf.tidy(() => {
    const { final, residuals } = model.forward(batch, { captureResiduals: true, ...options });
    return { logits: linear(final, model.unembedding()), final, residuals: [...residuals] };
  });
  const states = {
    length: batch.length,
    logits: await tensors.logits.array(),
    final: await tensors.final.array(),
    residuals: await Promise.all(tensors.residuals.map((residual) => residual.array())),
  };
  tf.dispose([tensors.logits, tensors.final, ...tensors.residuals]);
  return states;
};

/** `runBatch` on sequences of their own lengths. */
export const runModel = (
  model: LanguageModel,
  sequences: readonly number[][],
  options: ForwardOptions = {},
): Promise<ModelStates> =>
  runBatch(
    model,
    padBatch(
      sequences.map((ids) => Int32Array.from(ids)),
      0,
    ),
    options,
  );

/** log p(token t+1 | tokens up to t) of one sequence. */
export const nextTokenLogps = async (model: LanguageModel, ids: readonly number[]): Promise<Float32Array> => {
  const result = tf.tidy(() => {
    const { final } = model.forward(padBatch([Int32Array.from(ids.slice(0, -1))], 0));
    return targetLogps(final, model.unembedding(), tf.tensor1d(ids.slice(1), 'int32'));
  });
  const values = Float32Array.from(await result.data());
  result.dispose();
  return values;
};
