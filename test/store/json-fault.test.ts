import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findJsonFault } from '../../src/store/index.js';

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

/** JSON with a piece cut out and another put in. */
const spoilt = fc
  .tuple(
    fc.json(),
    fc.nat(),
    fc.nat(3),
    fc.string({ unit: fc.constantFrom(...'{}[],:"\\ \n0-1.eut\u0001'), maxLength: 3 }),
  )
  .map(([json, at, cut, put]) => {
    const start = at % (json.length + 1);
    return json.slice(0, start) + put + json.slice(start + cut);
  });

describe('the place where a text ceases to be JSON', () => {
  it('is there where JSON.parse refuses, and only there', () => {
    fc.assert(
      fc.property(fc.oneof(spoilt, fc.json(), fc.string()), (text) => {
        expect(findJsonFault(text) === undefined).toBe(isJson(text));
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['{"a": [}', 7],
    ['[1,]', 3],
    ['{"a": 1,\n}', 9],
    ["{'a': 1}", 1],
    ['{"a" 1}', 5],
    ['[1 2]', 3],
    ['[1}', 2],
    ['[01]', 2],
    ['{"a": nul}', 6],
    ['{"a', 1],
    ['{} {}', 3],
    ['', 0],
    ['  [', 3],
  ])('of %j is %i', (text, place) => {
    expect(findJsonFault(text)).toBe(place);
  });
});
