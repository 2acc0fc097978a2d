/** A thousand steps leave nothing behind: no tensor, no object, no page. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { startEngine, tf } from '../../src/engine/index.js';
import { referenceLogps, type StepMetrics, trainDpo } from '../../src/training/index.js';
import { availableEngines } from '../model/engines.js';
import { tokenPairs } from './preference-data.js';
import { smallModel } from './small-model.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** The first of them compile; the thousand after that are watched. */
const [WARM, STEPS] = [500, 1500];
const MEBIBYTE = 2 ** 20;

describe.each(availableEngines)('training on %s', (engine) => {
  it('should hold as many tensors, objects and pages after 1,000 steps as before them', async () => {
    await startEngine(engine);
    const model = smallModel();
    const pairs = tokenPairs(8);
    const config = {
      beta: 0.1,
      learningRate: 1e-4,
      epochs: STEPS,
      batchSize: pairs.length,
      warmupSteps: 0,
      schedule: 'constant',
      maxGradNorm: 1,
      weightDecay: 0,
      embeddings: 'unfrozen',
    } as const;
    const seen: { tensors: number; heap: number; resident: number }[] = [];
    const onStep = ({ step }: StepMetrics): void => {
      if (step < WARM || step % 250 !== 0) return;
      collectGarbage();
      const { heapUsed, rss } = process.memoryUsage();
      seen.push({ tensors: tf.memory().numTensors, heap: heapUsed, resident: rss });
    };
    await trainDpo(model, pairs, await referenceLogps(model, pairs), config, { seed: 1, onStep });
    model.dispose();
    expect(seen.length).toBeGreaterThanOrEqual(4);
    const [first, ...later] = seen;
    for (const { tensors, heap, resident } of later) {
      expect(tensors).toBe(first?.tensors);
      // The record of every step's metrics is kept: some hundred bytes each.
      expect(heap - (first?.heap ?? 0)).toBeLessThan(2 * MEBIBYTE);
      expect(resident - (first?.resident ?? 0)).toBeLessThan(16 * MEBIBYTE);
    }
  }, 60_000);
});
