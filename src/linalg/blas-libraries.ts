/** Where a BLAS and a LAPACK are looked for, and what to install where there is none. */

type ByPlatform<T> = Readonly<Partial<Record<NodeJS.Platform, T>>>;

const BLAS_LIBRARIES: ByPlatform<readonly string[]> = {
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

const LAPACKE_LIBRARIES: ByPlatform<readonly string[]> = {
  linux: ['liblapacke.so.3', 'liblapacke.so'],
  darwin: [
    '/opt/homebrew/opt/lapack/lib/liblapacke.dylib',
    '/opt/homebrew/opt/openblas/lib/libopenblas.dylib',
    '/usr/local/opt/openblas/lib/libopenblas.dylib',
  ],
  win32: ['liblapacke.dll'],
};

const INSTALL_HINT: ByPlatform<string> = {
  linux:
    'install OpenBLAS (Debian, Ubuntu: libopenblas0-pthread liblapacke) or set DSTEER_BLAS to a library file',
  darwin: 'Accelerate should be there; else brew install openblas, or set DSTEER_BLAS to a library file',
  win32: 'put libopenblas.dll on the PATH, or set DSTEER_BLAS to a library file',
};

/** What to install where no BLAS is found. */
export const blasInstallHint = (): string =>
  INSTALL_HINT[process.platform] ?? 'install OpenBLAS and set DSTEER_BLAS to its library file';

/** Names of BLAS libraries on this platform, in the order in which they are tried. */
export const blasLibraries = (): readonly string[] => BLAS_LIBRARIES[process.platform] ?? [];

/** Names of libraries with the C interface of LAPACK. */
export const lapackLibraries = (): readonly string[] => LAPACKE_LIBRARIES[process.platform] ?? [];

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The first of the candidates that opens, or why none does. */
export const firstThatWorks = <T>(
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
