import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe } from 'vitest';
import { assetsFolder } from '../../src/data/index.js';
import { loadModelConfig, memoryNeeds } from '../../src/model/index.js';
import { itObeysTheLaw } from './parser-law.js';

const pythia = {
  architectures: ['GPTNeoXForCausalLM'],
  model_type: 'gpt_neox',
  hidden_size: 32,
  intermediate_size: 64,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  vocab_size: 100,
  max_position_embeddings: 128,
  rotary_pct: 0.25,
  rope_parameters: { rope_type: 'linear', factor: 2, rope_theta: 10000 },
  tie_word_embeddings: false,
  eos_token_id: [0, 1],
};

const llama3 = {
  architectures: ['MistralForCausalLM'],
  model_type: 'mistral',
  hidden_size: 32,
  intermediate_size: 64,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 100,
  sliding_window: 16,
  layer_types: ['sliding_attention', 'sliding_attention'],
  rope_scaling: {
    rope_type: 'llama3',
    factor: 8,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 64,
  },
};

const config = (...path: string[]): Promise<Uint8Array> =>
  readFile(join(assetsFolder(), ...path, 'config.json'));

describe('config.json', () => {
  itObeysTheLaw('of every architecture', {
    name: 'config.json',
    parse: async (file) =>
      memoryNeeds(await loadModelConfig(dirname(file)), { length: 8, batchSize: 2, pairs: 2 }),
    seeds: async () => [
      { bytes: await config('model') },
      { bytes: await config('models', 'gpt2-d64') },
      { bytes: await config('models', 't5-d64') },
      { bytes: JSON.stringify(pythia) },
      { bytes: JSON.stringify(llama3) },
    ],
  });
});
