import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inverseFrequencies, rotaryTables } from '../../src/model/index.js';
import { maxDifference } from './golden.js';

const none = { type: 'none' } as const;
const shapes = fc.record({
  rotaryDim: fc.integer({ min: 1, max: 16 }).map((half) => 2 * half),
  ropeTheta: fc.constantFrom(100, 10000, 500000),
});

describe('rotary tables', () => {
  it('should begin at one radian a position and end near 1/θ', () => {
    const frequencies = inverseFrequencies({ rotaryDim: 64, ropeTheta: 10000, ropeScaling: none });
    expect(frequencies[0]).toBe(1);
    expect(frequencies[1]).toBeCloseTo(10000 ** (-1 / 32), 12);
    expect(frequencies[31]).toBeCloseTo(10000 ** (-31 / 32), 12);
  });

  it('should hold points of the unit circle', () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const { cos, sin } = rotaryTables({ ...shape, ropeScaling: none }, 20);
        return cos.every((c, i) => Math.abs(c * c + (sin[i] ?? 0) ** 2 - 1) < 1e-6);
      }),
    );
  });

  it('should stretch positions by the factor of linear scaling', () => {
    fc.assert(
      fc.property(shapes, fc.integer({ min: 1, max: 8 }), (shape, factor) => {
        const planes = shape.rotaryDim / 2;
        const plain = rotaryTables({ ...shape, ropeScaling: none }, 5);
        const scaled = rotaryTables({ ...shape, ropeScaling: { type: 'linear', factor } }, 5 * factor);
        for (let position = 0; position < 5; position++) {
          const [row, stretched] = [position * planes, position * factor * planes];
          const difference = maxDifference(
            scaled.cos.subarray(stretched, stretched + planes),
            plain.cos.subarray(row, row + planes),
          );
          expect(difference).toBeLessThan(1e-6);
        }
      }),
    );
  });

  it('should keep high frequencies and divide low ones under llama3 scaling', () => {
    const shape = { rotaryDim: 64, ropeTheta: 10000 };
    const plain = inverseFrequencies({ ...shape, ropeScaling: none });
    const scaled = inverseFrequencies({
      ...shape,
      ropeScaling: {
        type: 'llama3',
        factor: 8,
        lowFrequencyFactor: 1,
        highFrequencyFactor: 4,
        originalPositions: 64,
      },
    });
    expect(scaled[0]).toBe(plain[0]);
    expect(scaled[31]).toBe((plain[31] ?? 0) / 8);
    expect([...scaled].every((value, i) => value <= (plain[i] ?? 0) && value >= (plain[i] ?? 0) / 8)).toBe(
      true,
    );
  });
});
