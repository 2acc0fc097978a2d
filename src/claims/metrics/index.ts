/** Every metric by its name. */
import { measureAccuracyGain } from './accuracy-gain.js';
import { measureFlipsUndoneBaseHead } from './base-head.js';
import type { PromptMetric, PropertyMetric } from './catalogue.js';
import type { Measure, Subject } from './context.js';
import { measureCosineBimodality } from './cosine-distribution.js';
import {
  componentsMeasure,
  measureMeanEnergyShare,
  measureParticipationRatio,
  measureSpectralEntropyDrop,
} from './dimension.js';
import { measureEmbeddingDrift } from './embedding-drift.js';
import { measureCosine, measureLeadingDirection, measureSingularValueRatio } from './geometry.js';
import { measureGradientAgreement } from './gradient-agreement.js';
import { measureGradientDirection, measureSteeringAlignment } from './gradient-direction.js';
import { measureGradientLaw, measureInitialGradientLaw } from './gradient-law.js';
import { measureHeldOutVectors } from './held-out-vectors.js';
import { measureInterpolationAccuracy, measureInterpolationMargin } from './interpolation.js';
import type { Measurement } from './measurement.js';
import { measureLambdaCeiling, measurePerplexityRise } from './oversteering.js';
import { measurePreNormDirection, measurePreNormLaw } from './pre-norm-law.js';
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
  'gradient-law-pre-norm': measurePreNormLaw,
  'pre-norm-direction': measurePreNormDirection,
  'gradient-agreement': measureGradientAgreement,
  'held-out-vectors': measureHeldOutVectors,
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
  'gradient-direction-cosine': measureGradientDirection,
  'gradient-steering-alignment': measureSteeringAlignment,
  'gradient-law-initial-agreement': measureInitialGradientLaw,
  'embedding-drift': measureEmbeddingDrift,
  'flips-undone-base-head': measureFlipsUndoneBaseHead,
  'spectral-entropy-drop': measureSpectralEntropyDrop,
  'participation-ratio': measureParticipationRatio,
  'components-80': componentsMeasure(0.8),
  'components-95': componentsMeasure(0.95),
  'mean-energy-share': measureMeanEnergyShare,
  'cosine-bimodality': measureCosineBimodality,
  'interpolation-smallest-rise': measureInterpolationMargin,
  'interpolation-accuracy-rise': measureInterpolationAccuracy,
  'lambda-ceiling': measureLambdaCeiling,
  'oversteering-perplexity-rise': measurePerplexityRise,
};
