import type { TokenBatch } from '../data/index.js';
import type { RunBlock, tf } from '../engine/index.js';
import type { DecodingStart } from './decoding.js';
import type { GptNeoxConfig } from './gpt-neox-config.js';
import type { Gpt2Config } from './gpt2-config.js';
import type { LlamaConfig } from './llama-config.js';
import type { T5Config } from './t5-config.js';

/** The configurations of decoders alone. */
export type DecoderConfig = LlamaConfig | Gpt2Config | GptNeoxConfig;

/** The configurations of all architectures that can be read. */
export type ModelConfig = DecoderConfig | T5Config;

export interface ForwardOptions {
  /** Return the residual stream after every block. Default false. */
  readonly captureResiduals?: boolean;
  /** Replaces the residual stream [batch·length, d] after block `layer` = 1..L, before the next block reads it. */
  readonly transformResidual?: (residual: tf.Tensor2D, layer: number, batch: TokenBatch) => tf.Tensor2D;
  /** Replaces the final hidden state [batch·length, d] before W_U reads it. */
  readonly transformFinal?: (final: tf.Tensor2D, batch: TokenBatch) => tf.Tensor2D;
  /** Runs each block, encoders' too: so gradients can recompute activations instead of keeping them. */
  readonly runBlock?: RunBlock;
}

/** Row b·length + t of each tensor is position t of sequence b: of the decoder's, where there is an encoder too. */
export interface ForwardResult {
  /** The final hidden state h [batch·length, d]: output of the final norm, what W_U reads. */
  readonly final: tf.Tensor2D;
  /** h_1..h_L [batch·length, d]: output of each block, before the final norm; empty unless captured. */
  readonly residuals: readonly tf.Tensor2D[];
}

/**
 * A transformer whose parameters are tensors of the running engine. Of an encoder–decoder, everything here is the
 * decoder's: its blocks are the layers, its final norm gives h. The encoder reads `TokenBatch.encoder`.
 */
export interface LanguageModel {
  readonly config: ModelConfig;
  /** Parameters by their Hugging Face names. A tied model has no entry for W_U. */
  readonly variables: ReadonlyMap<string, tf.Variable>;
  readonly hiddenSize: number;
  readonly layers: number;
  readonly vocabularySize: number;
  /** Whether W_U is the very tensor E. */
  readonly tied: boolean;
  /** The token that an encoder–decoder's decoder begins with; undefined for a decoder alone. See `arrange`. */
  readonly decoderStartTokenId: number | undefined;
  /** Whether `forward` understands rows that fork (`TokenBatch.forks`). */
  readonly readsForks?: boolean;
  /** Name of E. */
  readonly embeddingName: string;
  /** Name of W_U; that of E when tied. */
  readonly unembeddingName: string;
  /**
   * Runs right-padded sequences. All tensors made, results too, belong to the caller's `tf.tidy` or gradient.
   *
   * @throws InputError for more positions than the model has, or a token id outside its vocabulary
   */
  forward(batch: TokenBatch, options?: ForwardOptions): ForwardResult;
  /**
   * Runs right-padded prompts once and keeps what later tokens need of them, for decoding one token a step; the hooks act
   * on this pass. All architectures here have it; absent where a model has no cache: then run the whole prefix again, as
   * `generate` does.
   *
   * @throws InputError as `forward`
   */
  startDecoding?(batch: TokenBatch, options?: ForwardOptions): DecodingStart;
  /** The final norm: h_L [n, d] to the final hidden state h [n, d], so that logits = h·W_Uᵀ exactly. Differentiable. */
  finalNorm(residual: tf.Tensor2D): tf.Tensor2D;
  /** W_U [vocabulary, d]; owned by the model. */
  unembedding(): tf.Tensor2D;
  /** Names of token and position embeddings and W_U (which is E when tied): what `frozen` keeps fixed. */
  embeddingNames(): readonly string[];
  /** An independent copy of every parameter. */
  clone(): LanguageModel;
  /** Frees every tensor of the model. */
  dispose(): void;
}
