import {
  createModel,
  type Gpt2Config,
  type GptNeoxConfig,
  type LanguageModel,
  type LlamaConfig,
  type ModelConfig,
  type T5Config,
} from '../../src/model/index.js';

const common = {
  vocabularySize: 20,
  maxPositions: 32,
  bosTokenId: 0,
  eosTokenIds: [1],
  padTokenId: 2,
};

const llama: LlamaConfig = {
  architecture: 'llama',
  hiddenSize: 16,
  intermediateSize: 24,
  layers: 2,
  heads: 2,
  keyValueHeads: 1,
  headDim: 8,
  rmsNormEpsilon: 1e-5,
  ropeTheta: 10000,
  ropeScaling: { type: 'none' },
  tied: true,
  initializerRange: 0.2,
  ...common,
};

const gpt2: Gpt2Config = {
  architecture: 'gpt2',
  hiddenSize: 16,
  intermediateSize: 24,
  layers: 2,
  heads: 2,
  layerNormEpsilon: 1e-5,
  tied: true,
  initializerRange: 0.2,
  ...common,
};

const gptNeox: GptNeoxConfig = {
  architecture: 'gpt_neox',
  hiddenSize: 16,
  intermediateSize: 24,
  layers: 2,
  heads: 2,
  rotaryShare: 0.5,
  ropeTheta: 10000,
  ropeScaling: { type: 'none' },
  parallelResidual: true,
  activation: 'gelu',
  layerNormEpsilon: 1e-5,
  tied: true,
  initializerRange: 0.2,
  ...common,
};

const t5: T5Config = {
  architecture: 't5',
  hiddenSize: 16,
  intermediateSize: 24,
  layers: 2,
  encoderLayers: 3,
  heads: 2,
  headDim: 6,
  relativeBuckets: 8,
  relativeMaxDistance: 10,
  feedForward: 'gated-gelu',
  rmsNormEpsilon: 1e-6,
  tied: true,
  initializerFactor: 1,
  ...common,
  maxPositions: Number.MAX_SAFE_INTEGER,
  padTokenId: 2,
  decoderStartTokenId: 2,
};

/** One configuration of each kind that is computed differently, by a name for tests. */
export const smallConfigs: Readonly<Record<string, ModelConfig>> = {
  llama,
  'llama, untied': { ...llama, tied: false },
  mistral: { ...llama, architecture: 'mistral', headDim: 6, slidingWindow: 3 },
  qwen2: { ...llama, architecture: 'qwen2', queryKeyValueBias: true },
  gpt2,
  'gpt2, untied': { ...gpt2, tied: false },
  gpt_neox: gptNeox,
  'gpt_neox, sequential, untied': {
    ...gptNeox,
    parallelResidual: false,
    activation: 'gelu_new',
    ropeScaling: { type: 'linear', factor: 2 },
    tied: false,
  },
  't5 v1.1, tied': t5,
  't5 v1.1, untied': { ...t5, tied: false },
  't5 v1.0': { ...t5, feedForward: 'relu' },
};

export const smallT5 = (seed = 7): LanguageModel => createModel(t5, seed);
