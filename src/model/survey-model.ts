import { elementCount } from '../store/index.js';
import { openCheckpoint } from './checkpoint.js';
import type { ModelConfig } from './language-model.js';
import { readModelConfig } from './load-model.js';
import { type MemoryNeeds, memoryNeeds, type Workload } from './memory-needs.js';

export interface ModelSurvey {
  readonly folder: string;
  readonly architecture: ModelConfig['architecture'];
  /** Of the decoder, where there is an encoder too. */
  readonly layers: number;
  /** Only of an encoder–decoder. */
  readonly encoderLayers?: number;
  readonly hiddenSize: number;
  readonly heads: number;
  readonly vocabularySize: number;
  /** Most tokens of a sequence; `null` where there is no limit. */
  readonly maxPositions: number | null;
  readonly tied: boolean;
  /** Tied embeddings count once. */
  readonly parameters: number;
  /** How many parameters are stored in each type. */
  readonly stored: Readonly<Record<string, number>>;
  readonly shards: number;
  readonly workload: Workload;
  readonly memory: MemoryNeeds;
}

/** What extraction and training do by default, as far as the model's positions allow. */
const defaults: Workload = { length: 256, batchSize: 32, pairs: 8 };

/**
 * What a model folder holds, and what it needs, without reading its weights: the configuration and every tensor's name,
 * shape and type are checked as `loadModel` does.
 *
 * @throws InputError as `loadModel`
 */
export const surveyModel = async (
  folder: string,
  asked: { readonly [Key in keyof Workload]?: Workload[Key] | undefined } = {},
): Promise<ModelSurvey> => {
  const { architecture, config } = await readModelConfig(folder);
  const { tensors, shards, close } = await openCheckpoint(folder, architecture, config);
  await close();
  const stored: Record<string, number> = {};
  let parameters = 0;
  for (const [name, shape] of architecture.parameterShapes(config)) {
    const count = elementCount(shape);
    const dtype = tensors.get(name)?.dtype ?? '';
    stored[dtype] = (stored[dtype] ?? 0) + count;
    parameters += count;
  }
  const workload = {
    length: asked.length ?? Math.min(defaults.length, config.maxPositions),
    batchSize: asked.batchSize ?? defaults.batchSize,
    pairs: asked.pairs ?? defaults.pairs,
  };
  return {
    folder,
    architecture: config.architecture,
    layers: config.layers,
    ...(config.architecture === 't5' ? { encoderLayers: config.encoderLayers } : {}),
    hiddenSize: config.hiddenSize,
    heads: config.heads,
    vocabularySize: config.vocabularySize,
    maxPositions: config.maxPositions === Number.MAX_SAFE_INTEGER ? null : config.maxPositions,
    tied: config.tied,
    parameters,
    stored,
    shards,
    workload,
    memory: memoryNeeds(config, workload),
  };
};
