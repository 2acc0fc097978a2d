import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createSafetensorsWriter, stableJson, writeFileAtomic } from '../store/index.js';
import { architectureOf } from './architectures.js';
import type { LanguageModel } from './language-model.js';

export interface SaveModelOptions {
  /** How weights are stored. Default F32, which loses nothing. */
  readonly dtype?: 'F32' | 'F16';
  /** A folder whose tokenizer files go along. */
  readonly tokenizerFolder?: string;
}

const tokenizerFiles = ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json'];

/** Writes a Hugging Face model folder: config.json, model.safetensors and, if asked for, the tokenizer's files. */
export const saveModel = async (
  model: LanguageModel,
  folder: string,
  { dtype = 'F32', tokenizerFolder }: SaveModelOptions = {},
): Promise<void> => {
  await mkdir(folder, { recursive: true });
  const shapes = Object.fromEntries([...model.variables].map(([name, { shape }]) => [name, shape]));
  const writer = await createSafetensorsWriter(join(folder, 'model.safetensors'), shapes, {
    dtype,
    metadata: { format: 'pt' },
  });
  try {
    for (const [name, variable] of model.variables) {
      await writer.writeAt(name, 0, Float32Array.from(await variable.data()));
    }
    await writer.finish();
  } catch (error) {
    await writer.abandon();
    throw error;
  }
  const json = architectureOf(model.config).configToJson(model.config, dtype);
  await writeFileAtomic(join(folder, 'config.json'), stableJson(json));
  if (tokenizerFolder === undefined || tokenizerFolder === folder) return;
  const present = new Set(await readdir(tokenizerFolder));
  for (const name of tokenizerFiles) {
    if (present.has(name)) await copyFile(join(tokenizerFolder, name), join(folder, name));
  }
};
