/**
 * Tokens per second of one training step (forward, backward, AdamW) of the model of DESIGN section 3: 4 layers, d = 128,
 * 4 heads, SwiGLU of 512, vocabulary 512, learned positions, 16 × 64 tokens; beside the time its matrix products
 * would take alone at the speed of this machine's GEMM.
 *
 *     npx tsx benchmarks/training-step.ts [engine] [seconds] [--profile]
 */

import { createRandom } from '../src/base/index.js';
import {
  causalAttention,
  createAdamW,
  embeddingLookup,
  linear,
  measureSgemm,
  parseEngineName,
  rmsNorm,
  startEngine,
  swiglu,
  targetLogps,
  tf,
  valueAndGrads,
} from '../src/engine/index.js';

const [LAYERS, WIDTH, HEADS, FFN, VOCABULARY, LENGTH, BATCH] = [4, 128, 4, 512, 512, 64, 16];
const TOKENS = BATCH * LENGTH;
const EPSILON = 1e-5;

type Matrix = tf.Variable<tf.Rank.R2>;
type Vector = tf.Variable<tf.Rank.R1>;

const random = createRandom('training-step');
const matrix = (name: string, rows: number, columns: number): Matrix =>
  tf.tidy(() => {
    const values = Float32Array.from({ length: rows * columns }, () => 0.02 * random.normal());
    return tf.variable(tf.tensor2d(values, [rows, columns]), true, name);
  });
const gain = (name: string): Vector => tf.tidy(() => tf.variable(tf.ones<tf.Rank.R1>([WIDTH]), true, name));

const createLayer = (name: string) => ({
  attentionGain: gain(`${name}.attention-gain`),
  q: matrix(`${name}.q`, WIDTH, WIDTH),
  k: matrix(`${name}.k`, WIDTH, WIDTH),
  v: matrix(`${name}.v`, WIDTH, WIDTH),
  o: matrix(`${name}.o`, WIDTH, WIDTH),
  mlpGain: gain(`${name}.mlp-gain`),
  gate: matrix(`${name}.gate`, FFN, WIDTH),
  up: matrix(`${name}.up`, FFN, WIDTH),
  down: matrix(`${name}.down`, WIDTH, FFN),
});

const createModel = () => {
  const embedding = matrix('embedding', VOCABULARY, WIDTH);
  const position = matrix('position', LENGTH, WIDTH);
  const layers = Array.from({ length: LAYERS }, (_, i) => createLayer(`layer-${i}`));
  const finalGain = gain('final-gain');
  const unembedding = matrix('unembedding', VOCABULARY, WIDTH);
  const positions = tf.tensor1d(
    Int32Array.from({ length: TOKENS }, (_, i) => i % LENGTH),
    'int32',
  );
  const shape = {
    batch: BATCH,
    length: LENGTH,
    heads: HEADS,
    keyValueHeads: HEADS,
    headDim: WIDTH / HEADS,
  };
  const loss = (ids: tf.Tensor1D, targets: tf.Tensor1D): tf.Scalar => {
    let x: tf.Tensor2D = tf.add(embeddingLookup(embedding, ids), embeddingLookup(position, positions));
    for (const layer of layers) {
      const h = rmsNorm(x, layer.attentionGain, EPSILON);
      const mixed = causalAttention(linear(h, layer.q), linear(h, layer.k), linear(h, layer.v), shape);
      x = tf.add(x, linear(mixed, layer.o));
      const m = rmsNorm(x, layer.mlpGain, EPSILON);
      x = tf.add(x, linear(swiglu(linear(m, layer.gate), linear(m, layer.up)), layer.down));
    }
    return tf.neg(tf.mean(targetLogps(rmsNorm(x, finalGain, EPSILON), unembedding, targets)));
  };
  const variables: tf.Variable[] = [
    embedding,
    position,
    ...layers.flatMap((layer): tf.Variable[] => Object.values(layer)),
    finalGain,
    unembedding,
  ];
  return { loss, variables };
};

/** Multiply-adds of a step times two: weights thrice (forward, two gradients), attention seven products a head. */
const gemmFlops = (): number => {
  const weights = LAYERS * (4 * WIDTH * WIDTH + 3 * WIDTH * FFN) + VOCABULARY * WIDTH;
  return 6 * TOKENS * weights + LAYERS * BATCH * 7 * 2 * LENGTH * LENGTH * WIDTH;
};

const batches = Array.from({ length: 4 }, () => {
  const tokens = Int32Array.from({ length: TOKENS + 1 }, () => random.integer(48));
  return { ids: tokens.subarray(0, TOKENS), targets: tokens.subarray(1) };
});

const profileKernels = (run: () => void): void => {
  const totals = new Map<string, { ms: number; calls: number }>();
  for (const kernel of tf.getKernelsForBackend(tf.getBackend())) {
    const inner = kernel.kernelFunc;
    kernel.kernelFunc = (call) => {
      const start = performance.now();
      const result = inner(call);
      const total = totals.get(kernel.kernelName) ?? { ms: 0, calls: 0 };
      totals.set(kernel.kernelName, {
        ms: total.ms + performance.now() - start,
        calls: total.calls + 1,
      });
      return result;
    };
  }
  const start = performance.now();
  run();
  console.log(`profiled step ${(performance.now() - start).toFixed(1)} ms`);
  for (const [name, { ms, calls }] of [...totals].sort((a, b) => b[1].ms - a[1].ms)) {
    console.log(`  ${name} ${ms.toFixed(2)} ms in ${calls} calls`);
  }
};

const [engine = 'auto', seconds = '5'] = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const info = await startEngine(parseEngineName(engine));
const { loss, variables } = createModel();
const named = new Map(variables.map((variable) => [variable.name, variable]));
const optimiser = createAdamW({ learningRate: 1e-3, weightDecay: 0.01 });

const step = (i: number): tf.Scalar => {
  const batch = batches[i % batches.length] ?? { ids: new Int32Array(), targets: new Int32Array() };
  const ids = tf.tensor1d(batch.ids, 'int32');
  const targets = tf.tensor1d(batch.targets, 'int32');
  const start = performance.now();
  const { value, grads } = valueAndGrads(() => loss(ids, targets), variables);
  gradientMs += performance.now() - start;
  optimiser.apply(named, grads);
  tf.dispose([ids, targets]);
  tf.dispose(grads);
  return value;
};

let gradientMs = 0;
const times: number[] = [];
const losses: number[] = [];
const start = performance.now();
for (let i = 0; i < 5 || performance.now() - start < Number(seconds) * 1000; i++) {
  const before = performance.now();
  const value = step(i);
  const [scalar = Number.NaN] = await value.data();
  times.push(performance.now() - before);
  losses.push(scalar);
  value.dispose();
}
const steady = times.slice(2).sort((a, b) => a - b);
const median = steady[steady.length >> 1] ?? Number.NaN;
const gflops = await measureSgemm(512);
const floor = gemmFlops() / gflops / 1e6;
console.log(
  `${info.name}: ${Math.round((1000 * TOKENS) / median)} tokens/s, ${median.toFixed(1)} ms a step (best ` +
    `${steady[0]?.toFixed(1)}, ${times.length} steps, ${(gradientMs / times.length).toFixed(1)} in gradients); GEMM ` +
    `${gflops.toFixed(0)} GFLOP/s, floor ${floor.toFixed(1)} ms; loss ${losses[0]?.toFixed(4)} → ` +
    `${losses.at(-1)?.toFixed(4)}; ${tf.memory().numTensors} tensors`,
);
if (process.argv.includes('--profile')) profileKernels(() => step(0).dispose());
