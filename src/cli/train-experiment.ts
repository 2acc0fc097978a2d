/** An experiment's training by itself: from its specification to a model folder with metrics and manifest. */

import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { dsteerVersion, InputError, type Progress, roundSeconds } from '../base/index.js';
import {
  type LoadedExperiment,
  loadSpec,
  prepareExperiment,
  requireContainedPaths,
} from '../claims/index.js';
import type { Tokenizer } from '../data/index.js';
import { type EngineName, startEngine } from '../engine/index.js';
import { countParameters, type LanguageModel, saveModel } from '../model/index.js';
import { toJson } from '../reports/index.js';
import { sha256OfFile, writeFileAtomic } from '../store/index.js';
import {
  attachLora,
  metricsLines,
  type Objective,
  type Replicas,
  removeCheckpoints,
  type StageConfig,
  type StageData,
  type StepMetrics,
  saveAdapter,
  stagesOf,
  startReplicas,
  storedReferenceLogps,
  suitableReplicas,
  type TrainingResult,
  textRows,
  trainStage,
} from '../training/index.js';

export interface TrainExperimentOptions {
  /** Default: the experiment's first. */
  readonly seed?: number;
  /** Of the last stage. Default: the experiment's. */
  readonly objective?: Objective;
  /** Steps from one checkpoint to the next, in every stage; 0 for none. Default: the experiment's. */
  readonly checkpointEvery?: number;
  /** Where reference log-probabilities are kept. Default: `outFolder`. */
  readonly cacheFolder?: string;
  /** Let the specification name files outside its folder. Default: that is refused. */
  readonly allowOutside?: boolean;
  readonly engine: EngineName | 'auto';
  readonly outFolder: string;
  readonly progress: Progress;
}

export interface TrainedStage {
  readonly objective: Objective;
  readonly result: TrainingResult<StepMetrics>;
}

/**
 * @throws InputError where the file is a specification of another kind, SpecError where it names files outside its folder
 *   and may not
 */
export const loadExperiment = async (file: string, allowOutside = false): Promise<LoadedExperiment> => {
  const spec = await loadSpec(file);
  if (spec.kind === 'experiment') {
    if (!allowOutside) await requireContainedPaths([spec]);
    return spec;
  }
  throw new InputError(`this is a ${spec.kind}; training needs an experiment`, {
    where: { file },
    hint: 'give a file that begins with `experiment: NAME`',
  });
};

/** A missing file is no input: models come with or without some of these. */
const hashesOf = async (files: readonly string[]): Promise<Record<string, string>> => {
  const hashes: Record<string, string> = {};
  for (const file of files) {
    const sha256 = await sha256OfFile(file).catch(() => undefined);
    if (sha256 !== undefined) hashes[file.split(/[\\/]/).at(-1) ?? file] = sha256;
  }
  return hashes;
};

type StageSpec = StageConfig & { readonly corpus?: string | undefined };

/** Rows of the text file that a stage names, relative to the experiment's; undefined where it names none. */
const corpusRows = async (
  { corpus, objective }: StageSpec,
  file: string,
  tokenizer: Tokenizer,
  context: number,
) => {
  if (corpus === undefined) return undefined;
  if (objective !== 'lm') {
    throw new InputError(`a stage of objective ${objective ?? 'dpo'} reads no corpus`, {
      where: { file },
      hint: 'set objective: lm, or leave corpus out',
    });
  }
  const path = resolve(dirname(file), corpus);
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new InputError('cannot read this corpus', { where: { file: path }, cause });
  });
  return textRows([tokenizer.encode(text)], context);
};

interface StageFolders {
  /** `1-sft`; of the only stage, its objective. */
  readonly name: string;
  readonly checkpoints: string;
  readonly adapter: string;
}

const foldersOf = (outFolder: string, stages: readonly StageSpec[]): StageFolders[] =>
  stages.map(({ objective = 'dpo' }, index) => {
    const name = stages.length === 1 ? objective : `${index + 1}-${objective}`;
    const isLast = index === stages.length - 1;
    return {
      name,
      checkpoints: join(outFolder, 'checkpoints', name),
      adapter: isLast ? join(outFolder, 'adapter') : join(outFolder, 'stages', name, 'adapter'),
    };
  });

/** At most: prompts that two completions share are read once. */
const tokensOf = (pairs: StageData['pairs']): number =>
  pairs.reduce(
    (sum, { prompt, chosen, rejected }) => sum + prompt.length + chosen.length + rejected.length,
    0,
  );

/** A line a step; of several stages each line says which it is of. */
const metricsOf = (trained: readonly TrainedStage[]): string =>
  trained
    .map(({ objective, result: { metrics } }, index) =>
      metricsLines(
        trained.length === 1 ? metrics : metrics.map((step) => ({ stage: index + 1, objective, ...step })),
      ),
    )
    .join('');

/** Trains one stage; with `lora` an adapter, which is saved as PEFT reads it and then merged. */
const runStage = async (
  model: LanguageModel,
  stage: StageSpec,
  data: StageData,
  folders: StageFolders,
  options: {
    readonly seed: number;
    readonly progress: Progress;
    readonly referenceFolder: string;
    readonly tokenizerHash: string;
    /** Folder of the model that the adapter belongs to, where it is that of no earlier stage. */
    readonly baseModel: string | undefined;
    readonly replicas: Replicas | undefined;
  },
): Promise<TrainingResult<StepMetrics>> => {
  const { seed, progress, referenceFolder, tokenizerHash, baseModel, replicas } = options;
  const adapter = stage.lora && attachLora(model, stage.lora, seed);
  try {
    const result = await trainStage(model, stage, data, {
      seed,
      progress,
      adapter,
      replicas,
      checkpointFolder: folders.checkpoints,
      reference: (policy) =>
        storedReferenceLogps(policy, data.pairs, { folder: referenceFolder, tokenizerHash, progress }),
    });
    if (adapter) {
      await saveAdapter(adapter, model, folders.adapter, baseModel === undefined ? {} : { baseModel });
      adapter.merge();
    }
    return result;
  } catch (error) {
    adapter?.dispose();
    throw error;
  }
};

/**
 * Trains the policy of one experiment, stage by stage, and writes a Hugging Face model folder, `metrics.jsonl` (a line a
 * step, TRL's names) and `manifest.json`, the manifest last; models of earlier stages lie in `stages/`. It goes on from
 * the checkpoints of the same training in this folder, and removes them at the end.
 */
export const trainExperiment = async (
  file: string,
  {
    seed: askedSeed,
    engine: engineName,
    outFolder,
    progress,
    allowOutside,
    ...asked
  }: TrainExperimentOptions,
): Promise<TrainedStage[]> => {
  const experiment = await loadExperiment(file, allowOutside);
  const { training, seeds, data: dataSpec } = experiment.value;
  const seed = askedSeed ?? seeds[0] ?? 0;
  const stages: StageSpec[] = stagesOf({
    ...training,
    objective: asked.objective ?? training.objective ?? 'dpo',
  }).map((stage) => ({ ...stage, checkpointEvery: asked.checkpointEvery ?? stage.checkpointEvery }));
  const engine = await startEngine(engineName);
  progress.note(`engine ${engine.name}, seed ${seed}`);
  const { model, data, modelFolder, tokenizer } = await prepareExperiment(experiment);
  const folders = foldersOf(outFolder, stages);
  const context = dataSpec.maxTokens;
  const trained: TrainedStage[] = [];
  const count = suitableReplicas(stages, {
    parameters: countParameters(model),
    tokens: tokensOf(data.train),
  });
  let replicas: Replicas | undefined;
  try {
    if (count > 1) {
      progress.note(`each step on ${count} threads`);
      replicas = await startReplicas(model.config, count);
    }
    for (const [index, stage] of stages.entries()) {
      const own = folders[index];
      if (own === undefined) throw new RangeError(`no folder of stage ${index}`);
      const stageData = {
        pairs: data.train,
        rows: await corpusRows(stage, experiment.file, tokenizer, context),
        context,
      };
      const result = await runStage(model, stage, stageData, own, {
        seed,
        progress,
        referenceFolder: asked.cacheFolder ?? outFolder,
        tokenizerHash: tokenizer.sha256,
        baseModel: index === 0 ? modelFolder : undefined,
        replicas,
      });
      trained.push({ objective: stage.objective ?? 'dpo', result });
      if (index < stages.length - 1) {
        await saveModel(model, join(outFolder, 'stages', own.name), { tokenizerFolder: modelFolder });
      }
    }
    await saveModel(model, outFolder, { tokenizerFolder: modelFolder });
    await writeFileAtomic(join(outFolder, 'metrics.jsonl'), metricsOf(trained));
    const modelFiles = ['config.json', 'model.safetensors', 'tokenizer.json'];
    const last = trained.at(-1)?.result;
    const manifest = {
      schema: 1,
      versions: { dsteer: dsteerVersion, node: process.versions.node },
      engine,
      replicas: count,
      seed,
      experiment: experiment.value,
      objectives: trained.map(({ objective }) => objective),
      inputs: await hashesOf([file, ...modelFiles.map((name) => join(modelFolder, name))]),
      outputs: await hashesOf([...modelFiles, 'metrics.jsonl'].map((name) => join(outFolder, name))),
      embeddingHashes: last?.embeddingHashes,
      tokens: trained.reduce((sum, { result }) => sum + result.tokens, 0),
      seconds: roundSeconds(trained.reduce((sum, { result }) => sum + result.seconds, 0)),
    };
    await writeFileAtomic(join(outFolder, 'manifest.json'), toJson(manifest));
    for (const { checkpoints } of folders) await removeCheckpoints(checkpoints);
    await removeCheckpoints(join(outFolder, 'checkpoints'));
    return trained;
  } finally {
    await replicas?.close();
    model.dispose();
  }
};
