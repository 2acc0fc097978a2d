import { printable } from './printable.js';
import { shortened } from './shortened.js';

/** Most characters of a value that an error quotes. */
const longest = 120;

/**
 * A value out of a file, as an error may quote it: on one line, short whatever its size, never a failure of its own.
 * Values nested more deeply than JSON can be written are named by their kind.
 */
export const showValue = (value: unknown): string => {
  if (typeof value === 'string') return printable(JSON.stringify(shortened(value, longest)));
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  try {
    return printable(shortened(JSON.stringify(value) ?? 'nothing', longest));
  } catch {
    return Array.isArray(value) ? 'a list too deep to show' : 'an object too deep to show';
  }
};
