import { InputError } from '../base/index.js';
import type { LanguageModel } from '../model/index.js';
import { createSafetensorsWriter } from '../store/index.js';
import { type ExtractOptions, hiddenBatches } from './hidden-batches.js';
import type { ReadItem } from './readout.js';

/** Hidden states of n items at their readout, in the order of the items. */
export interface HiddenStates {
  /** Residual stream after block 1..L, before the final norm: L arrays [n, d]. */
  readonly residual: Float32Array[];
  /** The final hidden state h, which W_U reads: [n, d]. It is not `residual[L - 1]`. */
  readonly postNorm: Float32Array;
  readonly n: number;
  readonly hiddenSize: number;
  readonly layers: number;
}

/** Puts row r of `rows` at row `indices[r]` of `target`. */
const scatterRows = (
  target: Float32Array,
  rows: Float32Array,
  width: number,
  indices: readonly number[],
): void => {
  indices.forEach((index, row) => {
    target.set(rows.subarray(row * width, (row + 1) * width), index * width);
  });
};

/**
 * Reads the residual stream after every block and the final hidden state, at one position an item. Leaves no tensor
 * behind. Memory: (L + 1)·n·d floats; `extractToFile` holds one batch only.
 *
 * @throws InputError for a position outside its item or an unknown token; ComputationError for NaN or infinity
 */
export const extractHiddenStates = async (
  model: LanguageModel,
  items: readonly ReadItem[],
  options: ExtractOptions = {},
): Promise<HiddenStates> => {
  const { layers, hiddenSize } = model;
  const n = items.length;
  const residual = Array.from({ length: layers }, () => new Float32Array(n * hiddenSize));
  const postNorm = new Float32Array(n * hiddenSize);
  for await (const batch of hiddenBatches(model, items, options)) {
    residual.forEach((target, layer) => {
      scatterRows(target, batch.residual[layer] ?? new Float32Array(0), hiddenSize, batch.indices);
    });
    scatterRows(postNorm, batch.postNorm, hiddenSize, batch.indices);
  }
  return { residual, postNorm, n, hiddenSize, layers };
};

export interface ExtractToFileOptions extends ExtractOptions {
  /** Also write `logits` [n, V]. Default false. */
  readonly logits?: boolean;
  /** Kept in the file's header: readout, model, tokenizer… */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Writes `residual` [L, n, d], `postNorm` [n, d] and, if asked for, `logits` [n, V] as float32 safetensors, batch by
 * batch: memory is bounded by the batch, not by n. The file appears only when complete.
 *
 * @throws InputError when there is nothing to read, and as `extractHiddenStates` does
 */
export const extractToFile = async (
  model: LanguageModel,
  items: readonly ReadItem[],
  path: string,
  { logits = false, metadata = {}, ...options }: ExtractToFileOptions = {},
): Promise<void> => {
  const { layers, hiddenSize, vocabularySize } = model;
  const n = items.length;
  if (n === 0) throw new InputError('there is nothing to extract: no prompts were given');
  const writer = await createSafetensorsWriter(
    path,
    {
      residual: [layers, n, hiddenSize],
      postNorm: [n, hiddenSize],
      ...(logits ? { logits: [n, vocabularySize] } : {}),
    },
    { metadata },
  );
  try {
    for await (const batch of hiddenBatches(model, items, { ...options, logits })) {
      for (const [row, index] of batch.indices.entries()) {
        const writeRow = (name: string, rows: Float32Array, width: number, matrix = 0): Promise<void> =>
          writer.writeAt(name, (matrix * n + index) * width, rows.subarray(row * width, (row + 1) * width));
        for (const [layer, rows] of batch.residual.entries()) {
          await writeRow('residual', rows, hiddenSize, layer);
        }
        await writeRow('postNorm', batch.postNorm, hiddenSize);
        if (batch.logits !== undefined) await writeRow('logits', batch.logits, vocabularySize);
      }
    }
    await writer.finish();
  } catch (error) {
    await writer.abandon();
    throw error;
  }
};
