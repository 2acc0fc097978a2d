import type { LanguageModel } from './language-model.js';

/** Numbers that a model holds; tied embeddings count once. */
export const countParameters = ({ variables }: Pick<LanguageModel, 'variables'>): number =>
  [...variables.values()].reduce((sum, { size }) => sum + size, 0);
