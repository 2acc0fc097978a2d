import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/index.js';
import {
  assetsFolder,
  encodePreference,
  encodePrompt,
  loadTokenizer,
  type PreferenceTuple,
  type Tokenizer,
} from '../../src/data/index.js';
import { isPresent, sharedPath } from './fixtures.js';

const tokenizer = await loadTokenizer(join(assetsFolder(), 'model'));

const tuple = (parts: Partial<PreferenceTuple>): PreferenceTuple => ({
  id: 'one',
  prompt: 'The food was',
  chosen: ' good',
  rejected: ' terrible',
  source: 'somewhere',
  ...parts,
});

describe('encodePreference', () => {
  it('should lead the prompt by BOS and leave the completions without special tokens', () => {
    const encoded = encodePreference(tokenizer, tuple({}), { maxLength: 64 });
    expect(Array.from(encoded.prompt)).toEqual([tokenizer.bosId, ...tokenizer.encode('The food was')]);
    expect(tokenizer.decode(encoded.chosen)).toBe(' good');
    expect(tokenizer.decode(encoded.rejected)).toBe(' terrible');
    expect(encoded).toMatchObject({ id: 'one', source: 'somewhere', truncated: false });
  });

  it('should end the prompt of an encoder–decoder as its tokenizer ends a text, at every length', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'dsteer-t5-'));
    try {
      await cp(join(assetsFolder(), 'models', 't5-d64'), folder, { recursive: true });
      const file = join(folder, 'tokenizer.json');
      const json = JSON.parse(await readFile(file, 'utf8'));
      // T5's own: EOS behind the text, and nothing in front.
      const eos = '<|eos|>';
      json.post_processor.single = [
        { Sequence: { id: 'A', type_id: 0 } },
        { SpecialToken: { id: eos, type_id: 0 } },
      ];
      json.post_processor.special_tokens = { [eos]: { id: eos, ids: [tokenizer.eosId], tokens: [eos] } };
      await writeFile(file, JSON.stringify(json));
      const t5 = await loadTokenizer(folder);
      expect([...encodePrompt(t5, 'The food was')].at(-1)).toBe(t5.eosId);
      for (const maxLength of [64, 5]) {
        const { prompt } = encodePreference(t5, tuple({}), { maxLength });
        expect(prompt.filter((id) => id === t5.eosId)).toHaveLength(1);
        expect(prompt.at(-1)).toBe(t5.eosId);
        expect(prompt.length).toBeLessThan(maxLength);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
    // The same file in the folder of a decoder says nothing of where an answer begins.
    expect(tokenizer.promptEnd).toBeUndefined();
  });

  it('should not repeat a BOS that the prompt spells out', () => {
    const encoded = encodePreference(tokenizer, tuple({ prompt: '<|bos|>The food was' }), { maxLength: 64 });
    expect(encoded.prompt.filter((id) => id === tokenizer.bosId)).toHaveLength(1);
  });

  it('should keep BOS and the end of a prompt too long, exactly filling the length', () => {
    const words = fc.array(fc.constantFrom('the', 'food', 'was', 'slow', 'service', 'again'), {
      minLength: 1,
    });
    fc.assert(
      fc.property(words, fc.integer({ min: 6, max: 40 }), (prompt, maxLength) => {
        const whole = tokenizer.encode(prompt.join(' '));
        const encoded = encodePreference(tokenizer, tuple({ prompt: prompt.join(' ') }), { maxLength });
        const longest = Math.max(encoded.chosen.length, encoded.rejected.length);
        const total = encoded.prompt.length + longest;
        expect(encoded.truncated).toBe(1 + whole.length + longest > maxLength);
        expect(total).toBe(Math.min(1 + whole.length + longest, maxLength));
        expect(encoded.prompt[0]).toBe(tokenizer.bosId);
        expect(Array.from(encoded.prompt.slice(1))).toEqual(
          Array.from(whole.slice(whole.length - encoded.prompt.length + 1)),
        );
      }),
    );
  });

  it('should let an empty prompt be BOS alone', () => {
    expect(Array.from(encodePreference(tokenizer, tuple({ prompt: '' }), { maxLength: 64 }).prompt)).toEqual([
      tokenizer.bosId,
    ]);
  });

  it('should refuse an empty prompt where the tokenizer has no BOS', () => {
    const bare: Tokenizer = { ...tokenizer, bosId: undefined };
    expect(() => encodePreference(bare, tuple({ prompt: '' }), { maxLength: 64 })).toThrow(
      /the prompt is empty/,
    );
  });

  it('should refuse an empty completion and one that leaves no room for the prompt', () => {
    expect(() => encodePreference(tokenizer, tuple({ chosen: '' }), { maxLength: 64 })).toThrow(InputError);
    const long = tuple({ rejected: ' terrible'.repeat(30) });
    const tokens = tokenizer.encode(long.rejected).length;
    expect(() => encodePreference(tokenizer, long, { maxLength: 20 })).toThrow(
      `a completion of ${tokens} tokens leaves no room for its prompt in 20`,
    );
  });

  it('should encode a completion alone where a token would straddle the seam, so that both keep one prompt', () => {
    const seam = tuple({ prompt: 'The foo', chosen: 'd', rejected: ' bad' });
    const encoded = encodePreference(tokenizer, seam, { maxLength: 64 });
    expect(Array.from(encoded.prompt.slice(1))).toEqual(Array.from(tokenizer.encode('The foo')));
    expect(tokenizer.decode(encoded.chosen)).toBe('d');
  });

  const stories = 'realdata/models/stories260K';
  const reason = isPresent(stories) ? '' : ` (skipped: no ../shared/${stories})`;

  it.skipIf(!isPresent(stories))(
    `should add no second mark of a text's start before a completion${reason}`,
    async () => {
      const marking = await loadTokenizer(sharedPath(stories));
      const encoded = encodePreference(
        marking,
        tuple({ prompt: 'Once upon', chosen: ' a time', rejected: ' a day' }),
        { maxLength: 64 },
      );
      expect([...encoded.prompt, ...encoded.chosen]).toEqual([1, 403, 407, 261, 378]);
    },
  );
});
