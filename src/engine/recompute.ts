/** Gradients with activation recomputation: of each block only its inputs are kept, and it is run again going back. */

import type { GradSaveFunc, Scalar, Tensor, Tensor2D, Variable } from '@tensorflow/tfjs';
import type { ValueAndGradients } from './gradients.js';
import { tf } from './tf.js';
import { wantingGradientsOf } from './wanted-gradients.js';

/** A part of a model as a function of all tensors that do not outlive the forward pass; parameters do. */
export type Block = (inputs: Tensor2D[], constants: Tensor[]) => Tensor2D;

/**
 * Runs a block.
 *
 * @param inputs tensors that the gradient goes back through
 * @param constants tensors that it does not
 */
export type RunBlock = (block: Block, inputs: Tensor2D[], constants?: Tensor[]) => Tensor2D;

/**
 * `valueAndGrads` that holds the activations of one block at a time: `f` runs its blocks by the function it is handed.
 * The same operations on the same numbers, so the same value; gradients of parameters of several blocks are added up in
 * another order. One more forward pass is the price.
 */
export const valueAndRecomputedGrads = (
  f: (runBlock: RunBlock) => Scalar,
  variables: readonly Variable[],
): ValueAndGradients => {
  const collected = new Map<string, Tensor>();
  const held: Tensor[] = [];
  // Without something of the outer tape in it, a block whose inputs are frozen would not be gone back through.
  const zero = tf.scalar(0);
  const anchor = tf.variable(zero);
  zero.dispose();

  const collect = (name: string, gradient: Tensor): void => {
    const before = collected.get(name);
    collected.set(name, tf.keep(before === undefined ? gradient.clone() : tf.add(before, gradient)));
    before?.dispose();
  };

  const backward = (block: Block, dy: Tensor, inputs: Tensor[], constants: Tensor[]): Tensor[] => {
    const { state } = tf.engine();
    // The library ends a gradient by dropping its tape; this one lies within another.
    const outerTape = state.activeTape;
    try {
      return tf.tidy(() => {
        const from = [...inputs, ...variables];
        const run = (): Tensor => block(inputs as Tensor2D[], constants);
        const { grads } = tf.engine().gradients(run, from, dy, true);
        for (const [index, variable] of variables.entries()) {
          const gradient: Tensor | null | undefined = grads[inputs.length + index];
          if (gradient) collect(variable.name, gradient);
        }
        return inputs.map((input, index) => grads[index] ?? tf.zerosLike(input));
      });
    } finally {
      state.activeTape = outerTape;
    }
  };

  const runBlock: RunBlock = (block, inputs, constants = []) => {
    const own = constants.map((tensor) => tf.keep(tensor.clone()));
    held.push(...own);
    const operation = tf.customGrad((...given: (Tensor | GradSaveFunc)[]) => {
      const tensors = given.slice(0, inputs.length) as Tensor2D[];
      (given.at(-1) as GradSaveFunc)(tensors);
      return {
        value: block(tensors, constants),
        gradFunc: (dy: Tensor, saved: Tensor[]) => [...backward(block, dy, saved, own), tf.zerosLike(anchor)],
      };
    });
    return operation(...inputs, anchor) as Tensor2D;
  };

  try {
    const { value, grads } = wantingGradientsOf(variables, () =>
      tf.variableGrads(() => f(runBlock), [...variables, anchor]),
    );
    const result: Record<string, Tensor> = {};
    for (const { name } of variables) {
      const parts = [grads[name], collected.get(name)].filter((part) => part !== undefined && part !== null);
      const [first, second] = parts as Tensor[];
      if (first === undefined) continue;
      result[name] = second === undefined ? first : tf.add(first, second);
      if (second !== undefined) tf.dispose([first, second]);
    }
    grads[anchor.name]?.dispose();
    return { value, grads: result };
  } catch (error) {
    tf.dispose([...collected.values()]);
    throw error;
  } finally {
    tf.dispose([anchor, ...held]);
  }
};
