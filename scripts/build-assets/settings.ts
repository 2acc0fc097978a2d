/** What every step of the build agrees on. */

import { fileURLToPath } from 'node:url';

/** Of every random choice in the build. */
export const SEED = 'dsteer-assets-1';

/** Tokens the shipped model sees at once. */
export const CONTEXT = 64;

export const VOCABULARY_SIZE = 1536;

/** Pretraining rows of speeches to rows of review sentences; also the weights of word frequencies. */
export const MIXTURE = { speeches: 13, reviews: 3 } as const;

export const ASSETS_FOLDER = fileURLToPath(new URL('../../assets', import.meta.url));

/** Downloaded packages are kept here, ignored by git. */
export const DEFAULT_SOURCES_FOLDER = fileURLToPath(new URL('../../.dsteer/sources', import.meta.url));
