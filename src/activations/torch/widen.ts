import { widenBfloat16, widenHalf } from '../../store/index.js';
import type { StorageType } from './tensor-pickle.js';

/** Bytes of one element. */
export const elementBytes = (type: StorageType): number => (type === 'F32' ? 4 : 2);

/** Little-endian elements as float32; the 16-bit formats are widened exactly. */
export const widen = (view: DataView, type: StorageType): Float32Array => {
  // Copied, as an archive's entries need not lie at even addresses.
  const bytes = view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength) as ArrayBuffer;
  if (type === 'F32') return new Float32Array(bytes);
  const values = new Float32Array(view.byteLength / elementBytes(type));
  const widenAll = type === 'F16' ? widenHalf : widenBfloat16;
  widenAll(new Uint16Array(bytes), values);
  return values;
};
