/** Low-rank adapters (arXiv 2106.09685) on the linear maps of a model, without a change to the model. */
import { createRandom, type Random, UsageError } from '../base/index.js';
import { adaptLinear, tf } from '../engine/index.js';
import type { LanguageModel } from '../model/index.js';
import type { LoraConfig } from './config.js';

export interface LoraAdapter {
  readonly config: LoraConfig & { readonly dropout: number; readonly targetModules: readonly string[] };
  /** Whether weights are stored [in, out], as GPT-2's are. */
  readonly fanInFanOut: boolean;
  /** Full names of the adapted modules. */
  readonly modules: readonly string[];
  /** A [rank, in] and B [out, rank] of each, by the names that PEFT gives them. */
  readonly variables: ReadonlyMap<string, tf.Variable>;
  /** Until the next call, forward passes drop what this key says; none of them drops anything without one. */
  dropBy(key: string | undefined): void;
  /** Adds (alpha/rank)·B·A to the model's weights, which then stand alone, and frees the adapter. */
  merge(): void;
  /** Detaches and frees the adapter; the model is as it was. */
  dispose(): void;
}

/** PEFT's choices where none is made, of which the first that a model has is taken. */
const usualTargets = [['q_proj', 'v_proj'], ['query_key_value'], ['c_attn'], ['q', 'v']] as const;

export const adapterNames = (module: string): { readonly a: string; readonly b: string } => ({
  a: `base_model.model.${module}.lora_A.weight`,
  b: `base_model.model.${module}.lora_B.weight`,
});

const isTarget = (module: string, target: string): boolean =>
  module === target || module.endsWith(`.${target}`);

const adaptableModules = (model: LanguageModel): string[] => {
  const embeddings = new Set(model.embeddingNames());
  return [...model.variables]
    .filter(([name, { rank }]) => rank === 2 && name.endsWith('.weight') && !embeddings.has(name))
    .map(([name]) => name.slice(0, -'.weight'.length));
};

/** @throws UsageError naming a target that no module's name ends in */
const targetsOf = (model: LanguageModel, asked: readonly string[] | undefined) => {
  const modules = adaptableModules(model);
  const matches = (target: string): boolean => modules.some((module) => isTarget(module, target));
  const targets = asked ?? usualTargets.find((usual) => usual.every(matches)) ?? [];
  const unknown = targets.find((target) => !matches(target));
  if (targets.length === 0 || unknown !== undefined) {
    const kinds = [...new Set(modules.map((module) => module.split('.').at(-1)))];
    throw new UsageError(
      unknown === undefined
        ? 'LoRA needs modules to adapt'
        : `no module of this model that can be adapted is called ${unknown}`,
      { hint: `targetModules: some of ${kinds.join(', ')}` },
    );
  }
  return { targets, modules: modules.filter((module) => targets.some((target) => isTarget(module, target))) };
};

const fresh = (shape: [number, number], value: (random: Random) => number, random: Random): tf.Variable => {
  const values = Float32Array.from({ length: shape[0] * shape[1] }, () => value(random));
  const tensor = tf.tensor2d(values, shape);
  const variable = tf.variable(tensor);
  tensor.dispose();
  return variable;
};

/** Each number 0 with probability `share`, or else 1/(1 − share): [rows, columns]. */
const dropoutMask = (shape: [number, number], share: number, random: Random): tf.Tensor2D => {
  const kept = 1 / (1 - share);
  const values = new Float32Array(shape[0] * shape[1]);
  for (let i = 0; i < values.length; i++) values[i] = random.next() < share ? 0 : kept;
  return tf.tensor2d(values, shape);
};

/**
 * Attaches a fresh adapter to `model`: A uniform within ±1/√in as PEFT draws it, B zero, so that the model computes what it
 * did until B is trained. The model must outlive it.
 *
 * @throws UsageError for a rank, alpha or dropout out of range, or a target that the model does not have
 */
export const attachLora = (model: LanguageModel, config: LoraConfig, seed: number): LoraAdapter => {
  const { rank, alpha, dropout = 0 } = config;
  if (!Number.isInteger(rank) || rank < 1 || !(alpha > 0) || !(dropout >= 0 && dropout < 1)) {
    throw new UsageError(`LoRA with rank ${rank}, alpha ${alpha} and dropout ${dropout}`, {
      hint: 'rank is a whole number from 1 on, alpha above 0, dropout from 0 to below 1',
    });
  }
  const { targets, modules } = targetsOf(model, config.targetModules);
  const fanInFanOut = model.config.architecture === 'gpt2';
  const random = createRandom(seed).fork('lora');
  const scale = alpha / rank;
  const variables = new Map<string, tf.Variable>();
  const weights = new Map<string, tf.Variable>();
  let dropKey: string | undefined;

  for (const module of modules) {
    const weight = model.variables.get(`${module}.weight`);
    if (weight === undefined) throw new RangeError(`no weight of ${module}`);
    const [rows = 0, columns = 0] = weight.shape;
    const [outputs, inputs] = fanInFanOut ? [columns, rows] : [rows, columns];
    const names = adapterNames(module);
    const bound = 1 / Math.sqrt(inputs);
    const uniform = (stream: Random): number => (2 * stream.next() - 1) * bound;
    const a = fresh([rank, inputs], uniform, random.fork(names.a));
    const b = fresh([outputs, rank], () => 0, random);
    variables.set(names.a, a);
    variables.set(names.b, b);
    weights.set(module, weight);
    adaptLinear(weight, (x) => {
      const seen =
        dropout === 0 || dropKey === undefined
          ? x
          : (tf.mul(x, dropoutMask(x.shape, dropout, random.fork(`${dropKey}/${module}`))) as tf.Tensor2D);
      const reduced = tf.mul(tf.matMul(seen, a as tf.Tensor as tf.Tensor2D, false, true), scale);
      return tf.matMul(reduced as tf.Tensor2D, b as tf.Tensor as tf.Tensor2D, false, true);
    });
  }

  const dispose = (): void => {
    for (const weight of weights.values()) adaptLinear(weight, undefined);
    for (const variable of variables.values()) variable.dispose();
  };
  return {
    config: { rank, alpha, dropout, targetModules: targets },
    fanInFanOut,
    modules,
    variables,
    dropBy: (key) => {
      dropKey = key;
    },
    merge: () => {
      for (const [module, weight] of weights) {
        const names = adapterNames(module);
        const [a, b] = [variables.get(names.a), variables.get(names.b)] as [tf.Tensor2D, tf.Tensor2D];
        tf.tidy(() => {
          const change = fanInFanOut ? tf.matMul(a, b, true, true) : tf.matMul(b, a);
          weight.assign(tf.add(weight, tf.mul(change, scale)));
        });
      }
      dispose();
    },
    dispose,
  };
};
