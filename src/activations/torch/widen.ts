import type { StorageType } from './tensor-pickle.js';

/** Bytes of one element. */
export const elementBytes = (type: StorageType): number => (type === 'F32' ? 4 : 2);

const widenHalf = (bits: number): number => {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0x1f) return mantissa === 0 ? sign * Infinity : Number.NaN;
  return exponent === 0 ? sign * mantissa * 2 ** -24 : sign * (1024 + mantissa) * 2 ** (exponent - 25);
};

/** Little-endian elements as float32; the 16-bit formats are widened exactly. */
export const widen = (view: DataView, type: StorageType): Float32Array => {
  const values = new Float32Array(view.byteLength / elementBytes(type));
  if (type === 'F32') {
    for (let i = 0; i < values.length; i++) values[i] = view.getFloat32(i * 4, true);
  } else if (type === 'F16') {
    for (let i = 0; i < values.length; i++) values[i] = widenHalf(view.getUint16(i * 2, true));
  } else {
    const bits = new Uint32Array(values.buffer);
    for (let i = 0; i < bits.length; i++) bits[i] = view.getUint16(i * 2, true) << 16;
  }
  return values;
};
