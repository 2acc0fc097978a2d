/**
 * The machine's own BLAS and LAPACK, called through koffi: OpenBLAS, MKL or Accelerate from a fixed list, or the file
 * named by `DSTEER_BLAS` (`none` switches it off). Where there is none, the result says why. It computes on as many
 * threads as there are cores, unless the library's own variable (`OPENBLAS_NUM_THREADS`, …) says otherwise.
 */

import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { ResourceError } from '../base/index.js';
import { type CoreControl, correctCore } from './openblas-core.js';

type Koffi = typeof import('koffi');
type Library = ReturnType<Koffi['load']>;

type Gemm<View> = (
  transA: boolean,
  transB: boolean,
  m: number,
  n: number,
  k: number,
  alpha: number,
  a: View,
  lda: number,
  b: View,
  ldb: number,
  beta: number,
  c: View,
  ldc: number,
) => void;

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

export interface NativeBlas {
  /** What was loaded: a path, or a name the system's loader resolved. */
  readonly path: string;
  /** What it calls itself: name, version, processor kind. */
  readonly name: string;
  /** Threads it computes on; 0 where it does not tell. */
  readonly threads: number;
  setThreads(count: number): void;
  /** C [m, n] = alpha · op(A) [m, k] · op(B) [k, n] + beta · C; row-major; `ld…` are the lengths of stored rows. */
  readonly sgemm: Gemm<Float32Array>;
  readonly dgemm: Gemm<Float64Array>;
  /** `sgemm` on addresses in this process (see `addressOf`): no view need be made. */
  readonly sgemmAt: Gemm<number>;
  /** Upper triangle of C [n, n] = alpha · A·Aᵀ + beta · C, or Aᵀ·A if `trans`; A is [n, k], or [k, n] if `trans`. */
  dsyrk(
    trans: boolean,
    n: number,
    k: number,
    alpha: number,
    a: Float64Array,
    lda: number,
    beta: number,
    c: Float64Array,
    ldc: number,
  ): void;
  /** y [n] = A·x, of the symmetric row-major A [n, n] whose upper triangle is read. */
  dsymv(n: number, a: Float64Array, x: Float64Array, y: Float64Array): void;
  /** Address of the view's first byte: good as long as its buffer lives and is not detached. */
  addressOf(view: ArrayBufferView): number;
  readonly lapack: NativeLapack | undefined;
}

/** Environment of a process or thread whose products are to be computed by itself alone, whatever the library. */
export const oneBlasThread = {
  OPENBLAS_NUM_THREADS: '1',
  MKL_NUM_THREADS: '1',
  VECLIB_MAXIMUM_THREADS: '1',
} as const;

/** Has each product computed on one thread, in all threads of this process, until the function that it returns is called. */
export const limitToOneThread = (blas: NativeBlas): (() => void) => {
  const { threads } = blas;
  blas.setThreads(1);
  return () => blas.setThreads(threads);
};

export interface NoNativeBlas {
  readonly unavailable: string;
}

const ROW_MAJOR = 101;
const COLUMN_MAJOR = 102;
const NO_TRANSPOSE = 111;
const TRANSPOSE = 112;
const UPPER = 121;

const BLAS_LIBRARIES: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  linux: [
    'libopenblas.so.0',
    'libopenblas.so',
    'libopenblasp.so.0',
    'libmkl_rt.so.2',
    'libmkl_rt.so.1',
    'libmkl_rt.so',
  ],
  darwin: [
    '/System/Library/Frameworks/Accelerate.framework/Accelerate',
    '/opt/homebrew/opt/openblas/lib/libopenblas.dylib',
    '/usr/local/opt/openblas/lib/libopenblas.dylib',
  ],
  win32: ['libopenblas.dll', 'openblas.dll', 'mkl_rt.2.dll', 'mkl_rt.1.dll', 'mkl_rt.dll'],
};

const LAPACKE_LIBRARIES: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  linux: ['liblapacke.so.3', 'liblapacke.so'],
  darwin: [
    '/opt/homebrew/opt/lapack/lib/liblapacke.dylib',
    '/opt/homebrew/opt/openblas/lib/libopenblas.dylib',
    '/usr/local/opt/openblas/lib/libopenblas.dylib',
  ],
  win32: ['liblapacke.dll'],
};

const INSTALL_HINT: Readonly<Partial<Record<NodeJS.Platform, string>>> = {
  linux:
    'install OpenBLAS (Debian, Ubuntu: libopenblas0-pthread liblapacke) or set DSTEER_BLAS to a library file',
  darwin: 'Accelerate should be there; else brew install openblas, or set DSTEER_BLAS to a library file',
  win32: 'put libopenblas.dll on the PATH, or set DSTEER_BLAS to a library file',
};

/** What to install where no BLAS is found. */
export const blasInstallHint = (): string =>
  INSTALL_HINT[process.platform] ?? 'install OpenBLAS and set DSTEER_BLAS to its library file';

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const firstThatWorks = <T>(
  candidates: readonly string[],
  open: (path: string) => T,
): { value: T } | { reasons: string[] } => {
  const reasons: string[] = [];
  for (const path of candidates) {
    try {
      return { value: open(path) };
    } catch (error) {
      reasons.push(`${path}: ${messageOf(error).split('\n')[0] ?? ''}`);
    }
  }
  return { reasons };
};

/** The function of that prototype, or undefined where the library does not export it. */
const optional = (library: Library, prototype: string): ReturnType<Library['func']> | undefined => {
  try {
    return library.func(prototype);
  } catch {
    return undefined;
  }
};

const gemmPrototype = (name: string, real: string, pointer: string): string =>
  `void ${name}(int order, int ta, int tb, int m, int n, int k, ${real} alpha, ${pointer} a, int lda, ` +
  `${pointer} b, int ldb, ${real} beta, ${pointer} c, int ldc)`;

const bindGemm = <View>(library: Library, name: string, real: string, pointer: string): Gemm<View> => {
  const gemm = library.func(gemmPrototype(name, real, pointer));
  return (transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc) => {
    gemm(
      ROW_MAJOR,
      transA ? TRANSPOSE : NO_TRANSPOSE,
      transB ? TRANSPOSE : NO_TRANSPOSE,
      m,
      n,
      k,
      alpha,
      a,
      lda,
      b,
      ldb,
      beta,
      c,
      ldc,
    );
  };
};

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

const openLapack = (koffi: Koffi, blas: Library, blasPath: string): NativeLapack | undefined => {
  const found = firstThatWorks([blasPath, ...(LAPACKE_LIBRARIES[process.platform] ?? [])], (path) =>
    bindLapack(path === blasPath ? blas : koffi.load(path), path),
  );
  return 'value' in found ? found.value : undefined;
};

interface ThreadControl {
  readonly name: string;
  set(count: number): void;
  get(): number;
}

const threadControl = (library: Library, path: string): ThreadControl => {
  const setOpenBlas = optional(library, 'void openblas_set_num_threads(int n)');
  const getOpenBlas = optional(library, 'int openblas_get_num_threads()');
  if (setOpenBlas && getOpenBlas) {
    const config = optional(library, 'const char *openblas_get_config()');
    const core = optional(library, 'const char *openblas_get_corename()');
    const version = /^OpenBLAS [\d.]+/.exec(String(config?.() ?? ''))?.[0] ?? 'OpenBLAS';
    return {
      name: core ? `${version} (${String(core())})` : version,
      set: (count) => setOpenBlas(count),
      get: () => Number(getOpenBlas()),
    };
  }
  const setMkl = optional(library, 'void MKL_Set_Num_Threads(int n)');
  const getMkl = optional(library, 'int MKL_Get_Max_Threads()');
  if (setMkl && getMkl) return { name: 'MKL', set: (count) => setMkl(count), get: () => Number(getMkl()) };
  const name = path.includes('Accelerate') ? 'Accelerate' : 'BLAS';
  return { name, set: () => undefined, get: () => 0 };
};

const coreControl = (library: Library): CoreControl | undefined => {
  const corename = optional(library, 'const char *openblas_get_corename()');
  const quit = optional(library, 'void gotoblas_dynamic_quit()');
  const init = optional(library, 'void gotoblas_dynamic_init()');
  if (!corename || !quit || !init) return undefined;
  return {
    corename: () => String(corename()),
    choose: () => {
      quit();
      init();
    },
  };
};

const openBlas = (koffi: Koffi, path: string): NativeBlas => {
  const library = koffi.load(path);
  const core = coreControl(library);
  if (core !== undefined) correctCore(core);
  const threads = threadControl(library, path);
  const dsyrk = library.func(
    'void cblas_dsyrk(int order, int uplo, int trans, int n, int k, double alpha, void *a, int lda, double beta, void *c, int ldc)',
  );
  const dsymv = library.func(
    'void cblas_dsymv(int order, int uplo, int n, double alpha, void *a, int lda, void *x, int incx, double beta, void *y, int incy)',
  );
  const blas: NativeBlas = {
    path,
    name: threads.name,
    get threads() {
      return threads.get();
    },
    setThreads: (count) => threads.set(count),
    sgemm: bindGemm<Float32Array>(library, 'cblas_sgemm', 'float', 'void *'),
    dgemm: bindGemm<Float64Array>(library, 'cblas_dgemm', 'double', 'void *'),
    sgemmAt: bindGemm<number>(library, 'cblas_sgemm', 'float', 'uintptr_t'),
    dsyrk: (trans, n, k, alpha, a, lda, beta, c, ldc) =>
      dsyrk(ROW_MAJOR, UPPER, trans ? TRANSPOSE : NO_TRANSPOSE, n, k, alpha, a, lda, beta, c, ldc),
    dsymv: (n, a, x, y) => dsymv(ROW_MAJOR, UPPER, n, 1, a, n, x, 1, 0, y, 1),
    addressOf: (view) => Number(koffi.address(view)),
    lapack: openLapack(koffi, library, path),
  };
  if (
    !process.env['OPENBLAS_NUM_THREADS'] &&
    !process.env['OMP_NUM_THREADS'] &&
    !process.env['MKL_NUM_THREADS']
  ) {
    blas.setThreads(availableParallelism());
  }
  return blas;
};

const find = (): NativeBlas | NoNativeBlas => {
  const asked = process.env['DSTEER_BLAS'];
  if (asked === 'none') return { unavailable: 'switched off by DSTEER_BLAS=none' };
  let koffi: Koffi;
  try {
    koffi = createRequire(import.meta.url)('koffi');
  } catch (error) {
    return { unavailable: `koffi has no binary for this platform: ${messageOf(error)}` };
  }
  if (asked) {
    try {
      return openBlas(koffi, asked);
    } catch (error) {
      throw new ResourceError(`DSTEER_BLAS names ${asked}, which does not load: ${messageOf(error)}`, {
        hint: 'name a shared library that exports cblas_sgemm, unset DSTEER_BLAS to search, or set it to none',
        cause: error,
      });
    }
  }
  const found = firstThatWorks(BLAS_LIBRARIES[process.platform] ?? [], (path) => openBlas(koffi, path));
  if ('value' in found) return found.value;
  const first = found.reasons[0];
  return {
    unavailable: first ? `no BLAS library found (${first}, …)` : 'no BLAS library known for this platform',
  };
};

let cached: { readonly asked: string | undefined; readonly result: NativeBlas | NoNativeBlas } | undefined;

/**
 * The machine's BLAS, loaded once a value of `DSTEER_BLAS`.
 *
 * @throws {ResourceError} if `DSTEER_BLAS` names a library that does not load
 */
export const loadNativeBlas = (): NativeBlas | NoNativeBlas => {
  const asked = process.env['DSTEER_BLAS'];
  if (cached === undefined || cached.asked !== asked) cached = { asked, result: find() };
  return cached.result;
};
