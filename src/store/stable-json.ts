import { ComputationError } from '../base/index.js';

const findNonFinite = (value: unknown, path: string): string | undefined => {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : `${path} is ${value}`;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, item] of Object.entries(value)) {
    const found = findNonFinite(item, path === '' ? key : `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
};

/**
 * JSON for files that must not differ between equal runs: two spaces, keys in insertion order, a final newline.
 *
 * @throws ComputationError naming the path of a NaN or infinity, which JSON would turn into `null` silently
 */
export const stableJson = (value: unknown): string => {
  const fault = findNonFinite(value, '');
  if (fault !== undefined) throw new ComputationError(`cannot write JSON: ${fault}`);
  return `${JSON.stringify(value, null, 2)}\n`;
};
