import { join } from 'node:path';
import { tf } from '../engine/index.js';
import { readJsonObject } from '../store/index.js';
import { type Architecture, findArchitecture } from './architectures.js';
import { type Checkpoint, openCheckpoint } from './checkpoint.js';
import type { LanguageModel, ModelConfig } from './language-model.js';

/** The configuration of a model folder, and the architecture that reads it. @throws InputError as `loadModelConfig` */
export const readModelConfig = async (
  folder: string,
): Promise<{ readonly architecture: Architecture; readonly config: ModelConfig }> => {
  const file = join(folder, 'config.json');
  const json = await readJsonObject(file, {
    hint: 'a model folder holds config.json, model.safetensors and tokenizer.json',
  });
  const architecture = findArchitecture(json, file);
  return { architecture, config: architecture.parseConfig(json, file) };
};

/**
 * Reads the configuration of a Hugging Face model folder.
 *
 * @throws InputError naming the file, and the architecture or option that is not supported
 */
export const loadModelConfig = async (folder: string): Promise<ModelConfig> =>
  (await readModelConfig(folder)).config;

/** One tensor after another: beside the model there is at most one of them in memory. */
const readVariables = async (
  shapes: ReadonlyMap<string, readonly number[]>,
  { tensors }: Checkpoint,
): Promise<Map<string, tf.Variable>> => {
  const variables = new Map<string, tf.Variable>();
  try {
    for (const [name, shape] of shapes) {
      const stored = tensors.get(name);
      if (!stored) continue;
      const initial = tf.tensor(await stored.read(), [...shape]);
      variables.set(name, tf.variable(initial));
      initial.dispose();
    }
  } catch (error) {
    for (const variable of variables.values()) variable.dispose();
    throw error;
  }
  return variables;
};

/**
 * Loads a Hugging Face model folder (config.json; model.safetensors, or shards with an index) into the running engine.
 *
 * @throws InputError naming the file and the option or tensor that cannot be used; ResourceError where the engine has no
 *   room for it
 */
export const loadModel = async (folder: string): Promise<LanguageModel> => {
  const { architecture, config } = await readModelConfig(folder);
  const checkpoint = await openCheckpoint(folder, architecture, config);
  try {
    return architecture.build(config, await readVariables(architecture.parameterShapes(config), checkpoint));
  } finally {
    await checkpoint.close();
  }
};
