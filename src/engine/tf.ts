/**
 * The tensor library, under the one name by which the other folders know it. The whole package and not its core: the
 * core alone registers no gradients and no chained methods.
 */
export * as tf from '@tensorflow/tfjs';
