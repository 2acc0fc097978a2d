/** Every metric by its name. */
import { measureAccuracyGain } from './accuracy-gain.js';
import type { PromptMetric, PropertyMetric } from './catalogue.js';
import type { Measure, Subject } from './context.js';
import { measureCosine, measureLeadingDirection, measureSingularValueRatio } from './geometry.js';
import { measureGradientLaw } from './gradient-law.js';
import type { Measurement } from './measurement.js';
import { measureGradientLawProperty, measureLogitDifference } from './random-tensors.js';
import {
  measureEnergyRecovery,
  measureFlipsInstalled,
  measureFlipsUndone,
  measureMarginRecovery,
} from './steering.js';

export * from './catalogue.js';
export { describeLayers, type MetricContext, type Subject } from './context.js';
export type { Measurement } from './measurement.js';

export const measureOnTensors: Readonly<
  Record<PropertyMetric, (subject: Subject, seed: number) => Promise<Measurement>>
> = {
  'logit-difference-identity': measureLogitDifference,
  'gradient-law-property': measureGradientLawProperty,
};

export const measureOnPrompts: Readonly<Record<PromptMetric, Measure>> = {
  'accuracy-gain': measureAccuracyGain,
  'gradient-law-agreement': measureGradientLaw,
  'cosine-to-steering-vector': measureCosine,
  'singular-value-ratio': measureSingularValueRatio,
  'leading-direction-cosine': measureLeadingDirection,
  'flips-installed': measureFlipsInstalled,
  'flips-undone': measureFlipsUndone,
  'margin-recovery': measureMarginRecovery,
  'energy-recovery': measureEnergyRecovery,
};
