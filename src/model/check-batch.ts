import { InputError } from '../base/index.js';
import type { TokenBatch } from '../data/index.js';
import { tokenPositions } from './token-positions.js';

/** @throws InputError for a batch of another size than it says, too many positions, or unknown token ids */
export const checkBatch = (
  tokens: TokenBatch,
  { maxPositions, vocabularySize }: { readonly maxPositions: number; readonly vocabularySize: number },
): void => {
  const { ids, batch, length, forks } = tokens;
  const reach = forks ? tokenPositions(tokens).reduce((most, at) => Math.max(most, at + 1), 0) : length;
  if (reach > maxPositions) {
    throw new InputError(`a sequence of ${reach} tokens does not fit the model's ${maxPositions} positions`);
  }
  if (batch < 1 || length < 1 || ids.length !== batch * length) {
    throw new InputError(
      `a batch of ${batch} sequences of ${length} positions cannot have ${ids.length} token ids`,
    );
  }
  for (const id of ids) {
    if (!(id >= 0 && id < vocabularySize)) {
      throw new InputError(`token id ${id} is outside the model's vocabulary of ${vocabularySize}`, {
        hint: 'the tokenizer and the model do not belong together',
      });
    }
  }
};

/** @throws InputError as `checkBatch` does, and for a batch with something for an encoder to read */
export const checkDecoderOnlyBatch = (
  batch: TokenBatch,
  config: { readonly maxPositions: number; readonly vocabularySize: number },
): void => {
  if (batch.encoder) {
    throw new InputError('the batch has tokens for an encoder, and the model has none', {
      hint: 'a decoder-only model reads prompt and completion as one sequence',
    });
  }
  checkBatch(batch, config);
};
