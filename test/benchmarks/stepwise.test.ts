import { describe, expect, it } from 'vitest';
import { stepwise } from '../../src/benchmarks/stepwise.js';

/** So many steps, each noted when it is made; `ends` tells that the training let go of what it held. */
const training = (count: number, made: number[], ends: string[] = [], fault?: Error) =>
  stepwise(async (onStep) => {
    try {
      for (let step = 0; step < count; step++) {
        if (fault && step === 2) throw fault;
        made.push(step);
        await onStep();
      }
    } finally {
      ends.push('ended');
    }
  });

describe('stepwise', () => {
  it('should make one step each time it is asked, and none ahead', async () => {
    const made: number[] = [];
    const { step, stop } = training(10, made);
    expect(made).toEqual([]);
    for (let asked = 1; asked <= 4; asked++) {
      await step();
      await new Promise((resolve) => setTimeout(resolve, 1));
      expect(made).toHaveLength(asked);
    }
    await stop();
  });

  it('should let the training end as one that fails does, and not fail itself', async () => {
    const [made, ends]: [number[], string[]] = [[], []];
    const { step, stop } = training(10, made, ends);
    await step();
    await stop();
    expect([made, ends]).toEqual([[0], ['ended']]);
  });

  it('should tell the fault of a step to whoever asked for it, and the end of the steps', async () => {
    const failing = training(10, [], [], new Error('diverged'));
    await failing.step();
    await failing.step();
    await expect(failing.step()).rejects.toThrow('diverged');
    await failing.stop();
    const short = training(1, []);
    await short.step();
    await expect(short.step()).rejects.toThrow('no more steps');
    await short.stop();
  });
});
