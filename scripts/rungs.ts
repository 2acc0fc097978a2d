/** The models that scripts/pretrain.ts trains: the shipped base, and the rungs of the ladder below it. */

import type { Tokenizer } from '../src/data/index.js';
import type { ModelConfig } from '../src/model/index.js';

export interface Rung {
  /** Below assets/: `model`, or `models/` and the rung's name. */
  readonly folder: string;
  readonly dtype: 'F32' | 'F16';
  readonly steps: number;
  /** Peak, after the warm-up. */
  readonly learningRate: number;
  configure(tokenizer: Tokenizer, context: number): ModelConfig;
}

const common = (tokenizer: Tokenizer, context: number) => ({
  vocabularySize: tokenizer.vocabularySize,
  maxPositions: context,
  bosTokenId: tokenizer.bosId,
  eosTokenIds: tokenizer.eosId === undefined ? [] : [tokenizer.eosId],
  padTokenId: tokenizer.padId,
});

interface LlamaSize {
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly tied?: boolean;
}

const llama =
  ({ hiddenSize, intermediateSize, layers, heads, tied = true }: LlamaSize): Rung['configure'] =>
  (tokenizer, context) => ({
    architecture: 'llama',
    hiddenSize,
    intermediateSize,
    layers,
    heads,
    keyValueHeads: heads / 2,
    headDim: hiddenSize / heads,
    rmsNormEpsilon: 1e-5,
    ropeTheta: 10000,
    ropeScaling: { type: 'none' },
    tied,
    initializerRange: 0.02,
    ...common(tokenizer, context),
  });

const gpt2: Rung['configure'] = (tokenizer, context) => ({
  architecture: 'gpt2',
  hiddenSize: 64,
  intermediateSize: 256,
  layers: 5,
  heads: 4,
  layerNormEpsilon: 1e-5,
  tied: true,
  initializerRange: 0.02,
  ...common(tokenizer, context),
});

const t5: Rung['configure'] = (tokenizer, context) => ({
  architecture: 't5',
  hiddenSize: 64,
  intermediateSize: 128,
  layers: 3,
  encoderLayers: 3,
  heads: 4,
  headDim: 16,
  relativeBuckets: 16,
  relativeMaxDistance: context,
  feedForward: 'gated-gelu',
  rmsNormEpsilon: 1e-6,
  tied: false,
  initializerFactor: 1,
  ...common(tokenizer, context),
  maxPositions: Number.MAX_SAFE_INTEGER,
  padTokenId: tokenizer.padId ?? 0,
  decoderStartTokenId: tokenizer.padId ?? 0,
});

const ladder = (name: string, configure: Rung['configure'], steps = 800): Rung => ({
  folder: `models/${name}`,
  dtype: 'F16',
  steps,
  learningRate: 3e-3,
  configure,
});

const d64 = { hiddenSize: 64, intermediateSize: 176, layers: 5, heads: 4 };

/** By the name that `--rung` takes. */
export const RUNGS: Readonly<Record<string, Rung>> = {
  shipped: {
    folder: 'model',
    dtype: 'F16',
    steps: 1400,
    learningRate: 3e-3,
    configure: llama({ hiddenSize: 96, intermediateSize: 256, layers: 6, heads: 4 }),
  },
  'llama-d32': ladder('llama-d32', llama({ hiddenSize: 32, intermediateSize: 88, layers: 3, heads: 4 })),
  'llama-d48': ladder('llama-d48', llama({ hiddenSize: 48, intermediateSize: 128, layers: 4, heads: 4 })),
  'llama-d64': ladder('llama-d64', llama(d64)),
  'llama-d64-untied': ladder('llama-d64-untied', llama({ ...d64, tied: false })),
  'gpt2-d64': ladder('gpt2-d64', gpt2),
  // It predicts half the tokens of a row, from embeddings that begin at sd 1: more steps, and larger ones. With a tied head,
  // or with steps of 0.003, it was over 0.6 nats a token worse after 250 steps.
  't5-d64': { ...ladder('t5-d64', t5, 1000), learningRate: 1e-2 },
};
