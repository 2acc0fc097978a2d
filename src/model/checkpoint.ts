/** The stored weights of a model folder, checked against what its configuration asks for before any of them is read. */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError, showValue } from '../base/index.js';
import {
  elementCount,
  openSafetensors,
  readJsonObject,
  type SafetensorsFile,
  type TensorEntry,
} from '../store/index.js';
import type { Architecture } from './architectures.js';
import { isJsonObject } from './config-fields.js';
import type { ModelConfig } from './language-model.js';

/** A stored tensor; its numbers are read when asked for. */
export interface StoredTensor extends TensorEntry {
  /** What the checkpoint calls it. */
  readonly storedName: string;
  readonly file: string;
  /** Row-major; F16 and BF16 are widened exactly. */
  read(): Promise<Float32Array>;
  readRows(from: number, to: number): Promise<Float32Array>;
}

export interface Checkpoint {
  /** By the names that parameters have, in the order of the files; those that hold no parameter of their own too. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly shards: number;
  close(): Promise<void>;
}

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

const readableTypes = ['F32', 'F16', 'BF16'];

/** A comparison of two tensors holds about this many numbers of each. */
const comparedAtOnce = 2 ** 20;

/** The shards that an index names, opened; each must hold the tensors that the index finds in it. */
const openShards = async (folder: string, index: string): Promise<SafetensorsFile[]> => {
  const map = (await readJsonObject(index))['weight_map'];
  if (!isJsonObject(map)) throw new InputError('weight_map is missing', { where: { file: index } });
  const files = new Map<string, SafetensorsFile>();
  try {
    for (const [name, shard] of Object.entries(map)) {
      if (typeof shard !== 'string' || shard.includes('/') || shard.includes('\\')) {
        throw new InputError(`weight_map names ${showValue(shard)}, which is no file of this folder`, {
          where: { file: index },
        });
      }
      const file = files.get(shard) ?? (await openSafetensors(join(folder, shard)));
      files.set(shard, file);
      if (!file.tensors.has(name)) {
        throw new InputError(`weight_map finds "${name}" in ${shard}, which does not have it`, {
          where: { file: index },
          hint: 'the shards and their index do not belong together: copy all of them again',
        });
      }
    }
  } catch (error) {
    await Promise.all([...files.values()].map((file) => file.close()));
    throw error;
  }
  return [...files.values()];
};

/** One `model.safetensors`, or the shards that its index names; `at` is what errors speak of. */
const openFiles = async (folder: string): Promise<{ files: SafetensorsFile[]; at: string }> => {
  const single = join(folder, 'model.safetensors');
  const index = join(folder, 'model.safetensors.index.json');
  if (await exists(single)) return { files: [await openSafetensors(single)], at: single };
  if (await exists(index)) return { files: await openShards(folder, index), at: index };
  throw new InputError('this model folder has neither model.safetensors nor an index of shards', {
    where: { file: folder },
    hint: 'weights of another format (pytorch_model.bin) have to be saved as safetensors first',
  });
};

const collect = (
  files: readonly SafetensorsFile[],
  canonicalName: (name: string) => string,
): Map<string, StoredTensor> => {
  const tensors = new Map<string, StoredTensor>();
  for (const file of files) {
    for (const [storedName, entry] of file.tensors) {
      const name = canonicalName(storedName);
      if (tensors.has(name)) {
        throw new InputError(`the tensor "${storedName}" is stored twice`, { where: { file: file.path } });
      }
      tensors.set(name, {
        ...entry,
        storedName,
        file: file.path,
        read: () => file.read(storedName),
        readRows: (from, to) => file.readRows(storedName, from, to),
      });
    }
  }
  return tensors;
};

const list = (faults: readonly string[], most: number, separator: string): string =>
  `${faults.slice(0, most).join(separator)}${faults.length > most ? ` and ${faults.length - most} more` : ''}`;

/** Names, shapes and types of everything the configuration asks for; all faults of the first kind at once. */
const checkTensors = (
  architecture: Architecture,
  config: ModelConfig,
  tensors: ReadonlyMap<string, StoredTensor>,
  at: string,
): void => {
  const shapes = architecture.parameterShapes(config);
  const copies = architecture.copies(config);
  const redundant = (name: string): boolean => architecture.isRedundant(name) || copies.has(name);
  const missing = [...shapes.keys()].filter((name) => !tensors.has(name));
  const unknown = [...tensors.keys()].filter((name) => !shapes.has(name) && !redundant(name));
  if (missing.length > 0 || unknown.length > 0) {
    const faults = [
      ...(missing.length > 0 ? [`the checkpoint lacks ${list(missing, 5, ', ')}`] : []),
      ...(unknown.length > 0 ? [`the checkpoint has unknown tensors ${list(unknown, 5, ', ')}`] : []),
    ];
    throw new InputError(faults.join('; '), {
      where: { file: at },
      hint: 'config.json and the weights do not belong together',
    });
  }
  const misshapen: string[] = [];
  const unreadable: string[] = [];
  for (const [name, { shape, dtype }] of tensors) {
    const wanted = shapes.get(name) ?? shapes.get(copies.get(name) ?? '');
    if (!wanted) continue;
    if (shape.join() !== wanted.join()) {
      misshapen.push(
        `"${name}" has shape [${shape.join(', ')}]; the configuration asks for [${wanted.join(', ')}]`,
      );
    }
    if (!readableTypes.includes(dtype)) unreadable.push(`"${name}" has dtype ${dtype}`);
  }
  if (misshapen.length > 0) throw new InputError(list(misshapen, 3, '; '), { where: { file: at } });
  if (unreadable.length > 0) {
    throw new InputError(`${list(unreadable, 3, ', ')}; weights of ${readableTypes.join(', ')} can be read`, {
      where: { file: at },
    });
  }
};

/** Whether two tensors of one shape hold the same numbers, read piece by piece. */
const sameNumbers = async (one: StoredTensor, other: StoredTensor): Promise<boolean> => {
  const width = one.shape.at(-1) ?? 1;
  const rows = elementCount(one.shape) / Math.max(1, width);
  const step = Math.max(1, Math.floor(comparedAtOnce / Math.max(1, width)));
  for (let from = 0; from < rows; from += step) {
    const to = Math.min(rows, from + step);
    const [a, b] = [await one.readRows(from, to), await other.readRows(from, to)];
    if (a.some((value, i) => value !== b[i])) return false;
  }
  return true;
};

/** A checkpoint may store a tensor again, as tied models do with W_U; another value there would silently be lost. */
const checkCopies = async (
  tensors: ReadonlyMap<string, StoredTensor>,
  copies: ReadonlyMap<string, string>,
): Promise<void> => {
  for (const [name, original] of copies) {
    const copy = tensors.get(name);
    const parameter = tensors.get(original);
    if (!copy || !parameter || (await sameNumbers(copy, parameter))) continue;
    throw new InputError(`the configuration says that ${name} is ${original}, but it differs from it`, {
      where: { file: copy.file },
      hint: `save the model without ${name}, or, for the head, with tie_word_embeddings: false`,
    });
  }
};

/**
 * Opens the weights of a Hugging Face model folder and checks them: every parameter is there once, with its shape and a
 * type that can be read; nothing else is there; copies are copies. Headers alone are held in memory.
 *
 * @throws InputError naming the file and the tensors that cannot be used
 */
export const openCheckpoint = async (
  folder: string,
  architecture: Architecture,
  config: ModelConfig,
): Promise<Checkpoint> => {
  const { files, at } = await openFiles(folder);
  const close = async (): Promise<void> => {
    await Promise.all(files.map((file) => file.close()));
  };
  try {
    const tensors = collect(files, architecture.canonicalName);
    checkTensors(architecture, config, tensors, at);
    await checkCopies(tensors, architecture.copies(config));
    return { tensors, shards: files.length, close };
  } catch (error) {
    await close();
    throw error;
  }
};
