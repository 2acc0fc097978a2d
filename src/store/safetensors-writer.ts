import { ComputationError, UsageError } from '../base/index.js';
import { openAtomicFile } from './atomic-file.js';
import { toHalfBits } from './float-formats.js';
import { elementCount, encodeSafetensorsHeader, type TensorEntry } from './safetensors-header.js';

export interface SafetensorsOptions {
  /** How values are stored. Default F32; F16 rounds to nearest even. */
  readonly dtype?: 'F32' | 'F16';
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Writes a file piece by piece; it appears under its name at `finish`. */
export interface SafetensorsWriter {
  /** Writes consecutive elements (row-major) of a tensor, beginning at `elementOffset`. */
  writeAt(name: string, elementOffset: number, values: Float32Array): Promise<void>;
  /** @throws UsageError when a tensor was not written in full */
  finish(): Promise<void>;
  /** Gives up and removes the unfinished file. */
  abandon(): Promise<void>;
}

const encodeHalf = (values: Float32Array, name: string): Uint8Array => {
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    const bits = toHalfBits(value);
    if ((bits & 0x7fff) === 0x7c00 && Number.isFinite(value)) {
      throw new ComputationError(`"${name}" holds ${value}, too large for F16: write it as F32`);
    }
    halves[i] = bits;
  }
  return new Uint8Array(halves.buffer);
};

/** Begins a safetensors file of tensors of these shapes, to be filled in any order. */
export const createSafetensorsWriter = async (
  path: string,
  shapes: Readonly<Record<string, readonly number[]>>,
  { dtype = 'F32', metadata = {} }: SafetensorsOptions = {},
): Promise<SafetensorsWriter> => {
  const entries = new Map<string, TensorEntry>();
  for (const [name, shape] of Object.entries(shapes)) entries.set(name, { dtype, shape });
  const { bytes, placed, fileBytes } = encodeSafetensorsHeader(entries, metadata);
  const file = await openAtomicFile(path);
  const missing = new Map([...entries].map(([name, { shape }]) => [name, elementCount(shape)]));
  const width = dtype === 'F32' ? 4 : 2;
  try {
    await file.resize(fileBytes);
    await file.write(bytes, 0);
  } catch (error) {
    await file.abandon();
    throw error;
  }
  return {
    writeAt: async (name, elementOffset, values) => {
      const entry = placed.get(name);
      if (!entry) throw new UsageError(`"${name}" was not announced when this file was begun`);
      const count = elementCount(entry.shape);
      if (!(elementOffset >= 0) || elementOffset + values.length > count) {
        throw new UsageError(
          `"${name}" has ${count} elements; ${values.length} at ${elementOffset} do not fit`,
        );
      }
      const data =
        dtype === 'F32'
          ? new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
          : encodeHalf(values, name);
      await file.write(data, entry.begin + elementOffset * width);
      missing.set(name, (missing.get(name) ?? 0) - values.length);
    },
    finish: async () => {
      const unfinished = [...missing].filter(([, count]) => count !== 0).map(([name]) => name);
      if (unfinished.length > 0) {
        await file.abandon();
        throw new UsageError(`not every element was written exactly once: ${unfinished.join(', ')}`);
      }
      await file.commit();
    },
    abandon: () => file.abandon(),
  };
};

/** Writes whole tensors, atomically. */
export const writeSafetensors = async (
  path: string,
  tensors: Readonly<Record<string, { readonly shape: readonly number[]; readonly data: Float32Array }>>,
  options: SafetensorsOptions = {},
): Promise<void> => {
  const shapes = Object.fromEntries(Object.entries(tensors).map(([name, { shape }]) => [name, shape]));
  const writer = await createSafetensorsWriter(path, shapes, options);
  try {
    for (const [name, { data }] of Object.entries(tensors)) await writer.writeAt(name, 0, data);
    await writer.finish();
  } catch (error) {
    await writer.abandon();
    throw error;
  }
};
