/** A linear map by a weight in Hugging Face's layout [out, in], and what may be added to such a map from outside. */

import type { GradSaveFunc, Tensor, Tensor2D } from '@tensorflow/tfjs';
import { tf } from '../tf.js';

/** What is added to x·Wᵀ [N, out], from the same x [N, in]. */
export type LinearAddition = (x: Tensor2D) => Tensor2D;

const additions = new WeakMap<Tensor, LinearAddition>();

/** From now on every map by `weight` (the tensor itself, not its values) has `addition` added; undefined ends that. */
export const adaptLinear = (weight: Tensor, addition: LinearAddition | undefined): void => {
  if (addition === undefined) additions.delete(weight);
  else additions.set(weight, addition);
};

/** Whether something is added to maps by `weight`: an operation that does not map by `linear` must then not be used. */
export const isAdapted = (weight: Tensor): boolean => additions.has(weight);

/** a + b of one shape. The library's own sum keeps both for its gradient, which needs neither. */
const sum = tf.customGrad((a: Tensor | GradSaveFunc, b: Tensor | GradSaveFunc) => ({
  value: tf.add(a as Tensor, b as Tensor),
  gradFunc: (dy: Tensor) => [dy, dy.clone()],
}));

/** `product`, x mapped by `weight`, with what `adaptLinear` adds. For maps that `linear` does not compute. */
export const adapted = (x: Tensor2D, weight: Tensor, product: Tensor2D): Tensor2D => {
  const addition = additions.get(weight);
  return addition === undefined ? product : (sum(product, addition(x)) as Tensor2D);
};

export const composedLinear = (x: Tensor2D, weight: Tensor2D): Tensor2D => tf.matMul(x, weight, false, true);

/** x [N, in] · weightᵀ, with weight [out, in]: [N, out]. */
export const linear = (x: Tensor2D, weight: Tensor2D): Tensor2D =>
  adapted(x, weight, composedLinear(x, weight));
