/** In a process of its own: it takes the whole address space of the heap. */

import { expect, it } from 'vitest';
import { ResourceError } from '../../src/base/index.js';
import { activeHeap } from '../../src/engine/heap.js';
import { startEngine, tf } from '../../src/engine/index.js';

it('a full heap is an error, and nothing is written over anything', async () => {
  await startEngine('wasm');
  const kept = tf.tensor1d([1, 2, 3]);
  const heap = activeHeap();
  for (const floats of [2 ** 29, 2 ** 30 - 20_000, 2 ** 30, 2 ** 31]) {
    expect(() => heap.allocate([floats])).toThrow(ResourceError);
  }
  const large: ReturnType<typeof heap.allocate>[] = [];
  expect(() => {
    for (let i = 0; i < 3; i++) large.push(heap.allocate([2 ** 29 - 1000]));
  }).toThrow(ResourceError);
  expect(() => tf.zeros([2 ** 29 - 1000])).toThrow(ResourceError);
  large.forEach(heap.release);
  const after = tf.add(kept, kept);
  expect([...(await kept.data())]).toEqual([1, 2, 3]);
  expect([...(await after.data())]).toEqual([2, 4, 6]);
});
