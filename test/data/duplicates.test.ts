import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PreferenceTuple, promptHash, removeTrainingDuplicates } from '../../src/data/index.js';

const tuple = (id: string, prompt: string): PreferenceTuple => ({
  id,
  prompt,
  chosen: ' a',
  rejected: ' b',
  source: id,
});

describe('promptHash', () => {
  it('should be the same whatever the white space and the Unicode composition, and differ otherwise', () => {
    const hash = (prompt: string): string => promptHash({ prompt });
    expect(hash(' caf\u00e9\n\n x ')).toBe(hash('cafe\u0301 x'));
    expect(hash('Why?')).not.toBe(hash('why?'));
    expect(hash('ab c')).not.toBe(hash('a bc'));
    // SHA-256 of "abc": FIPS 180-2, appendix B.1.
    expect(hash('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });
});

describe('removeTrainingDuplicates', () => {
  it('should take from training what is held out too, whatever the source, and count it', () => {
    const train = [tuple('t1', 'one'), tuple('t2', 'two '), tuple('t3', 'one'), tuple('t4', 'four')];
    const heldOut = [tuple('h1', 'one'), tuple('h2', ' two'), tuple('h3', 'three')];
    const split = removeTrainingDuplicates({ train, heldOut });
    expect(split.train.map(({ id }) => id)).toEqual(['t4']);
    expect(split.removed.map(({ id }) => id)).toEqual(['t1', 't2', 't3']);
    expect(split.heldOut).toEqual(heldOut);
  });

  it('should leave no prompt on both sides, lose no tuple, keep order, and change nothing the second time', () => {
    const prompts = fc.array(fc.constantFrom('a', 'b', 'a b', 'a  b', 'B', ''), { maxLength: 8 });
    fc.assert(
      fc.property(prompts, prompts, (training, held) => {
        const train = training.map((prompt, index) => tuple(`t${index}`, prompt));
        const heldOut = held.map((prompt, index) => tuple(`h${index}`, prompt));
        const split = removeTrainingDuplicates({ train, heldOut });
        const hashes = new Set(split.heldOut.map(promptHash));
        expect(split.train.some((each) => hashes.has(promptHash(each)))).toBe(false);
        expect(split.removed.every((each) => hashes.has(promptHash(each)))).toBe(true);
        expect(train.filter((each) => split.train.includes(each))).toEqual(split.train);
        expect(split.train.length + split.removed.length).toBe(train.length);
        expect(removeTrainingDuplicates(split)).toEqual({ train: split.train, heldOut, removed: [] });
      }),
    );
  });
});
