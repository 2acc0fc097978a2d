/** AdamW or plain gradient descent over groups of parameters, with a state that can be saved and gone on from. */
import { createAdamW, tf } from '../engine/index.js';
import type { LanguageModel } from '../model/index.js';
import type { OptimiserConfig } from './config.js';

/** Moments of one parameter. */
export interface SavedMoments {
  readonly first: tf.Tensor;
  readonly second: tf.Tensor;
  readonly steps: number;
}

export interface Optimiser {
  /** One update in place. @param scale multiplies every gradient: clipping */
  apply(grads: Readonly<Record<string, tf.Tensor>>, rate: number, scale: number): void;
  /** By parameter; they stay the optimiser's. Empty where there are none. */
  moments(): ReadonlyMap<string, SavedMoments>;
  /** Takes over the values; the tensors stay the caller's. */
  restore(moments: ReadonlyMap<string, SavedMoments>): void;
  dispose(): void;
}

interface Group {
  readonly variables: ReadonlyMap<string, tf.Variable>;
  readonly rateFactor: number;
  readonly weightDecay: number;
}

/** Hugging Face's trainer spares the gains of norms from decay; embeddings may have a rate of their own. */
const groupsOf = (
  trainable: ReadonlyMap<string, tf.Variable>,
  model: LanguageModel,
  { weightDecay, embeddingRateFactor = 1 }: OptimiserConfig,
): Group[] => {
  const embeddings = model.embeddingNames();
  const isEmbedding = (name: string): boolean => embeddings.includes(name);
  const groups = [true, false].flatMap((decayed) =>
    [false, true].map((embedding) => ({
      variables: new Map(
        [...trainable].filter(([name, { rank }]) => rank > 1 === decayed && isEmbedding(name) === embedding),
      ),
      rateFactor: embedding ? embeddingRateFactor : 1,
      weightDecay: decayed ? weightDecay : 0,
    })),
  );
  return groups.filter(({ variables }) => variables.size > 0);
};

const createGradientDescent = (groups: readonly Group[]): Optimiser => ({
  apply: (grads, rate, scale) => {
    for (const { variables, rateFactor, weightDecay } of groups) {
      for (const variable of variables.values()) {
        const gradient = grads[variable.name];
        if (gradient === undefined) continue;
        tf.tidy(() => {
          const kept = tf.mul(variable, 1 - rate * rateFactor * weightDecay);
          variable.assign(tf.sub(kept, tf.mul(gradient, rate * rateFactor * scale)));
        });
      }
    }
  },
  moments: () => new Map(),
  restore: () => undefined,
  dispose: () => undefined,
});

/** @param trainable parameters by name; they stay the caller's */
export const createOptimiser = (
  trainable: ReadonlyMap<string, tf.Variable>,
  model: LanguageModel,
  config: OptimiserConfig,
): Optimiser => {
  const groups = groupsOf(trainable, model, config);
  if (config.optimiser === 'sgd') return createGradientDescent(groups);
  const adamWs = groups.map(({ weightDecay }) =>
    createAdamW({ learningRate: config.learningRate, weightDecay }),
  );
  return {
    apply: (grads, rate, scale) => {
      for (const [index, { variables, rateFactor }] of groups.entries()) {
        adamWs[index]?.apply(variables, grads, rate * rateFactor, scale);
      }
    },
    moments: () => new Map(adamWs.flatMap(({ state }) => [...state])),
    restore: (moments) => {
      for (const [index, { variables }] of groups.entries()) {
        for (const name of variables.keys()) {
          const saved = moments.get(name);
          if (saved !== undefined) adamWs[index]?.restore(name, saved);
        }
      }
    },
    dispose: () => {
      for (const adamW of adamWs) adamW.dispose();
    },
  };
};
