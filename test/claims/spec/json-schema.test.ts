import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { specJsonSchema } from '../../../src/claims/spec/json-schema.js';
import { shippedSpecsFolder, specFilesBelow } from '../../../src/claims/spec/load.js';

const published = JSON.parse(
  readFileSync(new URL('../../../schemas/dsteer.schema.json', import.meta.url), 'utf8'),
);
const reader = z.fromJSONSchema(published);
const files = await specFilesBelow(shippedSpecsFolder());

describe('the published JSON Schema', () => {
  it('should be that of the code: npm run build:schema writes it', () => {
    expect(published).toEqual(JSON.parse(JSON.stringify(specJsonSchema())));
  });

  it.each(files)('should accept what is shipped: %s', (file) => {
    expect(reader.safeParse(parse(readFileSync(file, 'utf8'))).error).toBeUndefined();
  });

  it.each([
    ['a misspelt key', { suite: 'mine', title: 'Mine', claim: ['a'] }],
    [
      'an unknown metric',
      { claim: 'a', title: 'A', source: 's', statement: 's', metric: 'cosin', threshold: {}, cases: [] },
    ],
    ['a value of another type', { experiment: 'a', extends: 'one-frame', seeds: 'many' }],
    ['a value out of range', { experiment: 'a', extends: 'one-frame', training: { beta: -1 } }],
    ['no kind', { title: 'Mine' }],
  ])('should refuse %s', (_, spec) => {
    expect(reader.safeParse(spec).success).toBe(false);
  });
});
