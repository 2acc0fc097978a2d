/**
 * Data parallelism: copies of a model on other threads, each with an engine of its own, compute parts of a step beside this
 * one. Most of a small model's step is elementwise work, which one product on many threads leaves to one core.
 */
import { isDeepStrictEqual } from 'node:util';
import { startThread, UsageError, type WorkerThread } from '../base/index.js';
import {
  activeEngine,
  canReplicate,
  type EngineName,
  limitEngineToOneThread,
  plusValues,
  readValues,
  type tf,
} from '../engine/index.js';
import { oneBlasThread } from '../linalg/index.js';
import type { LanguageModel, ModelConfig } from '../model/index.js';
import type { Gradients } from './training-step.js';
import type { TrainingTask } from './training-task.js';

/** What a thread is started with. */
export interface ReplicaStart {
  readonly engine: EngineName;
  readonly config: ModelConfig;
}

/** Where a parameter lies in memory that all threads see. */
export interface SharedParameter {
  readonly name: string;
  readonly isTrained: boolean;
  /** In float32 numbers, from the beginning of `SharedTask.weights` and of `gradients`. */
  readonly offset: number;
  readonly size: number;
}

export interface SharedTask {
  readonly type: 'task';
  readonly task: TrainingTask;
  readonly parameters: readonly SharedParameter[];
  readonly weights: SharedArrayBuffer;
  /** The receiver's own: it writes there the weighted sum over its parts of a step. */
  readonly gradients: SharedArrayBuffer;
}

export interface SharedStep {
  readonly type: 'step';
  readonly step: number;
  /** Of the parts that the receiver computes, in order. */
  readonly places: readonly number[];
}

/** Answered once the engine runs. */
export interface Start {
  readonly type: 'start';
}

export type ToReplica = Start | SharedTask | SharedStep;

export interface PartResult {
  readonly place: number;
  readonly loss: number;
  readonly observed: readonly number[];
}

/** A step of which others compute some parts. */
export interface ReplicatedStep {
  isOthers(place: number): boolean;
  /** Of the parts of others, when all of them are done; in order. */
  results(): Promise<readonly PartResult[]>;
  /** Adds what others computed, in a fixed order. */
  addGradients(total: Gradients): void;
}

export interface ReplicatedTraining {
  /** Hands out the current weights and the parts of a step. */
  begin(step: number, parts: number): ReplicatedStep;
  end(): void;
}

export interface Replicas {
  /** Models that compute together, the caller's among them. */
  readonly count: number;
  /** @throws UsageError for a model of another configuration than they were started for */
  open(
    task: TrainingTask,
    model: LanguageModel,
    trainable: ReadonlyMap<string, tf.Variable>,
  ): ReplicatedTraining;
  close(): Promise<void>;
}

/** Whatever is no step has no parts. */
type Replica = WorkerThread<ToReplica, readonly PartResult[]>;

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

const bytesOf = (numbers: number): number => numbers * Float32Array.BYTES_PER_ELEMENT;

const layOut = (model: LanguageModel, trainable: ReadonlyMap<string, tf.Variable>): SharedParameter[] => {
  let offset = 0;
  return [...model.variables].map(([name, { size }]) => {
    const parameter = { name, isTrained: trainable.has(name), offset, size };
    offset += size;
    return parameter;
  });
};

const openTraining = (
  replicas: readonly Replica[],
  task: TrainingTask,
  model: LanguageModel,
  trainable: ReadonlyMap<string, tf.Variable>,
): ReplicatedTraining => {
  const parameters = layOut(model, trainable);
  const numbers = parameters.reduce((sum, { size }) => sum + size, 0);
  const weights = new SharedArrayBuffer(bytesOf(numbers));
  const gradients = replicas.map(() => new SharedArrayBuffer(bytesOf(numbers)));
  const publish = (isWanted: (parameter: SharedParameter) => boolean): void => {
    for (const parameter of parameters.filter(isWanted)) {
      const variable = model.variables.get(parameter.name);
      const target = new Float32Array(weights, bytesOf(parameter.offset), parameter.size);
      if (variable) readValues(variable, target);
    }
  };
  publish(() => true);
  const opened = Promise.all(
    replicas.map((replica, index) =>
      replica.ask({
        type: 'task',
        task,
        parameters,
        weights,
        gradients: gradients[index] as SharedArrayBuffer,
      }),
    ),
  );
  // Told with the first step.
  opened.catch(() => undefined);
  // Each thread computes its own products.
  const release = limitEngineToOneThread();

  return {
    begin: (step, parts) => {
      const count = replicas.length + 1;
      publish(({ isTrained }) => isTrained);
      const placesOf = (replica: number): number[] =>
        Array.from({ length: parts }, (_, place) => place).filter((place) => place % count === replica);
      const busy = replicas.filter((_, index) => index + 1 < parts);
      const answers = Promise.all([
        opened,
        ...busy.map((replica, index) => replica.ask({ type: 'step', step, places: placesOf(index + 1) })),
      ]).then(([, ...parts]) => parts.flat());
      // Whoever fails before waiting for them has told of something else.
      answers.catch(() => undefined);
      return {
        isOthers: (place) => place % count !== 0,
        results: async () => (await answers).sort((a, b) => a.place - b.place),
        addGradients: (total) => {
          for (const { name, offset, size, isTrained } of parameters) {
            const own = isTrained ? trainable.get(name)?.name : undefined;
            if (own === undefined) continue;
            for (const buffer of gradients.slice(0, busy.length)) {
              const gradient = total[own];
              if (gradient === undefined) continue;
              total[own] = plusValues(gradient, new Float32Array(buffer, bytesOf(offset), size));
            }
          }
        },
      };
    },
    end: release,
  };
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
    open: (task, model, trainable) => {
      if (!isDeepStrictEqual(model.config, config)) {
        throw new UsageError('these replicas were started for another model', {
          hint: 'start them with the configuration of the model to train',
        });
      }
      return openTraining(replicas, task, model, trainable);
    },
    close,
  };
};
