/** Products of matrices on the heap as the fused blocks write them. */

import { heapGemm } from '../gemm.js';

/** A row-major matrix at a byte offset. */
export interface HeapMatrix {
  readonly at: number;
  readonly rows: number;
  readonly columns: number;
}

export const heapMatrix = (at: number, rows: number, columns: number): HeapMatrix => ({ at, rows, columns });

interface ProductOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  /** Add to what `out` holds. */
  readonly accumulate?: boolean;
}

/** out = op(a) · op(b), or out += that. */
export const multiply = (
  out: HeapMatrix,
  a: HeapMatrix,
  b: HeapMatrix,
  { transposeA = false, transposeB = false, accumulate = false }: ProductOptions = {},
): void => {
  const depth = transposeA ? a.rows : a.columns;
  const beta = accumulate ? 1 : 0;
  heapGemm()(
    transposeA,
    transposeB,
    out.rows,
    out.columns,
    depth,
    1,
    a.at,
    a.columns,
    b.at,
    b.columns,
    beta,
    out.at,
    out.columns,
  );
};
