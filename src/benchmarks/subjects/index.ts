import type { Subject } from '../case.js';
import { dpoStep } from './dpo-step.js';
import { extraction } from './extraction.js';
import { gemm } from './gemm.js';
import { fusedKernels } from './kernels.js';
import { spectrum } from './spectrum.js';
import { sweep } from './sweep.js';
import { trainingStep } from './training-step.js';
import { transfer } from './transfer.js';
import { wholeVerify } from './verify.js';

/** In the order of the table. */
export const subjects: readonly Subject[] = [
  gemm,
  fusedKernels,
  trainingStep,
  dpoStep,
  extraction,
  sweep,
  spectrum,
  transfer,
  wholeVerify,
];
