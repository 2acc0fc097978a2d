/** Ways into the engine's memory and out of it, which no other timing holds. */
import { tf } from '../../engine/index.js';
import type { Subject } from '../case.js';

export const transfer: Subject = {
  name: 'transfer',
  title: 'A float32 array into the engine and back',
  axis: 'numbers',
  cases: [2 ** 16, 2 ** 20].map((count) => ({
    series: 'there and back',
    size: `${count} numbers`,
    scale: count,
    prepare: async () => {
      const values = new Float32Array(count).fill(1);
      return {
        run: async () => {
          const tensor = tf.tidy(() => tf.add(tf.tensor1d(values), 1));
          const read = await tensor.data();
          tensor.dispose();
          return read;
        },
        dispose: () => undefined,
      };
    },
  })),
};
