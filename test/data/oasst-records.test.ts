import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/base/index.js';
import { readPreferenceFile } from '../../src/data/index.js';
import { isPresent, sharedPath } from './fixtures.js';
import { contentFault, linesOf, readContent } from './preference-files.js';

interface Message {
  readonly message_id: string;
  readonly role: 'prompter' | 'assistant';
  readonly text: string;
  readonly lang?: string;
  readonly rank?: number | null;
  readonly synthetic?: boolean;
  readonly deleted?: boolean;
  readonly review_result?: boolean;
  readonly replies?: readonly Message[];
}

const asks = (id: string, replies: readonly Message[], more: Partial<Message> = {}): Message => ({
  message_id: id,
  role: 'prompter',
  text: `${id} asks`,
  lang: 'en',
  replies,
  ...more,
});

const answers = (id: string, rank: number | null, more: Partial<Message> = {}): Message => ({
  message_id: id,
  role: 'assistant',
  text: `${id} answers`,
  lang: 'en',
  rank,
  replies: [],
  ...more,
});

const tree = (prompt: Message) => ({
  message_tree_id: prompt.message_id,
  tree_state: 'ready_for_export',
  prompt,
});

/** The shape that the hub serves: a row a message, in the order of a walk. */
const rowsOf = (prompt: Message): Record<string, unknown>[] => {
  const walk = (message: Message, parent: string | null): Record<string, unknown>[] => {
    const { replies = [], ...rest } = message;
    return [
      { ...rest, parent_id: parent, message_tree_id: prompt.message_id },
      ...replies.flatMap((reply) => walk(reply, message.message_id)),
    ];
  };
  return walk(prompt, null);
};

const example = asks('q', [
  answers('b', 1),
  answers('a', 0, {
    replies: [asks('q2', [answers('d', 1), answers('c', 0)]), asks('q3', [answers('e', 0)])],
  }),
  answers('u', null),
]);

const both = async (prompt: Message, options = {}) => {
  const trees = await readContent(linesOf([tree(prompt)]), options);
  const rows = await readContent(linesOf(rowsOf(prompt)), options);
  expect(rows.tuples).toEqual(trees.tuples);
  const counts = ({ report }: typeof rows) => ({
    ...report,
    format: '',
    records: 0,
    dropped: Object.fromEntries(Object.entries(report.dropped).map(([name, { count }]) => [name, count])),
  });
  expect(counts(rows)).toEqual(counts(trees));
  return trees;
};

describe('OASST1', () => {
  it('should pair each two ranked replies to a message, better first, behind the path to it', async () => {
    const { tuples, report } = await both(example);
    expect(tuples).toEqual([
      {
        id: 'a>b',
        prompt: '\n\nHuman: q asks\n\nAssistant:',
        chosen: ' a answers',
        rejected: ' b answers',
        source: 'q',
      },
      {
        id: 'c>d',
        prompt: '\n\nHuman: q asks\n\nAssistant: a answers\n\nHuman: q2 asks\n\nAssistant:',
        chosen: ' c answers',
        rejected: ' d answers',
        source: 'q',
      },
    ]);
    expect(report).toMatchObject({
      format: 'oasst1-trees',
      records: 1,
      messages: 9,
      pairs: 4,
      kept: 2,
      dropped: { unranked: { count: 2, firstLine: 1 } },
    });
  });

  it('should make n (n − 1) / 2 pairs of n ranked replies', async () => {
    for (const n of [1, 2, 3, 5, 9]) {
      const replies = Array.from({ length: n }, (_, rank) => answers(`a${rank}`, n - 1 - rank));
      const pairs = n === 1 ? [] : (await both(asks('q', replies))).tuples;
      expect(pairs.length).toBe((n * (n - 1)) / 2);
      for (const { id } of pairs) {
        const [better = 0, worse = 0] = id.split('>').map((name) => Number(name.slice(1)));
        expect(better).toBeGreaterThan(worse);
      }
      if (n === 1) await contentFault(linesOf([tree(asks('q', replies))]));
    }
  });

  it('should make the same pairs of the rows in any order', async () => {
    const rows = rowsOf(example);
    const { tuples } = await readContent(linesOf([tree(example)]));
    for (const seed of [1, 2, 3]) {
      expect((await readContent(linesOf(createRandom(seed).shuffle(rows)))).tuples).toEqual(tuples);
    }
  });

  it.each([
    ['language', { lang: 'de' }],
    ['language', { lang: undefined }],
    ['synthetic', { synthetic: true }],
    ['deleted', { deleted: true }],
    ['deleted', { review_result: false }],
    ['empty-answer', { text: ' ' }],
    ['tied-rank', { rank: 1 }],
    ['equal-answers', { text: 'other answers ' }],
  ] as const)('should leave out and count a pair with such an answer: %s (%#)', async (reason, flaw) => {
    const prompt = asks('q', [
      answers('other', 1),
      answers('flawed', 0, flaw as Partial<Message>),
      answers('worst', 9, { text: 'no' }),
    ]);
    const { tuples, report } = await both(prompt, { language: 'en', humanOnly: true });
    const isOfBoth = reason === 'tied-rank' || reason === 'equal-answers';
    expect(tuples).toHaveLength(isOfBoth ? 2 : 1);
    expect(report.dropped).toEqual({ [reason]: { count: isOfBoth ? 1 : 2, firstLine: 1 } });
  });

  it.each([
    ['language', { lang: 'de' }],
    ['synthetic', { synthetic: true }],
    ['deleted', { deleted: true }],
  ] as const)('should leave out and count a pair with such a message on its path: %s', async (reason, flaw) => {
    const prompt = asks('q', [
      answers('x', null, { ...flaw, replies: [asks('q2', [answers('a', 0), answers('b', 1)])] }),
      answers('y', null, { replies: [asks('q3', [answers('c', 0), answers('d', 1)])] }),
    ]);
    const { tuples, report } = await both(prompt, { language: 'en', humanOnly: true });
    expect(tuples.map(({ id }) => id)).toEqual(['c>d']);
    expect(report.dropped[reason]?.count).toBe(1);
  });

  it('should keep other languages and messages of models where nothing else is asked for', async () => {
    const prompt = asks('q', [answers('a', 0, { synthetic: true }), answers('b', 1)], { lang: 'de' });
    expect((await both(prompt)).tuples).toHaveLength(1);
  });

  it('should count replies to a message that the file lacks, circles among them', async () => {
    const [, ...withoutFirst] = rowsOf(asks('q', [answers('a', 0), answers('b', 1)]));
    const circle = [
      { ...answers('c', 0), replies: undefined, parent_id: 'd', message_tree_id: 'q' },
      { ...answers('d', 1), replies: undefined, parent_id: 'd', message_tree_id: 'q' },
    ];
    const fine = rowsOf(asks('p', [answers('e', 0), answers('f', 1)]));
    const { tuples, report } = await readContent(linesOf([...withoutFirst, ...circle, ...fine]));
    expect(tuples.map(({ source }) => source)).toEqual(['p']);
    expect(report.dropped).toEqual({ 'no-parent': { count: 2, firstLine: 2 } });
  });

  it.each([
    ['no text', { text: undefined }, /"text" is missing/],
    ['a rank that is text', { rank: '0' }, /"rank" must be a number, not text/],
    ['a role that is none', { role: 'bot' }, /"role" is "bot"; legal: prompter, assistant/],
    ['an id that another message has', { message_id: 'q' }, /message "q" stands on line/],
  ])('should refuse a message with %s', async (_, flaw, message) => {
    const flawed = { ...answers('a', 0), ...flaw } as unknown as Message;
    const prompt = asks('q', [answers('b', 1), flawed]);
    const ofTree = await contentFault(linesOf([tree(prompt)]));
    const ofRows = await contentFault(linesOf(rowsOf(prompt)));
    for (const fault of [ofTree, ofRows]) expect(fault.message).toMatch(message);
    expect([ofTree.where?.line, ofRows.where?.line]).toEqual([1, 3]);
  });

  it('should read a chain of any depth without recursion, and refuse paths and forks that nobody wrote', async () => {
    const chain = (depth: number): string => {
      const open = Array.from({ length: depth }, (_, index) => {
        const role = index % 2 === 0 ? 'prompter' : 'assistant';
        return `{"message_id":"${index}","role":"${role}","text":"x","rank":0,"replies":[`;
      });
      return `{"message_tree_id":"t","prompt":${open.join('')}${']}'.repeat(depth)}}\n`;
    };
    const deep = await contentFault(chain(100_000));
    expect(deep.message).toMatch(/a path of 257 messages/);
    const wide = asks(
      'q',
      Array.from({ length: 257 }, (_, rank) => answers(`a${rank}`, rank)),
    );
    expect((await contentFault(linesOf([tree(wide)]))).message).toMatch(/257 replies/);
  });

  const [trees, messages] = ['realdata/oasst1/trees-en-70.jsonl', 'realdata/oasst1/messages-en-70.jsonl'];
  const isThere = isPresent(trees) && isPresent(messages);
  const reason = isThere ? '' : ` (skipped: no ../shared/${trees} and ${messages})`;

  it.skipIf(!isThere)(`should make the same pairs of the real trees and the real rows${reason}`, async () => {
    const ofTrees = await readPreferenceFile(sharedPath(trees));
    const ofRows = await readPreferenceFile(sharedPath(messages));
    expect(ofTrees.report).toMatchObject({
      format: 'oasst1-trees',
      records: 70,
      messages: 797,
      kept: 507,
      dropped: { unranked: { count: 7 } },
    });
    expect(ofRows.report).toMatchObject({
      format: 'oasst1-messages',
      records: 797,
      messages: 797,
      kept: 507,
      dropped: { unranked: { count: 7 } },
    });
    expect(ofRows.tuples).toEqual(ofTrees.tuples);
    expect(new Set(ofTrees.tuples.map(({ source }) => source)).size).toBe(70);
    expect(new Set(ofTrees.tuples.map(({ id }) => id)).size).toBe(507);
    // The answers are those of the messages that the ids name.
    const texts = new Map(
      (await readFile(sharedPath(messages), 'utf8'))
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { message_id: string; text: string; rank: number })
        .map((message) => [message.message_id, message]),
    );
    for (const { id, chosen, rejected } of ofTrees.tuples) {
      const [better, worse] = id.split('>').map((name) => texts.get(name));
      expect([chosen, rejected]).toEqual([` ${better?.text}`, ` ${worse?.text}`]);
      expect(better?.rank).toBeLessThan(worse?.rank ?? -1);
    }
  });

  it.skipIf(!isThere)(`should leave out what a model wrote${reason}`, async () => {
    const { report } = await readPreferenceFile(sharedPath(messages), { humanOnly: true });
    expect(report).toMatchObject({
      kept: 491,
      dropped: { synthetic: { count: 16 }, unranked: { count: 7 } },
    });
  });
});
