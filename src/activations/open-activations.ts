import { open } from 'node:fs/promises';
import { InputError } from '../base/index.js';
import { openSafetensorsSource, type TensorSource } from './tensor-source.js';
import { openTorchSource } from './torch/torch-source.js';

/** A layer as DESIGN counts them: block 1..L, or the state after the final norm. */
export type LayerName = number | 'postNorm';

/** One layer of a pair of models: row i of `base` and of `policy` are hidden states of the same prompt. */
export interface ActivationLayer {
  readonly layer: LayerName;
  readonly n: number;
  readonly d: number;
  /** [n, d] */
  readonly base: Float32Array;
  /** [n, d] */
  readonly policy: Float32Array;
}

/** An open file of activations. Iterating it yields layer 1..L, then `postNorm` if present, one in memory at a time. */
export interface ActivationFile extends AsyncIterable<ActivationLayer> {
  readonly path: string;
  readonly layers: number;
  readonly n: number;
  readonly d: number;
  readonly hasPostNorm: boolean;
  readonly metadata: Readonly<Record<string, string>>;
  /** @throws InputError for a layer that the file does not have, and for NaN or infinity in it */
  readLayer(layer: LayerName): Promise<ActivationLayer>;
  close(): Promise<void>;
}

/** The names a role may have: our own first, then those of others' files (D-STEER's capture scripts: it, dpo). */
const aliases = {
  base: ['base', 'it'],
  policy: ['policy', 'dpo'],
  basePostNorm: ['basePostNorm'],
  policyPostNorm: ['policyPostNorm', 'dpoPostNorm'],
} as const;

type Role = keyof typeof aliases;

const expectedKeys =
  'expected "base" and "policy" (or "dpo") of shape [layers, prompts, hidden], and optionally "basePostNorm" and ' +
  '"policyPostNorm" of shape [prompts, hidden]';

const shapeText = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

const findRole = (source: TensorSource, role: Role, path: string): string | undefined => {
  const found = aliases[role].filter((name) => source.shapes.has(name));
  if (found.length > 1) {
    throw new InputError(`both "${found.join('" and "')}" are present, so which is the ${role} is unclear`, {
      where: { file: path },
      hint: 'keep one of them',
    });
  }
  return found[0];
};

const requireRole = (source: TensorSource, role: Role, path: string): string => {
  const name = findRole(source, role, path);
  if (name !== undefined) return name;
  const present = [...source.shapes.keys()].slice(0, 20);
  throw new InputError(
    `there is no tensor "${aliases[role].join('" or "')}" among ${present.length > 0 ? present.join(', ') : 'none'}`,
    { where: { file: path }, hint: expectedKeys },
  );
};

const requireShape = (
  source: TensorSource,
  name: string,
  expected: readonly number[] | undefined,
  rank: number,
  path: string,
): readonly number[] => {
  const shape = source.shapes.get(name) ?? [];
  const fits = expected
    ? shape.length === expected.length && shape.every((size, axis) => size === expected[axis])
    : shape.length === rank;
  if (!fits || shape.some((size) => size < 1)) {
    const wanted = expected ? shapeText(expected) : `${rank} axes, none of them empty`;
    throw new InputError(`tensor "${name}" has shape ${shapeText(shape)} where ${wanted} was expected`, {
      where: { file: path },
      hint: expectedKeys,
    });
  }
  return shape;
};

const checkFinite = (values: Float32Array, d: number, name: string, layer: LayerName, path: string): void => {
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return;
  throw new InputError(
    `"${name}" holds ${values[bad]} at layer ${layer}, prompt ${Math.floor(bad / d)}, dimension ${bad % d} (counted from 0)`,
    {
      where: { file: path },
      hint: 'capture again in float32 or bfloat16, or leave that prompt out of both models',
    },
  );
};

/** Zip archives, as torch.save writes them, begin with "PK"; older ones with a pickle's PROTO opcode. */
const looksLikeTorch = async (path: string): Promise<boolean> => {
  if (/\.(pt|pth)$/i.test(path)) return true;
  try {
    const handle = await open(path, 'r');
    try {
      const bytes = new Uint8Array(4);
      const { bytesRead } = await handle.read(bytes, 0, 4, 0);
      return bytesRead === 4 && bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4;
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw new InputError('cannot open this file of activations', { where: { file: path }, cause });
  }
};

/** Checks names and shapes; closes nothing. */
const describe = (source: TensorSource, path: string): Omit<ActivationFile, 'close'> => {
  const names = { base: requireRole(source, 'base', path), policy: requireRole(source, 'policy', path) };
  const shape = requireShape(source, names.base, undefined, 3, path);
  requireShape(source, names.policy, shape, 3, path);
  const [layers = 0, n = 0, d = 0] = shape;
  const postNorm = {
    base: findRole(source, 'basePostNorm', path),
    policy: findRole(source, 'policyPostNorm', path),
  };
  const hasPostNorm = postNorm.base !== undefined || postNorm.policy !== undefined;
  if (hasPostNorm) {
    requireShape(source, requireRole(source, 'basePostNorm', path), [n, d], 2, path);
    requireShape(source, requireRole(source, 'policyPostNorm', path), [n, d], 2, path);
  }
  const readMatrix = async (name: string, layer: LayerName): Promise<Float32Array> => {
    const from = layer === 'postNorm' ? 0 : (layer - 1) * n;
    const values = await source.readRows(name, from, from + n);
    checkFinite(values, d, name, layer, path);
    return values;
  };
  const readLayer = async (layer: LayerName): Promise<ActivationLayer> => {
    const isPresent =
      layer === 'postNorm' ? hasPostNorm : Number.isInteger(layer) && layer >= 1 && layer <= layers;
    if (!isPresent) {
      throw new InputError(`there is no layer ${layer}`, {
        where: { file: path },
        hint: `the file has layers 1 to ${layers}${hasPostNorm ? ' and postNorm' : ', without postNorm'}`,
      });
    }
    const { base, policy } = layer === 'postNorm' ? postNorm : names;
    return {
      layer,
      n,
      d,
      base: await readMatrix(base ?? '', layer),
      policy: await readMatrix(policy ?? '', layer),
    };
  };
  return {
    path,
    layers,
    n,
    d,
    hasPostNorm,
    metadata: source.metadata,
    readLayer,
    async *[Symbol.asyncIterator]() {
      for (let layer = 1; layer <= layers; layer++) yield await readLayer(layer);
      if (hasPostNorm) yield await readLayer('postNorm');
    },
  };
};

/**
 * Opens a safetensors or PyTorch (.pt) file of hidden states of two models at the same prompts. Data are read a layer
 * at a time, so memory is bounded by two [n, d] matrices.
 *
 * @throws InputError for a missing or malformed file, a missing tensor, or shapes that do not agree
 */
export const openActivations = async (path: string): Promise<ActivationFile> => {
  const source = (await looksLikeTorch(path))
    ? await openTorchSource(path)
    : await openSafetensorsSource(path);
  try {
    return { ...describe(source, path), close: () => source.close() };
  } catch (error) {
    await source.close();
    throw error;
  }
};
