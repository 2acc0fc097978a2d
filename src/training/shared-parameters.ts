/** Parameters of a model in memory that all threads of a training see, and which of them updates each. */
import type { tf } from '../engine/index.js';
import type { LanguageModel } from '../model/index.js';

/** Where a parameter lies in each of the buffers. */
export interface SharedParameter {
  readonly name: string;
  readonly isTrained: boolean;
  /** Place of the replica that sums its gradients, keeps its moments and updates it; the caller's is 0. */
  readonly owner: number;
  /** In float32 numbers from the beginning of a buffer. */
  readonly offset: number;
  readonly size: number;
}

const bytesOf = (numbers: number): number => numbers * Float32Array.BYTES_PER_ELEMENT;

/**
 * All parameters one after another, those that are trained dealt out to `count` replicas in equal parts, as far as whole
 * parameters can: each, from the largest down, to whoever has the least.
 */
export const layOutParameters = (
  model: LanguageModel,
  trainable: ReadonlyMap<string, tf.Variable>,
  count: number,
): SharedParameter[] => {
  const loads = new Array<number>(count).fill(0);
  const owners = new Map<string, number>();
  for (const [name, { size }] of [...trainable].sort(([, a], [, b]) => b.size - a.size)) {
    const owner = loads.indexOf(Math.min(...loads));
    owners.set(name, owner);
    loads[owner] = (loads[owner] ?? 0) + size;
  }
  let offset = 0;
  return [...model.variables].map(([name, { size }]) => {
    const parameter = { name, isTrained: trainable.has(name), owner: owners.get(name) ?? 0, offset, size };
    offset += size;
    return parameter;
  });
};

/** Memory for a number of each parameter's. */
export const createSharedBuffer = (parameters: readonly SharedParameter[]): SharedArrayBuffer =>
  new SharedArrayBuffer(bytesOf(parameters.reduce((sum, { size }) => sum + size, 0)));

/** A parameter's numbers in a buffer. */
export const sharedValues = (buffer: SharedArrayBuffer, { offset, size }: SharedParameter): Float32Array =>
  new Float32Array(buffer, bytesOf(offset), size);
