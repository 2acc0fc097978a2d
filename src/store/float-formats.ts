/** Conversions between float32 and the 16-bit formats of checkpoints. */

const bitsOf = new Uint32Array(1);
const floatOf = new Float32Array(bitsOf.buffer);

/** The IEEE 754 half nearest to a float32, ties to even; too large becomes infinity. */
export const toHalfBits = (value: number): number => {
  floatOf[0] = value;
  const bits = bitsOf[0] ?? 0;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x47800000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    const scaled = Math.abs(value) * 2 ** 24;
    const floor = Math.floor(scaled);
    const rest = scaled - floor;
    const up = rest > 0.5 || (rest === 0.5 && (floor & 1) === 1) ? 1 : 0;
    return sign | (floor + up);
  }
  const rebiased = magnitude - 0x38000000;
  return sign | ((rebiased + 0xfff + ((rebiased >>> 13) & 1)) >>> 13);
};

const fromHalfBits = (bits: number): number => {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0x1f) return mantissa === 0 ? sign * Infinity : Number.NaN;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  return sign * (1024 + mantissa) * 2 ** (exponent - 25);
};

const createHalfTable = (): Float32Array => {
  const table = new Float32Array(65536);
  for (let bits = 0; bits < table.length; bits++) table[bits] = fromHalfBits(bits);
  return table;
};
let halfTable: Float32Array | undefined;

/** Exact widening of IEEE halves into `target`. */
export const widenHalf = (source: Uint16Array, target: Float32Array): void => {
  halfTable ??= createHalfTable();
  for (let i = 0; i < source.length; i++) target[i] = halfTable[source[i] ?? 0] ?? 0;
};

/** Exact widening of bfloat16 (the upper half of a float32) into `target`. */
export const widenBfloat16 = (source: Uint16Array, target: Float32Array): void => {
  const bits = new Uint32Array(target.buffer, target.byteOffset, target.length);
  for (let i = 0; i < source.length; i++) bits[i] = (source[i] ?? 0) << 16;
};
