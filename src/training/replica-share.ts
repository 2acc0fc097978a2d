/**
 * What a replica does of a step beside its parts: each sums the gradients of some parameters and updates them (Rajbhandari
 * et al. 2020, arXiv 1910.02054, stage 1), and all exchange values through memory that they share. The same on every thread.
 */
import { plusValues, readValues, squaredNorm, tf, writeValues } from '../engine/index.js';
import type { LanguageModel } from '../model/index.js';
import type { Optimiser, SavedMoments } from './optimiser.js';
import { type SharedParameter, sharedValues } from './shared-parameters.js';
import type { Gradients } from './training-step.js';

/** What the threads of a training have in common. */
export interface SharedTraining {
  readonly parameters: readonly SharedParameter[];
  readonly weights: SharedArrayBuffer;
  /** One a replica: it hands out there the gradients that are not its own to sum. */
  readonly gradients: readonly SharedArrayBuffer[];
}

/** ‖gradient‖² of a parameter. */
export type SquaredNorms = Readonly<Record<string, number>>;

/** Moments of parameters as buffers of the layout of the weights, and the updates that each has had. */
export interface SharedMoments {
  readonly first: SharedArrayBuffer;
  readonly second: SharedArrayBuffer;
  readonly steps: Readonly<Record<string, number>>;
}

export interface ReplicaShare {
  /** Hands out the gradients of parameters that others own, and disposes them. */
  offer(total: Gradients): void;
  /**
   * Adds what each of `offering` handed out to the gradients of its own, in that order.
   *
   * @param present parameters that have a gradient in this step
   */
  sum(total: Gradients, offering: readonly number[], present: readonly string[]): SquaredNorms;
  /** Hands out the summed gradients of its own. */
  show(total: Gradients): void;
  /** Updates what it owns, and hands it out. */
  update(total: Gradients, rate: number, scale: number): void;
  /** Takes the weights of parameters that others own. */
  take(): void;
  /** Writes the moments of its own; updates by parameter. */
  saveMoments(buffers: Pick<SharedMoments, 'first' | 'second'>): SharedMoments['steps'];
  /** Takes the moments of its own. */
  restoreMoments(moments: SharedMoments): void;
}

/** @param place of the replica among all */
export const createShare = (
  place: number,
  model: LanguageModel,
  { parameters, weights, gradients }: SharedTraining,
  optimiser: Optimiser,
): ReplicaShare => {
  const find = (parameter: SharedParameter) => {
    const variable = model.variables.get(parameter.name);
    if (variable === undefined) throw new RangeError(`no parameter ${parameter.name}`);
    return { ...parameter, variable };
  };
  const trained = parameters.filter(({ isTrained }) => isTrained).map(find);
  const own = trained.filter(({ owner }) => owner === place);
  const foreign = trained.filter(({ owner }) => owner !== place);
  const offered = (replica: number): SharedArrayBuffer => {
    const buffer = gradients[replica];
    if (buffer === undefined) throw new RangeError(`no gradients of replica ${replica}`);
    return buffer;
  };
  const show = (total: Gradients, parts: typeof trained): void => {
    for (const parameter of parts) {
      const gradient = total[parameter.variable.name];
      if (gradient) readValues(gradient, sharedValues(offered(place), parameter));
    }
  };

  return {
    offer: (total) => {
      show(total, foreign);
      for (const { variable } of foreign) {
        total[variable.name]?.dispose();
        delete total[variable.name];
      }
    },
    sum: (total, offering, present) => {
      const norms: Record<string, number> = {};
      for (const parameter of own) {
        if (!present.includes(parameter.name)) continue;
        const { variable } = parameter;
        let gradient = total[variable.name];
        for (const replica of offering) {
          if (replica === place) continue;
          const values = sharedValues(offered(replica), parameter);
          gradient =
            gradient === undefined ? tf.tensor(values, variable.shape) : plusValues(gradient, values);
          total[variable.name] = gradient;
        }
        // Right after it was written, while it is in the cache.
        if (gradient) norms[parameter.name] = squaredNorm(gradient);
      }
      return norms;
    },
    show: (total) => show(total, own),
    update: (total, rate, scale) => {
      optimiser.apply(total, rate, scale);
      for (const parameter of own) readValues(parameter.variable, sharedValues(weights, parameter));
    },
    take: () => {
      for (const parameter of foreign) writeValues(parameter.variable, sharedValues(weights, parameter));
    },
    saveMoments: ({ first, second }) => {
      const moments = optimiser.moments();
      const steps: Record<string, number> = {};
      for (const parameter of own) {
        const saved = moments.get(parameter.name);
        if (saved === undefined) continue;
        readValues(saved.first, sharedValues(first, parameter));
        readValues(saved.second, sharedValues(second, parameter));
        steps[parameter.name] = saved.steps;
      }
      return steps;
    },
    restoreMoments: ({ first, second, steps }) => {
      const moments = new Map<string, SavedMoments>();
      for (const parameter of own) {
        const updates = steps[parameter.name];
        if (updates === undefined) continue;
        const { shape } = parameter.variable;
        moments.set(parameter.name, {
          first: tf.tensor(sharedValues(first, parameter), shape),
          second: tf.tensor(sharedValues(second, parameter), shape),
          steps: updates,
        });
      }
      optimiser.restore(moments);
      for (const { first: one, second: other } of moments.values()) tf.dispose([one, other]);
    },
  };
};
