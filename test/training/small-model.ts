import { createLlama, type LanguageModel, type LlamaConfig } from '../../src/model/index.js';

const smallConfig: LlamaConfig = {
  architecture: 'llama',
  hiddenSize: 16,
  intermediateSize: 24,
  layers: 2,
  heads: 2,
  keyValueHeads: 1,
  headDim: 8,
  vocabularySize: 20,
  maxPositions: 32,
  rmsNormEpsilon: 1e-5,
  ropeTheta: 10000,
  ropeScaling: { type: 'none' },
  tied: true,
  initializerRange: 0.2,
  bosTokenId: 0,
  eosTokenIds: [],
  padTokenId: undefined,
};

/** A model that steps in milliseconds. */
export const smallModel = (overrides: Partial<LlamaConfig> = {}): LanguageModel =>
  createLlama({ ...smallConfig, ...overrides }, 7);
