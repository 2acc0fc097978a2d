import { surveyEngines } from '../../src/engine/index.js';

/** The engines that run on this machine: what holds must hold on each. */
export const availableEngines = (await surveyEngines())
  .filter(({ available }) => available)
  .map(({ name }) => name);
