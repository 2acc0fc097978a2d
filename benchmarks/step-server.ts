/**
 * Times training and DPO steps on request, so that another program can take turns with it on a loaded machine.
 *
 *     npx tsx benchmarks/step-server.ts [engine]
 *
 * Each line of standard input is `train WIDTH STEPS` or `dpo WIDTH STEPS`; each answer is a line of JSON. Model and data
 * are those of `dsteer bench`, src/benchmarks/llama-steps.ts. The floor is that of matrix products over all tokens, 1,024
 * a step, as a program without shared prompts would run them.
 */
import { createInterface } from 'node:readline';
import {
  createStepModel,
  type OnStep,
  referenceOf,
  runDpoSteps,
  runTrainingSteps,
  trainingFlops,
} from '../src/benchmarks/index.js';
import { measureSgemm, parseEngineName, startEngine, tf } from '../src/engine/index.js';
import type { LanguageModel } from '../src/model/index.js';

const models = new Map<number, LanguageModel>();
const modelOf = (width: number): LanguageModel => {
  const model = models.get(width) ?? createStepModel(width);
  models.set(width, model);
  return model;
};

const steps: Readonly<
  Record<string, (model: LanguageModel, count: number, onStep: OnStep) => Promise<unknown>>
> = {
  train: runTrainingSteps,
  dpo: async (model, count, onStep) => runDpoSteps(model, await referenceOf(model), count, onStep),
};

await startEngine(parseEngineName(process.argv[2] ?? 'auto'));
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const [kind = '', width = '', count = ''] = line.split(' ');
  const run = steps[kind];
  if (run === undefined) throw new RangeError(`a line is "train WIDTH STEPS" or "dpo WIDTH STEPS": ${line}`);
  const times: number[] = [];
  let loss = Number.NaN;
  let last = performance.now();
  const cpu = process.cpuUsage();
  await run(modelOf(Number(width)), Number(count), (metrics) => {
    const now = performance.now();
    times.push(now - last);
    last = now;
    loss = metrics.loss;
  });
  const { user, system } = process.cpuUsage(cpu);
  // The first time holds what comes before the first step.
  const steady = times.slice(1).sort((a, b) => a - b);
  const gflops = await measureSgemm(512, 4);
  console.log(
    JSON.stringify({
      kind,
      width: Number(width),
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
