import { describe, expect, it } from 'vitest';
import type { ChatMessage } from '../../src/data/index.js';
import { linesOf, readContent } from './preference-files.js';

const user = (content: string): ChatMessage => ({ role: 'user', content });
const assistant = (content: string): ChatMessage => ({ role: 'assistant', content });
const system = (content: string): ChatMessage => ({ role: 'system', content });

const rendered = {
  prompt: '\n\nHuman: Hello\n\nAssistant:',
  chosen: ' Hi',
  rejected: ' Go',
};

describe('prompt, chosen and rejected as chat messages', () => {
  it.each([
    ['answers alone', { prompt: [user('Hello')], chosen: [assistant('Hi')], rejected: [assistant('Go')] }],
    ['a prompt as text', { prompt: 'Hello', chosen: [assistant('Hi')], rejected: [assistant('Go')] }],
    ['answers as texts', { prompt: [user('Hello')], chosen: 'Hi', rejected: 'Go' }],
    [
      'whole conversations',
      { chosen: [user('Hello'), assistant('Hi')], rejected: [user('Hello'), assistant('Go')] },
    ],
    [
      'whole conversations beside their prompt as text',
      {
        prompt: 'Hello',
        chosen: [user('Hello'), assistant('Hi')],
        rejected: [user('Hello'), assistant('Go')],
      },
    ],
    [
      'whole conversations beside their prompt',
      {
        prompt: [user('Hello')],
        chosen: [user('Hello'), assistant('Hi')],
        rejected: [user('Hello'), assistant('Go')],
      },
    ],
  ])('should become a transcript: %s', async (_, record) => {
    const { tuples, report } = await readContent(linesOf([record]));
    expect(report).toMatchObject({ format: 'pairs', records: 1, pairs: 1, kept: 1, dropped: {} });
    expect(tuples[0]).toMatchObject(rendered);
    expect(tuples[0]?.source).toMatch(/^first-turn-/);
  });

  it('should take a system message and several turns, and render by the template that is given', async () => {
    const prompt = [system('Be brief'), user('Hello'), assistant('Hi'), user('How?')];
    const { tuples } = await readContent(
      linesOf([
        { id: 'x', source: 'doc', prompt, chosen: [assistant('Well')], rejected: [assistant('Ill')] },
      ]),
      {
        renderChat: (messages, { addGenerationPrompt }) =>
          messages.map(({ role, content }) => `[${role}]${content}\n`).join('') +
          (addGenerationPrompt ? '[assistant]' : ''),
      },
    );
    expect(tuples).toEqual([
      {
        id: 'x',
        source: 'doc',
        prompt: '[system]Be brief\n[user]Hello\n[assistant]Hi\n[user]How?\n[assistant]',
        chosen: 'Well\n',
        rejected: 'Ill\n',
      },
    ]);
  });

  it('should give conversations of the same first turn one source, whatever the system message', async () => {
    const record = (first: ChatMessage[]) => ({ prompt: first, chosen: 'a', rejected: 'b' });
    const { tuples } = await readContent(
      linesOf([
        record([user('Hello')]),
        record([system('x'), user('Hello')]),
        record([user('Hello'), assistant('a'), user('b')]),
        record([user('Bye')]),
      ]),
    );
    const [first, second, third, other] = tuples.map(({ source }) => source);
    expect([second, third]).toEqual([first, first]);
    expect(other).not.toBe(first);
  });

  it.each([
    ['turns-do-not-alternate', { chosen: [user('a'), user('b')], rejected: [user('a'), assistant('b')] }],
    ['turns-do-not-alternate', { prompt: [user('a'), user('b')], chosen: 'c', rejected: 'd' }],
    ['turns-do-not-alternate', { chosen: [assistant('a')], rejected: [assistant('b')] }],
    ['turns-do-not-alternate', { prompt: [system('a')], chosen: 'c', rejected: 'd' }],
    [
      'differs-before-last-turn',
      { chosen: [user('a'), assistant('b')], rejected: [user('x'), assistant('c')] },
    ],
    ['empty-answer', { prompt: [user('a')], chosen: ' ', rejected: 'b' }],
    ['equal-answers', { prompt: [user('a')], chosen: 'b', rejected: 'b ' }],
    ['empty-answer', { prompt: 'a', chosen: '', rejected: 'b' }],
    ['equal-answers', { prompt: 'a', chosen: 'b', rejected: 'b' }],
  ])('should leave out and count records: %s (%#)', async (reason, bad) => {
    const good = { prompt: 'a', chosen: 'b', rejected: 'c' };
    const { tuples, report } = await readContent(linesOf([good, bad]));
    expect(tuples).toHaveLength(1);
    expect(report.dropped).toEqual({ [reason]: { count: 1, firstLine: 2 } });
  });
});
