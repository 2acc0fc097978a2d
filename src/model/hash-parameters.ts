import { UsageError } from '../base/index.js';
import { sha256Hex } from '../store/index.js';
import type { LanguageModel } from './language-model.js';

/** SHA-256 of each named parameter's float32 values (little-endian, row-major): proof that it did or did not change. */
export const hashParameters = async (
  model: LanguageModel,
  names: readonly string[],
): Promise<Record<string, string>> => {
  const hashes: Record<string, string> = {};
  for (const name of names) {
    const variable = model.variables.get(name);
    if (!variable) throw new UsageError(`the model has no parameter "${name}"`);
    const values = Float32Array.from(await variable.data());
    hashes[name] = sha256Hex(new Uint8Array(values.buffer));
  }
  return hashes;
};
