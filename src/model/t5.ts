/**
 * The T5 encoder–decoder: RMSNorm, relative position bias, cross-attention, no scaling of scores, no bias of maps.
 * The decoder is what the model is studied by: its blocks are the layers, its final norm gives h.
 */
import { InputError, UsageError } from '../base/index.js';
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
import { type CrossAttentionCache, createCrossAttentionCache } from './cross-attention-cache.js';
import { type DecodingStart, lastPositions, oneTokenEach } from './decoding.js';
import { type Attend, createKeyValueCache, type KeyValueCache } from './key-value-cache.js';
import type { ForwardOptions, ForwardResult, LanguageModel } from './language-model.js';
import { relativeBucket, relativeBuckets } from './relative-buckets.js';
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
    attend: (q: tf.Tensor2D, k: tf.Tensor2D, v: tf.Tensor2D) => tf.Tensor2D,
  ): tf.Tensor2D => {
    const x = norm(residual, `${prefix}layer_norm.weight`);
    const part = (name: string): tf.Tensor2D => project(x, `${prefix}SelfAttention.${name}`);
    const attended = attend(part('q'), part('k'), part('v'));
    return tf.add(residual, project(attended, `${prefix}SelfAttention.o`)) as tf.Tensor2D;
  };

  const crossAttention = (
    residual: tf.Tensor2D,
    prefix: string,
    attend: (q: tf.Tensor2D) => tf.Tensor2D,
  ): tf.Tensor2D => {
    const attention = `${prefix}EncDecAttention`;
    const attended = attend(project(norm(residual, `${prefix}layer_norm.weight`), `${attention}.q`));
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
    const { batch: count, length, lengths } = batch;
    const shape = { batch: count, queryLength: length, keyLength: length, heads, headDim, causal: false };
    let residual = embeddingLookup(matrix(t5Names.embedding), tf.tensor1d(batch.ids, 'int32'));
    for (let block = 0; block < config.encoderLayers; block++) {
      const run: Block = ([x = residual, offsets = bias]) =>
        // Frees what a block makes on its way; what its gradient needs is kept by the tape.
        tf.tidy(() =>
          feedForward(
            selfAttention(x, t5Names.part('encoder', block, 0), (q, k, v) =>
              biasedAttention(q, k, v, offsets, { ...shape, keyLengths: lengths }),
            ),
            t5Names.part('encoder', block, 1),
          ),
        );
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

  /** A block of the decoder, whose attentions are given: over whole sequences, or over one new token each. */
  const decoderBlock = (
    residual: tf.Tensor2D,
    block: number,
    attendSelf: Attend,
    attendCross: (block: number, q: tf.Tensor2D) => tf.Tensor2D,
  ): tf.Tensor2D =>
    tf.tidy(() => {
      const part = (index: number): string => t5Names.part('decoder', block, index);
      const afterSelf = selfAttention(residual, part(0), (q, k, v) => attendSelf(block, q, k, v));
      const afterCross = crossAttention(afterSelf, part(1), (q) => attendCross(block, q));
      return feedForward(afterCross, part(2));
    });

  const decode = (
    batch: TokenBatch,
    runDecoderBlock: (residual: tf.Tensor2D, block: number) => tf.Tensor2D,
    options: ForwardOptions,
  ): ForwardResult => {
    checkBatch(batch, config);
    const residuals: tf.Tensor2D[] = [];
    let residual = embeddingLookup(matrix(t5Names.embedding), tf.tensor1d(batch.ids, 'int32'));
    for (let block = 0; block < config.layers; block++) {
      residual = runDecoderBlock(residual, block);
      residual = options.transformResidual?.(residual, block + 1, batch) ?? residual;
      if (options.captureResiduals) residuals.push(residual);
    }
    const final = finalNorm(residual);
    return { final: options.transformFinal?.(final, batch) ?? final, residuals };
  };

  /** Attention over whole sequences of the decoder, each query seeing what is before it. */
  const wholeSelf = ({ batch, length, lengths }: TokenBatch, bias: tf.Tensor2D) => {
    const shape = { batch, queryLength: length, keyLength: length, heads, headDim, causal: true };
    return (q: tf.Tensor2D, k: tf.Tensor2D, v: tf.Tensor2D): tf.Tensor2D =>
      biasedAttention(q, k, v, bias, { ...shape, keyLengths: lengths });
  };

  /** Keys and values of a decoder block, one row a position of what each row of the decoder looks at. */
  const crossParts = ({ states, spread }: Encoded, block: number): [tf.Tensor2D, tf.Tensor2D] => {
    const attention = `${t5Names.part('decoder', block, 1)}EncDecAttention`;
    return [spread(project(states, `${attention}.k`)), spread(project(states, `${attention}.v`))];
  };

  const wholeCross = (
    { batch, length }: TokenBatch,
    encoded: Encoded,
    parts = (block: number) => crossParts(encoded, block),
  ) => {
    const { length: keyLength, lengths: keyLengths } = encoded;
    const shape = { batch, queryLength: length, keyLength, heads, headDim, keyLengths, causal: false };
    return (block: number, q: tf.Tensor2D): tf.Tensor2D => {
      const [k, v] = parts(block);
      return biasedAttention(q, k, v, undefined, shape);
    };
  };

  const forward = (batch: TokenBatch, options: ForwardOptions = {}): ForwardResult => {
    checkBatch(batch, config);
    const encoded = encode(batch, options);
    const bias = positionBias('decoder', batch.length);
    const runDecoderBlock = (residual: tf.Tensor2D, block: number): tf.Tensor2D => {
      const run: Block = ([x = residual, offsets = bias, states = encoded.states]) => {
        const attendSelf = wholeSelf(batch, offsets);
        const attendCross = wholeCross(batch, { ...encoded, states });
        return decoderBlock(x, block, (_, q, k, v) => attendSelf(q, k, v), attendCross);
      };
      return runBlock(options, run, [residual, bias, encoded.states]);
    };
    return decode(batch, runDecoderBlock, options);
  };

  /** The learned bias of new tokens: [batch·heads, 1, slots]. */
  const newTokenBias = (relativePositions: Int32Array, slots: number): tf.Tensor3D => {
    const settings = {
      bidirectional: false,
      buckets: config.relativeBuckets,
      maxDistance: config.relativeMaxDistance,
    };
    const buckets = relativePositions.map((relative) => relativeBucket(relative, settings));
    const bySlot = embeddingLookup(matrix(t5Names.relativeBias('decoder')), tf.tensor1d(buckets, 'int32'));
    const rows = relativePositions.length / slots;
    return tf.reshape(tf.transpose(tf.reshape(bySlot, [rows, slots, heads]), [0, 2, 1]), [
      rows * heads,
      1,
      slots,
    ]);
  };

  const startDecoding = (batch: TokenBatch, options: ForwardOptions = {}): DecodingStart => {
    const { encoder } = batch;
    checkBatch(batch, config);
    let cross: CrossAttentionCache | undefined;
    let self: KeyValueCache | undefined;
    const dispose = (): void => {
      cross?.dispose();
      self?.dispose();
    };
    const freeIfFailing = <T extends tf.TensorContainer>(pass: () => T): T => {
      try {
        return tf.tidy(pass);
      } catch (error) {
        dispose();
        throw error;
      }
    };
    const final = freeIfFailing(() => {
      const encoded = encode(batch, options);
      const attendSelf = wholeSelf(batch, positionBias('decoder', batch.length));
      const crossCache = createCrossAttentionCache(
        { heads, headDim, length: encoder?.batch.length ?? 0 },
        encoded.lengths,
      );
      cross = crossCache;
      self = createKeyValueCache(
        batch,
        { heads, keyValueHeads: heads, headDim },
        { attendPrompts: attendSelf, scale: Math.sqrt(headDim), bias: newTokenBias },
      );
      const attendCross = wholeCross(batch, encoded, (block) => {
        const parts = crossParts(encoded, block);
        crossCache.fill(block, ...parts);
        return parts;
      });
      const { attendPrompts } = self;
      const runDecoderBlock = (residual: tf.Tensor2D, block: number): tf.Tensor2D =>
        decoderBlock(residual, block, attendPrompts, attendCross);
      return lastPositions(decode(batch, runDecoderBlock, options).final, batch);
    });
    return {
      final,
      decoding: {
        step: (tokens, stepOptions = {}) =>
          freeIfFailing(() => {
            if (!self || !cross) throw new UsageError('this decoding has not begun');
            const { attend } = self.nextPosition();
            const { attend: attendCross } = cross;
            const runDecoderBlock = (residual: tf.Tensor2D, block: number): tf.Tensor2D =>
              decoderBlock(residual, block, attend, attendCross);
            return decode(oneTokenEach(tokens), runDecoderBlock, stepOptions).final;
          }),
        keep: (rows) => {
          self?.keep(rows);
          cross?.keep(rows);
        },
        dispose,
      },
    };
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
    startDecoding,
    finalNorm,
    unembedding: () => matrix(unembeddingName),
    embeddingNames: () => [...new Set([t5Names.embedding, ...positions, unembeddingName])],
    clone: () => buildT5(config, copyVariables(variables)),
    dispose: () => {
      for (const variable of variables.values()) variable.dispose();
    },
  };
};
