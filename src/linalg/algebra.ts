/** Which code does the dense algebra: the machine's BLAS and LAPACK, or TypeScript alone. */

import { ResourceError } from '../base/index.js';
import type { DenseAlgebra } from './dense-algebra.js';
import { createNativeAlgebra } from './native-algebra.js';
import { loadNativeBlas } from './native-blas.js';
import { portableAlgebra } from './portable-algebra.js';

/** `auto` takes native code where a BLAS library is found. */
export type AlgebraName = 'auto' | 'native' | 'portable';

/** The option every function here takes; `auto` if left out. */
export interface AlgebraOptions {
  readonly algebra?: AlgebraName | DenseAlgebra;
}

/**
 * The dense algebra of that name.
 *
 * @throws {ResourceError} if `native` is asked for and no BLAS library is found
 */
export const denseAlgebra = (name: AlgebraName | DenseAlgebra = 'auto'): DenseAlgebra => {
  if (typeof name !== 'string') return name;
  if (name === 'portable') return portableAlgebra;
  const blas = loadNativeBlas();
  if (!('unavailable' in blas)) return createNativeAlgebra(blas);
  if (name === 'auto') return portableAlgebra;
  throw new ResourceError(`no native linear algebra: ${blas.unavailable}`, {
    hint: 'install a BLAS library (Debian: libopenblas0-pthread liblapacke), or use the portable algebra',
  });
};
