import { gzipSync } from 'node:zlib';
import { describe } from 'vitest';
import { readExtractInput } from '../../src/activations/index.js';
import { readPreferenceFile } from '../../src/data/index.js';
import { itObeysTheLaw, type Seed } from './parser-law.js';

const lines = (records: readonly object[]): string =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('');

const pairs = lines([
  {
    id: 'a',
    prompt: 'The food was',
    chosen: ' good',
    rejected: ' bad',
    source: 's1',
    frame: 'f',
    polarity: 'positive',
  },
  { id: 2, prompt: 'The room was', chosen: ' clean', rejected: ' dirty', frameSplit: 'seen' },
  {
    prompt: [{ role: 'user', content: 'Hi' }],
    chosen: [{ role: 'assistant', content: 'Hello' }],
    rejected: [{ role: 'assistant', content: 'No' }],
  },
  {
    chosen: [
      { role: 'system', content: 'Be kind' },
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Hello' },
    ],
    rejected: [
      { role: 'system', content: 'Be kind' },
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Go' },
    ],
  },
]);

const hh = lines([
  { chosen: '\n\nHuman: Hi\n\nAssistant: Hello', rejected: '\n\nHuman: Hi\n\nAssistant: Go' },
  {
    chosen: '\n\nHuman: a\n\nAssistant: b\n\nHuman: c\n\nAssistant: d',
    rejected: '\n\nHuman: a\n\nAssistant: b\n\nHuman: c\n\nAssistant: e',
  },
]);

const message = (id: string, parent: string | null, rank: number | null, role = 'assistant') => ({
  message_id: id,
  parent_id: parent,
  message_tree_id: 't',
  text: `text of ${id}`,
  role,
  lang: 'en',
  rank,
  synthetic: false,
  deleted: false,
  review_result: true,
});
const rows = lines([
  message('p', null, null, 'prompter'),
  message('a', 'p', 0),
  message('b', 'p', 1),
  message('q', 'a', 0, 'prompter'),
  message('c', 'q', 0),
  message('d', 'q', 1),
]);
const trees = lines([
  {
    message_tree_id: 't',
    prompt: {
      ...message('p', null, null, 'prompter'),
      replies: [
        { ...message('a', 'p', 0), replies: [{ ...message('q', 'a', 0, 'prompter'), replies: [] }] },
        { ...message('b', 'p', 1), replies: [] },
      ],
    },
  },
]);

/** Plain, gzipped after the mutation, and with the gzip data themselves mutated. */
const seedsOf = (text: string): Seed[] => [
  { bytes: text },
  { bytes: text, wrap: (bytes) => gzipSync(bytes) },
  { bytes: gzipSync(text) },
];

describe('preferences as JSON lines', () => {
  itObeysTheLaw('pairs, HH, OASST1 rows and trees, gzipped or not', {
    name: 'preferences.jsonl',
    parse: (file) => readPreferenceFile(file),
    seeds: [pairs, hh, rows, trees].flatMap(seedsOf),
  });
});

describe('prompts to extract at', () => {
  itObeysTheLaw('ids', {
    name: 'prompts.jsonl',
    parse: (file) => readExtractInput(file, { readout: 'prompt-last', maxLength: 64 }),
    seeds: [{ bytes: lines([{ ids: [1, 2, 3] }, { ids: [5], decoderIds: [0, 1] }]) }],
  });
});
