/** Trains the shipped tokenizer on the training split and writes its two files. */

import { join } from 'node:path';
import { writeFileAtomic } from '../../src/store/index.js';
import { CONTEXT, VOCABULARY_SIZE } from './settings.js';
import type { Split } from './split.js';
import { SPECIAL_TOKENS, tokenizerConfig, tokenizerJson } from './tokenizer-files.js';
import { splitPieces, trainBpe } from './train-bpe.js';

const piecesIn = (texts: readonly { readonly text: string }[]): number =>
  texts.reduce((sum, { text }) => sum + splitPieces(text).length, 0);

/**
 * Reviews weigh as much as the far longer speeches, in whole repetitions: words of opinion then get short tokens, which
 * costs the speeches about 2 % more of them.
 */
export const reviewWeight = ({ trainReviews, trainSpeeches }: Split): number =>
  Math.round(piecesIn(trainSpeeches) / piecesIn(trainReviews));

/** Writes `tokenizer.json` and `tokenizer_config.json`; returns their paths. */
export const buildTokenizer = async (split: Split, folder: string): Promise<string[]> => {
  const weight = reviewWeight(split);
  const vocabulary = trainBpe(
    [
      ...split.trainSpeeches.map(({ text }) => ({ text, weight: 1 })),
      ...split.trainReviews.map(({ text }) => ({ text, weight })),
    ],
    { vocabularySize: VOCABULARY_SIZE, specialTokens: SPECIAL_TOKENS },
  );
  const files = [
    { path: join(folder, 'tokenizer.json'), content: tokenizerJson(vocabulary) },
    { path: join(folder, 'tokenizer_config.json'), content: tokenizerConfig(CONTEXT) },
  ];
  for (const { path, content } of files) await writeFileAtomic(path, `${JSON.stringify(content)}\n`);
  return files.map(({ path }) => path);
};
