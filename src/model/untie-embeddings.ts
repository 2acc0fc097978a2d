import type { tf } from '../engine/index.js';
import { architectureOf } from './architectures.js';
import type { LanguageModel } from './language-model.js';
import { copyVariable } from './variables.js';

/**
 * An independent copy of a model whose W_U is a tensor of its own, and no longer E. The logits stay as they were: where
 * a tied head scales the final hidden state (T5), W_U is the scaled copy and h unscaled. A model that is not tied is
 * only copied.
 */
export const untieEmbeddings = (model: LanguageModel): LanguageModel => {
  if (!model.tied) return model.clone();
  const config = { ...model.config, tied: false };
  const architecture = architectureOf(config);
  const variables = new Map<string, tf.Variable>();
  for (const name of architecture.parameterShapes(config).keys()) {
    const own = model.variables.get(name);
    variables.set(
      name,
      own ? copyVariable(own) : copyVariable(model.unembedding(), architecture.headScale(model.config)),
    );
  }
  return architecture.build(config, variables);
};
