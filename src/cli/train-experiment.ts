/** An experiment's training by itself: from its specification to a model folder with metrics and manifest. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dsteerVersion, InputError, type Progress } from '../base/index.js';
import { type LoadedExperiment, loadSpec, prepareExperiment } from '../claims/index.js';
import { type EngineName, startEngine } from '../engine/index.js';
import { saveModel } from '../model/index.js';
import { toJson } from '../reports/index.js';
import { sha256Hex, writeFileAtomic } from '../store/index.js';
import { type DpoStepMetrics, referenceLogps, type TrainingResult, trainDpo } from '../training/index.js';

export interface TrainExperimentOptions {
  /** Default: the experiment's first. */
  readonly seed?: number;
  readonly engine: EngineName | 'auto';
  readonly outFolder: string;
  readonly progress: Progress;
}

/** @throws InputError where the file is a specification of another kind */
export const loadExperiment = async (file: string): Promise<LoadedExperiment> => {
  const spec = await loadSpec(file);
  if (spec.kind === 'experiment') return spec;
  throw new InputError(`this is a ${spec.kind}; training needs an experiment`, {
    where: { file },
    hint: 'give a file that begins with `experiment: NAME`',
  });
};

/** A missing file is no input: models come with or without some of these. */
const hashesOf = async (files: readonly string[]): Promise<Record<string, string>> => {
  const hashes: Record<string, string> = {};
  for (const file of files) {
    const bytes = await readFile(file).catch(() => undefined);
    if (bytes !== undefined) hashes[file.split(/[\\/]/).at(-1) ?? file] = sha256Hex(bytes);
  }
  return hashes;
};

/**
 * Trains the policy of one experiment and writes a Hugging Face model folder, `metrics.jsonl` (a line a step, TRL's
 * names) and `manifest.json`, the manifest last.
 */
export const trainExperiment = async (
  file: string,
  { seed: askedSeed, engine: engineName, outFolder, progress }: TrainExperimentOptions,
): Promise<TrainingResult<DpoStepMetrics>> => {
  const experiment = await loadExperiment(file);
  const { training, seeds } = experiment.value;
  const seed = askedSeed ?? seeds[0] ?? 0;
  const engine = await startEngine(engineName);
  progress.note(`engine ${engine.name}, seed ${seed}`);
  const { model, data, modelFolder } = await prepareExperiment(experiment);
  try {
    const reference = await referenceLogps(model, data.train);
    const result = await trainDpo(model, data.train, reference, training, { seed, progress });
    const metrics = result.metrics.map((step) => `${JSON.stringify(step)}\n`).join('');
    await saveModel(model, outFolder, { tokenizerFolder: modelFolder });
    await writeFileAtomic(join(outFolder, 'metrics.jsonl'), metrics);
    const modelFiles = ['config.json', 'model.safetensors', 'tokenizer.json'];
    const manifest = {
      schema: 1,
      versions: { dsteer: dsteerVersion, node: process.versions.node },
      engine,
      seed,
      experiment: experiment.value,
      inputs: await hashesOf([file, ...modelFiles.map((name) => join(modelFolder, name))]),
      outputs: await hashesOf([...modelFiles, 'metrics.jsonl'].map((name) => join(outFolder, name))),
      embeddingHashes: result.embeddingHashes,
      tokens: result.tokens,
      seconds: result.seconds,
    };
    await writeFileAtomic(join(outFolder, 'manifest.json'), toJson(manifest));
    return result;
  } finally {
    model.dispose();
  }
};
