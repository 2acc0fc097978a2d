/** LAPACK's decompositions through its C interface. */
import { firstThatWorks, lapackLibraries } from './blas-libraries.js';

type Koffi = typeof import('koffi');
type Library = ReturnType<Koffi['load']>;

const ROW_MAJOR = 101;
const COLUMN_MAJOR = 102;

/** `row`: matrices are row-major (LAPACKE transposes them inside); `column`: column-major, no copy. */
export type LapackLayout = 'row' | 'column';

export interface NativeLapack {
  readonly path: string;
  /**
   * Eigenvalues of the symmetric [n, n] matrix `a`, ascending into `values`; with `vectors`, `a` is overwritten by the
   * eigenvectors (columns of the matrix in the given layout). Returns LAPACK's info: 0 is success.
   */
  dsyevd(layout: LapackLayout, vectors: boolean, n: number, a: Float64Array, values: Float64Array): number;
  /**
   * Singular values of the [m, n] matrix `a` (destroyed), descending into `values` [min(m, n)]. With `vectors` `thin`,
   * `u` is [m, min] and `vt` is [min, n] in the given layout. Returns LAPACK's info: 0 is success.
   */
  dgesdd(
    layout: LapackLayout,
    vectors: 'none' | 'thin',
    m: number,
    n: number,
    a: Float64Array,
    values: Float64Array,
    u?: Float64Array,
    vt?: Float64Array,
  ): number;
}

const bindLapack = (library: Library, path: string): NativeLapack => {
  const dsyevd = library.func(
    'int LAPACKE_dsyevd(int layout, int8_t job, int8_t uplo, int n, void *a, int lda, void *w)',
  );
  const dgesdd = library.func(
    'int LAPACKE_dgesdd(int layout, int8_t job, int m, int n, void *a, int lda, void *s, void *u, int ldu, void *vt, int ldvt)',
  );
  const layoutCode = (layout: LapackLayout): number => (layout === 'row' ? ROW_MAJOR : COLUMN_MAJOR);
  const letter = (text: string): number => text.charCodeAt(0);
  return {
    path,
    dsyevd: (layout, vectors, n, a, values) =>
      dsyevd(layoutCode(layout), letter(vectors ? 'V' : 'N'), letter('U'), n, a, Math.max(1, n), values),
    dgesdd: (layout, vectors, m, n, a, values, u, vt) => {
      const least = Math.max(1, Math.min(m, n));
      const row = layout === 'row';
      return dgesdd(
        layoutCode(layout),
        letter(vectors === 'thin' ? 'S' : 'N'),
        m,
        n,
        a,
        Math.max(1, row ? n : m),
        values,
        u ?? null,
        row ? least : Math.max(1, m),
        vt ?? null,
        row ? Math.max(1, n) : least,
      );
    },
  };
};

/** From the BLAS library itself where it holds one, else from one of its own. */
export const openLapack = (koffi: Koffi, blas: Library, blasPath: string): NativeLapack | undefined => {
  const found = firstThatWorks([blasPath, ...lapackLibraries()], (path) =>
    bindLapack(path === blasPath ? blas : koffi.load(path), path),
  );
  return 'value' in found ? found.value : undefined;
};
