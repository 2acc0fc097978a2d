import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { InputError } from '../../../src/base/index.js';
import {
  baselineJson,
  parseBaseline,
  readBaseline,
  updateBaseline,
  writeBaseline,
} from '../../../src/reports/index.js';
import { exampleClaim, reportOf } from '../example-report.js';

const { baseline } = updateBaseline(reportOf(exampleClaim(), exampleClaim({ experiment: 'one-frame' })));
const text = baselineJson(baseline);

/** As `file:line:column`, with what it says. */
const faultOf = (broken: string): string => {
  try {
    parseBaseline(broken, 'b.json');
  } catch (error) {
    if (error instanceof InputError) return error.describe();
    throw error;
  }
  return 'no fault';
};

it.each([
  ['an end too early', text.slice(0, 40), /^b\.json:4:5: this baseline is not JSON/],
  ['a comma too many', text.replace('"holds",', '"holds",,'), /^b\.json:11:\d+: this baseline is not JSON/],
  ['a comma before the end', text.replace(/\n {2}\]/, ',\n  ]'), /^b\.json:\d+:3: this baseline is not JSON/],
  ['a verdict that is none', text.replace('"holds"', '"maybe"'), /^b\.json:11:18: .*claims\.0\.verdict/],
  ['a band that is reversed', text.replace('[0.9004, 0.9177]', '[1, 0]'), /^b\.json:13:15: .*low end/],
  ['a misspelt key', text.replace('"band"', '"bnad"'), /^b\.json:\d+:\d+: .*claims\.0/],
  ['another schema', text.replace('"schema": 1', '"schema": 2'), /^b\.json:2:13: .*schema/],
  ['a case twice', text.replace('"one-frame"', '"many-frames"'), /^b\.json:\d+:5: .*accepted twice/],
  ['a list', '[]', /^b\.json:1:1: .*schema 1/],
  ['nothing', '', /^b\.json:1:1: .*not JSON/],
  ['deep nesting', `${'['.repeat(50_000)}${']'.repeat(50_000)}`, /^b\.json:1:1: /],
])('names the place of %s, once', (_what, broken, message) => {
  expect(faultOf(broken)).toMatch(message);
  expect(faultOf(broken).split('\n')).toHaveLength(2);
});

it('is written in one piece and read again, and a missing one says how to make it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dsteer-baseline-'));
  try {
    const file = join(folder, 'deep', 'b.json');
    await expect(readBaseline(file)).rejects.toThrow(InputError);
    await expect(readBaseline(file)).rejects.toMatchObject({
      hint: expect.stringContaining('--update-baseline'),
    });
    await writeBaseline(file, baseline);
    expect(await readBaseline(file)).toEqual(baseline);
    expect(await readdir(join(folder, 'deep'))).toEqual(['b.json']);
  } finally {
    await rm(folder, { recursive: true });
  }
});
