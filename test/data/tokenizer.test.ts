import { readFileSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/index.js';
import { assetsFolder, type ChatMessage, createTokenizer, loadTokenizer } from '../../src/data/index.js';
import { isPresent, sharedPath, withFile } from './fixtures.js';

interface GoldenString {
  readonly text: string;
  readonly ids: number[];
  readonly ids_with_special: number[];
  readonly tokens: string[];
  readonly decoded: string;
}

interface GoldenChat {
  readonly messages: ChatMessage[];
  readonly add_generation_prompt: boolean;
  readonly rendered: string;
  readonly ids: number[];
}

const golden = 'fixtures/tokenizer';
const stories = 'realdata/models/stories260K';
const shippedFolder = join(assetsFolder(), 'model');
const shipped = await loadTokenizer(shippedFolder);

describe('tokenizers made elsewhere', () => {
  const reason = isPresent(golden) ? '' : ` (skipped: no ../shared/${golden})`;

  it.skipIf(!isPresent(golden))(`should give the ids and texts of the golden file${reason}`, async () => {
    const tokenizer = await loadTokenizer(sharedPath(golden));
    const { strings } = JSON.parse(readFileSync(sharedPath(`${golden}/expected.json`), 'utf8')) as {
      strings: GoldenString[];
    };
    for (const { text, ids, ids_with_special, tokens, decoded } of strings) {
      expect(Array.from(tokenizer.encode(text)), JSON.stringify(text)).toEqual(ids);
      expect(Array.from(tokenizer.encodeWithSpecials(text)), JSON.stringify(text)).toEqual(ids_with_special);
      expect(ids.map((id) => tokenizer.token(id))).toEqual(tokens);
      expect(tokenizer.decode(Int32Array.from(ids))).toBe(decoded);
    }
    expect(tokenizer).toMatchObject({ vocabularySize: 512, bosId: 0, eosId: 2, padId: 3 });
  });

  it.skipIf(!isPresent(golden))(
    `should render and encode chats as the golden file says${reason}`,
    async () => {
      const tokenizer = await loadTokenizer(sharedPath(golden));
      const { chat } = JSON.parse(readFileSync(sharedPath(`${golden}/expected.json`), 'utf8')) as {
        chat: GoldenChat[];
      };
      expect(chat.length).toBe(3);
      for (const { messages, add_generation_prompt: addGenerationPrompt, rendered, ids } of chat) {
        expect(tokenizer.chatTemplate?.render(messages, { addGenerationPrompt })).toBe(rendered);
        expect([...tokenizer.encodeChat(messages, { addGenerationPrompt })]).toEqual(ids);
      }
      // The fixture's template puts BOS first where it is asked to.
      const [first] = chat;
      const asked = { addGenerationPrompt: true, variables: { add_bos: true } };
      expect(tokenizer.chatTemplate?.render(first?.messages ?? [], asked)).toBe(
        `<|endoftext|>${first?.rendered}`,
      );
    },
  );

  const storiesReason = isPresent(stories) ? '' : ` (skipped: no ../shared/${stories})`;

  it.skipIf(!isPresent(stories))(
    `should encode as the stories260K model was trained${storiesReason}`,
    async () => {
      const tokenizer = await loadTokenizer(sharedPath(stories));
      expect([tokenizer.bosId, ...tokenizer.encode('Once upon a time')]).toEqual([1, 403, 407, 261, 378]);
      expect([...tokenizer.encodeWithSpecials('Once upon a time')]).toEqual([1, 403, 407, 261, 378]);
      expect(tokenizer.decode([403, 407, 261, 378])).toBe('Once upon a time');
      expect(tokenizer).toMatchObject({ vocabularySize: 512, eosId: 2, padId: undefined });
    },
  );

  it.skipIf(!isPresent(stories))(
    `should spell by bytes what stories260K has no token for, and give any text back${storiesReason}`,
    async () => {
      const tokenizer = await loadTokenizer(sharedPath(stories));
      const bytes = [...tokenizer.encode('漢')].map((id) => tokenizer.token(id));
      expect(bytes).toEqual(['▁', '<0xE6>', '<0xBC>', '<0xA2>']);
      fc.assert(
        fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
          // A sentencepiece decoder takes the space off that the encoder put before the text.
          expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
        }),
      );
    },
  );
});

describe('the shipped tokenizer', () => {
  it('should have 1,536 tokens, and BOS, EOS and padding among them', () => {
    expect(shipped.vocabularySize).toBe(1536);
    const specials = [shipped.bosId, shipped.eosId, shipped.padId];
    expect(new Set(specials).size).toBe(3);
    for (const id of specials) expect(shipped.token(id ?? -1)).toMatch(/^<\|\w+\|>$/);
  });

  it('should give back any text from its ids, all of them within the vocabulary', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        const ids = shipped.encode(text);
        expect(shipped.decode(ids)).toBe(text);
        expect(ids.every((id) => id >= 0 && id < shipped.vocabularySize)).toBe(true);
      }),
    );
  });

  it('should encode a prompt and a completion that starts with a space as it encodes both together', () => {
    const words = fc.array(fc.stringMatching(/^[A-Za-z']{1,9}[.,]?$/), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(words, fc.stringMatching(/^[a-z]{1,12}$/), (prompt, word) => {
        const [text, completion] = [prompt.join(' '), ` ${word}`];
        const apart = [...shipped.encode(text), ...shipped.encode(completion)];
        expect(Array.from(shipped.encode(text + completion))).toEqual(apart);
      }),
    );
  });

  it('should know the commonest opinion words as single tokens', () => {
    for (const word of ['good', 'great', 'bad', 'poor', 'terrible', 'excellent']) {
      expect(shipped.encode(` ${word}`), word).toHaveLength(1);
    }
  });
});

describe('faults in tokenizer files', () => {
  it('should name a missing tokenizer.json and say where it belongs', async () => {
    const error = await loadTokenizer(join(shippedFolder, 'nowhere')).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InputError);
    expect((error as InputError).describe()).toMatch(
      /nowhere.tokenizer\.json: cannot be read[\s\S]*→ a model folder/,
    );
  });

  it.each([
    ['{', /not valid JSON/],
    ['[]', /expected a JSON object/],
    ['{"model": {"type": "Nonsense"}}', /cannot read this tokenizer/],
  ])('should refuse %s', (json, message) => {
    expect(() => createTokenizer(json)).toThrow(InputError);
    expect(() => createTokenizer(json)).toThrow(message);
  });

  it('should name the file of a part that shows its fault only in use', () => {
    const json = readFileSync(join(assetsFolder(), 'model', 'tokenizer.json'), 'utf8');
    const broken = JSON.stringify({
      ...JSON.parse(json),
      post_processor: { type: 'TemplateProcessing', single: null, pair: null, special_tokens: {} },
    });
    const tokenizer = createTokenizer(broken, {}, 'tokenizer.json');
    expect(() => tokenizer.encodeWithSpecials('A')).toThrow(InputError);
    expect(() => tokenizer.encodeWithSpecials('A')).toThrow(/this tokenizer cannot be used/);
  });

  it('should refuse bytes that are no UTF-8', async () => {
    await withFile(Uint8Array.of(0x7b, 0xff, 0x7d), async (path) => {
      const folder = join(path, '..');
      await copyFile(path, join(folder, 'tokenizer.json'));
      await expect(loadTokenizer(folder)).rejects.toThrow(/not valid UTF-8/);
    });
  });
});
