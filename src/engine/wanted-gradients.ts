/**
 * Which tensors the gradient being taken is for. The library asks a fused operation for the gradients of all its inputs at
 * once and drops those that lead nowhere; this lets the operation leave them out.
 */

import type { Tensor } from '@tensorflow/tfjs';
import { tf } from './tf.js';

let wanted: ReadonlySet<Tensor> | undefined;

/** Runs `f` with gradients asked for of exactly these variables. */
export const wantingGradientsOf = <T>(variables: readonly Tensor[], f: () => T): T => {
  const outer = wanted;
  wanted = new Set(variables);
  try {
    return f();
  } finally {
    wanted = outer;
  }
};

/**
 * Whether the gradient of an operation's parameter may be asked for: always where nobody said what is, and of a tensor
 * that is itself computed, which may stand for a variable.
 */
export const mayWantGradient = (parameter: Tensor): boolean =>
  wanted === undefined || !(parameter instanceof tf.Variable) || wanted.has(parameter);
