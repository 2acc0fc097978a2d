import { InputError, visible } from '../base/index.js';
import { type ChatMessage, isPrompt, type RenderedAnswers, renderAnswers, renderTranscript } from './chat.js';
import { answersFault, type DropReason } from './drop-reasons.js';
import { type OasstMessage, type OasstTree, readOasstRows, readOasstTrees } from './oasst-messages.js';
import { atRecord } from './parse-record.js';
import type { FormatOptions, PreferenceOutcome, ReadFormat } from './preference-outcome.js';

/** More of either is no conversation that people had; the limits bound what one hostile record can cost. */
const limits = { turns: 256, siblings: 256 } as const;

/** Replies to one message, and the path that leads to it. */
interface Fork {
  /** From the tree's first message to the one replied to. */
  readonly path: readonly OasstMessage[];
  readonly replies: readonly OasstMessage[];
}

const byRank = (a: OasstMessage, b: OasstMessage): number =>
  (a.rank ?? Number.POSITIVE_INFINITY) - (b.rank ?? Number.POSITIVE_INFINITY) ||
  (a.message_id < b.message_id ? -1 : 1);

const childrenOf = (tree: OasstTree, file: string): Map<string | undefined, OasstMessage[]> => {
  const children = new Map<string | undefined, OasstMessage[]>();
  const lineOf = new Map<string, number>();
  for (const message of tree.messages) {
    const before = lineOf.get(message.message_id);
    if (before !== undefined) {
      throw new InputError(`message "${visible(message.message_id)}" stands on line ${before} already`, {
        where: { file, line: message.line },
        hint: 'leave each message in the file once',
      });
    }
    lineOf.set(message.message_id, message.line);
    const siblings = children.get(message.parent);
    if (siblings === undefined) children.set(message.parent, [message]);
    else siblings.push(message);
  }
  return children;
};

/** Every fork that is reached from the tree's beginning, then those that are not, with an empty path. */
function* forksOf(tree: OasstTree, file: string): Generator<Fork> {
  const children = childrenOf(tree, file);
  const open = (children.get(undefined) ?? []).sort(byRank).map((message) => [message]);
  children.delete(undefined);
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const parent = path.at(-1);
    const replies = children.get(parent?.message_id)?.sort(byRank);
    if (parent === undefined || replies === undefined) continue;
    children.delete(parent.message_id);
    if (path.length > limits.turns || replies.length > limits.siblings) {
      throw new InputError(
        `tree "${visible(tree.id)}" has a path of ${path.length} messages and ${replies.length} replies to its last`,
        {
          where: { file, line: parent.line },
          hint: `at most ${limits.turns} turns and ${limits.siblings} replies to one message are read; leave the tree out`,
        },
      );
    }
    yield { path, replies };
    open.push(...[...replies].reverse().map((reply) => [...(path ?? []), reply]));
  }
  for (const replies of children.values()) yield { path: [], replies: replies.sort(byRank) };
}

const toChat = ({ role, text }: OasstMessage): ChatMessage => ({
  role: role === 'prompter' ? 'user' : 'assistant',
  content: text,
});

const faultOf = (
  { path }: Fork,
  chosen: OasstMessage,
  rejected: OasstMessage,
  { language, humanOnly = false }: FormatOptions,
): DropReason | undefined => {
  const all = [...path, chosen, rejected];
  if (typeof chosen.rank !== 'number' || typeof rejected.rank !== 'number') return 'unranked';
  if (chosen.rank === rejected.rank) return 'tied-rank';
  if (path.length === 0) return 'no-parent';
  if (all.some(({ deleted, review_result: approved }) => deleted === true || approved === false)) {
    return 'deleted';
  }
  if (language !== undefined && all.some(({ lang }) => lang !== language)) return 'language';
  if (humanOnly && all.some(({ synthetic }) => synthetic === true)) return 'synthetic';
  if (!isPrompt(path.map(toChat))) return 'turns-do-not-alternate';
  return answersFault(chosen.text, rejected.text);
};

/** A pair of each two of the assistant's replies to one message; a person's replies are no answers to choose from. */
function* pairsOf(
  fork: Fork,
  tree: OasstTree,
  file: string,
  options: FormatOptions,
): Generator<PreferenceOutcome> {
  const answers = fork.replies.filter(({ role }) => role === 'assistant');
  if (answers.length < 2) return;
  const lines = [...fork.path, ...answers].map(({ line }) => line);
  const line = Math.max(...lines);
  let rendered: RenderedAnswers | undefined;
  // A template may refuse what is dropped anyway, so it is asked only for what is kept.
  const render = (): RenderedAnswers =>
    atRecord(file, line, () =>
      renderAnswers(
        options.renderChat ?? renderTranscript,
        fork.path.map(toChat),
        answers.map(({ text }) => text),
      ),
    );
  for (const [index, chosen] of answers.entries()) {
    for (const [offset, rejected] of answers.slice(index + 1).entries()) {
      const reason = faultOf(fork, chosen, rejected, options);
      if (reason !== undefined) {
        yield { line, reason };
        continue;
      }
      rendered ??= render();
      yield {
        line,
        tuple: {
          id: `${chosen.message_id}>${rejected.message_id}`,
          prompt: rendered.prompt,
          chosen: rendered.completions[index] ?? '',
          rejected: rendered.completions[index + 1 + offset] ?? '',
          source: tree.id,
        },
      };
    }
  }
}

const readPairs = (readTrees: typeof readOasstTrees): ReadFormat =>
  async function* (records, file, options) {
    for await (const tree of readTrees(records, file)) {
      yield { line: tree.messages[0]?.line ?? 1, messages: tree.messages.length };
      for (const fork of forksOf(tree, file)) yield* pairsOf(fork, tree, file, options);
    }
  };

/**
 * OASST1 as conversation trees: a preference for each two ranked replies to one message. The prompt is the path to that
 * message, the source is the tree.
 *
 * @throws InputError with file and line when a record is no tree or one too large, or a message stands in it twice
 */
export const readOasstTreeRecords = readPairs(readOasstTrees);

/** The same of message rows: the same pairs in the same order within a tree, whatever the order of the rows. */
export const readOasstRowRecords = readPairs(readOasstRows);
