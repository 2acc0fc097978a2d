/** What becomes of a step's gradients: their norm, and one update by them. */
import { globalNorm } from '../engine/index.js';
import type { Optimiser, SavedMoments } from './optimiser.js';
import type { Gradients } from './training-step.js';

export interface Updates {
  /** The Euclidean norm of all gradients of the step together; those that others sum are taken from `total`. */
  norm(total: Gradients): Promise<number>;
  /** Puts back into `total` what `norm` took, summed: where something is wrong, it is to be looked for in all of them. */
  collect(total: Gradients): Promise<void>;
  /** One update in place, after `norm`. @param scale multiplies every gradient: clipping */
  apply(total: Gradients, rate: number, scale: number): Promise<void>;
  /** By parameter. Until `release`, they are of this moment. */
  moments(): Promise<{ readonly moments: ReadonlyMap<string, SavedMoments>; release(): void }>;
  /** Takes over the values; the tensors stay the caller's. */
  restore(moments: ReadonlyMap<string, SavedMoments>): Promise<void>;
}

/** Updates by one optimiser alone. */
export const localUpdates = (optimiser: Optimiser): Updates => ({
  norm: globalNorm,
  collect: async () => undefined,
  apply: async (total, rate, scale) => optimiser.apply(total, rate, scale),
  moments: async () => ({ moments: optimiser.moments(), release: () => undefined }),
  restore: async (moments) => optimiser.restore(moments),
});
