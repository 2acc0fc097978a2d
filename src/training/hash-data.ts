import { createHash } from 'node:crypto';

/** SHA-256 of sequences of numbers, told apart by their lengths. */
export const hashNumbers = (sequences: Iterable<Int32Array | Float64Array>): string => {
  const hash = createHash('sha256');
  for (const numbers of sequences) {
    hash.update(`${numbers.length};`);
    hash.update(new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength));
  }
  return hash.digest('hex');
};
