/** Matrix products as a model asks for them: forward, gradient by the weight, gradient by the input. */
import { tf } from '../../engine/index.js';
import type { Subject } from '../case.js';
import { waitFor } from './wait-for.js';

const kinds = [
  { series: 'A·B', transposeA: false, transposeB: false },
  { series: 'Aᵀ·B', transposeA: true, transposeB: false },
  { series: 'A·Bᵀ', transposeA: false, transposeB: true },
] as const;

export const gemm: Subject = {
  name: 'gemm',
  title: 'Matrix product, float32',
  axis: 'rows and columns',
  cases: kinds.flatMap(({ series, transposeA, transposeB }) =>
    [128, 256, 512, 1024].map((size) => ({
      series,
      size: `${size}³`,
      scale: size,
      flops: 2 * size ** 3,
      prepare: async () => {
        const a = tf.randomNormal<tf.Rank.R2>([size, size], 0, 1, 'float32', 1);
        const b = tf.randomNormal<tf.Rank.R2>([size, size], 0, 1, 'float32', 2);
        return {
          run: () => waitFor(() => tf.matMul(a, b, transposeA, transposeB)),
          dispose: () => tf.dispose([a, b]),
        };
      },
    })),
  ),
};
