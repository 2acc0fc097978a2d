import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/index.js';
import { readPreferences } from '../../src/data/index.js';
import { withFile } from './fixtures.js';

const read = (content: string | Uint8Array) => withFile(content, readPreferences);

const faultOf = async (content: string | Uint8Array): Promise<InputError> => {
  const thrown = await read(content).catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(InputError);
  return thrown as InputError;
};

const good = '{"prompt": "It was", "chosen": " good", "rejected": " bad"}';

describe('readPreferences', () => {
  it('should take texts as they are and name tuples by line and prompt where nothing else is said', async () => {
    const content = `\uFEFF${good}\r\n\n{"id": 7, "source": "doc", "prompt": "", "chosen": "a", "rejected": "b"}`;
    expect(await read(content)).toEqual([
      { id: 'line-1', prompt: 'It was', chosen: ' good', rejected: ' bad', source: 'It was' },
      { id: '7', prompt: '', chosen: 'a', rejected: 'b', source: 'doc' },
    ]);
  });

  it('should give back what was written, whatever the texts', async () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
    const tuple = fc
      .record({ prompt: text, chosen: text, rejected: text, source: text })
      .filter(
        ({ chosen, rejected }) => chosen !== rejected && chosen.trim() !== '' && rejected.trim() !== '',
      );
    await fc.assert(
      fc.asyncProperty(fc.array(tuple, { minLength: 1, maxLength: 5 }), async (tuples) => {
        const rows = await read(tuples.map((each) => JSON.stringify(each)).join('\n'));
        expect(rows.map(({ id: _, ...rest }) => rest)).toEqual(tuples);
      }),
      { numRuns: 30 },
    );
  });

  it.each([
    ['a missing side', '{"prompt": "x", "chosen": "a"}', /"rejected" is missing/],
    ['an empty completion', '{"prompt": "x", "chosen": " ", "rejected": "a"}', /an answer is empty/],
    ['equal completions', '{"prompt": "x", "chosen": "a", "rejected": "a"}', /are the same/],
    [
      'a number for a text',
      '{"prompt": "x", "chosen": 3, "rejected": "b"}',
      /"chosen" must be text or a list, not a number/,
    ],
    [
      'a text for a message',
      '{"chosen": ["a"], "rejected": [{"role": "user", "content": "b"}]}',
      /"chosen\[0\]" must be an object, not text/,
    ],
    [
      'a role that is none',
      '{"prompt": "x", "chosen": [{"role": "gpt", "content": "a"}], "rejected": "b"}',
      /"chosen\[0\]\.role" is "gpt"; legal: system, user, assistant/,
    ],
    [
      'an answer as text beside one as messages',
      '{"prompt": "x", "chosen": [{"role": "assistant", "content": "a"}], "rejected": "b"}',
      /one of "chosen" and "rejected" is text/,
    ],
    [
      'a prompt that is not the one of the conversations',
      '{"prompt": "y", "chosen": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "a"}], "rejected": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "b"}]}',
      /"prompt" is no part of the conversation/,
    ],
    ['no prompt', '{"chosen": "a", "rejected": "b"}', /"prompt" is missing/],
    ['invalid JSON', '{"prompt": "x"', /not valid JSON/],
    ['a line that is no object', '3', /expected a JSON object/],
    ['an unknown polarity', good.replace('}', ', "polarity": "so-so"}'), /"polarity" is "so-so"/],
  ])('should refuse %s, naming the line and a cure', async (_, line, message) => {
    const fault = await faultOf(`${good}\n\n${line}\n`);
    expect(fault.message).toMatch(message);
    expect(fault.where?.line).toBe(3);
    expect(fault.where?.file).toMatch(/input\.jsonl$/);
    expect(fault.hint).toBeTruthy();
  });

  it('should refuse an id used twice, naming both lines', async () => {
    const line = good.replace('{', '{"id": "x", ');
    const fault = await faultOf(`${line}\n${line}`);
    expect(fault.message).toMatch(/line 1 already/);
    expect(fault.where?.line).toBe(2);
  });

  it('should refuse bytes that are no UTF-8, naming the line', async () => {
    const fault = await faultOf(Buffer.concat([Buffer.from(`${good}\n`), Buffer.of(0x7b, 0xc3, 0x28, 0x7d)]));
    expect(fault.message).toMatch(/not valid UTF-8/);
    expect(fault.where?.line).toBe(2);
  });

  it('should refuse a file of another kind, naming what it holds', async () => {
    const fault = await faultOf('{"text": "x", "url": "y"}');
    expect(fault.message).toMatch(/no known format of preferences: an object with "text", "url"/);
    expect(fault.where?.line).toBe(1);
  });

  it('should refuse an empty file and a missing one', async () => {
    expect((await faultOf('\n \n')).message).toMatch(/empty/);
    await expect(readPreferences('no/such/file.jsonl')).rejects.toThrow(InputError);
  });
});
