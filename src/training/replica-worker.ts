/** A thread that computes its parts of each step on a model of its own: see `startReplicas`. */
import { workerData } from 'node:worker_threads';
import { answerQuestions } from '../base/index.js';
import { readValues, startEngine, tf, writeValues } from '../engine/index.js';
import { createBlankModel } from '../model/index.js';
import type { StepMetrics } from './config.js';
import type {
  PartResult,
  ReplicaStart,
  SharedParameter,
  SharedStep,
  SharedTask,
  ToReplica,
} from './replicas.js';
import { accumulate, type Gradients, gradientsOfPart, type TrainingSteps } from './training-step.js';
import { stepsOf } from './training-task.js';

const { engine, config } = workerData as ReplicaStart;
await startEngine(engine);
const model = createBlankModel(config);

interface Current extends SharedTask {
  readonly steps: TrainingSteps<StepMetrics>;
}
let current: Current | undefined;

const viewOf = (buffer: SharedArrayBuffer, { offset, size }: SharedParameter): Float32Array =>
  new Float32Array(buffer, offset * Float32Array.BYTES_PER_ELEMENT, size);

const readWeights = (weights: SharedArrayBuffer, parameters: readonly SharedParameter[]): void => {
  for (const parameter of parameters) {
    const variable = model.variables.get(parameter.name);
    if (variable) writeValues(variable, viewOf(weights, parameter));
  }
};

const open = (shared: SharedTask): void => {
  readWeights(shared.weights, shared.parameters);
  current = { ...shared, steps: stepsOf(shared.task, model) };
};

const computeParts = async (
  { steps, task, weights, gradients, parameters }: Current,
  { step, places }: SharedStep,
): Promise<PartResult[]> => {
  const trained = parameters.filter(({ isTrained }) => isTrained);
  readWeights(weights, trained);
  const variables = trained.flatMap(({ name }) => model.variables.get(name) ?? []);
  const { parts } = steps.stepAt(step);
  const results: PartResult[] = [];
  const total: Gradients = {};
  for (const place of places) {
    const part = parts[place];
    if (part === undefined) throw new RangeError(`step ${step} has no part ${place}`);
    const { grads, ...result } = await gradientsOfPart(part, variables, task.config);
    accumulate(total, grads);
    results.push({ place, ...result });
  }
  for (const parameter of trained) {
    const gradient = total[model.variables.get(parameter.name)?.name ?? ''];
    if (gradient) readValues(gradient, viewOf(gradients, parameter));
  }
  tf.dispose(Object.values(total));
  return results;
};

answerQuestions(async (message: ToReplica): Promise<readonly PartResult[]> => {
  if (message.type === 'step') {
    if (current === undefined) throw new RangeError('a step came before its task');
    return computeParts(current, message);
  }
  if (message.type === 'task') open(message);
  return [];
});
