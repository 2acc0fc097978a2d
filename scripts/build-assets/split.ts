/** Which sentences and speeches a model may learn from, and which are kept for judging it. */

import { createRandom } from '../../src/base/index.js';
import type { ReviewSentence, Sources, Speech } from './sources.js';

export interface Split {
  readonly trainReviews: readonly ReviewSentence[];
  readonly heldOutReviews: readonly ReviewSentence[];
  readonly trainSpeeches: readonly Speech[];
  readonly heldOutSpeeches: readonly Speech[];
}

const TRAIN_SHARE = 0.56;

/** One of each of four eras and speakers. */
export const HELD_OUT_SPEECHES: ReadonlySet<string> = new Set([
  '1935_franklin_d_roosevelt_d',
  '1962_john_f_kennedy_d',
  '1985_ronald_reagan_r',
  '2010_barack_obama_d',
]);

/** The one split of every asset: a sentence is on the same side in pretraining, in BPE training and in each regime. */
export const splitSources = ({ reviews, speeches }: Sources, seed: number | string): Split => {
  const random = createRandom(seed).fork('split');
  const strata = new Map<string, ReviewSentence[]>();
  for (const review of reviews) {
    const key = `${review.collection}/${review.polarity}`;
    strata.set(key, [...(strata.get(key) ?? []), review]);
  }
  const train = new Set<string>();
  for (const [key, members] of strata) {
    const shuffled = random.fork(key).shuffle(members);
    for (const { id } of shuffled.slice(0, Math.round(shuffled.length * TRAIN_SHARE))) train.add(id);
  }
  return {
    trainReviews: reviews.filter(({ id }) => train.has(id)),
    heldOutReviews: reviews.filter(({ id }) => !train.has(id)),
    trainSpeeches: speeches.filter(({ id }) => !HELD_OUT_SPEECHES.has(id)),
    heldOutSpeeches: speeches.filter(({ id }) => HELD_OUT_SPEECHES.has(id)),
  };
};
