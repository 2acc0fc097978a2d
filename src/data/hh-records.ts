import { z } from 'zod';
import { InputError } from '../base/index.js';
import { type ChatMessage, isPrompt, renderAnswers } from './chat.js';
import { answersFault, type DropReason } from './drop-reasons.js';
import { atRecord, parseRecord } from './parse-record.js';
import type { ReadFormat } from './preference-outcome.js';
import { sourceOfFirstTurn } from './source-of-prompt.js';

const schema = z.object({ chosen: z.string(), rejected: z.string() });

const shape =
  'a line looks like {"chosen": "\\n\\nHuman: …\\n\\nAssistant: …", "rejected": "\\n\\nHuman: …\\n\\nAssistant: …"}';

const mark = /\n\n(Human|Assistant):/g;

interface Transcript {
  /** All that comes before the last turn, and the mark that begins it. */
  readonly prompt: string;
  readonly context: readonly ChatMessage[];
  /** The last turn as it stands, its leading space included. */
  readonly answer: string;
}

/** @returns nothing where the turns do not alternate, or the last one is not the assistant's */
const parseTranscript = (text: string): Transcript | undefined => {
  const marks = [...text.matchAll(mark)];
  const last = marks.at(-1);
  if (last === undefined) throw new InputError('there is no turn in this transcript', { hint: shape });
  const turns = marks.map((match, index): ChatMessage => {
    const content = text.slice(match.index + match[0].length, marks[index + 1]?.index);
    return { role: match[1] === 'Human' ? 'user' : 'assistant', content: content.trim() };
  });
  const context = turns.slice(0, -1);
  const leading = text.slice(0, marks[0]?.index);
  if (leading.trim() !== '' || turns.at(-1)?.role !== 'assistant' || !isPrompt(context)) return undefined;
  const answerFrom = last.index + last[0].length;
  return { prompt: text.slice(0, answerFrom), context, answer: text.slice(answerFrom) };
};

const faultOf = (
  chosen: Transcript | undefined,
  rejected: Transcript | undefined,
): DropReason | undefined => {
  if (chosen === undefined || rejected === undefined) return 'turns-do-not-alternate';
  if (chosen.prompt !== rejected.prompt) return 'differs-before-last-turn';
  return answersFault(chosen.answer, rejected.answer);
};

/**
 * Anthropic HH: two transcripts, equal up to the assistant's last turn, which is what is preferred. Prompts end with
 * "\n\nAssistant:", completions begin with their space. Records that begin with the same words of the person share a source.
 *
 * @throws InputError with file and line when a side is missing or no transcript
 */
export const readHhRecords: ReadFormat = async function* (records, file, { renderChat }) {
  for await (const record of records) {
    const { line } = record;
    const sides = parseRecord(schema, record, file, shape);
    const [chosen, rejected] = atRecord(file, line, () => [
      parseTranscript(sides.chosen),
      parseTranscript(sides.rejected),
    ]);
    const reason = faultOf(chosen, rejected);
    if (reason !== undefined || chosen === undefined || rejected === undefined) {
      yield { line, reason: reason ?? 'turns-do-not-alternate' };
      continue;
    }
    const answers = [chosen.answer, rejected.answer];
    const { prompt, completions } =
      renderChat === undefined
        ? { prompt: chosen.prompt, completions: answers }
        : atRecord(file, line, () =>
            renderAnswers(
              renderChat,
              chosen.context,
              answers.map((answer) => answer.trim()),
            ),
          );
    yield {
      line,
      tuple: {
        id: `line-${line}`,
        prompt,
        chosen: completions[0] ?? '',
        rejected: completions[1] ?? '',
        source: sourceOfFirstTurn(chosen.context[0]?.content ?? ''),
      },
    };
  }
};
