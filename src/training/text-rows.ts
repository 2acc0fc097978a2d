import { InputError } from '../base/index.js';
import type { TokenRows } from './language-model-steps.js';

/**
 * One stream of tokens cut into rows of `context` + 1 that overlap by one, so that each token but the first is predicted
 * once; what is left at the end is dropped.
 *
 * @throws InputError when there is not enough text for one row
 */
export const textRows = (sequences: Iterable<Int32Array>, context: number): TokenRows => {
  const parts = [...sequences];
  const stream = new Int32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const part of parts) {
    stream.set(part, end);
    end += part.length;
  }
  const rows: Int32Array[] = [];
  for (let from = 0; from + context < stream.length; from += context) {
    rows.push(stream.slice(from, from + context + 1));
  }
  if (rows.length === 0) {
    throw new InputError(`a text of ${stream.length} tokens has no row of ${context + 1}`, {
      hint: 'give more text, or shorter rows (data.maxTokens)',
    });
  }
  return rows;
};
