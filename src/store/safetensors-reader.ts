import { type FileHandle, open } from 'node:fs/promises';
import { InputError } from '../base/index.js';
import { widenBfloat16, widenHalf } from './float-formats.js';
import {
  elementCount,
  maxHeaderBytes,
  type PlacedTensor,
  parseSafetensorsHeader,
  type SafetensorsHeader,
  type TensorEntry,
} from './safetensors-header.js';

/** An open safetensors file; tensors are read when asked for, so memory is bounded by what is read. */
export interface SafetensorsFile {
  readonly path: string;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly metadata: Readonly<Record<string, string>>;
  /** A whole tensor, row-major; F16 and BF16 are widened exactly. */
  read(name: string): Promise<Float32Array>;
  /** Elements of the rows [fromRow, toRow) of the tensor seen as [product of all sizes but the last, last size]. */
  readRows(name: string, fromRow: number, toRow: number): Promise<Float32Array>;
  close(): Promise<void>;
}

/** One system call reads at most this many bytes, and the 16-bit formats need no larger scratch space. */
const chunkBytes = 8 * 1024 * 1024;

const readExactly = async (
  handle: FileHandle,
  target: Uint8Array,
  position: number,
  file: string,
): Promise<void> => {
  let done = 0;
  while (done < target.byteLength) {
    const length = Math.min(chunkBytes, target.byteLength - done);
    const { bytesRead } = await handle.read(target, done, length, position + done);
    if (bytesRead === 0) {
      throw new InputError(`the file ends at byte ${position + done}, before its data does`, {
        where: { file },
      });
    }
    done += bytesRead;
  }
};

const readHeader = async (handle: FileHandle, file: string): Promise<SafetensorsHeader> => {
  const { size } = await handle.stat();
  const fault = (message: string): InputError =>
    new InputError(`not a usable safetensors file: ${message}`, { where: { file } });
  if (size < 8) throw fault(`it has ${size} bytes, fewer than the 8 of its header's length`);
  const prefix = new Uint8Array(8);
  await readExactly(handle, prefix, 0, file);
  const length = new DataView(prefix.buffer).getBigUint64(0, true);
  if (length > BigInt(maxHeaderBytes)) {
    throw fault(`it claims a header of ${length} bytes; at most ${maxHeaderBytes} are allowed`);
  }
  const headerBytes = Number(length);
  if (8 + headerBytes > size) throw fault(`its header of ${headerBytes} bytes goes past its ${size} bytes`);
  const json = new Uint8Array(headerBytes);
  await readExactly(handle, json, 8, file);
  return parseSafetensorsHeader(json, size, file);
};

const openForReading = async (path: string): Promise<FileHandle> => {
  try {
    return await open(path, 'r');
  } catch (cause) {
    throw new InputError('cannot open this safetensors file', { where: { file: path }, cause });
  }
};

const readFloats = async (
  handle: FileHandle,
  { dtype }: PlacedTensor,
  position: number,
  count: number,
  describe: () => InputError,
  file: string,
): Promise<Float32Array> => {
  if (dtype === 'F32') {
    const values = new Float32Array(count);
    await readExactly(handle, new Uint8Array(values.buffer), position, file);
    return values;
  }
  if (dtype !== 'F16' && dtype !== 'BF16') throw describe();
  const widen = dtype === 'F16' ? widenHalf : widenBfloat16;
  const values = new Float32Array(count);
  const scratch = new Uint16Array(Math.min(count, chunkBytes / 2));
  for (let from = 0; from < count; from += scratch.length) {
    const part = scratch.subarray(0, Math.min(scratch.length, count - from));
    const bytes = new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
    await readExactly(handle, bytes, position + from * 2, file);
    widen(part, values.subarray(from, from + part.length));
  }
  return values;
};

/**
 * Opens a safetensors file and checks its header against its size.
 *
 * @throws InputError for a missing, malformed or truncated file; `read` throws it for an unknown name or a dtype
 *   other than F32, F16 and BF16
 */
export const openSafetensors = async (path: string): Promise<SafetensorsFile> => {
  const handle = await openForReading(path);
  let header: SafetensorsHeader;
  try {
    header = await readHeader(handle, path);
  } catch (error) {
    await handle.close();
    throw error;
  }
  const find = (name: string): PlacedTensor => {
    const entry = header.tensors.get(name);
    if (entry) return entry;
    throw new InputError(`there is no tensor "${name}" in this file`, {
      where: { file: path },
      hint: `it has ${[...header.tensors.keys()].slice(0, 20).join(', ')}`,
    });
  };
  const readElements = (name: string, entry: PlacedTensor, from: number, count: number) => {
    const width = (entry.end - entry.begin) / Math.max(1, elementCount(entry.shape));
    const unreadable = (): InputError =>
      new InputError(`tensor "${name}" has dtype ${entry.dtype}; F32, F16 and BF16 can be read`, {
        where: { file: path },
      });
    return readFloats(handle, entry, entry.begin + from * width, count, unreadable, path);
  };
  return {
    path,
    tensors: header.tensors,
    metadata: header.metadata,
    read: async (name) => {
      const entry = find(name);
      return readElements(name, entry, 0, elementCount(entry.shape));
    },
    readRows: async (name, fromRow, toRow) => {
      const entry = find(name);
      const columns = entry.shape.at(-1) ?? 1;
      const rows = columns === 0 ? 0 : elementCount(entry.shape) / columns;
      if (!(fromRow >= 0 && fromRow <= toRow && toRow <= rows)) {
        throw new InputError(`rows ${fromRow} to ${toRow} of "${name}" were asked for; it has ${rows}`, {
          where: { file: path },
        });
      }
      return readElements(name, entry, fromRow * columns, (toRow - fromRow) * columns);
    },
    close: () => handle.close(),
  };
};

/** What a safetensors file holds, without reading its data. */
export const readSafetensorsHeader = async (path: string): Promise<SafetensorsHeader> => {
  const handle = await openForReading(path);
  try {
    return await readHeader(handle, path);
  } finally {
    await handle.close();
  }
};
