/** LoRA adapters as folders in PEFT's format: adapter_config.json and adapter_model.safetensors. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { InputError, UsageError } from '../base/index.js';
import { tf } from '../engine/index.js';
import type { LanguageModel } from '../model/index.js';
import { createSafetensorsWriter, openSafetensors, stableJson, writeFileAtomic } from '../store/index.js';
import type { LoraConfig } from './config.js';
import { attachLora, type LoraAdapter } from './lora.js';

const configFile = 'adapter_config.json';
const weightsFile = 'adapter_model.safetensors';

const none = z.null().optional();
const off = z.literal(false).optional();
const emptyRecord = z.record(z.string(), z.never()).nullish();

/**
 * Options that change what is computed are read strictly; others that only say how training began are passed over.
 * Defaults are PEFT's.
 */
const adapterConfigSchema = z.looseObject({
  peft_type: z.literal('LORA'),
  r: z.int().min(1).default(8),
  lora_alpha: z.number().positive().default(8),
  lora_dropout: z.number().min(0).lt(1).default(0),
  target_modules: z.array(z.string().min(1)).min(1),
  fan_in_fan_out: z.boolean().default(false),
  bias: z.literal('none').default('none'),
  use_rslora: z.boolean().default(false),
  use_dora: off,
  lora_bias: off,
  modules_to_save: none,
  layers_to_transform: none,
  layer_replication: none,
  exclude_modules: none,
  target_parameters: none,
  trainable_token_indices: none,
  rank_pattern: emptyRecord,
  alpha_pattern: emptyRecord,
});

export interface SaveAdapterOptions {
  /** What the adapter belongs to: a folder, or a name on the hub. Default: none named. */
  readonly baseModel?: string;
}

/** Writes a folder that PEFT's `PeftModel.from_pretrained` reads. The adapter stays attached. */
export const saveAdapter = async (
  adapter: LoraAdapter,
  model: LanguageModel,
  folder: string,
  { baseModel }: SaveAdapterOptions = {},
): Promise<void> => {
  const { rank, alpha, dropout, targetModules } = adapter.config;
  const shapes = Object.fromEntries([...adapter.variables].map(([name, { shape }]) => [name, shape]));
  const writer = await createSafetensorsWriter(join(folder, weightsFile), shapes, {
    metadata: { format: 'pt' },
  });
  try {
    for (const [name, variable] of adapter.variables) {
      await writer.writeAt(name, 0, new Float32Array(await variable.data()));
    }
    await writer.finish();
  } catch (error) {
    await writer.abandon();
    throw error;
  }
  const config = {
    alpha_pattern: {},
    auto_mapping: null,
    base_model_name_or_path: baseModel ?? null,
    bias: 'none',
    fan_in_fan_out: adapter.fanInFanOut,
    inference_mode: true,
    init_lora_weights: true,
    layer_replication: null,
    layers_pattern: null,
    layers_to_transform: null,
    loftq_config: {},
    lora_alpha: alpha,
    lora_dropout: dropout,
    megatron_config: null,
    megatron_core: 'megatron.core',
    modules_to_save: null,
    peft_type: 'LORA',
    r: rank,
    rank_pattern: {},
    revision: null,
    target_modules: [...targetModules],
    task_type: model.decoderStartTokenId === undefined ? 'CAUSAL_LM' : 'SEQ_2_SEQ_LM',
    use_dora: false,
    use_rslora: false,
  };
  await writeFileAtomic(join(folder, configFile), stableJson(config));
};

const readConfig = async (file: string) => {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new InputError('cannot read the configuration of this adapter', { where: { file }, cause });
  }
  const parsed = adapterConfigSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new InputError(`this adapter is not one that can be used: ${faults.join('; ')}`, {
    where: { file },
    hint: 'plain LoRA of linear maps can be read: no DoRA, no patterns, no trained biases or extra modules',
  });
};

/** The adapter's tensors must be those of the modules that its configuration names in this model, and no others. */
const checkTensors = (
  stored: ReadonlyMap<string, { readonly shape: readonly number[] }>,
  { variables }: LoraAdapter,
  file: string,
): void => {
  const unknown = [...stored.keys()].find((name) => !variables.has(name));
  if (unknown !== undefined) {
    throw new InputError(`the adapter has a tensor "${unknown}" that belongs nowhere in this model`, {
      where: { file },
    });
  }
  for (const [name, { shape }] of variables) {
    const found = stored.get(name)?.shape;
    if (found?.join() !== shape.join()) {
      throw new InputError(
        found === undefined
          ? `the adapter lacks "${name}"`
          : `"${name}" has shape [${found.join(', ')}]; this model and rank ask for [${shape.join(', ')}]`,
        { where: { file }, hint: 'use the base model that the adapter was trained on' },
      );
    }
  }
};

/**
 * Attaches the adapter of a PEFT folder to `model`, its base. The caller merges or disposes it.
 *
 * @throws InputError naming the file and the option or tensor that does not fit
 */
export const loadAdapter = async (model: LanguageModel, folder: string): Promise<LoraAdapter> => {
  const file = join(folder, configFile);
  const stored = await readConfig(file);
  const { r: rank, lora_alpha, use_rslora, lora_dropout, target_modules } = stored;
  const config: LoraConfig = {
    rank,
    // Rank-stabilised adapters are scaled by alpha/√rank.
    alpha: use_rslora ? lora_alpha * Math.sqrt(rank) : lora_alpha,
    dropout: lora_dropout,
    targetModules: target_modules,
  };
  let adapter: LoraAdapter;
  try {
    adapter = attachLora(model, config, 0);
  } catch (cause) {
    if (!(cause instanceof UsageError)) throw cause;
    throw new InputError(`this adapter does not fit the model: ${cause.message}`, {
      where: { file },
      cause,
      ...(cause.hint === undefined ? {} : { hint: cause.hint }),
    });
  }
  const weights = join(folder, weightsFile);
  try {
    const tensors = await openSafetensors(weights);
    try {
      checkTensors(tensors.tensors, adapter, weights);
      for (const [name, variable] of adapter.variables) {
        const values = tf.tensor(await tensors.read(name), variable.shape);
        variable.assign(values);
        values.dispose();
      }
    } finally {
      await tensors.close();
    }
    return adapter;
  } catch (error) {
    adapter.dispose();
    throw error;
  }
};
