import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readPreferenceFile, renderTranscript } from '../../src/data/index.js';
import { isPresent, sharedPath } from './fixtures.js';
import { contentFault, linesOf, readContent, zipped } from './preference-files.js';

const turns = (...texts: readonly string[]): string =>
  texts.map((text, index) => `\n\n${index % 2 === 0 ? 'Human' : 'Assistant'}: ${text}`).join('');

const good = { chosen: turns('Hello', 'Hi there'), rejected: turns('Hello', 'Go away') };

describe('Anthropic HH', () => {
  it('should split transcripts at the last turn of the assistant, spaces kept', async () => {
    const long = {
      chosen: turns('Hello', 'Hi', 'How are you?', 'Well.\n\nAnd you?'),
      rejected: turns('Hello', 'Hi', 'How are you?', 'Why?'),
    };
    const { tuples, report } = await readContent(zipped([good, long]));
    expect(tuples.map(({ source: _, ...rest }) => rest)).toEqual([
      { id: 'line-1', prompt: '\n\nHuman: Hello\n\nAssistant:', chosen: ' Hi there', rejected: ' Go away' },
      {
        id: 'line-2',
        prompt: '\n\nHuman: Hello\n\nAssistant: Hi\n\nHuman: How are you?\n\nAssistant:',
        chosen: ' Well.\n\nAnd you?',
        rejected: ' Why?',
      },
    ]);
    expect(report).toEqual({
      format: 'hh',
      records: 2,
      messages: null,
      pairs: 2,
      kept: 2,
      dropped: {},
      repeated: null,
    });
  });

  it('should make up the transcripts again from prompt and completions, whatever the turns say', async () => {
    const text = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
      .filter((each) => each.trim() !== '' && !/Human|Assistant/.test(each));
    const record = fc
      .record({ context: fc.array(text, { minLength: 1, maxLength: 5 }), chosen: text, rejected: text })
      .filter(
        ({ context, chosen, rejected }) => context.length % 2 === 1 && chosen.trim() !== rejected.trim(),
      );
    await fc.assert(
      fc.asyncProperty(fc.array(record, { minLength: 1, maxLength: 4 }), async (records) => {
        const written = records.map(({ context, chosen, rejected }) => ({
          chosen: turns(...context, chosen),
          rejected: turns(...context, rejected),
        }));
        const { tuples } = await readContent(linesOf(written));
        expect(
          tuples.map(({ prompt, chosen, rejected }) => ({
            chosen: prompt + chosen,
            rejected: prompt + rejected,
          })),
        ).toEqual(written);
      }),
      { numRuns: 40 },
    );
  });

  it.each([
    ['turns-do-not-alternate', { chosen: `${turns('a', 'b')}\n\nAssistant: c`, rejected: turns('a', 'b') }],
    ['turns-do-not-alternate', { chosen: turns('a', 'b', 'c'), rejected: turns('a', 'b', 'c') }],
    ['turns-do-not-alternate', { chosen: `Note${turns('a', 'b')}`, rejected: `Note${turns('a', 'c')}` }],
    ['turns-do-not-alternate', { chosen: '\n\nAssistant: a', rejected: '\n\nAssistant: b' }],
    ['differs-before-last-turn', { chosen: turns('a', 'b', 'c', 'd'), rejected: turns('a', 'x', 'c', 'e') }],
    ['differs-before-last-turn', { chosen: turns('a', 'b', 'c', 'd'), rejected: turns('a', 'b') }],
    ['empty-answer', { chosen: turns('a', ''), rejected: turns('a', 'b') }],
    ['empty-answer', { chosen: turns('a', 'b'), rejected: `${turns('a')}\n\nAssistant:` }],
    ['equal-answers', { chosen: turns('a', 'b'), rejected: turns('a', 'b ') }],
  ] as const)('should leave out and count records: %s (%#)', async (reason, bad) => {
    const { tuples, report } = await readContent(linesOf([good, bad, good, bad]));
    expect(tuples.map(({ id }) => id)).toEqual(['line-1', 'line-3']);
    expect(report).toMatchObject({ records: 4, pairs: 4, kept: 2 });
    expect(report.dropped).toEqual({ [reason]: { count: 2, firstLine: 2 } });
    expect(report.repeated).toEqual({ count: 1, firstLine: 3 });
  });

  it.each([
    ['a side missing', { chosen: good.chosen }, /"rejected" is missing/],
    ['a side that is null', { ...good, chosen: null }, /"chosen" must be text, not null/],
    ['a side that is no transcript', { ...good, rejected: 'Go away' }, /no turn in this transcript/],
  ])('should refuse a record with %s, naming its line', async (_, bad, message) => {
    const fault = await contentFault(linesOf([good, bad]));
    expect(fault.message).toMatch(message);
    expect(fault.where?.line).toBe(2);
  });

  it('should refuse a file of which nothing is left, saying why', async () => {
    const same = { chosen: good.chosen, rejected: good.chosen };
    const fault = await contentFault(linesOf([same, same]));
    expect(fault.message).toBe(
      'none of 2 pairs in 2 records can be used: chosen and rejected are the same (2, first on line 1)',
    );
  });

  it('should give conversations that begin alike one source, and others another', async () => {
    const { tuples } = await readContent(
      linesOf([
        good,
        { chosen: turns('Hello ', 'x'), rejected: turns('Hello ', 'y') },
        { chosen: turns('Hello', 'x', 'Bye', 'z'), rejected: turns('Hello', 'x', 'Bye', 'w') },
        { chosen: turns('Bye', 'x'), rejected: turns('Bye', 'y') },
      ]),
    );
    const [first, second, third, other] = tuples.map(({ source }) => source);
    expect([second, third]).toEqual([first, first]);
    expect(other).not.toBe(first);
    // Where a person's words are a source's name, they would be in every report.
    expect(first).toMatch(/^first-turn-[0-9a-f]{16}$/);
  });

  it('should render the turns by a chat template where there is one', async () => {
    const { tuples } = await readContent(linesOf([good]), {
      renderChat: (messages, { addGenerationPrompt }) =>
        messages.map(({ role, content }) => `<${role}>${content}</>`).join('') +
        (addGenerationPrompt ? '<assistant>' : ''),
    });
    expect(tuples[0]).toMatchObject({
      prompt: '<user>Hello</><assistant>',
      chosen: 'Hi there</>',
      rejected: 'Go away</>',
    });
  });

  it('should fall back on a prompt without the mark of the next turn where a template writes that otherwise', async () => {
    const { tuples } = await readContent(linesOf([good]), {
      renderChat: (messages, { addGenerationPrompt }) =>
        renderTranscript(messages, { addGenerationPrompt }) + (addGenerationPrompt ? '<think>' : ''),
    });
    expect(tuples[0]).toMatchObject({ prompt: '\n\nHuman: Hello', chosen: '\n\nAssistant: Hi there' });
    const fault = await contentFault(linesOf([good]), {
      renderChat: (messages) => `${messages.length} ${messages.map(({ content }) => content).join()}`,
    });
    expect(fault.message).toMatch(/chat template writes the prompt otherwise/);
    expect(fault.where?.line).toBe(1);
  });

  const part = 'realdata/hh/harmless-base-test-part.jsonl.gz';
  const reason = isPresent(part) ? '' : ` (skipped: no ../shared/${part})`;

  it.skipIf(!isPresent(part))(`should read the real records, every one accounted for${reason}`, async () => {
    const { tuples, report } = await readPreferenceFile(sharedPath(part));
    expect(report).toMatchObject({
      format: 'hh',
      records: 1200,
      pairs: 1200,
      kept: 1194,
      dropped: {
        'empty-answer': { count: 4, firstLine: 87 },
        'turns-do-not-alternate': { count: 2, firstLine: 668 },
      },
      repeated: null,
    });
    const isWhole = tuples.every(
      ({ prompt, chosen, rejected }) =>
        prompt.startsWith('\n\nHuman: ') &&
        prompt.endsWith('\n\nAssistant:') &&
        chosen.startsWith(' ') &&
        rejected.startsWith(' ') &&
        !/\n\n(?:Human|Assistant):/.test(chosen + rejected),
    );
    // A flag, so that a failure prints none of the texts.
    expect(isWhole).toBe(true);
    const multiTurn = tuples.filter(({ prompt }) => prompt.split('\n\nHuman:').length > 2);
    expect(multiTurn.length).toBe(841);
  });
});
