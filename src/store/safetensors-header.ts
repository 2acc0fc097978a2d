/** The safetensors header: an 8-byte little-endian length, then JSON that says where each tensor lies. */
import { InputError, showValue } from '../base/index.js';

export interface TensorEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
}

export interface PlacedTensor extends TensorEntry {
  /** Bytes from the start of the file. */
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  readonly tensors: ReadonlyMap<string, PlacedTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** What the format's reference implementation allows: bounds the memory that a lying file can ask for. */
export const maxHeaderBytes = 100_000_000;

const elementBytes: ReadonlyMap<string, number> = new Map([
  ['BOOL', 1],
  ['U8', 1],
  ['I8', 1],
  ['F8_E4M3', 1],
  ['F8_E5M2', 1],
  ['U16', 2],
  ['I16', 2],
  ['F16', 2],
  ['BF16', 2],
  ['U32', 4],
  ['I32', 4],
  ['F32', 4],
  ['U64', 8],
  ['I64', 8],
  ['F64', 8],
]);

/** Number of elements of a tensor of this shape. */
export const elementCount = (shape: readonly number[]): number =>
  shape.reduce((product, size) => product * size, 1);

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

const parseEntry = (name: string, raw: unknown, dataStart: number): PlacedTensor | string => {
  if (!isRecord(raw)) return `tensor "${name}" is described by ${showValue(raw)}, not by an object`;
  const { dtype, shape, data_offsets: offsets } = raw;
  const width = typeof dtype === 'string' ? elementBytes.get(dtype) : undefined;
  if (typeof dtype !== 'string' || width === undefined) {
    return `tensor "${name}" has dtype ${showValue(dtype)}, which is none of ${[...elementBytes.keys()].join(', ')}`;
  }
  if (!Array.isArray(shape) || !shape.every(isSize)) {
    return `tensor "${name}" has shape ${showValue(shape)}, not a list of sizes`;
  }
  const [begin, end] = Array.isArray(offsets) ? offsets : [];
  if (!Array.isArray(offsets) || offsets.length !== 2 || !isSize(begin) || !isSize(end)) {
    return `tensor "${name}" has data_offsets ${showValue(offsets)}, not [begin, end]`;
  }
  const needed = elementCount(shape) * width;
  if (end - begin !== needed) {
    return `tensor "${name}" (${dtype} [${shape.join(', ')}]) needs ${needed} bytes but its data_offsets span ${end - begin}`;
  }
  return { dtype, shape, begin: dataStart + begin, end: dataStart + end };
};

const describeHole = (
  tensors: ReadonlyMap<string, PlacedTensor>,
  dataStart: number,
  fileBytes: number,
): string | undefined => {
  const ordered = [...tensors].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  let reached = dataStart;
  for (const [name, { begin, end }] of ordered) {
    if (begin !== reached) {
      return `tensor "${name}" begins at byte ${begin} where ${reached} was expected: the data has a hole or an overlap`;
    }
    reached = end;
  }
  if (reached === fileBytes) return undefined;
  return `its tensors end at byte ${reached} but the file has ${fileBytes}${reached > fileBytes ? ': it is truncated' : ''}`;
};

/**
 * Checks a header completely: after this, every offset can be trusted.
 *
 * @param json the header's bytes, without the length before them
 * @throws InputError naming the file and its first fault
 */
export const parseSafetensorsHeader = (
  json: Uint8Array,
  fileBytes: number,
  file: string,
): SafetensorsHeader => {
  const fault = (message: string, cause?: unknown): InputError =>
    new InputError(`not a usable safetensors file: ${message}`, { where: { file }, cause });
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json));
  } catch (cause) {
    throw fault('its header is not JSON', cause);
  }
  if (!isRecord(parsed)) throw fault('its header is not a JSON object');
  const dataStart = 8 + json.byteLength;
  const tensors = new Map<string, PlacedTensor>();
  const metadata: Record<string, string> = {};
  for (const [name, raw] of Object.entries(parsed)) {
    if (name === '__metadata__') {
      if (!isRecord(raw)) throw fault('__metadata__ is not an object');
      for (const [key, value] of Object.entries(raw)) {
        if (typeof value !== 'string') throw fault(`__metadata__.${key} is not a string`);
        metadata[key] = value;
      }
      continue;
    }
    const entry = parseEntry(name, raw, dataStart);
    if (typeof entry === 'string') throw fault(entry);
    tensors.set(name, entry);
  }
  const hole = describeHole(tensors, dataStart, fileBytes);
  if (hole !== undefined) throw fault(hole);
  return { tensors, metadata };
};

/** The header's bytes with the length before them, padded so that the data begins at a multiple of 8. */
export const encodeSafetensorsHeader = (
  tensors: ReadonlyMap<string, TensorEntry>,
  metadata: Readonly<Record<string, string>> = {},
): { bytes: Uint8Array; placed: Map<string, PlacedTensor>; fileBytes: number } => {
  const entries: [string, unknown][] = [];
  if (Object.keys(metadata).length > 0) entries.push(['__metadata__', metadata]);
  const relative = new Map<string, PlacedTensor>();
  let offset = 0;
  for (const [name, { dtype, shape }] of tensors) {
    const end = offset + elementCount(shape) * (elementBytes.get(dtype) ?? 0);
    relative.set(name, { dtype, shape, begin: offset, end });
    entries.push([name, { dtype, shape, data_offsets: [offset, end] }]);
    offset = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const length = Math.ceil(json.byteLength / 8) * 8;
  const bytes = new Uint8Array(8 + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(json, 8);
  const placed = new Map<string, PlacedTensor>();
  for (const [name, entry] of relative) {
    placed.set(name, {
      ...entry,
      begin: bytes.byteLength + entry.begin,
      end: bytes.byteLength + entry.end,
    });
  }
  return { bytes, placed, fileBytes: bytes.byteLength + offset };
};
