/** The engines on tfjs's WebAssembly backend: alone (`wasm`), and with the machine's BLAS on its heap (`blas`). */

import '@tensorflow/tfjs-backend-wasm';
import { blasInstallHint, loadNativeBlas, type NativeBlas } from '../../linalg/index.js';
import { nativeHeapGemm, portableHeapGemm, useHeapGemm } from '../gemm.js';
import { registerHeapKernels } from '../kernels/register-all.js';
import { tf } from '../tf.js';
import { type Engine, EngineUnavailable } from './engine.js';

let registered = false;

const startBackend = async (): Promise<void> => {
  if (!(await tf.setBackend('wasm'))) {
    throw new EngineUnavailable(
      'the WebAssembly backend does not start',
      'it needs a Node with WebAssembly SIMD: 20 or later',
    );
  }
  await tf.ready();
  if (!registered) {
    registerHeapKernels();
    registered = true;
  }
};

export const wasmEngine: Engine = {
  probe: async () => 'WebAssembly SIMD',
  start: async () => {
    await startBackend();
    useHeapGemm(portableHeapGemm());
    return { backend: 'wasm', details: 'WebAssembly SIMD' };
  },
};

const requireBlas = (): NativeBlas => {
  const blas = loadNativeBlas();
  if ('unavailable' in blas) throw new EngineUnavailable(blas.unavailable, blasInstallHint());
  return blas;
};

const describeBlas = (blas: NativeBlas): string =>
  `${blas.name}, ${blas.threads || 'its own number of'} threads, ${blas.path}`;

export const blasEngine: Engine = {
  probe: async () => describeBlas(requireBlas()),
  start: async () => {
    const blas = requireBlas();
    await startBackend();
    useHeapGemm(nativeHeapGemm(blas));
    const { name, path, threads } = blas;
    return {
      backend: 'wasm',
      details: `WebAssembly SIMD with ${describeBlas(blas)}`,
      blas: { name, path, threads },
    };
  },
};
