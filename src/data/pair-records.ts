import { z } from 'zod';
import { InputError, visible } from '../base/index.js';
import { type ChatMessage, isPrompt, type RenderChat, renderAnswers, renderTranscript } from './chat.js';
import { answersFault, type DropReason } from './drop-reasons.js';
import { atRecord, parseRecord } from './parse-record.js';
import type { PreferenceOutcome, ReadFormat } from './preference-outcome.js';
import type { PreferenceTuple } from './preference-tuple.js';
import { sourceOfFirstTurn } from './source-of-prompt.js';

const messages = z
  .array(z.object({ role: z.enum(['system', 'user', 'assistant']), content: z.string() }))
  .min(1, 'a conversation needs at least one message');
const side = z.union([z.string(), messages]);
const label = z.union([z.string(), z.number()]).nullish();

const schema = z.object({
  id: label,
  source: label,
  prompt: side.nullish(),
  chosen: side,
  rejected: side,
  frame: label,
  frameSplit: z.enum(['seen', 'unseen']).nullish(),
  polarity: z.enum(['positive', 'negative']).nullish(),
});

type PairRecord = z.infer<typeof schema>;

const shape =
  'a line looks like {"prompt": "…", "chosen": "…", "rejected": "…"}, or has lists of {"role": "user", "content": "…"} for texts';

type Side = string | readonly ChatMessage[];

const isText = (value: Side): value is string => typeof value === 'string';

const isSame = (a: readonly ChatMessage[], b: readonly ChatMessage[]): boolean =>
  a.length === b.length &&
  a.every(({ role, content }, index) => role === b[index]?.role && content === b[index]?.content);

/** One side as a whole conversation: it may be the answer alone, or hold the prompt too. */
const conversationOf = (prompt: Side | undefined, answer: Side): readonly ChatMessage[] => {
  const asked: readonly ChatMessage[] =
    prompt === undefined ? [] : isText(prompt) ? [{ role: 'user', content: prompt }] : prompt;
  if (isText(answer)) return [...asked, { role: 'assistant', content: answer }];
  if (answer[0]?.role === 'assistant') return [...asked, ...answer];
  const holdsPrompt =
    prompt === undefined || isText(prompt)
      ? asked.every((one) => answer.some(({ role, content }) => role === 'user' && content === one.content))
      : isSame(asked, answer.slice(0, asked.length));
  if (holdsPrompt) return answer;
  throw new InputError('"prompt" is no part of the conversation beside it', {
    hint: 'leave "prompt" out where "chosen" and "rejected" are whole conversations, or give the answers alone',
  });
};

type Texts = Pick<PreferenceTuple, 'prompt' | 'chosen' | 'rejected'> & { readonly firstTurn?: string };

const readChat = (record: PairRecord, render: RenderChat): Texts | DropReason => {
  if (isText(record.chosen) !== isText(record.rejected)) {
    throw new InputError('one of "chosen" and "rejected" is text, the other a list of messages', {
      hint: shape,
    });
  }
  const prompt = record.prompt ?? undefined;
  const chosen = conversationOf(prompt, record.chosen);
  const rejected = conversationOf(prompt, record.rejected);
  const context = chosen.slice(0, -1);
  const answers = [chosen, rejected].map((conversation) => conversation.at(-1));
  if (![context, rejected.slice(0, -1)].every(isPrompt)) return 'turns-do-not-alternate';
  if (!answers.every((answer) => answer?.role === 'assistant')) return 'turns-do-not-alternate';
  if (!isSame(context, rejected.slice(0, -1))) return 'differs-before-last-turn';
  const [better = '', worse = ''] = answers.map((answer) => answer?.content ?? '');
  const fault = answersFault(better, worse);
  if (fault !== undefined) return fault;
  const rendered = renderAnswers(render, context, [better, worse]);
  const firstTurn = context.find(({ role }) => role === 'user')?.content ?? '';
  return {
    prompt: rendered.prompt,
    chosen: rendered.completions[0] ?? '',
    rejected: rendered.completions[1] ?? '',
    firstTurn,
  };
};

const readTexts = (record: PairRecord, render: RenderChat): Texts | DropReason => {
  const { prompt, chosen, rejected } = record;
  if (!isText(chosen) || !isText(rejected) || (prompt !== undefined && prompt !== null && !isText(prompt))) {
    return readChat(record, render);
  }
  if (prompt === undefined || prompt === null) {
    throw new InputError('"prompt" is missing', { hint: shape });
  }
  if (chosen.trim() === '' || rejected.trim() === '') return 'empty-answer';
  // Texts are taken as they are, so white space makes a difference.
  return chosen === rejected ? 'equal-answers' : { prompt, chosen, rejected };
};

const outcomeOf = (record: PairRecord, line: number, texts: Texts | DropReason): PreferenceOutcome => {
  if (typeof texts === 'string') return { line, reason: texts };
  const { prompt, chosen, rejected, firstTurn } = texts;
  const { id, source, frame, frameSplit, polarity } = record;
  return {
    line,
    tuple: {
      id: id === undefined || id === null ? `line-${line}` : String(id),
      prompt,
      chosen,
      rejected,
      source: String(source ?? (firstTurn === undefined ? prompt : sourceOfFirstTurn(firstTurn))),
      ...(frame === undefined || frame === null ? {} : { frame: String(frame) }),
      ...(frameSplit === undefined || frameSplit === null ? {} : { frameSplit }),
      ...(polarity === undefined || polarity === null ? {} : { polarity }),
    },
  };
};

/**
 * Records of prompt, chosen and rejected. Texts are taken as they are (a completion that starts a new word begins with its
 * space). Chat messages are rendered; chosen and rejected may be the answer alone or whole conversations, with or without
 * `prompt`, equal but for their last turn. Optional: `id` (default: the line), `source` (default: the prompt, of chats the
 * first turn), `frame`, `frameSplit`, `polarity`.
 *
 * @throws InputError with file and line when a side is missing or of another kind, or an id is used twice
 */
export const readPairRecords: ReadFormat = async function* (
  records,
  file,
  { renderChat = renderTranscript },
) {
  const lineOf = new Map<string, number>();
  for await (const record of records) {
    const { line } = record;
    const pair = parseRecord(schema, record, file, shape);
    const outcome = outcomeOf(
      pair,
      line,
      atRecord(file, line, () => readTexts(pair, renderChat)),
    );
    if ('tuple' in outcome) {
      const { id } = outcome.tuple;
      const before = lineOf.get(id);
      if (before !== undefined) {
        throw new InputError(`the id "${visible(id)}" is that of line ${before} already`, {
          where: { file, line },
          hint: 'give each line an id of its own, or none',
        });
      }
      lineOf.set(id, line);
    }
    yield outcome;
  }
};
