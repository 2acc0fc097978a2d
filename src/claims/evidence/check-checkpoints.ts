/** Whether hidden states of several checkpoints can be subtracted: one shape, one tokenizer. */
import { join } from 'node:path';
import { InputError } from '../../base/index.js';
import { loadTokenizer, type Tokenizer } from '../../data/index.js';
import { loadModelConfig, type ModelConfig } from '../../model/index.js';

/** What two checkpoints have to share for h_policy − h_base to mean anything. */
const shapeOf = (config: ModelConfig): Readonly<Record<string, string | number>> => ({
  architecture: config.architecture,
  layers: config.layers,
  hiddenSize: config.hiddenSize,
  vocabularySize: config.vocabularySize,
});

const probes = [
  'Once upon a time, there was a dog.',
  'A good film! 12 of 20, “naïve” and\n\tdull…',
  ' def f(x): return x',
];

const firstDifference = (a: Tokenizer, b: Tokenizer): string | undefined => {
  if (a.sha256 === b.sha256) return undefined;
  if (a.vocabularySize !== b.vocabularySize) {
    return `${a.vocabularySize} tokens there, ${b.vocabularySize} here`;
  }
  for (let id = 0; id < a.vocabularySize; id++) {
    if (a.token(id) !== b.token(id)) {
      return `token ${id} is ${JSON.stringify(a.token(id))} there, ${JSON.stringify(b.token(id))} here`;
    }
  }
  const probe = probes.find((text) => a.encode(text).join() !== b.encode(text).join());
  return probe === undefined ? undefined : `${JSON.stringify(probe)} is encoded differently`;
};

/**
 * Refuses checkpoints whose hidden states cannot be compared.
 *
 * @param base folder of the base; its tokenizer encodes the prompts
 * @param others folders to compare with it
 * @throws InputError naming the first difference
 */
export const checkCheckpoints = async (base: string, others: readonly string[]): Promise<void> => {
  const expected = shapeOf(await loadModelConfig(base));
  const tokenizer = await loadTokenizer(base);
  for (const other of others) {
    const own = shapeOf(await loadModelConfig(other));
    const unlike = Object.keys(expected).filter((key) => expected[key] !== own[key]);
    if (unlike.length > 0) {
      const differences = unlike.map((key) => `${key} ${expected[key]} and ${own[key]}`).join(', ');
      throw new InputError(`two checkpoints of different shapes: ${differences}`, {
        where: { file: join(other, 'config.json') },
        hint: `name checkpoints of one model, as ${base} is: before and after fine-tuning`,
      });
    }
    const difference = firstDifference(tokenizer, await loadTokenizer(other));
    if (difference !== undefined) {
      throw new InputError(`its tokenizer is not that of ${base}: ${difference}`, {
        where: { file: join(other, 'tokenizer.json') },
        hint: 'the same prompt has to be the same tokens in both: name checkpoints of one model',
      });
    }
  }
};
