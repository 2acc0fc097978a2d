import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ExtractInputOptions, readExtractInput, readoutPositions } from '../../src/activations/index.js';
import { InputError } from '../../src/base/index.js';
import type { Tokenizer } from '../../src/data/index.js';

/** A token a character; id 0 begins a text. */
const tokenizer: Tokenizer = {
  encode: (text) => Int32Array.from(text, (character) => character.charCodeAt(0)),
  decode: (ids) => String.fromCharCode(...Array.from(ids)),
  token: (id) => String.fromCharCode(id),
  vocabularySize: 128,
  bosId: 0,
  eosId: undefined,
  padId: undefined,
  sha256: '',
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dsteer-input-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

const read = async (content: string | Uint8Array, options: Partial<ExtractInputOptions> = {}) => {
  const path = join(folder, 'input.jsonl');
  await writeFile(path, content);
  return readExtractInput(path, { readout: 'prompt-last', tokenizer, ...options });
};

const ids = (text: string): Int32Array => Int32Array.of(0, ...tokenizer.encode(text));

describe('readExtractInput', () => {
  it('should read prompts at their last token, responses or not', async () => {
    const items = await read('{"prompt":"ab"}\r\n\n{"prompt":"abc","response":" d"}\n{"ids":[5,6,7]}');
    expect(items).toEqual([
      { ids: ids('ab'), position: 2 },
      { ids: ids('abc'), position: 3 },
      { ids: Int32Array.of(5, 6, 7), position: 2 },
    ]);
  });

  it('should read responses at the last token of prompt and response', async () => {
    const items = await read('{"prompt":"abc","response":" d"}\n', { readout: 'response-last' });
    expect(items).toEqual([{ ids: ids('abc d'), position: 5, promptLength: 4 }]);
  });

  it('should take ids for a decoder beside those for its encoder, as they are', async () => {
    const items = await read('{"ids":[5,6,7],"decoderIds":[0,9]}\n');
    expect(items).toEqual([{ ids: Int32Array.of(0, 9), position: 1, encoder: Int32Array.of(5, 6, 7) }]);
  });

  it('should need no tokenizer for ids', async () => {
    const path = join(folder, 'ids.jsonl');
    await writeFile(path, '{"ids":[1]}\n');
    expect(await readExtractInput(path, { readout: 'prompt-last' })).toHaveLength(1);
    await writeFile(path, '{"ids":[1]}\n{"prompt":"a"}\n');
    await expect(readExtractInput(path, { readout: 'prompt-last' })).rejects.toThrow(/needs a tokenizer/);
  });

  it('should name file, line and cure of the first line that cannot be used', async () => {
    const faults: readonly (readonly [
      line: string,
      message: RegExp,
      options?: Partial<ExtractInputOptions>,
    ])[] = [
      ['[1]', /JSON object/],
      ['{"prompt": 1}', /"prompt" must be text, not number/],
      ['{"text": "a"}', /"prompt" is missing/],
      ['{"ids": []}', /at least one/],
      ['{"ids": [1, -2]}', /-2 at position 1/],
      ['{"ids": [1, 1.5]}', /1\.5 at position 1/],
      ['{"ids": [1], "prompt": "a"}', /unclear/],
      ['{"ids": [1], "decoderIds": []}', /"decoderIds" must be a list of at least one/],
      ['{"ids": [1], "decoderIds": ["a"]}', /"decoderIds" holds "a" at position 0/],
      ['{"prompt": "a", "decoderIds": [2]}', /need "ids" beside them/],
      [
        '{"ids": [1], "decoderIds": [1, 2, 3, 4, 5]}',
        /5 tokens are more than the model's 4/,
        { maxLength: 4 },
      ],
      [
        '{"ids": [1, 2, 3, 4, 5], "decoderIds": [1]}',
        /5 tokens are more than the model's 4/,
        { maxLength: 4 },
      ],
      ['{"prompt": "a"', /JSON/],
      ['{"prompt": "a"}', /response-last needs a response/, { readout: 'response-last' }],
      ['{"prompt": "a", "response": ""}', /response-last needs a response/, { readout: 'response-last' }],
      ['{"prompt": "abcdef"}', /7 tokens are more than the model's 4/, { maxLength: 4 }],
    ];
    for (const [line, message, options] of faults) {
      const error: unknown = await read(`{"prompt":"ok","response":"k"}\n\n${line}\n`, options).catch(
        (caught: unknown) => caught,
      );
      expect(error, line).toBeInstanceOf(InputError);
      expect(String(error), line).toMatch(message);
      if (error instanceof InputError) expect(error.where, line).toMatchObject({ line: 3 });
    }
    await expect(read(Buffer.from([0x22, 0xff, 0x22]))).rejects.toThrow(/UTF-8/);
    await expect(read('\n \n')).rejects.toThrow(/no prompts/);
    await expect(readExtractInput(join(folder, 'absent'), { readout: 'prompt-last' })).rejects.toThrow(
      InputError,
    );
  });

  it('should stop at a line that has no end in sight', async () => {
    const endless = Buffer.alloc(17 * 1024 * 1024, 'a');
    await expect(read(endless)).rejects.toThrow(/longer than 16 MiB/);
  });
});

describe('readoutPositions', () => {
  const pair = { prompt: Int32Array.of(1, 2), chosen: Int32Array.of(3), rejected: Int32Array.of(4, 5) };

  it('should tell the last prompt token from the last response token', () => {
    expect(readoutPositions([pair], 'prompt-last')).toEqual([{ ids: pair.prompt, position: 1 }]);
    expect(readoutPositions([pair], 'response-last')).toEqual([
      { ids: Int32Array.of(1, 2, 3), position: 2, promptLength: 2 },
    ]);
    const rejected = readoutPositions([pair], 'response-last', 'rejected');
    expect(rejected).toEqual([{ ids: Int32Array.of(1, 2, 4, 5), position: 3, promptLength: 2 }]);
  });

  it('should refuse an empty prompt', () => {
    expect(() => readoutPositions([{ ...pair, prompt: new Int32Array(0) }], 'prompt-last')).toThrow(
      InputError,
    );
  });
});
