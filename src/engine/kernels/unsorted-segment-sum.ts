/** `UnsortedSegmentSum`, which the wasm backend lacks: the gradient of a gather. */

import type { KernelFunc, TensorInfo } from '@tensorflow/tfjs';
import { activeHeap } from '../heap.js';
import { tf } from '../tf.js';
import { kernelModule } from './module.js';
import { registerWasmKernel } from './register.js';

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, extent) => product * extent, 1);

const unsortedSegmentSum: KernelFunc = ({ inputs, attrs }) => {
  const { x, segmentIds } = inputs as Record<'x' | 'segmentIds', TensorInfo>;
  const numSegments = Number(attrs?.['numSegments']);
  const heap = activeHeap();
  const rowShape = x.shape.slice(segmentIds.shape.length);
  const out = heap.allocate([numSegments, ...rowShape]);
  const width = sizeOf(rowShape);
  const rows = sizeOf(segmentIds.shape);
  kernelModule().scatterAddRows(
    heap.offset(x),
    heap.offset(segmentIds),
    heap.offset(out),
    rows,
    width,
    numSegments,
  );
  return out;
};

export const registerUnsortedSegmentSum = (): void => {
  registerWasmKernel(tf.UnsortedSegmentSum, unsortedSegmentSum);
};
