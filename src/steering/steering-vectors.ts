/** Steering vectors on disk: safetensors, which keep them all, and llama.cpp's control vectors (GGUF). */
import { open } from 'node:fs/promises';
import { InputError, UsageError } from '../base/index.js';
import {
  type GgufTensor,
  type GgufValue,
  openSafetensors,
  readGguf,
  type SafetensorsFile,
  writeGguf,
  writeSafetensors,
} from '../store/index.js';

/** One vector a site, all of d dimensions. */
export interface SteeringVectors {
  readonly hiddenSize: number;
  /** By the block 1..L after which each is added to the residual stream. */
  readonly residual: ReadonlyMap<number, Float32Array>;
  /** Of the final hidden state, which W_U reads. */
  readonly postNorm: Float32Array | undefined;
}

const checkFinite = (vector: Float32Array, what: string, file: string): Float32Array => {
  const bad = vector.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return vector;
  throw new InputError(`${what} is ${vector[bad]} in dimension ${bad}`, { where: { file } });
};

const checkSizes = ({ hiddenSize, residual, postNorm }: SteeringVectors): void => {
  for (const vector of [...residual.values(), ...(postNorm ? [postNorm] : [])]) {
    if (vector.length !== hiddenSize) {
      throw new UsageError(`a vector of ${vector.length} dimensions stands among vectors of ${hiddenSize}`);
    }
  }
};

/**
 * Writes `residual` [L, d] and `postNorm` [d], whichever there are, as float32 safetensors. Layers without a vector
 * between those that have one are an error: a row of zeros would say that they have one.
 *
 * @throws UsageError for vectors of unlike sizes, layers that are not 1..L, or no vector at all
 */
export const writeSteeringVectors = async (
  path: string,
  vectors: SteeringVectors,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> => {
  checkSizes(vectors);
  const { hiddenSize, residual, postNorm } = vectors;
  const layers = [...residual.keys()].sort((a, b) => a - b);
  if (layers.some((layer, index) => layer !== index + 1)) {
    throw new UsageError(`vectors of layers ${layers.join(', ')} cannot be written as residual [L, d]`, {
      hint: 'safetensors need one for every layer from 1 on; a control vector (.gguf) need not',
    });
  }
  if (layers.length === 0 && postNorm === undefined) throw new UsageError('there is no vector to write');
  const rows = new Float32Array(layers.length * hiddenSize);
  for (const [layer, vector] of residual) rows.set(vector, (layer - 1) * hiddenSize);
  await writeSafetensors(
    path,
    {
      ...(layers.length > 0 ? { residual: { shape: [layers.length, hiddenSize], data: rows } } : {}),
      ...(postNorm ? { postNorm: { shape: [hiddenSize], data: postNorm } } : {}),
    },
    { metadata },
  );
};

/**
 * Writes a llama.cpp control vector (`llama-cli --control-vector-scaled FILE:λ`). llama.cpp counts blocks from 0 and adds
 * `direction.N` to the output of block N: the vector of our layer N + 1. It has no place for layer 1, nor for the final
 * hidden state: those are left out.
 *
 * @param modelHint the architecture by llama.cpp's name, which other tools look at
 * @returns the layers that were written
 * @throws UsageError where no vector has a place
 */
export const writeControlVector = async (
  path: string,
  vectors: SteeringVectors,
  { modelHint }: { readonly modelHint: string },
): Promise<number[]> => {
  checkSizes(vectors);
  const layers = [...vectors.residual.keys()].sort((a, b) => a - b).filter((layer) => layer >= 2);
  if (layers.length === 0) {
    throw new UsageError('a control vector holds vectors of layers from 2 on, and there is none', {
      hint: 'the final hidden state has no place in llama.cpp: keep its vector as safetensors',
    });
  }
  const tensors: Record<string, GgufTensor> = {};
  for (const layer of layers) {
    const data = vectors.residual.get(layer) ?? new Float32Array(0);
    tensors[`direction.${layer - 1}`] = { shape: [vectors.hiddenSize], data };
  }
  await writeGguf(
    path,
    {
      'general.architecture': 'controlvector',
      'controlvector.model_hint': modelHint,
      'controlvector.layer_count': layers.length,
    },
    tensors,
  );
  return layers;
};

const isControlVector = (path: string) => (metadata: ReadonlyMap<string, GgufValue>) => {
  const architecture = metadata.get('general.architecture');
  if (architecture === 'controlvector') return;
  throw new InputError(
    `this GGUF file is of architecture ${JSON.stringify(architecture)}, no control vector`,
    {
      where: { file: path },
      hint: 'a control vector has general.architecture "controlvector" and tensors direction.1, direction.2, …',
    },
  );
};

const readControlVector = async (path: string): Promise<SteeringVectors> => {
  const fault = (message: string): InputError =>
    new InputError(`not a usable control vector: ${message}`, { where: { file: path } });
  const { metadata, tensors } = await readGguf(path, isControlVector(path));
  const residual = new Map<number, Float32Array>();
  let hiddenSize = 0;
  for (const [name, { shape, data }] of tensors) {
    const block = /^direction\.([1-9]\d{0,5})$/.exec(name)?.[1];
    if (block === undefined) throw fault(`"${name}" is not direction.N with N from 1 on`);
    if (shape.length !== 1 || data.length === 0)
      throw fault(`${name} has shape [${shape.join(', ')}], not [d]`);
    if (hiddenSize !== 0 && data.length !== hiddenSize) {
      throw fault(`${name} has ${data.length} dimensions, another ${hiddenSize}`);
    }
    hiddenSize = data.length;
    residual.set(Number(block) + 1, checkFinite(data, name, path));
  }
  if (residual.size === 0) throw fault('it has no directions');
  const count = metadata.get('controlvector.layer_count');
  if (count !== undefined && (typeof count !== 'number' || count < residual.size)) {
    throw fault(`controlvector.layer_count is ${count}, but it has ${residual.size} directions`);
  }
  return { hiddenSize, residual, postNorm: undefined };
};

const readTensors = async (file: SafetensorsFile): Promise<SteeringVectors> => {
  const fault = (message: string): InputError =>
    new InputError(`no steering vectors: ${message}`, {
      where: { file: file.path },
      hint: 'safetensors of steering vectors hold residual [L, d], postNorm [d], or both',
    });
  const [residual, postNorm] = [file.tensors.get('residual'), file.tensors.get('postNorm')];
  if (!residual && !postNorm) throw fault('the file has neither "residual" nor "postNorm"');
  if (residual && residual.shape.length !== 2) {
    throw fault(
      `"residual" has shape [${residual.shape.join(', ')}]: those are hidden states, not one vector a layer`,
    );
  }
  if (postNorm && postNorm.shape.length !== 1) {
    throw fault(
      `"postNorm" has shape [${postNorm.shape.join(', ')}]: those are hidden states, not one vector`,
    );
  }
  const hiddenSize = residual?.shape[1] ?? postNorm?.shape[0] ?? 0;
  if (hiddenSize === 0 || (postNorm && postNorm.shape[0] !== hiddenSize)) {
    throw fault(`"residual" has ${residual?.shape[1]} dimensions and "postNorm" ${postNorm?.shape[0]}`);
  }
  const byLayer = new Map<number, Float32Array>();
  for (let layer = 1; layer <= (residual?.shape[0] ?? 0); layer++) {
    const row = await file.readRows('residual', layer - 1, layer);
    byLayer.set(layer, checkFinite(row, `row ${layer} of "residual"`, file.path));
  }
  return {
    hiddenSize,
    residual: byLayer,
    postNorm: postNorm && checkFinite(await file.read('postNorm'), '"postNorm"', file.path),
  };
};

const beginsWithGguf = async (path: string): Promise<boolean> => {
  const handle = await open(path, 'r').catch((cause: unknown) => {
    throw new InputError('cannot open this file of steering vectors', { where: { file: path }, cause });
  });
  try {
    const { buffer, bytesRead } = await handle.read(new Uint8Array(4), 0, 4, 0);
    return bytesRead === 4 && new TextDecoder().decode(buffer) === 'GGUF';
  } finally {
    await handle.close();
  }
};

/**
 * Reads steering vectors: safetensors with `residual` [L, d], `postNorm` [d] or both (other tensors are left alone), or
 * a llama.cpp control vector, told apart by their first bytes.
 *
 * @throws InputError for a file that is missing, truncated, lies about itself, or holds no finite vectors of one size
 */
export const readSteeringVectors = async (path: string): Promise<SteeringVectors> => {
  if (await beginsWithGguf(path)) return readControlVector(path);
  const file = await openSafetensors(path);
  try {
    return await readTensors(file);
  } finally {
    await file.close();
  }
};
