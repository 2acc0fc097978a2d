/**
 * Data parallelism: copies of a model on other threads, each with an engine of its own, compute parts of a step beside this
 * one. Most of a small model's step is elementwise work, which one product on many threads leaves to one core; of a larger
 * one's, adding gradients and updating weights.
 */
import { isDeepStrictEqual } from 'node:util';
import { startThread, UsageError } from '../base/index.js';
import { activeEngine, canReplicate, type tf } from '../engine/index.js';
import { oneBlasThread } from '../linalg/index.js';
import type { LanguageModel, ModelConfig } from '../model/index.js';
import type { Optimiser } from './optimiser.js';
import type { Replica, ReplicaStart } from './replica-messages.js';
import { openReplicatedTraining, type ReplicatedTraining } from './replicated-training.js';
import type { TrainingTask } from './training-task.js';

export interface Replicas {
  /** Models that compute together, the caller's among them. */
  readonly count: number;
  /** @throws UsageError for a model of another configuration than they were started for */
  open(
    task: TrainingTask,
    model: LanguageModel,
    trainable: ReadonlyMap<string, tf.Variable>,
    optimiser: Optimiser,
  ): ReplicatedTraining;
  close(): Promise<void>;
}

const startReplica = async (start: ReplicaStart): Promise<Replica> => {
  const replica: Replica = startThread('training/replica-worker.js', {
    name: 'a training thread',
    data: start,
    // The library's threads are the whole process's: a new engine must not set them.
    environment: oneBlasThread,
  });
  await replica.ask({ type: 'start' });
  return replica;
};

/**
 * Starts `count` − 1 more models of this configuration, each on a thread with an engine like the active one. The caller
 * closes them.
 *
 * @throws UsageError on an engine other than blas and wasm; ResourceError where a thread does not start
 */
export const startReplicas = async (config: ModelConfig, count: number): Promise<Replicas> => {
  const { name: engine } = activeEngine();
  if (!canReplicate()) {
    throw new UsageError(`the engine ${engine} trains no replicas`, { hint: 'they are for blas and wasm' });
  }
  const starting = Array.from({ length: count - 1 }, () => startReplica({ engine, config }));
  const started = await Promise.allSettled(starting);
  const replicas = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const close = async (): Promise<void> => {
    await Promise.all(replicas.map((replica) => replica.close()));
  };
  const failed = started.find((one) => one.status === 'rejected');
  if (failed) {
    await close();
    throw failed.reason;
  }
  return {
    count,
    open: (task, model, trainable, optimiser) => {
      if (!isDeepStrictEqual(model.config, config)) {
        throw new UsageError('these replicas were started for another model', {
          hint: 'start them with the configuration of the model to train',
        });
      }
      return openReplicatedTraining(replicas, { task, model, trainable, optimiser });
    },
    close,
  };
};
