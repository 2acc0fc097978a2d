/**
 * What all decoders alone have in common: a pass over right-padded sequences through their blocks, and the same pass over
 * one new token a sequence, whose attention reads a cache.
 */
import { InputError } from '../base/index.js';
import type { TokenBatch } from '../data/index.js';
import { type AttentionShape, type Block, causalAttention, tf } from '../engine/index.js';
import { checkDecoderOnlyBatch } from './check-batch.js';
import { type DecodingStart, lastPositions, oneTokenEach } from './decoding.js';
import { type Attend, type AttentionHeads, createKeyValueCache } from './key-value-cache.js';
import type { DecoderConfig, ForwardOptions, ForwardResult, LanguageModel } from './language-model.js';
import { runBlock } from './run-block.js';
import { tokenPositions } from './token-positions.js';
import type { Variables } from './variables.js';

/** What the blocks of one pass share. */
export interface DecoderPass {
  /** [rows]: where each row's token stands in its sequence. */
  readonly positions: tf.Tensor1D;
  /** One more than the last of these positions. */
  readonly reach: number;
  readonly attend: Attend;
  /** The same attention as a shape, where each sequence looks at itself alone: a fused block takes it instead. */
  readonly shape?: AttentionShape;
}

/** What tells one decoder from another. Tensors that these make belong to the caller's `tf.tidy` or gradient. */
export interface DecoderParts {
  readonly config: DecoderConfig;
  readonly variables: Variables;
  readonly heads: AttentionHeads;
  /** Name of E. */
  readonly embeddingName: string;
  /** Name of a learned position embedding. */
  readonly positionsName?: string;
  /** Name of W_U where it is not E. */
  readonly unembeddingName: string;
  /** The input of the first block, [rows, d], for token ids [rows] at their positions [rows]. */
  embed(ids: tf.Tensor1D, positions: tf.Tensor1D): tf.Tensor2D;
  /** h_{layer} to h_{layer + 1}; layers count from 0. */
  block(residual: tf.Tensor2D, layer: number, pass: DecoderPass): tf.Tensor2D;
  finalNorm(residual: tf.Tensor2D): tf.Tensor2D;
  /** The matrix of this name, owned by the model. */
  matrix(name: string): tf.Tensor2D;
  /** The same model over copies of its parameters. */
  clone(): LanguageModel;
  /** Frees what the parts keep beside the parameters. */
  release?(): void;
}

/** The number of positions that reach up to the last of these. @throws InputError past the model's own */
const checkReach = (positions: Int32Array, maxPositions: number): number => {
  const reach = positions.reduce((most, position) => Math.max(most, position + 1), 0);
  if (reach <= maxPositions) return reach;
  throw new InputError(`a sequence of ${reach} tokens does not fit the model's ${maxPositions} positions`);
};

/** A language model made of these parts; it owns the variables. */
export const buildDecoder = (parts: DecoderParts): LanguageModel => {
  const { config, variables, heads, embeddingName, positionsName } = parts;
  const unembeddingName = config.tied ? embeddingName : parts.unembeddingName;

  /** One pass over the tokens of `batch`, each standing at its own of `positions`. */
  const run = (
    batch: TokenBatch,
    positions: Int32Array,
    attention: Pick<DecoderPass, 'attend' | 'shape'>,
    options: ForwardOptions,
  ): ForwardResult => {
    checkDecoderOnlyBatch(batch, config);
    const pass = {
      positions: tf.tensor1d(positions, 'int32'),
      reach: checkReach(positions, config.maxPositions),
      ...attention,
    };
    const residuals: tf.Tensor2D[] = [];
    let residual = parts.embed(tf.tensor1d(batch.ids, 'int32'), pass.positions);
    for (let layer = 0; layer < config.layers; layer++) {
      const before = residual;
      const block: Block = ([x = before], [at]) =>
        // Frees what a block makes on its way; what its gradient needs is kept by the tape.
        tf.tidy(() =>
          parts.block(x, layer, { ...pass, positions: (at as tf.Tensor1D | undefined) ?? pass.positions }),
        );
      residual = runBlock(options, block, [before], [pass.positions]);
      residual = options.transformResidual?.(residual, layer + 1, batch) ?? residual;
      if (options.captureResiduals) residuals.push(residual);
    }
    const final = parts.finalNorm(residual);
    return { final: options.transformFinal?.(final, batch) ?? final, residuals };
  };

  const startDecoding = (batch: TokenBatch, options: ForwardOptions = {}): DecodingStart => {
    const cache = createKeyValueCache(batch, heads);
    const freeIfFailing = (pass: () => tf.Tensor2D): tf.Tensor2D => {
      try {
        return tf.tidy(pass);
      } catch (error) {
        cache.dispose();
        throw error;
      }
    };
    return {
      final: freeIfFailing(() =>
        lastPositions(
          run(batch, tokenPositions(batch), { attend: cache.attendPrompts }, options).final,
          batch,
        ),
      ),
      decoding: {
        step: (tokens, stepOptions = {}) => {
          const next = oneTokenEach(tokens);
          const { positions, attend } = cache.nextPosition();
          return freeIfFailing(() => run(next, positions, { attend }, stepOptions).final);
        },
        keep: cache.keep,
        dispose: cache.dispose,
      },
    };
  };

  return {
    config,
    variables,
    hiddenSize: config.hiddenSize,
    layers: config.layers,
    vocabularySize: config.vocabularySize,
    tied: config.tied,
    decoderStartTokenId: undefined,
    readsForks: heads.window === undefined,
    embeddingName,
    unembeddingName,
    forward: (batch, options = {}) => {
      const { batch: count, length, forks } = batch;
      const shape: AttentionShape = { batch: count, length, ...heads, ...(forks ? { forks } : {}) };
      const attend: Attend = (_, q, k, v) => causalAttention(q, k, v, shape);
      return run(batch, tokenPositions(batch), { attend, shape }, options);
    },
    startDecoding,
    finalNorm: parts.finalNorm,
    unembedding: () => parts.matrix(unembeddingName),
    embeddingNames: () => [
      ...new Set([embeddingName, ...(positionsName === undefined ? [] : [positionsName]), unembeddingName]),
    ],
    clone: parts.clone,
    dispose: () => {
      for (const variable of variables.values()) variable.dispose();
      parts.release?.();
    },
  };
};
