/** The feed-forward block on the heap: what one part leaves is read by the next, and no operation stands between. */

import type { TensorInfo } from '@tensorflow/tfjs';
import { activeHeap } from '../heap.js';
import { heapMatrix, multiply } from './heap-matrix.js';
import { kernelModule } from './module.js';
import { registerWasmKernel } from './register.js';

export const FEED_FORWARD = 'DsteerGatedFeedForward';
export const FEED_FORWARD_GRADIENT = 'DsteerGatedFeedForwardGrad';

type Weights = 'x' | 'gain' | 'gate' | 'up' | 'down';
type Kept = 'normed' | 'inverse' | 'gated' | 'raised';

/** The result, and what the gradient needs: `Kept` in that order. */
const forward = (inputs: Record<Weights, TensorInfo>, epsilon: number): TensorInfo[] => {
  const { x, gain, gate, up, down } = inputs;
  const [n = 0, d = 0] = x.shape;
  const [f = 0] = gate.shape;
  const heap = activeHeap();
  const [y, normed, inverse] = [heap.allocate([n, d]), heap.allocate([n, d]), heap.allocate([n])];
  const [gated, raised] = [heap.allocate([n, f]), heap.allocate([n, f])];
  const active = heapMatrix(heap.scratch('feed-forward', 4 * n * f), n, f);
  const at = heap.offset;
  const kernels = kernelModule();
  kernels.rmsNorm(at(x), at(gain), at(normed), at(inverse), n, d, epsilon);
  const input = heapMatrix(at(normed), n, d);
  multiply(heapMatrix(at(gated), n, f), input, heapMatrix(at(gate), f, d), { transposeB: true });
  multiply(heapMatrix(at(raised), n, f), input, heapMatrix(at(up), f, d), { transposeB: true });
  kernels.swiglu(at(gated), at(raised), active.at, n * f);
  kernels.copy(at(x), at(y), 4 * n * d);
  multiply(heapMatrix(at(y), n, d), active, heapMatrix(at(down), d, f), {
    transposeB: true,
    accumulate: true,
  });
  return [y, normed, inverse, gated, raised];
};

/** dx, dgain, dgate, dup, ddown. It writes over `gated` and `raised`, which nothing else reads. */
const backward = (
  inputs: Record<Weights | Kept | 'dy', TensorInfo>,
  wants: readonly boolean[],
): TensorInfo[] => {
  const { x, gain, gate, up, down, normed, inverse, gated, raised, dy } = inputs;
  const [n = 0, d = 0] = x.shape;
  const [f = 0] = gate.shape;
  const [wantsGate = true, wantsUp = true, wantsDown = true] = wants;
  const heap = activeHeap();
  const [dx, dgain] = [heap.allocate([n, d]), heap.allocate([d])];
  const weightGradient = (wanted: boolean, shape: number[]): TensorInfo =>
    heap.allocate(wanted ? shape : [0]);
  const dgate = weightGradient(wantsGate, [f, d]);
  const dup = weightGradient(wantsUp, [f, d]);
  const ddown = weightGradient(wantsDown, [d, f]);
  const active = heapMatrix(heap.scratch('feed-forward', 4 * n * f), n, f);
  const slopes = heapMatrix(heap.scratch('feed-forward-slopes', 4 * n * d), n, d);
  const at = heap.offset;
  const kernels = kernelModule();
  const output = heapMatrix(at(dy), n, d);
  multiply(active, output, heapMatrix(at(down), d, f));
  kernels.swigluGradInPlace(at(gated), at(raised), active.at, n * f);
  const gateSlopes = heapMatrix(at(gated), n, f);
  const upSlopes = heapMatrix(at(raised), n, f);
  const input = heapMatrix(at(normed), n, d);
  if (wantsDown) multiply(heapMatrix(at(ddown), d, f), output, active, { transposeA: true });
  if (wantsGate) multiply(heapMatrix(at(dgate), f, d), gateSlopes, input, { transposeA: true });
  if (wantsUp) multiply(heapMatrix(at(dup), f, d), upSlopes, input, { transposeA: true });
  multiply(slopes, gateSlopes, heapMatrix(at(gate), f, d));
  multiply(slopes, upSlopes, heapMatrix(at(up), f, d), { accumulate: true });
  kernels.rmsNormGrad(at(x), at(gain), at(inverse), slopes.at, at(dx), at(dgain), at(dy), n, d);
  return [dx, dgain, dgate, dup, ddown];
};

export const registerGatedFeedForward = (): void => {
  registerWasmKernel(FEED_FORWARD, ({ inputs, attrs }) =>
    forward(inputs as Record<Weights, TensorInfo>, Number(attrs?.['epsilon'])),
  );
  registerWasmKernel(FEED_FORWARD_GRADIENT, ({ inputs, attrs }) =>
    backward(
      inputs as Record<Weights | Kept | 'dy', TensorInfo>,
      attrs?.['wants'] as unknown as readonly boolean[],
    ),
  );
};
