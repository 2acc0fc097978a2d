/**
 * The T5 encoder–decoder: RMSNorm, relative position bias, cross-attention, no scaling of scores, no bias of maps.
 * The decoder is what the model is studied by: its blocks are the layers, its final norm gives h.
 */
import { InputError } from '../base/index.js';
import type { TokenBatch } from '../data/index.js';
import {
  type Block,
  biasedAttention,
  embeddingLookup,
  gatherRows,
  geluNew,
  linear,
  rmsNorm,
  tf,
} from '../engine/index.js';
import { checkBatch } from './check-batch.js';
import type { ForwardOptions, ForwardResult, LanguageModel } from './language-model.js';
import { relativeBuckets } from './relative-buckets.js';
import { runBlock } from './run-block.js';
import type { T5Config } from './t5-config.js';
import { type T5Stack, t5Names } from './t5-parameters.js';
import { copyVariables, parameterFinder, type Variables } from './variables.js';

/** Keys and values of the encoder's output, one sequence a row of the decoder's batch. */
interface Encoded {
  readonly states: tf.Tensor2D;
  readonly length: number;
  /** [batch of the decoder] */
  readonly lengths: Int32Array;
  /** Spreads rows [encoder batch · length] over the decoder's batch. */
  readonly spread: (rows: tf.Tensor2D) => tf.Tensor2D;
}

/** The factor on the final norm of a tied model, which T5 applies so that logits keep their size. */
export const t5HeadScale = ({ tied, hiddenSize }: T5Config): number => (tied ? hiddenSize ** -0.5 : 1);

/** A model over these parameters, which it then owns: one of each name in `t5ParameterShapes`. */
export const buildT5 = (config: T5Config, variables: Variables): LanguageModel => {
  const { heads, headDim, rmsNormEpsilon } = config;
  const { matrix, vector } = parameterFinder(variables);
  const headScale = t5HeadScale(config);

  const norm = (x: tf.Tensor2D, name: string): tf.Tensor2D => rmsNorm(x, vector(name), rmsNormEpsilon);
  const project = (x: tf.Tensor2D, name: string): tf.Tensor2D => linear(x, matrix(`${name}.weight`));

  /** [heads · length, length]: one bias for each head, query and key. */
  const positionBias = (stack: T5Stack, length: number): tf.Tensor2D => {
    const buckets = relativeBuckets(length, length, {
      bidirectional: stack === 'encoder',
      buckets: config.relativeBuckets,
      maxDistance: config.relativeMaxDistance,
    });
    const byPair = embeddingLookup(matrix(t5Names.relativeBias(stack)), tf.tensor1d(buckets, 'int32'));
    return tf.reshape(tf.transpose(byPair), [heads * length, length]);
  };

  const selfAttention = (
    residual: tf.Tensor2D,
    prefix: string,
    { batch, length, lengths }: Omit<TokenBatch, 'encoder'>,
    bias: tf.Tensor2D,
    causal: boolean,
  ): tf.Tensor2D => {
    const x = norm(residual, `${prefix}layer_norm.weight`);
    const [q, k, v] = ['q', 'k', 'v'].map((each) => project(x, `${prefix}SelfAttention.${each}`)) as [
      tf.Tensor2D,
      tf.Tensor2D,
      tf.Tensor2D,
    ];
    const shape = { batch, queryLength: length, keyLength: length, heads, headDim, causal };
    const attended = biasedAttention(q, k, v, bias, { ...shape, keyLengths: lengths });
    return tf.add(residual, project(attended, `${prefix}SelfAttention.o`)) as tf.Tensor2D;
  };

  const crossAttention = (
    residual: tf.Tensor2D,
    prefix: string,
    { batch, length }: TokenBatch,
    { states, spread, length: keyLength, lengths: keyLengths }: Encoded,
  ): tf.Tensor2D => {
    const attention = `${prefix}EncDecAttention`;
    const attended = biasedAttention(
      project(norm(residual, `${prefix}layer_norm.weight`), `${attention}.q`),
      spread(project(states, `${attention}.k`)),
      spread(project(states, `${attention}.v`)),
      undefined,
      { batch, queryLength: length, keyLength, heads, headDim, keyLengths, causal: false },
    );
    return tf.add(residual, project(attended, `${attention}.o`)) as tf.Tensor2D;
  };

  const feedForward = (residual: tf.Tensor2D, prefix: string): tf.Tensor2D => {
    const x = norm(residual, `${prefix}layer_norm.weight`);
    const dense = `${prefix}DenseReluDense`;
    const hidden =
      config.feedForward === 'relu'
        ? tf.relu(project(x, `${dense}.wi`))
        : tf.mul(geluNew(project(x, `${dense}.wi_0`)), project(x, `${dense}.wi_1`));
    return tf.add(residual, project(hidden as tf.Tensor2D, `${dense}.wo`)) as tf.Tensor2D;
  };

  const encode = ({ encoder, batch: rows }: TokenBatch, options: ForwardOptions): Encoded => {
    if (!encoder) {
      throw new InputError('an encoder–decoder needs something for its encoder to read', {
        hint: 'arrange prompts and completions with `arrange` and `arrangedBatch`',
      });
    }
    const { batch, sequenceOf } = encoder;
    checkBatch(batch, config);
    if (sequenceOf.length !== rows || !sequenceOf.every((at) => at >= 0 && at < batch.batch)) {
      throw new InputError(
        `${rows} decoder sequences cannot look at ${sequenceOf.length} of ${batch.batch} encoder sequences`,
      );
    }
    const bias = positionBias('encoder', batch.length);
    let residual = embeddingLookup(matrix(t5Names.embedding), tf.tensor1d(batch.ids, 'int32'));
    for (let block = 0; block < config.encoderLayers; block++) {
      const run: Block = ([x = residual, offsets = bias]) => {
        const attended = selfAttention(x, t5Names.part('encoder', block, 0), batch, offsets, false);
        return feedForward(attended, t5Names.part('encoder', block, 1));
      };
      residual = runBlock(options, run, [residual, bias]);
    }
    const apart = batch.batch === rows && sequenceOf.every((at, row) => at === row);
    const from = Int32Array.from(
      { length: apart ? 0 : rows * batch.length },
      (_, i) => (sequenceOf[Math.floor(i / batch.length)] ?? 0) * batch.length + (i % batch.length),
    );
    return {
      states: norm(residual, t5Names.finalNorm('encoder')),
      length: batch.length,
      lengths: sequenceOf.map((at) => batch.lengths[at] ?? 0),
      spread: (values) => (apart ? values : gatherRows(values, tf.tensor1d(from, 'int32'))),
    };
  };

  const finalNorm = (residual: tf.Tensor2D): tf.Tensor2D => {
    const normed = norm(residual, t5Names.finalNorm('decoder'));
    return config.tied ? tf.mul(normed, headScale) : normed;
  };

  const forward = (batch: TokenBatch, options: ForwardOptions = {}): ForwardResult => {
    checkBatch(batch, config);
    const encoded = encode(batch, options);
    const bias = positionBias('decoder', batch.length);
    const residuals: tf.Tensor2D[] = [];
    let residual = embeddingLookup(matrix(t5Names.embedding), tf.tensor1d(batch.ids, 'int32'));
    for (let block = 0; block < config.layers; block++) {
      const part = (index: number): string => t5Names.part('decoder', block, index);
      const run: Block = ([x = residual, offsets = bias, states = encoded.states]) => {
        const attended = selfAttention(x, part(0), batch, offsets, true);
        return feedForward(crossAttention(attended, part(1), batch, { ...encoded, states }), part(2));
      };
      residual = runBlock(options, run, [residual, bias, encoded.states]);
      residual = options.transformResidual?.(residual, block + 1, batch) ?? residual;
      if (options.captureResiduals) residuals.push(residual);
    }
    const final = finalNorm(residual);
    return { final: options.transformFinal?.(final, batch) ?? final, residuals };
  };

  const unembeddingName = config.tied ? t5Names.embedding : t5Names.unembedding;
  const positions = [t5Names.relativeBias('encoder'), t5Names.relativeBias('decoder')];
  return {
    config,
    variables,
    hiddenSize: config.hiddenSize,
    layers: config.layers,
    vocabularySize: config.vocabularySize,
    tied: config.tied,
    decoderStartTokenId: config.decoderStartTokenId,
    embeddingName: t5Names.embedding,
    unembeddingName,
    forward,
    finalNorm,
    unembedding: () => matrix(unembeddingName),
    embeddingNames: () => [...new Set([t5Names.embedding, ...positions, unembeddingName])],
    clone: () => buildT5(config, copyVariables(variables)),
    dispose: () => {
      for (const variable of variables.values()) variable.dispose();
    },
  };
};
