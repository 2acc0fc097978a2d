/** A thread that computes its parts and its share of each step on a model of its own: see `startReplicas`. */
import { workerData } from 'node:worker_threads';
import { answerQuestions } from '../base/index.js';
import { startEngine, tf, writeValues } from '../engine/index.js';
import { createBlankModel } from '../model/index.js';
import type { StepMetrics } from './config.js';
import { createOptimiser } from './optimiser.js';
import type { FromReplica, PartResult, ReplicaStart, ToReplica } from './replica-messages.js';
import { createShare, type ReplicaShare, type SharedTraining } from './replica-share.js';
import { sharedValues } from './shared-parameters.js';
import { accumulate, type Gradients, gradientsOfPart, type TrainingSteps } from './training-step.js';
import { stepsOf, type TrainingTask } from './training-task.js';

const { engine, config } = workerData as ReplicaStart;
await startEngine(engine);
const model = createBlankModel(config);

interface Training {
  readonly share: ReplicaShare;
  /** Of the current step. */
  readonly total: Gradients;
  computeParts(step: number, places: readonly number[]): Promise<PartResult[]>;
  takeWeights(): void;
  forgetStep(): void;
  end(): void;
}

const openTraining = (task: TrainingTask, place: number, shared: SharedTraining): Training => {
  const steps: TrainingSteps<StepMetrics> = stepsOf(task, model);
  const trained = shared.parameters.filter(({ isTrained }) => isTrained);
  const trainable = new Map(
    trained.flatMap(({ name }) => {
      const variable = model.variables.get(name);
      return variable ? [[name, variable] as const] : [];
    }),
  );
  const optimiser = createOptimiser(trainable, model, task.config);
  const share = createShare(place, model, shared, optimiser);
  const total: Gradients = {};
  const forgetStep = (): void => {
    tf.dispose(Object.values(total));
    for (const name of Object.keys(total)) delete total[name];
  };
  return {
    share,
    total,
    forgetStep,
    computeParts: async (step, places) => {
      const { parts } = steps.stepAt(step);
      const results: PartResult[] = [];
      for (const place of places) {
        const part = parts[place];
        if (part === undefined) throw new RangeError(`step ${step} has no part ${place}`);
        const { grads, ...result } = await gradientsOfPart(part, [...trainable.values()], task.config);
        accumulate(total, grads);
        results.push({ place, ...result });
      }
      share.offer(total);
      return results;
    },
    takeWeights: () => {
      for (const parameter of shared.parameters) {
        const variable = model.variables.get(parameter.name);
        if (variable) writeValues(variable, sharedValues(shared.weights, parameter));
      }
    },
    end: () => {
      forgetStep();
      optimiser.dispose();
    },
  };
};

let current: Training | undefined;

const answer = async (question: ToReplica): Promise<Partial<FromReplica>> => {
  if (question.type === 'start') return {};
  if (question.type === 'task') {
    current?.end();
    current = openTraining(question.task, question.place, question.shared);
    return {};
  }
  if (current === undefined) throw new RangeError(`"${question.type}" came before a task`);
  const { share, total } = current;
  switch (question.type) {
    case 'weights':
      current.takeWeights();
      return {};
    case 'step':
      current.forgetStep();
      return { results: await current.computeParts(question.step, question.places) };
    case 'sum':
      return { norms: share.sum(total, question.offering, question.present) };
    case 'show':
      share.show(total);
      return {};
    case 'update':
      share.update(total, question.rate, question.scale);
      current.forgetStep();
      return {};
    case 'take':
      share.take();
      return {};
    case 'save':
      return { steps: share.saveMoments(question.buffers) };
    case 'restore':
      share.restoreMoments(question.moments);
      return {};
    case 'end':
      current.end();
      current = undefined;
      return {};
  }
};

answerQuestions(
  async (question: ToReplica): Promise<FromReplica> => ({
    results: [],
    norms: {},
    steps: {},
    ...(await answer(question)),
  }),
);
