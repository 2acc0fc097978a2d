/**
 * The GGUF container, as far as small files of float tensors need it: version 3, little-endian. Header: magic, version,
 * counts, metadata (key, type, value), tensors (name, dimensions, type, offset); then data, everything aligned.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { InputError, UsageError } from '../base/index.js';
import { writeFileAtomic } from './atomic-file.js';
import { widenHalf } from './float-formats.js';

export type GgufValue = string | number | bigint | boolean;

export interface GgufTensor {
  /** Row-major, as everywhere here; GGUF itself lists the fastest dimension first. */
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export interface GgufFile {
  /** Arrays are checked and left out. */
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
}

const MAGIC = 0x46554747;
const VERSION = 3;
const ALIGNMENT = 32;

/** Bounds of what a header may ask for: control vectors need a few kilobytes, and hundreds of tensors. */
const limits = { headerBytes: 2 ** 24, entries: 4096, stringBytes: 2 ** 20, dataBytes: 2 ** 30 } as const;

/** Types of metadata values, by their numbers in the format. */
const valueType = { uint32: 4, int32: 5, float32: 6, bool: 7, string: 8, array: 9 } as const;
const scalarBytes: ReadonlyMap<number, number> = new Map([
  [0, 1],
  [1, 1],
  [2, 2],
  [3, 2],
  [valueType.uint32, 4],
  [valueType.int32, 4],
  [valueType.float32, 4],
  [valueType.bool, 1],
  [10, 8],
  [11, 8],
  [12, 8],
]);

/** Tensor types that are read, with their width. */
const tensorTypes: ReadonlyMap<number, { readonly name: string; readonly bytes: number }> = new Map([
  [0, { name: 'F32', bytes: 4 }],
  [1, { name: 'F16', bytes: 2 }],
]);

const aligned = (offset: number, alignment: number): number => Math.ceil(offset / alignment) * alignment;

/** Bytes that grow as they are written. */
const createByteWriter = () => {
  const parts: Uint8Array[] = [];
  let length = 0;
  const bytes = (part: Uint8Array): void => {
    parts.push(part);
    length += part.byteLength;
  };
  const scalar = (size: number, write: (view: DataView) => void): void => {
    const part = new Uint8Array(size);
    write(new DataView(part.buffer));
    bytes(part);
  };
  const uint32 = (value: number): void => scalar(4, (view) => view.setUint32(0, value, true));
  const uint64 = (value: number): void => scalar(8, (view) => view.setBigUint64(0, BigInt(value), true));
  const text = (value: string): void => {
    const encoded = new TextEncoder().encode(value);
    uint64(encoded.byteLength);
    bytes(encoded);
  };
  const pad = (alignment: number): void => bytes(new Uint8Array(aligned(length, alignment) - length));
  const finish = (): Uint8Array => {
    const all = new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.byteLength;
    }
    return all;
  };
  return { bytes, uint32, uint64, text, pad, finish };
};

/** The bytes of a GGUF file; whole numbers become int32, texts strings. @throws UsageError for other values */
export const encodeGguf = (
  metadata: Readonly<Record<string, string | number>>,
  tensors: Readonly<Record<string, GgufTensor>>,
): Uint8Array => {
  const out = createByteWriter();
  out.uint32(MAGIC);
  out.uint32(VERSION);
  out.uint64(Object.keys(tensors).length);
  out.uint64(Object.keys(metadata).length);
  for (const [key, value] of Object.entries(metadata)) {
    out.text(key);
    if (typeof value === 'string') {
      out.uint32(valueType.string);
      out.text(value);
    } else {
      if (!(Number.isInteger(value) && value >= 0 && value < 2 ** 31)) {
        throw new UsageError(`${key} must be a whole number from 0 to 2³¹ − 1, not ${value}`);
      }
      out.uint32(valueType.int32);
      out.uint32(value);
    }
  }
  let offset = 0;
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    if (shape.reduce((product, size) => product * size, 1) !== data.length) {
      throw new UsageError(`"${name}" [${shape.join(', ')}] cannot hold ${data.length} numbers`);
    }
    out.text(name);
    out.uint32(shape.length);
    for (const size of [...shape].reverse()) out.uint64(size);
    out.uint32(0);
    out.uint64(offset);
    offset = aligned(offset + 4 * data.length, ALIGNMENT);
  }
  out.pad(ALIGNMENT);
  for (const { data } of Object.values(tensors)) {
    out.bytes(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    out.pad(ALIGNMENT);
  }
  return out.finish();
};

/** Writes a GGUF file of float32 tensors, atomically. */
export const writeGguf = (
  path: string,
  metadata: Readonly<Record<string, string | number>>,
  tensors: Readonly<Record<string, GgufTensor>>,
): Promise<void> => writeFileAtomic(path, encodeGguf(metadata, tensors));

type Fault = (message: string, cause?: unknown) => InputError;

/** Reads a header front to back; nothing past its end is ever touched. */
const createByteReader = (header: DataView, fileBytes: number, fault: Fault) => {
  let at = 0;
  const take = (size: number, what: string): number => {
    if (size > header.byteLength - at) {
      throw fault(
        header.byteLength < fileBytes
          ? `its header is longer than ${limits.headerBytes} bytes`
          : `it ends at byte ${fileBytes}, in the middle of ${what}: it is truncated`,
      );
    }
    at += size;
    return at - size;
  };
  const uint32 = (what: string): number => header.getUint32(take(4, what), true);
  /** Refused above `most`, before anything is made of it. */
  const size = (what: string, most: number): number => {
    const value = header.getBigUint64(take(8, what), true);
    if (value > BigInt(most)) throw fault(`it claims ${value} for ${what}; at most ${most} are allowed`);
    return Number(value);
  };
  const text = (what: string): string => {
    const length = size(`the length of ${what}`, limits.stringBytes);
    const start = take(length, what);
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(
        new Uint8Array(header.buffer, header.byteOffset + start, length),
      );
    } catch (cause) {
      throw fault(`${what} is not valid UTF-8`, cause);
    }
  };
  const scalar = (type: number, what: string): GgufValue => {
    const start = take(scalarBytes.get(type) ?? 0, what);
    switch (type) {
      case 0:
        return header.getUint8(start);
      case 1:
        return header.getInt8(start);
      case 2:
        return header.getUint16(start, true);
      case 3:
        return header.getInt16(start, true);
      case valueType.uint32:
        return header.getUint32(start, true);
      case valueType.int32:
        return header.getInt32(start, true);
      case valueType.float32:
        return header.getFloat32(start, true);
      case valueType.bool:
        return header.getUint8(start) !== 0;
      case 10:
        return header.getBigUint64(start, true);
      case 11:
        return header.getBigInt64(start, true);
      default:
        return header.getFloat64(start, true);
    }
  };
  const skipArray = (what: string): void => {
    const type = uint32(what);
    const count = size(`the length of ${what}`, limits.headerBytes);
    const width = scalarBytes.get(type);
    if (width !== undefined) take(count * width, what);
    else if (type === valueType.string) for (let i = 0; i < count; i++) text(`${what}[${i}]`);
    else throw fault(`${what} is an array of type ${type}, which is not known`);
  };
  const value = (what: string): GgufValue | undefined => {
    const type = uint32(what);
    if (type === valueType.string) return text(what);
    if (type === valueType.array) return skipArray(what) as undefined;
    if (scalarBytes.has(type)) return scalar(type, what);
    throw fault(`${what} has type ${type}, which is not known`);
  };
  return { uint32, size, text, value, position: () => at };
};

interface PlacedTensor {
  readonly shape: readonly number[];
  readonly type: number;
  /** Bytes from the start of the file. */
  readonly begin: number;
  readonly end: number;
}

const parseHeader = (
  header: DataView,
  fileBytes: number,
  fault: Fault,
): { metadata: Map<string, GgufValue>; placed: Map<string, PlacedTensor> } => {
  const reader = createByteReader(header, fileBytes, fault);
  const magic = reader.uint32('the magic number');
  if (magic !== MAGIC) throw fault('it does not begin with GGUF');
  const version = reader.uint32('the version');
  if (version !== 2 && version !== VERSION) {
    throw fault(`it is of version ${version}; 2 and 3, little-endian, are read`);
  }
  const tensorCount = reader.size('the number of tensors', limits.entries);
  const valueCount = reader.size('the number of metadata values', limits.entries);
  const metadata = new Map<string, GgufValue>();
  const keys = new Set<string>();
  for (let i = 0; i < valueCount; i++) {
    const key = reader.text(`metadata key ${i}`);
    if (keys.has(key)) throw fault(`the metadata has "${key}" twice`);
    keys.add(key);
    const value = reader.value(`the value of ${key}`);
    if (value !== undefined) metadata.set(key, value);
  }
  const alignment = metadata.get('general.alignment') ?? ALIGNMENT;
  if (typeof alignment !== 'number' || !Number.isInteger(alignment) || alignment < 1 || alignment > 2 ** 16) {
    throw fault(`general.alignment is ${alignment}`);
  }
  const infos: { name: string; shape: number[]; type: number; offset: number }[] = [];
  for (let i = 0; i < tensorCount; i++) {
    const name = reader.text(`the name of tensor ${i}`);
    const rank = reader.uint32(`the rank of "${name}"`);
    if (rank > 4) throw fault(`"${name}" has ${rank} dimensions; at most 4 are allowed`);
    const shape = Array.from({ length: rank }, () =>
      reader.size(`a dimension of "${name}"`, 2 ** 31),
    ).reverse();
    const type = reader.uint32(`the type of "${name}"`);
    infos.push({ name, shape, type, offset: reader.size(`the offset of "${name}"`, fileBytes) });
  }
  const dataStart = aligned(reader.position(), alignment);
  const placed = new Map<string, PlacedTensor>();
  for (const { name, shape, type, offset } of infos) {
    if (placed.has(name)) throw fault(`it has the tensor "${name}" twice`);
    const known = tensorTypes.get(type);
    if (known === undefined) throw fault(`"${name}" is of tensor type ${type}; F32 and F16 are read`);
    if (offset % alignment !== 0) throw fault(`"${name}" begins at ${offset}, no multiple of ${alignment}`);
    const begin = dataStart + offset;
    const end = begin + known.bytes * shape.reduce((product, size) => product * size, 1);
    if (end > fileBytes) {
      throw fault(
        `"${name}" (${known.name} [${shape.join(', ')}]) ends at byte ${end} but the file has ${fileBytes}: it is truncated or its header lies`,
      );
    }
    placed.set(name, { shape, type, begin, end });
  }
  const ordered = [...placed].sort(([, a], [, b]) => a.begin - b.begin);
  for (const [i, [name, { begin }]] of ordered.entries()) {
    const [before, previous] = ordered[i - 1] ?? [];
    if (previous && begin < previous.end) throw fault(`"${name}" overlaps "${before}"`);
  }
  return { metadata, placed };
};

const readBytes = async (
  handle: FileHandle,
  begin: number,
  end: number,
  fault: Fault,
): Promise<Uint8Array> => {
  const bytes = new Uint8Array(end - begin);
  for (let done = 0; done < bytes.byteLength; ) {
    const { bytesRead } = await handle.read(bytes, done, bytes.byteLength - done, begin + done);
    if (bytesRead === 0) throw fault(`it ends at byte ${begin + done}, before its data does`);
    done += bytesRead;
  }
  return bytes;
};

/**
 * Reads a GGUF file of F32 and F16 tensors. Memory: at most 16 MiB of header, and what `isWanted` lets through.
 *
 * @param isWanted sees the metadata before any tensor is read; what it throws, is thrown
 * @throws InputError for a file that is missing, truncated, or whose header lies
 */
export const readGguf = async (
  path: string,
  isWanted: (metadata: ReadonlyMap<string, GgufValue>) => void = () => undefined,
): Promise<GgufFile> => {
  const fault: Fault = (message, cause) =>
    new InputError(`not a usable GGUF file: ${message}`, {
      where: { file: path },
      ...(cause === undefined ? {} : { cause }),
    });
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (cause) {
    throw new InputError('cannot open this GGUF file', { where: { file: path }, cause });
  }
  try {
    const { size } = await handle.stat();
    const header = await readBytes(handle, 0, Math.min(size, limits.headerBytes), fault);
    const { metadata, placed } = parseHeader(new DataView(header.buffer), size, fault);
    isWanted(metadata);
    const tensors = new Map<string, GgufTensor>();
    let total = 0;
    for (const [name, { shape, type, begin, end }] of placed) {
      total += end - begin;
      if (total > limits.dataBytes) throw fault(`its tensors have more than ${limits.dataBytes} bytes`);
      const { buffer } = await readBytes(handle, begin, end, fault);
      if (type === 0) {
        tensors.set(name, { shape, data: new Float32Array(buffer) });
      } else {
        const halves = new Uint16Array(buffer);
        const data = new Float32Array(halves.length);
        widenHalf(halves, data);
        tensors.set(name, { shape, data });
      }
    }
    return { metadata, tensors };
  } finally {
    await handle.close();
  }
};
