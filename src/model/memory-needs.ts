/** How much memory a model needs, from its configuration alone. */
import { architectureOf } from './architectures.js';
import type { ModelConfig } from './language-model.js';

export interface Workload {
  /** Tokens of a sequence; of an encoder–decoder, those of its prompt and of its completion each. */
  readonly length: number;
  /** Sequences of an extraction's forward pass. */
  readonly batchSize: number;
  /** Preference pairs of a DPO step: chosen and rejected, two sequences each. */
  readonly pairs: number;
}

export interface MemoryNeeds {
  /** The parameters alone, in float32 whatever they are stored in. */
  readonly modelBytes: number;
  readonly extractBytes: number;
  readonly dpoFrozenBytes: number;
  readonly dpoUnfrozenBytes: number;
}

const FLOAT = 4;

/** What a backward pass holds at its peak, in intermediates of the forward pass: these, and most of their gradients. */
const TRAINING_SHARE = 2.5;

/** What one block makes on its way: numbers a token, and matrices of queries by keys a sequence. */
interface BlockNeeds {
  readonly perToken: number;
  readonly attentionMatrices: number;
}

/** Counted from the operations of each block: norms, maps with and without biases, rotations, activation, residual. */
const blockNeeds = (config: ModelConfig): BlockNeeds => {
  const { hiddenSize: d, intermediateSize: f, heads } = config;
  switch (config.architecture) {
    case 'gpt2':
      return { perToken: 22 * d + 9 * f, attentionMatrices: heads };
    case 'gpt_neox':
      return { perToken: 28 * d + 7 * f, attentionMatrices: heads };
    case 't5': {
      const width = heads * config.headDim;
      // Self-attention and cross-attention, both composed of whole matrices: scores, bias, mask, softmax.
      const gated = config.feedForward === 'gated-gelu' ? 10 : 2;
      return { perToken: 10 * d + 16 * width + gated * f, attentionMatrices: 8 * heads };
    }
    default: {
      const [queries, keys] = [heads * config.headDim, config.keyValueHeads * config.headDim];
      const maps = config.queryKeyValueBias ? 4 : 3;
      // A window is composed of whole matrices too; without one a kernel needs only the weights.
      const matrices = config.slidingWindow === undefined ? heads : 4 * heads;
      return { perToken: 6 * d + maps * (queries + keys) + 3 * f, attentionMatrices: matrices };
    }
  }
};

/**
 * Estimates, in bytes of float32, to within a factor of about two:
 *
 * - model: 4·P for P parameters;
 * - extract: 4·(P + n·((L + 3)·d + w) + B·a·T²), n = B·T tokens: the residual streams of L layers are kept, and one
 *   block's intermediates, w numbers a token and a matrices [T, T] a sequence. An encoder keeps its output alone;
 * - DPO: 4·(P + 3·P′ + 2.5·L·(n·w + B·a·T²) + 2·n·V) with B = 2 · pairs: gradient and two AdamW moments of the P′
 *   parameters that are trained (all but E, positions and W_U where those are frozen), the intermediates of every block
 *   and most of their gradients (2.5 is measured; an encoder's blocks count in L), at most n rows of logits over V
 *   tokens and their gradient. The reference's log-probabilities are computed beforehand by the same weights: it takes
 *   no second model.
 */
export const memoryNeeds = (config: ModelConfig, { length, batchSize, pairs }: Workload): MemoryNeeds => {
  const architecture = architectureOf(config);
  const sizes = new Map(
    [...architecture.parameterShapes(config)].map(([name, shape]) => [
      name,
      shape.reduce((product, size) => product * size, 1),
    ]),
  );
  const parameters = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  // Names need no weights.
  const frozen = architecture
    .build(config, new Map())
    .embeddingNames()
    .reduce((sum, name) => sum + (sizes.get(name) ?? 0), 0);
  const { perToken, attentionMatrices } = blockNeeds(config);
  const blocks = config.layers + (config.architecture === 't5' ? config.encoderLayers : 0);
  const oneBlock = (sequences: number): number =>
    sequences * (length * perToken + attentionMatrices * length * length);
  const extraction =
    batchSize * length * (config.layers + 3) * config.hiddenSize + oneBlock(batchSize) + parameters;
  const dpo = (trained: number): number =>
    FLOAT *
    (parameters +
      3 * trained +
      TRAINING_SHARE * blocks * oneBlock(2 * pairs) +
      2 * pairs * length * 2 * config.vocabularySize);
  return {
    modelBytes: FLOAT * parameters,
    extractBytes: FLOAT * extraction,
    dpoFrozenBytes: dpo(parameters - frozen),
    dpoUnfrozenBytes: dpo(parameters),
  };
};
