/** Reading the fields of a `config.json`; what is wrong is said with the field and the file. */
import { InputError, showValue } from '../base/index.js';

export type Json = Readonly<Record<string, unknown>>;

/** What the configurations of all architectures hold. */
export interface CommonConfig {
  readonly vocabularySize: number;
  /** Most tokens of a sequence. */
  readonly maxPositions: number;
  /** Whether W_U is E. */
  readonly tied: boolean;
  readonly bosTokenId: number | undefined;
  readonly eosTokenIds: readonly number[];
  readonly padTokenId: number | undefined;
}

export const isJsonObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Reads typed fields of a JSON object; a wrong type is an InputError that names the field and the file. */
export const fieldReader = (json: Json, file: string, prefix = '') => {
  const fault = (key: string, wanted: string): InputError =>
    new InputError(`${prefix}${key} is ${showValue(json[key])}; ${wanted} was expected`, {
      where: { file },
    });
  const positive = (key: string, fallback?: number): number => {
    const value = json[key] ?? fallback;
    if (typeof value === 'number' && value > 0 && Number.isFinite(value)) return value;
    throw fault(key, 'a positive number');
  };
  const size = (key: string, fallback?: number): number => {
    const value = positive(key, fallback);
    if (Number.isSafeInteger(value)) return value;
    throw fault(key, 'a whole number above 0');
  };
  const tokenId = (key: string): number | undefined => {
    const value = json[key] ?? undefined;
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isSafeInteger(value)) return value < 0 ? undefined : value;
    throw fault(key, 'a token id');
  };
  const tokenIds = (key: string): readonly number[] => {
    const value = json[key] ?? [];
    const ids: unknown[] = Array.isArray(value) ? value : [value];
    if (ids.every((id): id is number => Number.isSafeInteger(id))) return ids;
    throw fault(key, 'a token id or a list of them');
  };
  const flag = (key: string, fallback: boolean): boolean => {
    const value = json[key] ?? fallback;
    if (typeof value === 'boolean') return value;
    throw fault(key, 'true or false');
  };
  return { fault, positive, size, tokenId, tokenIds, flag };
};

/** Options whose other values change the maths, with the values that this implementation computes. */
export type OnlySupported = readonly (readonly [key: string, values: readonly unknown[]])[];

/** @throws InputError for an option with a value that is not supported */
export const checkSupported = (json: Json, file: string, onlySupported: OnlySupported): void => {
  for (const [key, values] of onlySupported) {
    const value = json[key] ?? undefined;
    if (value !== undefined && !values.includes(value)) {
      throw new InputError(`the option ${key}: ${showValue(value)} is not supported`, {
        where: { file },
        hint: values.length > 0 ? `supported: ${values.join(', ')}` : 'save the model without it',
      });
    }
  }
};

/** The fields that end every configuration, as Hugging Face writes them. */
export const commonConfigToJson = (
  { bosTokenId, eosTokenIds, padTokenId, tied }: CommonConfig,
  storedDtype: 'F32' | 'F16',
): Json => {
  const [firstEos] = eosTokenIds;
  return {
    tie_word_embeddings: tied,
    bos_token_id: bosTokenId ?? null,
    eos_token_id: eosTokenIds.length > 1 ? eosTokenIds : (firstEos ?? null),
    pad_token_id: padTokenId ?? null,
    torch_dtype: storedDtype === 'F16' ? 'float16' : 'float32',
    use_cache: true,
  };
};
