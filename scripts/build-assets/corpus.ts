/** The pretraining corpus as rows of token ids: speeches, with review sentences of the training split mixed in. */

import { join } from 'node:path';
import { createRandom, type Random } from '../../src/base/index.js';
import { loadTokenizer, type Tokenizer } from '../../src/data/index.js';
import { packRows, sliceRows } from './pack-rows.js';
import { ASSETS_FOLDER, CONTEXT, DEFAULT_SOURCES_FOLDER, MIXTURE, SEED } from './settings.js';
import { readSources } from './sources.js';
import { splitSources } from './split.js';
import { splitPieces } from './train-bpe.js';

export interface Corpus {
  /** Every row has context + 1 tokens: inputs are all but the last, targets all but the first. */
  readonly context: number;
  /** Shuffled; 13 rows of speeches to 3 of reviews. */
  readonly trainRows: readonly Int32Array[];
  /** Rows of the speeches held out. */
  readonly heldOutSpeeches: readonly Int32Array[];
  /** Rows of packed held-out review sentences; one cut at a row's end begins the next row again. */
  readonly heldOutReviews: readonly Int32Array[];
  readonly counts: {
    readonly speechRows: number;
    readonly reviewRows: number;
    /** Tokens of one pass over the training text. */
    readonly speechTokens: number;
    readonly reviewTokens: number;
  };
}

export interface CorpusOptions {
  /** Folder of tokenizer.json; default: the shipped model's. */
  readonly tokenizerFolder?: string;
  /** Where downloaded packages are kept. */
  readonly sourcesFolder?: string;
  readonly context?: number;
  readonly seed?: number | string;
}

/** Encodes BOS, text, EOS. Pieces never share a token, so each distinct piece is encoded once. */
const documentEncoder = (tokenizer: Tokenizer): ((text: string) => number[]) => {
  const known = new Map<string, readonly number[]>();
  const { bosId, eosId } = tokenizer;
  if (bosId === undefined || eosId === undefined)
    throw new Error('the corpus needs a tokenizer with BOS and EOS');
  return (text) => {
    const ids = [bosId];
    for (const piece of splitPieces(text)) {
      let encoded = known.get(piece);
      if (!encoded) {
        encoded = Array.from(tokenizer.encode(piece));
        known.set(piece, encoded);
      }
      ids.push(...encoded);
    }
    ids.push(eosId);
    return ids;
  };
};

function* endlessly<T>(items: readonly T[], random: Random): Generator<T> {
  for (let pass = 0; items.length > 0; pass++) yield* random.fork(pass).shuffle(items);
}

const take = <T>(items: Iterable<T>, count: number): T[] => {
  const taken: T[] = [];
  for (const item of items) {
    if (taken.length >= count) break;
    taken.push(item);
  }
  return taken;
};

/** Makes the corpus from the pinned packages; the same options give the same rows. */
export const buildCorpus = async (options: CorpusOptions = {}): Promise<Corpus> => {
  const context = options.context ?? CONTEXT;
  const random = createRandom(options.seed ?? SEED).fork('corpus');
  const encode = documentEncoder(
    await loadTokenizer(options.tokenizerFolder ?? join(ASSETS_FOLDER, 'model')),
  );
  const split = splitSources(await readSources(options.sourcesFolder ?? DEFAULT_SOURCES_FOLDER), SEED);

  const speeches = random.fork('speeches').shuffle(split.trainSpeeches);
  const speechStream = speeches.flatMap(({ text }) => encode(text));
  const speechRows = sliceRows(speechStream, context);
  const reviews = split.trainReviews.map(({ text }) => encode(text));
  const reviewCount = Math.round((speechRows.length * MIXTURE.reviews) / MIXTURE.speeches);
  const reviewRows = take(packRows(endlessly(reviews, random.fork('reviews')), context), reviewCount);
  return {
    context,
    trainRows: random.fork('rows').shuffle([...speechRows, ...reviewRows]),
    heldOutSpeeches: split.heldOutSpeeches.flatMap(({ text }) => sliceRows(encode(text), context)),
    heldOutReviews: [
      ...packRows(
        split.heldOutReviews.map(({ text }) => encode(text)),
        context,
      ),
    ],
    counts: {
      speechRows: speechRows.length,
      reviewRows: reviewRows.length,
      speechTokens: speechStream.length,
      reviewTokens: reviews.reduce((sum, ids) => sum + ids.length, 0),
    },
  };
};
