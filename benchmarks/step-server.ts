/**
 * Times training and DPO steps on request, so that another program can take turns with it on a loaded machine.
 *
 *     npx tsx benchmarks/step-server.ts [engine]
 *
 * Each line of standard input is `train WIDTH STEPS REPLICAS` or `dpo WIDTH STEPS REPLICAS`; each answer is a line of JSON. Model and data
 * are those of `dsteer bench`, src/benchmarks/llama-steps.ts. The floor is that of matrix products over all tokens, 1,024
 * a step, as a program without shared prompts would run them.
 */
import { createInterface } from 'node:readline';
import {
  createStepModel,
  referenceOf,
  runDpoSteps,
  runTrainingSteps,
  type StepOptions,
  trainingFlops,
} from '../src/benchmarks/index.js';
import { measureSgemm, parseEngineName, startEngine, tf } from '../src/engine/index.js';
import type { LanguageModel } from '../src/model/index.js';
import { type Replicas, startReplicas } from '../src/training/index.js';

const models = new Map<number, LanguageModel>();
const modelOf = (width: number): LanguageModel => {
  const model = models.get(width) ?? createStepModel(width);
  models.set(width, model);
  return model;
};

/** Kept from one line to the next: what a thread runs first is compiled first. */
const pools = new Map<string, Replicas>();
const replicasOf = async (model: LanguageModel, count: number): Promise<Replicas | undefined> => {
  if (count === 1) return undefined;
  const name = `${model.hiddenSize} ${count}`;
  const replicas = pools.get(name) ?? (await startReplicas(model.config, count));
  pools.set(name, replicas);
  return replicas;
};

const steps: Readonly<
  Record<string, (model: LanguageModel, count: number, options: StepOptions) => Promise<unknown>>
> = {
  train: runTrainingSteps,
  dpo: async (model, count, options) => runDpoSteps(model, await referenceOf(model), count, options),
};

await startEngine(parseEngineName(process.argv[2] ?? 'auto'));
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const [kind = '', width = '', count = '', replicas = '1'] = line.split(' ');
  const run = steps[kind];
  if (run === undefined) throw new RangeError(`a line is "train or dpo WIDTH STEPS REPLICAS": ${line}`);
  const model = modelOf(Number(width));
  const others = await replicasOf(model, Number(replicas));
  const times: number[] = [];
  let loss = Number.NaN;
  let last = performance.now();
  const cpu = process.cpuUsage();
  await run(model, Number(count), {
    replicas: others,
    onStep: (metrics) => {
      const now = performance.now();
      times.push(now - last);
      last = now;
      loss = metrics.loss;
    },
  });
  const { user, system } = process.cpuUsage(cpu);
  // The first time holds what comes before the first step.
  const steady = times.slice(1).sort((a, b) => a - b);
  const gflops = await measureSgemm(512, 4);
  console.log(
    JSON.stringify({
      kind,
      width: Number(width),
      replicas: Number(replicas),
      median: steady[steady.length >> 1],
      best: steady[0],
      cpu: (user + system) / 1000 / times.length,
      gflops,
      floor: trainingFlops(Number(width)) / gflops / 1e6,
      loss,
      tensors: tf.memory().numTensors,
      rssMiB: Math.round(process.memoryUsage.rss() / 2 ** 20),
    }),
  );
}
