import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../../src/engine/index.js';
import { createSharedBuffer, layOutParameters, sharedValues } from '../../src/training/shared-parameters.js';
import { smallModel } from './small-model.js';

describe('layOutParameters', () => {
  beforeAll(async () => {
    await startEngine('auto');
  });

  it('should give each parameter a place of its own, and deal out those trained as evenly as whole ones can be', () => {
    const model = smallModel();
    const names = [...model.variables.keys()];
    fc.assert(
      fc.property(fc.subarray(names, { minLength: 1 }), fc.integer({ min: 1, max: 5 }), (trained, count) => {
        const trainable = new Map([...model.variables].filter(([name]) => trained.includes(name)));
        const parameters = layOutParameters(model, trainable, count);
        expect(parameters.filter(({ isTrained }) => isTrained).map(({ name }) => name)).toEqual([
          ...trainable.keys(),
        ]);
        const buffer = createSharedBuffer(parameters);
        for (const [index, parameter] of parameters.entries()) sharedValues(buffer, parameter).fill(index);
        for (const [index, parameter] of parameters.entries()) {
          const values = sharedValues(buffer, parameter);
          expect(values.length).toBe(model.variables.get(parameter.name)?.size);
          expect(values.every((value) => value === index)).toBe(true);
        }
        const loads = Array.from({ length: count }, (_, replica) =>
          parameters
            .filter(({ isTrained, owner }) => isTrained && owner === replica)
            .reduce((sum, { size }) => sum + size, 0),
        );
        const largest = Math.max(...[...trainable.values()].map(({ size }) => size));
        expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(largest);
      }),
    );
    model.dispose();
  });
});
