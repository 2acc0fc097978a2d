import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tokenPositions } from '../../src/model/token-positions.js';

describe('tokenPositions', () => {
  it('should let no row that forks reach past the longest sequence in it, however wide the batch', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            fc.integer({ min: 1, max: 9 }),
            fc.integer({ min: 0, max: 5 }),
            fc.integer({ min: 1, max: 5 }),
          ),
          {
            minLength: 1,
            maxLength: 4,
          },
        ),
        (rows) => {
          const lengths = Int32Array.from(rows, ([shared, first, second]) => shared + first + second);
          const length = Math.max(...lengths);
          const forks = Int32Array.from(rows.flatMap(([shared, first]) => [shared, shared + first]));
          const batch = {
            ids: new Int32Array(rows.length * length),
            batch: rows.length,
            length,
            lengths,
            forks,
          };
          const positions = tokenPositions(batch);
          for (const [row, [shared, first, second]] of rows.entries()) {
            const own = [...positions.subarray(row * length, (row + 1) * length)];
            const count = (from: number, many: number) => Array.from({ length: many }, (_, i) => from + i);
            expect(own).toEqual([
              ...count(0, shared + first),
              ...count(shared, second),
              ...Array.from({ length: length - (shared + first + second) }, () => 0),
            ]);
          }
        },
      ),
    );
  });
});
