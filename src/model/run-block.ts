import type { Block, tf } from '../engine/index.js';
import type { ForwardOptions } from './language-model.js';

/** Runs one block as the options of the pass say; see `Block` for what has to be among its arguments. */
export const runBlock = (
  { runBlock: run }: ForwardOptions,
  block: Block,
  inputs: tf.Tensor2D[],
  constants: tf.Tensor[] = [],
): tf.Tensor2D => (run === undefined ? block(inputs, constants) : run(block, inputs, constants));
