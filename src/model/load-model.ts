import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../base/index.js';
import { tf } from '../engine/index.js';
import { openSafetensors, type SafetensorsFile } from '../store/index.js';
import { type Architecture, findArchitecture } from './architectures.js';
import type { LanguageModel, ModelConfig } from './language-model.js';
import { isJsonObject } from './llama-config.js';

const readJsonObject = async (file: string): Promise<Readonly<Record<string, unknown>>> => {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new InputError('cannot read this file of the model', { where: { file }, cause });
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new InputError('this file of the model is not JSON', { where: { file }, cause });
  }
  if (!isJsonObject(json)) throw new InputError('a JSON object was expected', { where: { file } });
  return json;
};

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

/** The file of each tensor: one `model.safetensors`, or the shards that its index names. */
const openCheckpoint = async (folder: string): Promise<{ files: SafetensorsFile[]; at: string }> => {
  const single = join(folder, 'model.safetensors');
  const index = join(folder, 'model.safetensors.index.json');
  if (await exists(single)) return { files: [await openSafetensors(single)], at: single };
  if (!(await exists(index))) {
    throw new InputError('this model folder has neither model.safetensors nor an index of shards', {
      where: { file: folder },
    });
  }
  const map = (await readJsonObject(index))['weight_map'];
  if (!isJsonObject(map)) throw new InputError('weight_map is missing', { where: { file: index } });
  const files: SafetensorsFile[] = [];
  try {
    for (const shard of new Set(Object.values(map))) {
      if (typeof shard !== 'string' || shard.includes('/') || shard.includes('\\')) {
        throw new InputError(`weight_map names ${JSON.stringify(shard)}, which is no file of this folder`, {
          where: { file: index },
        });
      }
      files.push(await openSafetensors(join(folder, shard)));
    }
  } catch (error) {
    await Promise.all(files.map((file) => file.close()));
    throw error;
  }
  return { files, at: index };
};

const holders = (files: readonly SafetensorsFile[]): Map<string, SafetensorsFile> => {
  const found = new Map<string, SafetensorsFile>();
  for (const file of files) {
    for (const name of file.tensors.keys()) {
      if (found.has(name)) {
        throw new InputError(`the tensor "${name}" is in two shards`, { where: { file: file.path } });
      }
      found.set(name, file);
    }
  }
  return found;
};

/** A tied checkpoint may store W_U again; another value there would silently be lost. */
const checkTiedCopy = async (
  found: ReadonlyMap<string, SafetensorsFile>,
  config: ModelConfig,
): Promise<void> => {
  const copy = found.get('lm_head.weight');
  const embedding = found.get('model.embed_tokens.weight');
  if (!config.tied || !copy || !embedding) return;
  const [unembedding, embeddings] = [
    await copy.read('lm_head.weight'),
    await embedding.read('model.embed_tokens.weight'),
  ];
  if (unembedding.length !== embeddings.length || unembedding.some((value, i) => value !== embeddings[i])) {
    throw new InputError('tie_word_embeddings is true but lm_head.weight differs from the embeddings', {
      where: { file: copy.path },
      hint: 'set tie_word_embeddings to false, or save the model without lm_head.weight',
    });
  }
};

const readVariables = async (
  architecture: Architecture,
  config: ModelConfig,
  found: ReadonlyMap<string, SafetensorsFile>,
  at: string,
): Promise<Map<string, tf.Variable>> => {
  const shapes = architecture.parameterShapes(config);
  const redundant = (name: string): boolean =>
    architecture.isRedundant(name, config) || (config.tied && name === 'lm_head.weight');
  const missing = [...shapes.keys()].filter((name) => !found.has(name));
  const unknown = [...found.keys()].filter((name) => !shapes.has(name) && !redundant(name));
  if (missing.length > 0 || unknown.length > 0) {
    const list = (names: readonly string[]): string =>
      `${names.slice(0, 5).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`;
    throw new InputError(
      [
        missing.length > 0 ? `the checkpoint lacks ${list(missing)}` : '',
        unknown.length > 0 ? `the checkpoint has unknown tensors ${list(unknown)}` : '',
      ]
        .filter((part) => part !== '')
        .join('; '),
      { where: { file: at } },
    );
  }
  await checkTiedCopy(found, config);
  const variables = new Map<string, tf.Variable>();
  try {
    for (const [name, shape] of shapes) {
      const file = found.get(name);
      const stored = file?.tensors.get(name)?.shape ?? [];
      if (!file || stored.join() !== shape.join()) {
        throw new InputError(
          `"${name}" has shape [${stored.join(', ')}]; the configuration asks for [${shape.join(', ')}]`,
          { where: { file: file?.path ?? at } },
        );
      }
      const initial = tf.tensor(await file.read(name), [...shape]);
      variables.set(name, tf.variable(initial));
      initial.dispose();
    }
  } catch (error) {
    for (const variable of variables.values()) variable.dispose();
    throw error;
  }
  return variables;
};

/** Reads the configuration of a Hugging Face model folder. */
export const loadModelConfig = async (folder: string): Promise<ModelConfig> => {
  const file = join(folder, 'config.json');
  const json = await readJsonObject(file);
  return findArchitecture(json, file).parseConfig(json, file);
};

/**
 * Loads a Hugging Face model folder (config.json; model.safetensors, or shards with an index) into the running engine.
 *
 * @throws InputError naming the file and the option or tensor that cannot be used
 */
export const loadModel = async (folder: string): Promise<LanguageModel> => {
  const configFile = join(folder, 'config.json');
  const json = await readJsonObject(configFile);
  const architecture = findArchitecture(json, configFile);
  const config = architecture.parseConfig(json, configFile);
  const { files, at } = await openCheckpoint(folder);
  try {
    const variables = await readVariables(architecture, config, holders(files), at);
    return architecture.build(config, variables);
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
};
