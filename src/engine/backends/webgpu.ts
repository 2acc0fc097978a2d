/** The engine `webgpu`: tfjs's WebGPU backend over Dawn for Node, on any Vulkan, Metal or D3D12 device. */

import { tf } from '../tf.js';
import { type Engine, EngineUnavailable } from './engine.js';
import { importOptional } from './optional-package.js';

const BACKEND = 'webgpu';
const NO_ADAPTER_HINT =
  'install a Vulkan, Metal or D3D12 driver; without a GPU, SwiftShader serves: point VK_ICD_FILENAMES at its vk_swiftshader_icd.json';

interface Adapter {
  readonly info?: { readonly vendor?: string; readonly device?: string; readonly description?: string };
}

interface Gpu {
  requestAdapter(): Promise<Adapter | null>;
}

interface Dawn {
  create(options: string[]): Gpu;
  readonly globals: object;
}

let gpu: Gpu | undefined;

/** Puts Dawn where a browser has WebGPU: the backend looks there when it is loaded. */
const openGpu = async (): Promise<Gpu> => {
  if (gpu === undefined) {
    const dawn = (await importOptional('webgpu')) as Dawn;
    gpu = dawn.create([]);
    Object.assign(globalThis, dawn.globals);
    const navigator = { ...Reflect.get(globalThis, 'navigator'), gpu };
    Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true, writable: true });
  }
  return gpu;
};

const describeAdapter = async (): Promise<string> => {
  const adapter = await (await openGpu()).requestAdapter();
  if (adapter === null) throw new EngineUnavailable('Dawn finds no device', NO_ADAPTER_HINT);
  const { vendor, device, description } = adapter.info ?? {};
  return description || [vendor, device].filter(Boolean).join(' ') || 'a device without a name';
};

export const webgpuEngine: Engine = {
  probe: async () => {
    const device = await describeAdapter();
    await importOptional('@tensorflow/tfjs-backend-webgpu');
    return device;
  },
  start: async () => {
    const device = await describeAdapter();
    await importOptional('@tensorflow/tfjs-backend-webgpu');
    if (!(await tf.setBackend(BACKEND))) {
      throw new EngineUnavailable(`the WebGPU backend does not start on ${device}`, NO_ADAPTER_HINT);
    }
    await tf.ready();
    return { backend: BACKEND, details: `WebGPU on ${device}` };
  },
};
