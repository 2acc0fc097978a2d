import { architectureOf } from './architectures.js';
import type { LanguageModel, ModelConfig } from './language-model.js';
import { initialVariables } from './variables.js';

/** A model whose parameters are 0, for weights that come from elsewhere. */
export const createBlankModel = (config: ModelConfig): LanguageModel => {
  const architecture = architectureOf(config);
  const zeros = initialVariables(architecture.parameterShapes(config), () => ({ mean: 0, sd: 0 }), 0);
  return architecture.build(config, zeros);
};

/** A freshly initialised model of any architecture. Equal seeds give equal weights. */
export const createModel = (config: ModelConfig, seed: number): LanguageModel => {
  const architecture = architectureOf(config);
  const shapes = architecture.parameterShapes(config);
  return architecture.build(config, initialVariables(shapes, architecture.initialValues(config), seed));
};
