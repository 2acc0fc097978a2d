/** Writes assets/PROVENANCE.md from what lies in assets/: `npx tsx scripts/build-assets/write-provenance.ts [--sources DIR]`. */

import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { loadShippedPreferences, loadTokenizer } from '../../src/data/index.js';
import { writeFileAtomic } from '../../src/store/index.js';
import { RUNGS } from '../rungs.js';
import { buildCorpus } from './corpus.js';
import { selectOpinionWords } from './opinion-words.js';
import { describeProvenance, type ModelRecord } from './provenance.js';
import { ASSETS_FOLDER, DEFAULT_SOURCES_FOLDER, SEED } from './settings.js';
import { readSources } from './sources.js';
import { splitSources } from './split.js';

const { values } = parseArgs({ options: { sources: { type: 'string' } } });
const sourcesFolder = values.sources ?? DEFAULT_SOURCES_FOLDER;
const target = join(ASSETS_FOLDER, 'PROVENANCE.md');

const shippedFiles = async () => {
  const entries = await readdir(ASSETS_FOLDER, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const named = paths
    .filter((path) => path !== target)
    .map((path) => ({ path, name: relative(ASSETS_FOLDER, path).replaceAll('\\', '/') }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return Promise.all(named.map(async ({ path, name }) => ({ name, bytes: await readFile(path) })));
};

const readRecord = async (folder: string): Promise<ModelRecord | undefined> => {
  const file = join(ASSETS_FOLDER, folder, 'training.json');
  return existsSync(file) ? (JSON.parse(await readFile(file, 'utf8')) as ModelRecord) : undefined;
};
const ladder: Record<string, ModelRecord> = {};
for (const { folder } of Object.values(RUNGS)) {
  const record = await readRecord(folder);
  if (record && folder.startsWith('models/')) ladder[folder.slice('models/'.length)] = record;
}
const sources = await readSources(sourcesFolder);
const split = splitSources(sources, SEED);
const content = describeProvenance({
  split,
  words: selectOpinionWords(sources.lexicon, split),
  preferences: {
    'one-frame': await loadShippedPreferences('one-frame'),
    'many-frames': await loadShippedPreferences('many-frames'),
    cloze: await loadShippedPreferences('cloze'),
  },
  tokenizer: await loadTokenizer(join(ASSETS_FOLDER, 'model')),
  corpus: (await buildCorpus({ sourcesFolder })).counts,
  model: await readRecord('model'),
  ladder,
  files: await shippedFiles(),
});
await writeFileAtomic(target, content);
process.stdout.write(`${relative(process.cwd(), target)}\n`);
