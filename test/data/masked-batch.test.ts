import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/base/index.js';
import { batchFromMasked, padBatch } from '../../src/data/index.js';

describe('batchFromMasked', () => {
  it('should find the same sequences whichever side was padded, with whatever', () => {
    const sequenceOf = fc.array(fc.nat(50), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(sequenceOf, fc.nat(4), fc.nat(99)), { minLength: 1, maxLength: 4 }),
        (rows) => {
          const width = Math.max(...rows.map(([ids, before]) => ids.length + before));
          const padded = rows.map(([ids, before, filler]) => {
            const after = width - before - ids.length;
            return {
              ids: [...Array(before).fill(filler), ...ids, ...Array(after).fill(filler)],
              mask: [...Array(before).fill(0), ...ids.map(() => 1), ...Array(after).fill(0)],
            };
          });
          const { batch, starts } = batchFromMasked(
            padded.map(({ ids }) => ids),
            padded.map(({ mask }) => mask),
          );
          expect(batch).toEqual(
            padBatch(
              rows.map(([ids]) => Int32Array.from(ids)),
              0,
            ),
          );
          expect([...starts]).toEqual(rows.map(([, before]) => before));
        },
      ),
    );
  });

  it.each([
    ['a mask of another length', [[1, 2]], [[1]], /must be 2 times 0 or 1/],
    ['a mask that weighs', [[1, 2]], [[1, 0.5]], /0 or 1/],
    ['a gap', [[1, 2, 3]], [[1, 0, 1]], /padding between its tokens/],
    ['no tokens', [[1, 2]], [[0, 0]], /no tokens/],
    ['a row too few', [[1], [2]], [[1]], /2 sequences have 1 rows/],
  ])('should refuse %s', (_, ids, mask, message) => {
    expect(() => batchFromMasked(ids, mask)).toThrow(UsageError);
    expect(() => batchFromMasked(ids, mask)).toThrow(message);
  });
});
