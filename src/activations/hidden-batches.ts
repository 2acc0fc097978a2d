/** Runs a model over read items batch by batch; what follows decides whether to keep the rows or to write them. */
import { ComputationError, InputError, type Progress, silentProgress } from '../base/index.js';
import { gatherRows, linear, tf } from '../engine/index.js';
import {
  type Arrangement,
  type Arranger,
  arrange,
  arrangedBatch,
  type LanguageModel,
} from '../model/index.js';
import { lengthBuckets } from './length-buckets.js';
import type { ReadItem } from './readout.js';

export interface ExtractOptions {
  /** Sequences a forward pass; bounds memory and must not change the result beyond rounding. Default 32. */
  readonly batchSize?: number;
  readonly progress?: Progress;
  /** What the progress stage is called. */
  readonly title?: string;
}

/** The rows of one batch of b items; row r belongs to item `indices[r]`. */
export interface HiddenBatch {
  readonly indices: readonly number[];
  /** After each block, before the final norm: L arrays [b, d]. */
  readonly residual: readonly Float32Array[];
  /** The final hidden state, which W_U reads: [b, d]. */
  readonly postNorm: Float32Array;
  /** [b, V]; only when asked for. */
  readonly logits: Float32Array | undefined;
}

/** A read item as a model reads it: what goes where, and the position in the decoder. */
interface ArrangedItem extends Pick<Arrangement, 'ids' | 'encoder'> {
  readonly position: number;
}

const arrangeItem = (model: Arranger, item: ReadItem, index: number): ArrangedItem => {
  const { ids, position, promptLength = ids.length, encoder } = item;
  if (!Number.isInteger(position) || position < 0 || position >= ids.length) {
    throw new InputError(`item ${index} has ${ids.length} tokens, so position ${position} cannot be read`);
  }
  if (model.decoderStartTokenId === undefined) {
    if (encoder === undefined) return { ids, position };
    throw new InputError(`item ${index} has tokens for an encoder, and the model has none`, {
      hint: 'leave out "decoderIds"',
    });
  }
  if (encoder !== undefined) return { ids, position, encoder };
  const arranged = arrange(model, ids.subarray(0, promptLength), ids.subarray(promptLength));
  const moved = position - promptLength + arranged.promptLength;
  if (moved >= 0) return { ids: arranged.ids, encoder: ids.subarray(0, promptLength), position: moved };
  throw new InputError(`item ${index} is read at position ${position} of its prompt, in the encoder`, {
    hint: 'the decoder of an encoder–decoder can be read from the last prompt token on',
  });
};

const checkTokens = ({ ids, encoder }: ArrangedItem, index: number, vocabularySize: number): void => {
  for (const sequence of [ids, encoder ?? []]) {
    const stranger = sequence.find((id) => id < 0 || id >= vocabularySize);
    if (stranger === undefined) continue;
    throw new InputError(`item ${index} has token ${stranger}; the model knows 0 to ${vocabularySize - 1}`, {
      hint: 'encode with the tokenizer that belongs to this model',
    });
  }
};

const checkFinite = (values: Float32Array, width: number, indices: readonly number[], what: string): void => {
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return;
  throw new ComputationError(
    `${what} of item ${indices[Math.floor(bad / width)]} is ${values[bad]} in dimension ${bad % width}`,
    { hint: 'the weights may hold NaN, or training diverged: lower the learning rate' },
  );
};

const runBatch = async (
  model: LanguageModel,
  items: readonly ArrangedItem[],
  indices: readonly number[],
  wantsLogits: boolean,
): Promise<HiddenBatch> => {
  const batch = arrangedBatch(items);
  const tensors = tf.tidy(() => {
    const { final, residuals } = model.forward(batch, { captureResiduals: true });
    const rows = tf.tensor1d(
      items.map(({ position }, b) => b * batch.length + position),
      'int32',
    );
    const postNorm = gatherRows(final, rows);
    return [
      postNorm,
      ...residuals.map((residual) => gatherRows(residual, rows)),
      ...(wantsLogits ? [linear(postNorm, model.unembedding())] : []),
    ];
  });
  try {
    const read = await Promise.all(tensors.map((tensor) => tensor.data<'float32'>()));
    const [postNorm = new Float32Array(0), ...rest] = read;
    const residual = rest.slice(0, model.layers);
    residual.forEach((values, layer) => {
      checkFinite(values, model.hiddenSize, indices, `the residual stream after block ${layer + 1}`);
    });
    checkFinite(postNorm, model.hiddenSize, indices, 'the final hidden state');
    return { indices, residual, postNorm, logits: wantsLogits ? rest[model.layers] : undefined };
  } finally {
    tf.dispose(tensors);
  }
};

/**
 * Yields hidden states at one position an item, in batches of similar length (not in the order of the items). Padding
 * is on the right, after the position read, so causal attention never sees it. Holds one batch at a time.
 *
 * @throws InputError for a position outside its item or an unknown token; ComputationError for NaN or infinity
 */
export async function* hiddenBatches(
  model: LanguageModel,
  items: readonly ReadItem[],
  {
    batchSize = 32,
    progress = silentProgress,
    title = 'hidden states',
    logits = false,
  }: ExtractOptions & { readonly logits?: boolean } = {},
): AsyncGenerator<HiddenBatch> {
  const arranged = items.map((item, index) => arrangeItem(model, item, index));
  arranged.forEach((item, index) => {
    checkTokens(item, index, model.vocabularySize);
  });
  const lengths = arranged.map(({ ids, encoder }) => ids.length + (encoder?.length ?? 0));
  const stage = progress.stage(title, items.length);
  try {
    for (const indices of lengthBuckets(lengths, batchSize)) {
      const chosen = indices.flatMap((index) => arranged[index] ?? []);
      yield await runBatch(model, chosen, indices, logits);
      stage.advance(
        indices.length,
        chosen.reduce((sum, { ids, encoder }) => sum + ids.length + (encoder?.length ?? 0), 0),
      );
    }
  } finally {
    stage.end();
  }
}
