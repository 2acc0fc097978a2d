/** Trained weights in the artefact store, so that the same training is done once, whoever asks for it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeMachine } from '../base/index.js';
import { activeEngine, tf } from '../engine/index.js';
import {
  type ArtefactStore,
  codeHash,
  openSafetensors,
  stableJson,
  writeFileAtomic,
} from '../store/index.js';
import { checkpointKey, saveTensors } from './checkpoints.js';
import type { StepMetrics } from './config.js';

const [weightsFile, recordFile] = ['weights.safetensors', 'record.json'];

/** What a training leaves beside its weights. */
export interface StoredTraining<Metrics extends StepMetrics> {
  readonly metrics: readonly Metrics[];
  readonly tokens: number;
}

export interface StoredTrainingInput<Metrics extends StepMetrics> {
  readonly store: ArtefactStore;
  /** All that decides the numbers, but for code and machine. */
  readonly request: Readonly<Record<string, unknown>>;
  readonly title: string;
  readonly trainable: ReadonlyMap<string, tf.Variable>;
  /** Trains in place. */
  train(): Promise<StoredTraining<Metrics>>;
}

const assignWeights = async (path: string, trainable: ReadonlyMap<string, tf.Variable>): Promise<void> => {
  const file = await openSafetensors(path);
  try {
    for (const [name, variable] of trainable) {
      const weight = tf.tensor(await file.read(`weight/${name}`), variable.shape);
      variable.assign(weight);
      weight.dispose();
    }
  } finally {
    await file.close();
  }
};

/** Trains, or takes the weights of the same training on the same kind of machine from the store: they agree to the bit. */
export const storedTraining = async <Metrics extends StepMetrics>({
  store,
  request,
  title,
  trainable,
  train,
}: StoredTrainingInput<Metrics>): Promise<StoredTraining<Metrics> & { readonly reused: boolean }> => {
  const { name, details } = activeEngine();
  const key = checkpointKey({
    ...request,
    code: await codeHash(),
    engine: [name, details],
    machine: describeMachine(),
  });
  const { value, found } = await store.fetch<StoredTraining<Metrics>>({
    kind: 'trainings',
    key,
    title: `${title}, seed ${request['seed']}`,
    bytes: [...trainable.values()].reduce((sum, { size }) => sum + 4 * size, 0),
    read: async (folder) => {
      await assignWeights(join(folder, weightsFile), trainable);
      return JSON.parse(await readFile(join(folder, recordFile), 'utf8')) as StoredTraining<Metrics>;
    },
    make: train,
    write: async (folder, trained) => {
      await saveTensors(join(folder, weightsFile), trainable);
      await writeFileAtomic(join(folder, recordFile), stableJson(trained));
    },
  });
  return { ...value, reused: found };
};
