/** Dense float64 matrices, row-major. */

import { InputError, UsageError } from '../base/index.js';
import { allFinite } from './vectors.js';

/** A dense [rows, columns] matrix; entry (i, j) is `data[i * columns + j]`. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

/**
 * A [rows, columns] matrix over `data`, without copying; zeros where no data is given.
 *
 * @throws {UsageError} if `data` has another length
 */
export const matrix = (rows: number, columns: number, data?: Float64Array): Matrix => {
  const entries = data ?? new Float64Array(rows * columns);
  if (entries.length !== rows * columns) {
    throw new UsageError(
      `a [${rows}, ${columns}] matrix needs ${rows * columns} numbers, not ${entries.length}`,
    );
  }
  return { rows, columns, data: entries };
};

/**
 * A matrix with these rows (copied).
 *
 * @throws {UsageError} if the rows differ in length
 */
export const matrixFromRows = (rows: readonly ArrayLike<number>[]): Matrix => {
  const columns = rows[0]?.length ?? 0;
  const data = new Float64Array(rows.length * columns);
  rows.forEach((row, i) => {
    if (row.length !== columns) {
      throw new UsageError(`row ${i} has ${row.length} numbers, the first row ${columns}`);
    }
    data.set(row, i * columns);
  });
  return { rows: rows.length, columns, data };
};

/** Row `i` as a view of the matrix's own memory. */
export const rowOf = (x: Matrix, i: number): Float64Array =>
  x.data.subarray(i * x.columns, (i + 1) * x.columns);

/** A transposed copy [columns, rows]. */
export const transpose = ({ rows, columns, data }: Matrix): Matrix => {
  const flipped = new Float64Array(data.length);
  // In square tiles, so that neither side is read with a stride longer than the cache.
  const tile = 32;
  for (let i0 = 0; i0 < rows; i0 += tile) {
    const i1 = Math.min(rows, i0 + tile);
    for (let j0 = 0; j0 < columns; j0 += tile) {
      const j1 = Math.min(columns, j0 + tile);
      for (let i = i0; i < i1; i++) {
        for (let j = j0; j < j1; j++) flipped[j * rows + i] = data[i * columns + j] as number;
      }
    }
  }
  return { rows: columns, columns: rows, data: flipped };
};

/**
 * Refuses NaN and infinities, which eigensolvers may accept silently.
 *
 * @param what names the matrix in the message, as in "displacements of layer 3"
 * @throws {InputError} naming the first row and column that is not finite
 */
export const assertFinite = (x: Matrix, what: string): void => {
  const { data, columns } = x;
  if (allFinite(data)) return;
  const i = data.findIndex((value) => !Number.isFinite(value));
  throw new InputError(
    `${what}: row ${Math.floor(i / columns)}, column ${i % columns} is ${data[i]}, not a finite number`,
    { hint: 'rows and columns count from 0; look for an overflow or a failed forward pass in that row' },
  );
};
