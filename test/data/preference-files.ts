import { gzipSync } from 'node:zlib';
import { expect } from 'vitest';
import { InputError } from '../../src/base/index.js';
import { type ReadPreferencesOptions, readPreferenceFile } from '../../src/data/index.js';
import { withFile } from './fixtures.js';

export const linesOf = (records: readonly unknown[]): string =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('');

export const zipped = (records: readonly unknown[]): Uint8Array => gzipSync(linesOf(records));

/** What `readPreferenceFile` makes of a file with this content; the report's `file` left out. */
export const readContent = (content: string | Uint8Array, options: ReadPreferencesOptions = {}) =>
  withFile(content, async (path) => {
    const { tuples, report } = await readPreferenceFile(path, options);
    const { file: _, ...rest } = report;
    return { tuples, report: rest };
  });

/** The one error that a file with this content gives: of input, with the file and a cure. */
export const contentFault = async (
  content: string | Uint8Array,
  options: ReadPreferencesOptions = {},
): Promise<InputError> => {
  const thrown = await readContent(content, options).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(InputError);
  const fault = thrown as InputError;
  expect(fault.exitCode).toBe(2);
  expect(fault.where?.file).toMatch(/input\.jsonl$/);
  expect(fault.hint).toBeTruthy();
  return fault;
};
