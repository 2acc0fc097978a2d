/** A training whose steps several replicas compute, as the thread sees it that was asked for it: it is the first of them. */
import { limitEngineToOneThread, readValues, tf } from '../engine/index.js';
import type { LanguageModel } from '../model/index.js';
import type { Optimiser, SavedMoments } from './optimiser.js';
import type { FromReplica, PartResult, Replica, ToReplica } from './replica-messages.js';
import { createShare, type SquaredNorms } from './replica-share.js';
import { createSharedBuffer, layOutParameters, sharedValues } from './shared-parameters.js';
import type { TrainingTask } from './training-task.js';
import type { Updates } from './updates.js';

/** A step of which others compute some parts. */
export interface ReplicatedStep {
  isOthers(place: number): boolean;
  /** Of the parts of others, when all of them are done; in order. */
  results(): Promise<readonly PartResult[]>;
}

export interface ReplicatedTraining extends Updates {
  /** Hands out the parts of a step, and at first the weights. */
  begin(step: number, parts: number): ReplicatedStep;
  end(): void;
}

export interface ReplicatedTrainingInput {
  readonly task: TrainingTask;
  readonly model: LanguageModel;
  readonly trainable: ReadonlyMap<string, tf.Variable>;
  /** Of the caller's share. */
  readonly optimiser: Optimiser;
}

/** @param others that run already, and are in no other training */
export const openReplicatedTraining = (
  others: readonly Replica[],
  { task, model, trainable, optimiser }: ReplicatedTrainingInput,
): ReplicatedTraining => {
  const count = others.length + 1;
  const parameters = layOutParameters(model, trainable, count);
  const shared = {
    parameters,
    weights: createSharedBuffer(parameters),
    gradients: Array.from({ length: count }, () => createSharedBuffer(parameters)),
  };
  const trained = parameters.filter(({ isTrained }) => isTrained);
  const share = createShare(0, model, shared, optimiser);

  const askAll = async (question: ToReplica): Promise<FromReplica[]> =>
    Promise.all(others.map((replica) => replica.ask(question)));
  /** A question whose fault, if it has one, is told by the next that is waited for. */
  let pending: Promise<unknown> = Promise.resolve();
  const askAhead = (asked: Promise<unknown>): void => {
    pending = Promise.all([pending, asked]);
    pending.catch(() => undefined);
  };
  /** What the others answer, while this thread does its own share of it. */
  const beside = async <T>(question: ToReplica, ownShare: () => T): Promise<[T, FromReplica[]]> => {
    const answers = askAll(question);
    answers.catch(() => undefined);
    const done = ownShare();
    await pending;
    return [done, await answers];
  };

  askAhead(
    Promise.all(
      others.map((replica, index) => replica.ask({ type: 'task', task, place: index + 1, shared })),
    ),
  );
  // Each thread computes its own products.
  const release = limitEngineToOneThread();

  let weightsAreOut = false;
  const handOutWeights = (): void => {
    for (const parameter of parameters) {
      const variable = model.variables.get(parameter.name);
      if (variable) readValues(variable, sharedValues(shared.weights, parameter));
    }
    askAhead(askAll({ type: 'weights' }));
    weightsAreOut = true;
  };
  const ownNameOf = (parameter: string): string => trainable.get(parameter)?.name ?? '';
  /** Replicas that compute a part of the current step. */
  let computing: readonly number[] = [];

  return {
    begin: (step, parts) => {
      if (!weightsAreOut) handOutWeights();
      computing = Array.from({ length: Math.min(count, parts) }, (_, replica) => replica);
      const all = Array.from({ length: parts }, (_, place) => place);
      const answers = Promise.all([
        ...others.slice(0, parts - 1).map((replica, index) =>
          replica.ask({
            type: 'step',
            step,
            places: all.filter((place) => place % count === index + 1),
          }),
        ),
      ]);
      // Whoever fails before waiting for them has told of something else.
      answers.catch(() => undefined);
      return {
        isOthers: (place) => place % count !== 0,
        results: async () => {
          await pending;
          return (await answers).flatMap(({ results }) => results).sort((a, b) => a.place - b.place);
        },
      };
    },

    norm: async (total) => {
      const present = trained.flatMap(({ name }) => (total[ownNameOf(name)] ? [name] : []));
      share.offer(total);
      const [own, answers] = await beside({ type: 'sum', offering: computing, present }, () =>
        share.sum(total, computing, present),
      );
      const norms: SquaredNorms = Object.assign({}, own, ...answers.map(({ norms }) => norms));
      // In the order of one model alone, so that where only one computes, the result is its own to the bit.
      return Math.sqrt(present.reduce((sum, name) => sum + (norms[name] ?? Number.NaN), 0));
    },

    collect: async (total) => {
      await beside({ type: 'show' }, () => undefined);
      for (const parameter of trained) {
        const buffer = shared.gradients[parameter.owner];
        if (parameter.owner === 0 || buffer === undefined) continue;
        total[ownNameOf(parameter.name)] = tf.tensor(sharedValues(buffer, parameter));
      }
    },

    apply: async (total, rate, scale) => {
      await beside({ type: 'update', rate, scale }, () => share.update(total, rate, scale));
      askAhead(askAll({ type: 'take' }));
      share.take();
    },

    moments: async () => {
      const buffers = { first: createSharedBuffer(parameters), second: createSharedBuffer(parameters) };
      const [own, answers] = await beside({ type: 'save', buffers }, () => share.saveMoments(buffers));
      const steps: Record<string, number> = Object.assign({}, own, ...answers.map((answer) => answer.steps));
      const moments = new Map<string, SavedMoments>();
      for (const parameter of trained) {
        const updates = steps[parameter.name];
        const shape = trainable.get(parameter.name)?.shape;
        if (updates === undefined || shape === undefined) continue;
        moments.set(parameter.name, {
          first: tf.tensor(sharedValues(buffers.first, parameter), shape),
          second: tf.tensor(sharedValues(buffers.second, parameter), shape),
          steps: updates,
        });
      }
      const dispose = (): void => {
        for (const { first, second } of moments.values()) tf.dispose([first, second]);
      };
      return { moments, release: dispose };
    },

    restore: async (moments) => {
      const buffers = { first: createSharedBuffer(parameters), second: createSharedBuffer(parameters) };
      const steps: Record<string, number> = {};
      for (const parameter of trained) {
        const saved = moments.get(parameter.name);
        if (saved === undefined) continue;
        readValues(saved.first, sharedValues(buffers.first, parameter));
        readValues(saved.second, sharedValues(buffers.second, parameter));
        steps[parameter.name] = saved.steps;
      }
      const all = { ...buffers, steps };
      await beside({ type: 'restore', moments: all }, () => share.restoreMoments(all));
    },

    end: () => {
      askAhead(askAll({ type: 'end' }));
      release();
    },
  };
};
