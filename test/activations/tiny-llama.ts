import { createRandom } from '../../src/base/index.js';
import { tf } from '../../src/engine/index.js';
import { createLlama, type LanguageModel, type LlamaConfig } from '../../src/model/index.js';

export const tinyConfig: LlamaConfig = {
  architecture: 'llama',
  hiddenSize: 16,
  intermediateSize: 24,
  layers: 2,
  heads: 4,
  keyValueHeads: 2,
  headDim: 4,
  vocabularySize: 40,
  maxPositions: 64,
  rmsNormEpsilon: 1e-5,
  ropeTheta: 10_000,
  ropeScaling: { type: 'none' },
  tied: true,
  initializerRange: 0.3,
  bosTokenId: undefined,
  eosTokenIds: [],
  padTokenId: undefined,
};

/** A small random model whose final norm has uneven gains, so that states before and after it differ in direction. */
export const createTinyLlama = (seed = 1): LanguageModel => {
  const model = createLlama(tinyConfig, seed);
  const random = createRandom(`gain ${seed}`);
  const gain = Float32Array.from({ length: tinyConfig.hiddenSize }, () => 0.5 + random.next());
  const tensor = tf.tensor1d(gain);
  model.variables.get('model.norm.weight')?.assign(tensor);
  tensor.dispose();
  return model;
};

/** A copy in which all but E, W_U and the gains have moved: what DPO with frozen embeddings makes of a base. */
export const perturbedCopy = (model: LanguageModel, scale: number, seed = 2): LanguageModel => {
  const copy = model.clone();
  for (const [name, variable] of copy.variables) {
    if (model.embeddingNames().includes(name) || variable.shape.length === 1) continue;
    const random = createRandom(`${seed} ${name}`);
    const noise = Float32Array.from({ length: variable.size }, () => scale * random.normal());
    tf.tidy(() => variable.assign(tf.add(variable, tf.tensor(noise, variable.shape))));
  }
  return copy;
};

/** Random token ids. */
export const randomTokens = (length: number, seed: string | number): Int32Array => {
  const random = createRandom(seed);
  return Int32Array.from({ length }, () => random.integer(tinyConfig.vocabularySize));
};
