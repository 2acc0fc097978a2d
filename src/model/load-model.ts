import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../base/index.js';
import { tf } from '../engine/index.js';
import { openSafetensors, type SafetensorsFile } from '../store/index.js';
import { type Architecture, findArchitecture } from './architectures.js';
import { isJsonObject } from './config-fields.js';
import type { LanguageModel, ModelConfig } from './language-model.js';

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

/** Where a parameter is stored. */
interface Holder {
  readonly file: SafetensorsFile;
  readonly name: string;
}

const readHolder = ({ file, name }: Holder): Promise<Float32Array> => file.read(name);

/** The stored tensors by the names that parameters have. */
const holders = (
  files: readonly SafetensorsFile[],
  canonicalName: (name: string) => string,
): Map<string, Holder> => {
  const found = new Map<string, Holder>();
  for (const file of files) {
    for (const name of file.tensors.keys()) {
      const canonical = canonicalName(name);
      if (found.has(canonical)) {
        throw new InputError(`the tensor "${name}" is stored twice`, { where: { file: file.path } });
      }
      found.set(canonical, { file, name });
    }
  }
  return found;
};

/** A checkpoint may store a tensor again, as tied models do with W_U; another value there would silently be lost. */
const checkCopies = async (
  found: ReadonlyMap<string, Holder>,
  copies: ReadonlyMap<string, string>,
): Promise<void> => {
  for (const [name, original] of copies) {
    const copy = found.get(name);
    const parameter = found.get(original);
    if (!copy || !parameter) continue;
    const [again, values] = [await readHolder(copy), await readHolder(parameter)];
    if (again.length !== values.length || again.some((value, i) => value !== values[i])) {
      throw new InputError(`the configuration says that ${name} is ${original}, but it differs from it`, {
        where: { file: copy.file.path },
        hint: `save the model without ${name}, or, for the head, with tie_word_embeddings: false`,
      });
    }
  }
};

const readVariables = async (
  architecture: Architecture,
  config: ModelConfig,
  found: ReadonlyMap<string, Holder>,
  at: string,
): Promise<Map<string, tf.Variable>> => {
  const shapes = architecture.parameterShapes(config);
  const copies = architecture.copies(config);
  const redundant = (name: string): boolean => architecture.isRedundant(name) || copies.has(name);
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
  await checkCopies(found, copies);
  const variables = new Map<string, tf.Variable>();
  try {
    for (const [name, shape] of shapes) {
      const holder = found.get(name);
      const stored = holder?.file.tensors.get(holder.name)?.shape ?? [];
      if (!holder || stored.join() !== shape.join()) {
        throw new InputError(
          `"${name}" has shape [${stored.join(', ')}]; the configuration asks for [${shape.join(', ')}]`,
          { where: { file: holder?.file.path ?? at } },
        );
      }
      const initial = tf.tensor(await readHolder(holder), [...shape]);
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
    const variables = await readVariables(
      architecture,
      config,
      holders(files, architecture.canonicalName),
      at,
    );
    return architecture.build(config, variables);
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
};
