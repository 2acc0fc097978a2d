import { InputError, UsageError } from '../base/index.js';
import { createSafetensorsWriter, sha256Hex } from '../store/index.js';
import type { HiddenStates } from './extract.js';
import type { ReadItem, Readout } from './readout.js';

/** Marks our own files; files of others need not carry it. */
export const pairFormat = 'dsteer-activations-1';

export interface ActivationPairContents {
  readonly base: HiddenStates;
  readonly policy: HiddenStates;
  readonly readout: Readout;
  /** The items both were read at: their ids and positions are hashed into the metadata. */
  readonly items: readonly ReadItem[];
  readonly metadata?: Readonly<Record<string, string>>;
}

/** One SHA-256 over ids and positions, in order: two files with the same value were read at the same tokens. */
export const hashReadItems = (items: readonly ReadItem[]): string => {
  const describe = ({ ids, position, encoder }: ReadItem): string =>
    `${encoder ? `${encoder.join(' ')}>` : ''}${ids.join(' ')}@${position}`;
  return sha256Hex(items.map(describe).join('\n'));
};

/**
 * Writes `base`, `policy` [L, n, d] and `basePostNorm`, `policyPostNorm` [n, d] as float32 safetensors, atomically;
 * metadata: `format`, `readout`, `itemsSha256`.
 *
 * @throws UsageError when the two do not have the same shape; InputError when there is nothing to write
 */
export const writeActivationPair = async (
  path: string,
  { base, policy, readout, items, metadata = {} }: ActivationPairContents,
): Promise<void> => {
  const { layers, n, hiddenSize } = base;
  if (layers !== policy.layers || n !== policy.n || hiddenSize !== policy.hiddenSize) {
    throw new UsageError(
      `hidden states of base [${layers}, ${n}, ${hiddenSize}] and policy [${policy.layers}, ${policy.n}, ${policy.hiddenSize}] differ in shape`,
    );
  }
  if (items.length !== n) throw new UsageError(`${n} hidden states cannot come from ${items.length} items`);
  if (n === 0) throw new InputError('there are no hidden states to write: no prompts were given');
  const writer = await createSafetensorsWriter(
    path,
    {
      base: [layers, n, hiddenSize],
      policy: [layers, n, hiddenSize],
      basePostNorm: [n, hiddenSize],
      policyPostNorm: [n, hiddenSize],
    },
    { metadata: { format: pairFormat, readout, itemsSha256: hashReadItems(items), ...metadata } },
  );
  try {
    for (const [name, states] of [
      ['base', base],
      ['policy', policy],
    ] as const) {
      for (const [layer, rows] of states.residual.entries()) {
        await writer.writeAt(name, layer * n * hiddenSize, rows);
      }
      await writer.writeAt(`${name}PostNorm`, 0, states.postNorm);
    }
    await writer.finish();
  } catch (error) {
    await writer.abandon();
    throw error;
  }
};
