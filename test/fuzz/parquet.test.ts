import { type ColumnSource, parquetWriteBuffer } from 'hyparquet-writer';
import { describe } from 'vitest';
import { readPreferenceFile } from '../../src/data/index.js';
import { itObeysTheLaw, type Seed } from './parser-law.js';

const texts = (name: string, value: (index: number) => string): ColumnSource => ({
  name,
  data: Array.from({ length: 8 }, (_, index) => value(index)),
  type: 'STRING',
});

const columns: ColumnSource[] = [
  texts('prompt', (index) => `The food number ${index} was`),
  texts('chosen', (index) => ` good${index}`),
  texts('rejected', () => ' bad'),
  texts('source', (index) => `source ${index % 2}`),
];

const write = (codec: 'UNCOMPRESSED' | 'SNAPPY', rowGroupSize = 100): Seed => ({
  bytes: new Uint8Array(parquetWriteBuffer({ columnData: columns, codec, rowGroupSize })),
});

describe('parquet', () => {
  itObeysTheLaw('preferences, compressed or not', {
    name: 'preferences.parquet',
    parse: (file) => readPreferenceFile(file),
    seeds: [write('UNCOMPRESSED'), write('SNAPPY'), write('SNAPPY', 3)],
  });
});
