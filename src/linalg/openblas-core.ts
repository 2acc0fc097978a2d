/**
 * OpenBLAS before 0.3.25 takes processors newer than itself for a Pentium 4 of 2004 ("Prescott") and computes without AVX,
 * several times slower (OpenMathLib/OpenBLAS#4267). Distributions ship such versions, so the choice is made again here.
 */
import { readFileSync } from 'node:fs';

const variable = 'OPENBLAS_CORETYPE';
const oldest = 'Prescott';

/** Instructions that a kind of kernel needs beside those of the kinds after it, best first. */
const kinds: readonly (readonly [core: string, flags: readonly string[]])[] = [
  ['Cooperlake', ['avx512_bf16', 'avx512f', 'avx512bw', 'avx512dq', 'avx512vl', 'avx512cd']],
  ['SkylakeX', ['avx512f', 'avx512bw', 'avx512dq', 'avx512vl', 'avx512cd']],
  ['Haswell', ['avx2', 'fma']],
];

/**
 * The newest kind of kernels that a processor can run.
 *
 * @param cpuinfo what Linux has in /proc/cpuinfo
 */
export const coreFor = (cpuinfo: string): string | undefined => {
  const [, listed = ''] = /^flags\s*:(.*)$/m.exec(cpuinfo) ?? [];
  const flags = new Set(listed.trim().split(/\s+/));
  return kinds.find(([, needed]) => needed.every((flag) => flags.has(flag)))?.[0];
};

/** What the library must export for its choice to be made again. */
export interface CoreControl {
  corename(): string;
  /** `gotoblas_dynamic_quit`, then `gotoblas_dynamic_init`: it looks at `OPENBLAS_CORETYPE` anew. */
  choose(): void;
}

const readCpuinfo = (): string => {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    return '';
  }
};

/**
 * Has OpenBLAS choose its kernels again where it missed what the processor can do, unless `OPENBLAS_CORETYPE` says what the
 * user wants. That variable then names the kind, for the processes forked from here. To be called before anything is
 * computed.
 */
export const correctCore = (
  { corename, choose }: CoreControl,
  environment: NodeJS.ProcessEnv = process.env,
  cpuinfo: () => string = readCpuinfo,
): void => {
  if (environment[variable] || corename() !== oldest) return;
  const core = coreFor(cpuinfo());
  if (core === undefined) return;
  environment[variable] = core;
  choose();
};
