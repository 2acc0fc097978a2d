import { tf } from '../../engine/index.js';

/** Computes, and reads one number of the result: engines that compute behind the caller's back are waited for by that. */
export const waitFor = async (compute: () => tf.Tensor): Promise<void> => {
  const first = tf.tidy(() => tf.slice(tf.reshape(compute(), [-1]), 0, 1));
  await first.data();
  first.dispose();
};
