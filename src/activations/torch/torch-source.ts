import { type FileHandle, open } from 'node:fs/promises';
import { InputError } from '../../base/index.js';
import type { TensorSource } from '../tensor-source.js';
import { PickleFault } from './pickle-cursor.js';
import { type PickledTensor, readTensorPickle } from './tensor-pickle.js';
import { elementBytes, widen } from './widen.js';
import { createByteReader, type ReadBytes, readZipEntries, type ZipEntry, ZipFault } from './zip-archive.js';

/** A dictionary of a few tensors pickles to some hundred bytes. */
const maxPickleBytes = 16 * 1024 * 1024;

interface PlacedTensor extends PickledTensor {
  /** Where its first element lies in the file. */
  readonly begin: number;
}

const elementCount = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

const isContiguous = ({ shape, strides }: PickledTensor): boolean => {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis] ?? 1;
  }
  return strides.length === shape.length;
};

const place = (
  name: string,
  tensor: PickledTensor,
  folder: string,
  entries: ReadonlyMap<string, ZipEntry>,
): PlacedTensor => {
  const width = elementBytes(tensor.type);
  const storage = entries.get(`${folder}data/${tensor.storage}`);
  if (storage === undefined || storage.bytes !== tensor.storageSize * width) {
    throw new PickleFault(`the data of tensor "${name}" are missing or incomplete`);
  }
  const end = tensor.offset + elementCount(tensor.shape);
  if (!Number.isSafeInteger(end) || tensor.offset < 0 || end > tensor.storageSize) {
    throw new PickleFault(`tensor "${name}" reaches outside its data`);
  }
  if (!isContiguous(tensor)) {
    throw new PickleFault(`tensor "${name}" is a strided view; call .contiguous() before torch.save`);
  }
  return { ...tensor, begin: storage.begin + tensor.offset * width };
};

const readTensors = async (read: ReadBytes, fileBytes: number): Promise<Map<string, PlacedTensor>> => {
  const entries = await readZipEntries(read, fileBytes);
  const pickleName = [...entries.keys()].find((name) => /^[^/]+\/data\.pkl$/.test(name));
  const pickle = entries.get(pickleName ?? '');
  if (pickleName === undefined || pickle === undefined) throw new ZipFault('it has no data.pkl');
  if (pickle.bytes > maxPickleBytes) throw new ZipFault(`its data.pkl has ${pickle.bytes} bytes`);
  const folder = pickleName.slice(0, -'data.pkl'.length);
  const byteOrder = entries.get(`${folder}byteorder`);
  if (byteOrder !== undefined) {
    const view = await read(byteOrder.begin, Math.min(byteOrder.bytes, 16));
    const text = new TextDecoder().decode(view);
    if (text !== 'little') throw new ZipFault(`its byte order is "${text}"; little can be read`);
  }
  const pickled = readTensorPickle(await read(pickle.begin, pickle.bytes));
  return new Map([...pickled].map(([name, tensor]) => [name, place(name, tensor, folder, entries)]));
};

/**
 * Opens what `torch.save({name: tensor, …})` wrote: contiguous tensors of float32, float16 or bfloat16. The pickle in
 * it is read as data; nothing in it can run.
 *
 * @throws InputError for a damaged archive, a pickle of anything but tensors, and other tensor types
 */
export const openTorchSource = async (path: string): Promise<TensorSource> => {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (cause) {
    throw new InputError('cannot open this PyTorch file', { where: { file: path }, cause });
  }
  const read = createByteReader(handle);
  let tensors: Map<string, PlacedTensor>;
  try {
    tensors = await readTensors(read, (await handle.stat()).size);
  } catch (error) {
    await handle.close();
    if (!(error instanceof ZipFault || error instanceof PickleFault)) throw error;
    throw new InputError(`not a usable PyTorch file of tensors: ${error.message}`, {
      where: { file: path },
      hint: 'write it with torch.save({"it": base.contiguous(), "dpo": policy.contiguous()}, path), or as safetensors',
      cause: error,
    });
  }
  return {
    shapes: new Map([...tensors].map(([name, { shape }]) => [name, shape])),
    metadata: {},
    readRows: async (name, fromRow, toRow) => {
      const tensor = tensors.get(name);
      if (tensor === undefined)
        throw new InputError(`there is no tensor "${name}"`, { where: { file: path } });
      const columns = tensor.shape.at(-1) ?? 1;
      const width = elementBytes(tensor.type);
      const begin = tensor.begin + fromRow * columns * width;
      return widen(await read(begin, (toRow - fromRow) * columns * width), tensor.type);
    },
    close: () => handle.close(),
  };
};
