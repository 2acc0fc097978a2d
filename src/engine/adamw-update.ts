/** One AdamW update of one parameter, as numbers: what its kernel and the composed one are told. */
import type { Variable } from '@tensorflow/tfjs';

/** What one update of one parameter is made of. */
export interface AdamWUpdate {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** learningRate / (1 − beta1^t). */
  readonly stepSize: number;
  /** 1 − learningRate · weightDecay. */
  readonly keep: number;
  /** 1 − beta2^t. */
  readonly secondCorrection: number;
  /** Multiplies the gradient first: clipping. */
  readonly gradScale: number;
}

export interface AdamWMoments {
  readonly first: Variable;
  readonly second: Variable;
  /** Updates this parameter has had. */
  steps: number;
}
