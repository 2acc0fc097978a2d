/** The rotary part of Hugging Face configurations: base, scaling, and where transformers 5 puts them. */
import { InputError, showValue } from '../base/index.js';
import { fieldReader, isJsonObject, type Json } from './config-fields.js';

export type RotaryScaling =
  | { readonly type: 'none' }
  /** Every frequency divided by `factor`. */
  | { readonly type: 'linear'; readonly factor: number }
  /** Low frequencies divided, high ones kept, smoothly between (Llama 3.1). */
  | {
      readonly type: 'llama3';
      readonly factor: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
      readonly originalPositions: number;
    };

/** What the tables of angles are made from. */
export interface RotaryConfig {
  /** Dimensions that are turned, of one head: those from 0 on. */
  readonly rotaryDim: number;
  readonly ropeTheta: number;
  readonly ropeScaling: RotaryScaling;
}

const parseScaling = (raw: unknown, key: string, file: string): RotaryScaling => {
  if (raw === undefined || raw === null) return { type: 'none' };
  if (!isJsonObject(raw)) throw new InputError(`${key} is not an object`, { where: { file } });
  const { positive, size, fault } = fieldReader(raw, file, `${key}.`);
  const type = raw['rope_type'] ?? raw['type'] ?? 'default';
  if (type === 'default') return { type: 'none' };
  if (type === 'linear') return { type, factor: positive('factor') };
  if (type === 'llama3') {
    const lowFrequencyFactor = positive('low_freq_factor');
    const highFrequencyFactor = positive('high_freq_factor');
    if (highFrequencyFactor <= lowFrequencyFactor)
      throw fault('high_freq_factor', 'more than low_freq_factor');
    return {
      type,
      factor: positive('factor'),
      lowFrequencyFactor,
      highFrequencyFactor,
      originalPositions: size('original_max_position_embeddings'),
    };
  }
  throw new InputError(`${key} of type ${showValue(type)} is not supported`, {
    where: { file },
    hint: 'default, linear and llama3 are',
  });
};

/**
 * transformers 5 writes rope_parameters {rope_type, rope_theta, partial_rotary_factor, …} in place of rope_scaling and of
 * fields beside it; the field beside it is called `thetaKey`, and `shareKey` where a part of each head alone is turned.
 *
 * @throws InputError for a scaling that is not supported, or a malformed number
 */
export const parseRotary = (
  json: Json,
  file: string,
  { thetaKey, shareKey, defaultShare = 1 }: { thetaKey: string; shareKey?: string; defaultShare?: number },
): { ropeTheta: number; ropeScaling: RotaryScaling; share: number } => {
  const key = isJsonObject(json['rope_parameters']) ? 'rope_parameters' : 'rope_scaling';
  const inner = json[key];
  const from = (name: string, beside: string, fallback: number): number =>
    isJsonObject(inner) && inner[name] !== undefined
      ? fieldReader(inner, file, `${key}.`).positive(name)
      : fieldReader(json, file).positive(beside, fallback);
  const share = from('partial_rotary_factor', shareKey ?? 'partial_rotary_factor', defaultShare);
  if (share > 1) {
    throw new InputError(`${share} of a head cannot be turned; at most all of it, 1`, { where: { file } });
  }
  if (shareKey === undefined && share !== 1) {
    throw new InputError(`the option partial_rotary_factor: ${share} is not supported`, {
      where: { file },
      hint: 'supported: 1',
    });
  }
  return {
    ropeTheta: from('rope_theta', thetaKey, 10000),
    ropeScaling: parseScaling(inner, key, file),
    share,
  };
};

/** `rope_scaling` as Hugging Face writes it. */
export const scalingToJson = (scaling: RotaryScaling): Json | null => {
  if (scaling.type === 'none') return null;
  if (scaling.type === 'linear') return { rope_type: 'linear', type: 'linear', factor: scaling.factor };
  return {
    rope_type: 'llama3',
    factor: scaling.factor,
    low_freq_factor: scaling.lowFrequencyFactor,
    high_freq_factor: scaling.highFrequencyFactor,
    original_max_position_embeddings: scaling.originalPositions,
  };
};
