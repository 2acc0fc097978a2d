/** AdamW (Loshchilov & Hutter 2019, arXiv 1711.05101, algorithm 2) as PyTorch computes it, in place. */

import type { Tensor, Variable } from '@tensorflow/tfjs';
import type { AdamWMoments, AdamWUpdate } from './adamw-update.js';
import type { NamedTensors } from './gradients.js';
import { hasHeapKernels, heapAdamWUpdate } from './kernels/optimiser.js';
import { requireTensor } from './ops/require.js';
import { tf } from './tf.js';

export interface AdamWConfig {
  readonly learningRate: number;
  /** Default 0.9. */
  readonly beta1?: number;
  /** Default 0.999. */
  readonly beta2?: number;
  /** Default 1e-8. */
  readonly epsilon?: number;
  /** Decoupled: each step takes learningRate · weightDecay of every weight. Default 0. */
  readonly weightDecay?: number;
}

export interface AdamW {
  /**
   * Updates the variables in place. A variable whose gradient is missing stays as it is, and is not decayed.
   *
   * @param grads by the key of `variables`, or by the variable's own name
   * @param learningRate of this step; default: the configuration's
   * @param gradScale multiplies every gradient: clipping to a norm. Default 1
   */
  apply(
    variables: ReadonlyMap<string, Variable>,
    grads: NamedTensors,
    learningRate?: number,
    gradScale?: number,
  ): void;
  /** Moments by the key of `variables`, made at a parameter's first update. */
  readonly state: ReadonlyMap<string, AdamWMoments>;
  /** Goes on from moments saved earlier; it takes the values, the tensors stay the caller's. */
  restore(
    key: string,
    saved: { readonly first: Tensor; readonly second: Tensor; readonly steps: number },
  ): void;
  dispose(): void;
}

export const composedAdamWUpdate = (
  variable: Variable,
  gradient: Tensor,
  moments: AdamWMoments,
  update: AdamWUpdate,
): void => {
  tf.tidy(() => {
    const { beta1, beta2, epsilon, stepSize, keep, secondCorrection, gradScale } = update;
    const scaled = gradScale === 1 ? gradient : tf.mul(gradient, gradScale);
    const first = tf.add(tf.mul(moments.first, beta1), tf.mul(scaled, 1 - beta1));
    const second = tf.add(tf.mul(moments.second, beta2), tf.mul(tf.square(scaled), 1 - beta2));
    const denominator = tf.add(tf.sqrt(tf.div(second, secondCorrection)), epsilon);
    moments.first.assign(first);
    moments.second.assign(second);
    variable.assign(tf.sub(tf.mul(variable, keep), tf.div(tf.mul(first, stepSize), denominator)));
  });
};

const gradientOf = (grads: NamedTensors, key: string, variable: Variable): Tensor | undefined => {
  if (grads instanceof Map) return grads.get(key) ?? grads.get(variable.name);
  const record = grads as Readonly<Record<string, Tensor>>;
  return record[key] ?? record[variable.name];
};

/** An optimiser; it owns its moments until `dispose`. */
export const createAdamW = (config: AdamWConfig): AdamW => {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0 } = config;
  const state = new Map<string, AdamWMoments>();
  const momentsOf = (key: string, variable: Variable): AdamWMoments => {
    let moments = state.get(key);
    if (moments === undefined) {
      const zeros = (): Variable => tf.tidy(() => tf.variable(tf.zeros(variable.shape), false));
      moments = { first: zeros(), second: zeros(), steps: 0 };
      state.set(key, moments);
    }
    return moments;
  };
  return {
    state,
    restore: (key, { first, second, steps }) => {
      // A variable shares what it is made of, and moments are changed in place.
      const own = (tensor: Tensor): Variable => tf.tidy(() => tf.variable(tf.mul(tensor, 1), false));
      const before = state.get(key);
      tf.dispose(before === undefined ? [] : [before.first, before.second]);
      state.set(key, { first: own(first), second: own(second), steps });
    },
    apply: (variables, grads, learningRate = config.learningRate, gradScale = 1) => {
      for (const [key, variable] of variables) {
        const gradient = gradientOf(grads, key, variable);
        if (gradient === undefined) continue;
        requireTensor(`the gradient of ${key}`, gradient, variable.shape);
        const moments = momentsOf(key, variable);
        moments.steps++;
        const update = hasHeapKernels() ? heapAdamWUpdate : composedAdamWUpdate;
        update(variable, gradient, moments, {
          beta1,
          beta2,
          epsilon,
          stepSize: learningRate / (1 - beta1 ** moments.steps),
          keep: 1 - learningRate * weightDecay,
          secondCorrection: 1 - beta2 ** moments.steps,
          gradScale,
        });
      }
    },
    dispose: () => {
      for (const { first, second } of state.values()) {
        first.dispose();
        second.dispose();
      }
      state.clear();
    },
  };
};
