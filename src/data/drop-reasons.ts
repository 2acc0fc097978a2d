/** Why a record of preference data cannot be used, though it is well formed. Such records are counted, never kept. */
export const dropReasons = {
  'turns-do-not-alternate': 'turns do not alternate between person and assistant, or the answer is not last',
  'differs-before-last-turn': 'chosen and rejected differ before their last turn',
  'empty-answer': 'an answer is empty',
  'equal-answers': 'chosen and rejected are the same',
  unranked: 'a sibling without a rank',
  'tied-rank': 'siblings of the same rank',
  'no-parent': 'the message that is answered is not in the file',
  deleted: 'a deleted message, or one that its reviewers rejected',
  language: 'a message in another language',
  synthetic: 'a message written by a model',
} as const;

export type DropReason = keyof typeof dropReasons;

/** What is wrong with two answers as a preference, if anything is. */
export const answersFault = (chosen: string, rejected: string): DropReason | undefined => {
  if (chosen.trim() === '' || rejected.trim() === '') return 'empty-answer';
  return chosen.trim() === rejected.trim() ? 'equal-answers' : undefined;
};
