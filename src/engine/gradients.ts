/** Gradients of a scalar, and their norm. */

import type { NamedTensorMap, Scalar, Tensor, Variable } from '@tensorflow/tfjs';
import { hasHeapKernels, heapGlobalNorm } from './kernels/optimiser.js';
import { tf } from './tf.js';
import { wantingGradientsOf } from './wanted-gradients.js';

export interface ValueAndGradients {
  /** The caller disposes it, and the gradients. */
  readonly value: Scalar;
  /** By the variable's own name; a variable that the value does not depend on has none. */
  readonly grads: Record<string, Tensor>;
}

/** The value of `f` and its gradients for exactly these variables; those of other variables are not computed. */
export const valueAndGrads = (f: () => Scalar, variables: readonly Variable[]): ValueAndGradients => {
  const { value, grads } = wantingGradientsOf(variables, () => tf.variableGrads(f, [...variables]));
  const present: NamedTensorMap = {};
  for (const variable of variables) {
    const gradient = grads[variable.name];
    if (gradient) present[variable.name] = gradient;
  }
  return { value, grads: present };
};

/** Tensors by name, as a map or a record. */
export type NamedTensors = ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>;

export const tensorsOf = (named: NamedTensors): Tensor[] =>
  named instanceof Map ? [...named.values()] : Object.values(named as Readonly<Record<string, Tensor>>);

export const composedGlobalNorm = async (grads: NamedTensors): Promise<number> => {
  const total = tf.tidy(() => {
    const squares = tensorsOf(grads).map((gradient) => tf.sum(tf.square(gradient)));
    return squares.length === 0 ? tf.scalar(0) : tf.sqrt(tf.addN(squares));
  });
  const [norm] = await total.data();
  total.dispose();
  return norm ?? 0;
};

/** The Euclidean norm of all gradients together. */
export const globalNorm = async (grads: NamedTensors): Promise<number> =>
  hasHeapKernels() ? heapGlobalNorm(tensorsOf(grads)) : composedGlobalNorm(grads);
