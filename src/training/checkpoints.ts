/**
 * The state of a training on disk: parameters, moments and metrics after so many steps. A folder a step, of which
 * `state.json` is written last and vouches for the others, so that a kill at any moment leaves either it or nothing.
 */
import { readdir, readFile, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type Progress, silentProgress } from '../base/index.js';
import { tf } from '../engine/index.js';
import {
  createSafetensorsWriter,
  openSafetensors,
  sha256Hex,
  sha256OfFile,
  stableJson,
  writeFileAtomic,
} from '../store/index.js';
import type { SavedMoments } from './optimiser.js';
import type { Updates } from './updates.js';

const stateFile = 'state.json';
const tensorsFile = 'state.safetensors';
const metricsFile = 'metrics.jsonl';

const stateSchema = z.strictObject({
  schema: z.literal(1),
  /** Of all that decides the numbers: `checkpointKey`. */
  key: z.string(),
  /** Updates made, which is also the place in the order of the data. */
  step: z.int().min(1),
  /** The stream that the order of data and dropout come from; with the step, where in it training is. */
  seed: z.number(),
  tokens: z.number(),
  /** Updates that each parameter's moments have had. */
  updates: z.record(z.string(), z.int().min(0)),
  sha256: z.strictObject({ [tensorsFile]: z.string(), [metricsFile]: z.string() }),
});

type State = z.infer<typeof stateSchema>;

export interface CheckpointState<Metrics> {
  readonly step: number;
  readonly tokens: number;
  readonly metrics: readonly Metrics[];
}

export interface Checkpoints<Metrics> {
  /** Writes the state after `step` updates; of older ones the last is kept. */
  save(state: CheckpointState<Metrics>): Promise<void>;
  /**
   * Puts the newest whole state into parameters and optimiser. Of states of another training it warns and removes them.
   */
  resume(): Promise<CheckpointState<Metrics> | undefined>;
}

export interface CheckpointInput {
  readonly folder: string;
  readonly key: string;
  readonly seed: number;
  readonly trainable: ReadonlyMap<string, tf.Variable>;
  readonly updates: Updates;
  readonly progress?: Progress;
}

/** What decides every number of a training, in one hash. */
export const checkpointKey = (request: Readonly<Record<string, unknown>>): string =>
  sha256Hex(JSON.stringify(request));

const folderOf = (step: number): string => `step-${String(step).padStart(9, '0')}`;

/** Steps that have a folder, newest first. */
const storedSteps = async (folder: string): Promise<number[]> => {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names
    .flatMap((name) => (/^step-\d{9}$/.test(name) ? [Number(name.slice('step-'.length))] : []))
    .sort((a, b) => b - a);
};

const removeState = (folder: string): Promise<void> => rm(folder, { recursive: true, force: true });

/** Removes all states of a training that has ended, and their folder unless it holds something else. */
export const removeCheckpoints = async (folder: string): Promise<void> => {
  for (const step of await storedSteps(folder)) await removeState(join(folder, folderOf(step)));
  await rmdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  });
};

const parseLines = <Metrics>(text: string): Metrics[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Metrics);

export const metricsLines = (metrics: readonly object[]): string =>
  metrics.map((step) => `${JSON.stringify(step)}\n`).join('');

/** The state of a folder, or why it cannot be used. */
const readState = async (folder: string): Promise<State | string> => {
  try {
    const state = stateSchema.parse(JSON.parse(await readFile(join(folder, stateFile), 'utf8')));
    for (const [name, hash] of Object.entries(state.sha256)) {
      if ((await sha256OfFile(join(folder, name))) !== hash) return `${name} is not what was written`;
    }
    return state;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT'
      ? 'it is not complete'
      : 'it cannot be read';
  }
};

/** Writes parameters, and the moments of those that have any. */
export const saveTensors = async (
  path: string,
  trainable: ReadonlyMap<string, tf.Variable>,
  moments: ReadonlyMap<string, SavedMoments> = new Map(),
): Promise<void> => {
  const tensors = new Map<string, tf.Tensor>();
  for (const [name, variable] of trainable) tensors.set(`weight/${name}`, variable);
  for (const [name, { first, second }] of moments) {
    tensors.set(`first/${name}`, first).set(`second/${name}`, second);
  }
  const shapes = Object.fromEntries([...tensors].map(([name, { shape }]) => [name, shape]));
  const writer = await createSafetensorsWriter(path, shapes);
  try {
    for (const [name, tensor] of tensors) {
      await writer.writeAt(name, 0, new Float32Array(await tensor.data()));
    }
    await writer.finish();
  } catch (error) {
    await writer.abandon();
    throw error;
  }
};

const restoreTensors = async (
  path: string,
  updates: Readonly<Record<string, number>>,
  trainable: ReadonlyMap<string, tf.Variable>,
  optimisation: Pick<Updates, 'restore'>,
): Promise<void> => {
  const file = await openSafetensors(path);
  const moments = new Map<string, SavedMoments>();
  const read = async (name: string, shape: number[]) => tf.tensor(await file.read(name), shape);
  try {
    for (const [name, variable] of trainable) {
      const weight = await read(`weight/${name}`, variable.shape);
      variable.assign(weight);
      weight.dispose();
      const steps = updates[name];
      if (steps === undefined) continue;
      moments.set(name, {
        first: await read(`first/${name}`, variable.shape),
        second: await read(`second/${name}`, variable.shape),
        steps,
      });
    }
    await optimisation.restore(moments);
  } finally {
    for (const { first, second } of moments.values()) tf.dispose([first, second]);
    await file.close();
  }
};

/** Checkpoints of one training in a folder of its own. */
export const createCheckpoints = <Metrics extends object>({
  folder,
  key,
  seed,
  trainable,
  updates,
  progress = silentProgress,
}: CheckpointInput): Checkpoints<Metrics> => ({
  save: async ({ step, tokens, metrics }) => {
    const earlier = await storedSteps(folder);
    const own = join(folder, folderOf(step));
    const { moments, release } = await updates.moments();
    const lines = metricsLines(metrics);
    await saveTensors(join(own, tensorsFile), trainable, moments).finally(release);
    await writeFileAtomic(join(own, metricsFile), lines);
    const state: State = {
      schema: 1,
      key,
      step,
      seed,
      tokens,
      updates: Object.fromEntries([...moments].map(([name, { steps }]) => [name, steps])),
      sha256: {
        [tensorsFile]: await sha256OfFile(join(own, tensorsFile)),
        [metricsFile]: sha256Hex(lines),
      },
    };
    await writeFileAtomic(join(own, stateFile), stableJson(state));
    for (const old of earlier.slice(1)) await removeState(join(folder, folderOf(old)));
  },
  resume: async () => {
    for (const step of await storedSteps(folder)) {
      const stored = join(folder, folderOf(step));
      const state = await readState(stored);
      if (typeof state === 'string') {
        progress.warn(`the checkpoint ${stored} is passed over: ${state}`);
        await removeState(stored);
        continue;
      }
      if (state.key !== key) {
        progress.warn(
          `the checkpoints in ${folder} are of another training (its configuration, data or base model differ): starting anew`,
        );
        await removeCheckpoints(folder);
        return undefined;
      }
      await restoreTensors(join(stored, tensorsFile), state.updates, trainable, updates);
      const metrics = parseLines<Metrics>(await readFile(join(stored, metricsFile), 'utf8'));
      progress.note(`going on from step ${step}`);
      return { step, tokens: state.tokens, metrics };
    }
    return undefined;
  },
});
