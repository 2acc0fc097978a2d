/**
 * The machine's own BLAS and LAPACK, called through koffi: OpenBLAS, MKL or Accelerate from a fixed list, or the file
 * named by `DSTEER_BLAS` (`none` switches it off). Where there is none, the result says why. It computes on as many
 * threads as there are cores, unless the library's own variable (`OPENBLAS_NUM_THREADS`, …) says otherwise.
 */

import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { ResourceError } from '../base/index.js';
import { blasLibraries, firstThatWorks, messageOf } from './blas-libraries.js';
import { type NativeLapack, openLapack } from './native-lapack.js';
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
const NO_TRANSPOSE = 111;
const TRANSPOSE = 112;
const UPPER = 121;

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
  const found = firstThatWorks(blasLibraries(), (path) => openBlas(koffi, path));
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
