/** A model folder as `dsteer doctor --model` sees it: weights, tokenizer, and the memory to work with them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { loadTokenizer } from '../data/index.js';
import { type ModelSurvey, surveyModel, type Workload } from '../model/index.js';

export interface TokenizerSurvey {
  /** One above its highest id. */
  readonly vocabularySize: number;
  readonly bosId: number | null;
  readonly eosId: number | null;
  readonly padId: number | null;
  readonly hasChatTemplate: boolean;
}

export interface ModelFolderSurvey extends ModelSurvey {
  /** `null` where the folder has none: then models take token ids alone. */
  readonly tokenizer: TokenizerSurvey | null;
  /** What will go wrong, or may. */
  readonly warnings: readonly string[];
}

const surveyTokenizer = async (folder: string): Promise<TokenizerSurvey | null> => {
  if (!existsSync(join(folder, 'tokenizer.json'))) return null;
  const { vocabularySize, bosId, eosId, padId, chatTemplate } = await loadTokenizer(folder);
  return {
    vocabularySize,
    bosId: bosId ?? null,
    eosId: eosId ?? null,
    padId: padId ?? null,
    hasChatTemplate: chatTemplate !== undefined,
  };
};

/** @throws InputError as `surveyModel` and `loadTokenizer` */
export const surveyModelFolder = async (
  folder: string,
  workload: { readonly [Key in keyof Workload]?: Workload[Key] | undefined } = {},
): Promise<ModelFolderSurvey> => {
  const model = await surveyModel(folder, workload);
  const tokenizer = await surveyTokenizer(folder);
  const warnings: string[] = [];
  if (tokenizer === null) {
    warnings.push('there is no tokenizer.json: texts cannot be encoded, only ids be read');
  } else if (tokenizer.vocabularySize > model.vocabularySize) {
    warnings.push(
      `the tokenizer has ${tokenizer.vocabularySize} ids and the model ${model.vocabularySize}: do they belong together?`,
    );
  }
  if (model.maxPositions !== null && model.workload.length > model.maxPositions) {
    warnings.push(
      `${model.workload.length} tokens are more than the model's ${model.maxPositions} positions`,
    );
  }
  return { ...model, tokenizer, warnings };
};
