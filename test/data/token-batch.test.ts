import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/base/index.js';
import { padBatch } from '../../src/data/index.js';

describe('padBatch', () => {
  it('should lay sequences out row by row with padding on the right', () => {
    const batch = padBatch([Int32Array.of(5, 6, 7), Int32Array.of(8)], 2);
    expect(Array.from(batch.ids)).toEqual([5, 6, 7, 8, 2, 2]);
    expect(batch).toMatchObject({ batch: 2, length: 3, lengths: Int32Array.of(3, 1) });
  });

  it('should keep every sequence whole, pad with the one id and be no longer than the longest', () => {
    const sequence = fc.int32Array({ min: 0, max: 999, minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(fc.array(sequence, { minLength: 1, maxLength: 9 }), (sequences) => {
        const { ids, batch, length, lengths } = padBatch(sequences, -1);
        expect([batch, length]).toEqual([
          sequences.length,
          Math.max(...sequences.map((each) => each.length)),
        ]);
        for (const [row, expected] of sequences.entries()) {
          const line = ids.subarray(row * length, (row + 1) * length);
          expect(Array.from(line.subarray(0, lengths[row]))).toEqual(Array.from(expected));
          expect(line.subarray(lengths[row]).every((id) => id === -1)).toBe(true);
        }
      }),
    );
  });

  it('should refuse no sequences and an empty sequence', () => {
    expect(() => padBatch([], 0)).toThrow(UsageError);
    expect(() => padBatch([Int32Array.of(1), Int32Array.of()], 0)).toThrow(/sequence 1/);
  });
});
