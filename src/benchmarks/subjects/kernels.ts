/** Fused operations with their gradients, at the sizes of a training step of 16 × 64 tokens. */
import { causalAttention, rmsNorm, swiglu, targetLogps, tf, valueAndGrads } from '../../engine/index.js';
import { atWidth, type BenchmarkCase, type SizelessCase, type Subject } from '../case.js';
import { BATCH, LENGTH, WIDTHS } from '../llama-steps.js';
import { waitFor } from './wait-for.js';

const HEADS = 4;
const VOCABULARY = 512;
const ROWS = BATCH * LENGTH;

type Shape = readonly [rows: number, columns: number];

/** Times the value and all gradients of a mean of `compute` over random matrices of these shapes. */
const withGradients = async (
  shapes: readonly Shape[],
  compute: (...inputs: tf.Tensor2D[]) => tf.Tensor,
): ReturnType<BenchmarkCase['prepare']> => {
  const inputs = shapes.map(([rows, columns], seed) =>
    tf.tidy(() => tf.variable(tf.randomNormal<tf.Rank.R2>([rows, columns], 0, 1, 'float32', seed + 1))),
  );
  return {
    run: () =>
      waitFor(() => {
        const { value, grads } = valueAndGrads(() => tf.mean(compute(...inputs)) as tf.Scalar, inputs);
        const [last = value] = Object.values(grads).slice(-1);
        return last;
      }),
    dispose: () => tf.dispose(inputs),
  };
};

const attentionShape = (width: number) => ({
  batch: BATCH,
  length: LENGTH,
  heads: HEADS,
  keyValueHeads: HEADS,
  headDim: width / HEADS,
});

const kernels = (width: number): SizelessCase[] => [
  {
    series: 'RMSNorm',
    prepare: () =>
      withGradients(
        [
          [ROWS, width],
          [1, width],
        ],
        (x, gain) => rmsNorm(x, tf.reshape(gain, [width]), 1e-5),
      ),
  },
  {
    series: 'causal attention',
    flops: 7 * 2 * BATCH * LENGTH * LENGTH * width,
    prepare: () =>
      withGradients(
        [
          [ROWS, width],
          [ROWS, width],
          [ROWS, width],
        ],
        (q, k, v) => causalAttention(q, k, v, attentionShape(width)),
      ),
  },
  {
    series: 'SwiGLU',
    prepare: () =>
      withGradients(
        [
          [ROWS, 4 * width],
          [ROWS, 4 * width],
        ],
        swiglu,
      ),
  },
  {
    series: 'log-softmax and gather',
    flops: 6 * ROWS * VOCABULARY * width,
    prepare: () => {
      const targets = Int32Array.from({ length: ROWS }, (_, row) => (7 * row) % VOCABULARY);
      return withGradients(
        [
          [ROWS, width],
          [VOCABULARY, width],
        ],
        (h, head) => targetLogps(h, head, tf.tensor1d(targets, 'int32')),
      );
    },
  },
];

export const fusedKernels: Subject = {
  name: 'kernels',
  title: 'Fused kernels, forward and backward, 16 × 64 tokens',
  axis: 'd',
  cases: WIDTHS.filter((width) => width >= 128).flatMap((width) =>
    kernels(width).map((kernel) => atWidth(width, kernel)),
  ),
};
