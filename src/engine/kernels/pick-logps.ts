/** Log-softmax at the targets, from logits; the gradient takes the logits' own memory where nothing else needs them. */

import type { TensorInfo } from '@tensorflow/tfjs';
import { InputError } from '../../base/index.js';
import { activeHeap } from '../heap.js';
import { kernelModule } from './module.js';
import { registerWasmKernel } from './register.js';

export const PICK_LOGPS = 'DsteerPickLogps';
export const PICK_LOGPS_GRADIENT = 'DsteerPickLogpsGrad';

/** logps [n] and the log of the normaliser [n]. */
const forward = (logits: TensorInfo, targets: TensorInfo): TensorInfo[] => {
  const [n = 0, vocabulary = 0] = logits.shape;
  const heap = activeHeap();
  const [logps, lse] = [heap.allocate([n]), heap.allocate([n])];
  const sumsAt = heap.scratch('pick-logps', 4 * n);
  const [logpsAt, lseAt] = [heap.offset(logps), heap.offset(lse)];
  const faulty = kernelModule().logSumExp(
    heap.offset(logits),
    heap.offset(targets),
    lseAt,
    sumsAt,
    logpsAt,
    n,
    vocabulary,
  );
  if (faulty >= 0) {
    heap.release(logps);
    heap.release(lse);
    throw new InputError(`row ${faulty}: its target is outside the vocabulary of ${vocabulary}`);
  }
  const [most, sums, picked] = [heap.floats(lseAt, n), heap.floats(sumsAt, n), heap.floats(logpsAt, n)];
  for (let row = 0; row < n; row++) {
    const normaliser = (most[row] ?? 0) + Math.log(sums[row] ?? 0);
    picked[row] = (picked[row] ?? 0) - normaliser;
    most[row] = normaliser;
  }
  return [logps, lse];
};

const backward = (inputs: Record<'logits' | 'targets' | 'lse' | 'dy', TensorInfo>): TensorInfo => {
  const { logits, targets, lse, dy } = inputs;
  const [n = 0, vocabulary = 0] = logits.shape;
  const heap = activeHeap();
  const sole = heap.backend.refCount(logits.dataId) === 1;
  if (sole) heap.backend.incRef(logits.dataId);
  const out = sole
    ? { dataId: logits.dataId, shape: [n, vocabulary], dtype: logits.dtype }
    : heap.allocate([n, vocabulary]);
  const at = heap.offset;
  kernelModule().targetLogpsGrad(at(logits), at(targets), at(lse), at(dy), at(out), n, vocabulary);
  return out;
};

export const registerPickLogps = (): void => {
  registerWasmKernel(PICK_LOGPS, ({ inputs }) => {
    const { logits, targets } = inputs as Record<'logits' | 'targets', TensorInfo>;
    return forward(logits, targets);
  });
  registerWasmKernel(PICK_LOGPS_GRADIENT, ({ inputs }) =>
    backward(inputs as Record<'logits' | 'targets' | 'lse' | 'dy', TensorInfo>),
  );
};
