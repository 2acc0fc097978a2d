/**
 * `GatherV2` of rows: the stock kernel checks each index in JavaScript. With batch dimensions it returns wrong values
 * and says nothing, so that is refused.
 */

import type { KernelFunc, TensorInfo } from '@tensorflow/tfjs';
import { ComputationError, InputError } from '../../base/index.js';
import { activeHeap } from '../heap.js';
import { tf } from '../tf.js';
import { kernelModule } from './module.js';
import { registerWasmKernel, stockKernel } from './register.js';

const gatherRows = (x: TensorInfo, indices: TensorInfo): TensorInfo => {
  const [tableRows = 0, ...rowShape] = x.shape;
  const heap = activeHeap();
  const out = heap.allocate([...indices.shape, ...rowShape]);
  const rows = tf.util.sizeFromShape(indices.shape);
  const width = tf.util.sizeFromShape(rowShape);
  const at = heap.offset;
  const faulty = kernelModule().gatherRows(at(x), at(indices), at(out), rows, width, tableRows);
  if (faulty >= 0) {
    heap.release(out);
    throw new InputError(`index ${faulty} points outside the ${tableRows} rows there are`);
  }
  return out;
};

export const registerGather = (): void => {
  const stock = stockKernel(tf.GatherV2);
  const gather: KernelFunc = (call) => {
    const { x, indices } = call.inputs as Record<'x' | 'indices', TensorInfo>;
    const { axis, batchDims } = call.attrs as Record<'axis' | 'batchDims', number>;
    if (batchDims !== 0) throw new ComputationError('gather with batchDims is wrong on the wasm backend');
    const byRows = axis === 0 && x.dtype === 'float32' && indices.dtype === 'int32';
    return byRows ? gatherRows(x, indices) : stock(call);
  };
  registerWasmKernel(tf.GatherV2, gather);
};
