/** The engines on libtensorflow: `tensorflow` (CPU) and `tensorflow-gpu` (CUDA), both through tfjs-node. */

import util from 'node:util';
import { tf } from '../tf.js';
import { type Engine, EngineUnavailable } from './engine.js';
import { importOptional } from './optional-package.js';

const BACKEND = 'tensorflow';

/** tfjs-node 4.22 calls a function that Node 23 dropped. */
const supplyDroppedFunctions = (): void => {
  if (!('isNullOrUndefined' in util)) {
    Object.assign(util, { isNullOrUndefined: (value: unknown) => value === null || value === undefined });
  }
};

const usesGpu = (): boolean => {
  const backend = tf.backend() as { readonly isUsingGpuDevice?: boolean };
  return backend.isUsingGpuDevice === true;
};

const load = async (packageName: string): Promise<void> => {
  supplyDroppedFunctions();
  await importOptional(packageName);
};

const createTensorflowEngine = (packageName: string, gpu: boolean): Engine => {
  const details = `${packageName}${gpu ? ' on CUDA' : ''}`;
  return {
    probe: async () => {
      await load(packageName);
      return details;
    },
    start: async () => {
      const before = tf.getBackend();
      await load(packageName);
      if (!(await tf.setBackend(BACKEND))) {
        throw new EngineUnavailable(
          `${packageName} registers no working backend`,
          `reinstall ${packageName}`,
        );
      }
      await tf.ready();
      if (gpu && !usesGpu()) {
        if (before) await tf.setBackend(before);
        throw new EngineUnavailable(
          'libtensorflow sees no CUDA device',
          'install CUDA and its driver, or use tensorflow',
        );
      }
      return { backend: BACKEND, details };
    },
  };
};

export const tensorflowEngine = createTensorflowEngine('@tensorflow/tfjs-node', false);
export const tensorflowGpuEngine = createTensorflowEngine('@tensorflow/tfjs-node-gpu', true);
