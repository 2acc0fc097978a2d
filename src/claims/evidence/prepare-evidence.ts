/** Everything of an experiment that exists before training: model, data, reference, what the base makes of the prompts. */
import { type Progress, SpecError, silentProgress } from '../../base/index.js';
import { loadTokenizer, type Tokenizer } from '../../data/index.js';
import { type LanguageModel, loadModel, untieEmbeddings } from '../../model/index.js';
import { type CompletionStates, collectCompletionStates } from '../../steering/index.js';
import type { ArtefactStore } from '../../store/index.js';
import { type ReferenceLogps, referenceLogps, trainInitialStages } from '../../training/index.js';
import type { LoadedExperiment } from '../spec/load.js';
import type { ExperimentSpec } from '../spec/schema.js';
import { checkCheckpoints } from './check-checkpoints.js';
import { type ExperimentData, loadExperimentData } from './experiment-data.js';
import { type ForeignPrompts, readForeignPrompts } from './foreign-prompts.js';
import { checkpointFoldersOf, modelFolderOf, modelFoldersOf } from './model-folder.js';
import { collectPolicyEvidence, type PolicyEvidence } from './policy-evidence.js';

export interface PreparedExperiment {
  readonly model: LanguageModel;
  readonly tokenizer: Tokenizer;
  readonly data: ExperimentData;
  readonly modelFolder: string;
}

/** Policies that an experiment reads instead of training them. */
export interface Checkpoints {
  readonly policyFolder: string;
  /** What the base was fine-tuned from, on the held-out prompts. */
  readonly sftBase: PolicyEvidence | undefined;
}

/** Model, tokenizer and data of an experiment. The caller disposes the model. */
export const prepareExperiment = async (
  experiment: LoadedExperiment,
  progress: Progress = silentProgress,
): Promise<PreparedExperiment> => {
  const modelFolder = modelFolderOf(experiment);
  const tokenizer = await loadTokenizer(modelFolder);
  const data = await loadExperimentData(experiment, tokenizer, progress);
  const loaded = await loadModel(modelFolder);
  if (!experiment.value.untie) return { model: loaded, tokenizer, data, modelFolder };
  const model = untieEmbeddings(loaded);
  loaded.dispose();
  return { model, tokenizer, data, modelFolder };
};

export interface PreparedEvidence {
  readonly experiment: ExperimentSpec;
  readonly data: ExperimentData;
  readonly model: LanguageModel;
  /** The base on the held-out prompts. */
  readonly base: PolicyEvidence;
  readonly reference: ReferenceLogps;
  /** Undefined where the experiment trains its policies. */
  readonly checkpoints: Checkpoints | undefined;
  /** Prompts of another population, as the base reads them; read when first asked for. */
  foreign(): Promise<ForeignPrompts>;
  /** The base's states at the completions of the training tuples; collected when first asked for. */
  trainingStates(): Promise<CompletionStates>;
  dispose(): void;
}

const once = <Value>(make: () => Promise<Value>): (() => Promise<Value>) => {
  let made: Promise<Value> | undefined;
  return () => {
    made ??= make();
    return made;
  };
};

/** What the training seeds of an experiment share. The caller disposes it. */
export const evidenceOf = async (
  {
    experiment,
    data,
    model,
    checkpoints,
  }: Pick<PreparedEvidence, 'experiment' | 'data' | 'model'> & {
    readonly checkpoints?: Checkpoints | undefined;
  },
  progress: Progress,
): Promise<PreparedEvidence> => ({
  experiment,
  data,
  model,
  base: await collectPolicyEvidence(model, data.heldOut, experiment.readout, progress),
  checkpoints,
  reference: await referenceLogps(model, data.train),
  foreign: once(() => readForeignPrompts(experiment, data.tokenizer, model)),
  trainingStates: once(() => collectCompletionStates(model, data.train)),
  dispose: () => {
    model.dispose();
    checkpoints?.sftBase?.model.dispose();
  },
});

/** Loads what the base is compared with. The caller disposes the model of `sftBase`. */
const openCheckpoints = async (
  experiment: LoadedExperiment,
  heldOut: ExperimentData['heldOut'],
  progress: Progress,
): Promise<Checkpoints | undefined> => {
  const folders = checkpointFoldersOf(experiment);
  if (folders === undefined) return undefined;
  const { policy: policyFolder, sftBase: sftBaseFolder } = folders;
  await checkCheckpoints(modelFolderOf(experiment), modelFoldersOf(experiment).slice(1));
  if (sftBaseFolder === undefined) return { policyFolder, sftBase: undefined };
  const model = await loadModel(sftBaseFolder);
  try {
    const sftBase = await collectPolicyEvidence(model, heldOut, experiment.value.readout, progress);
    return { policyFolder, sftBase };
  } catch (error) {
    model.dispose();
    throw error;
  }
};

/**
 * What a YAML experiment trains before DPO: it makes the base.
 *
 * @throws SpecError for a last stage that is no DPO, or a stage whose corpus only `dsteer train` reads
 */
export const runInitialStages = async (
  { value, locate }: LoadedExperiment,
  model: LanguageModel,
  data: ExperimentData,
  { store, progress }: { readonly store?: ArtefactStore | undefined; readonly progress: Progress },
): Promise<void> => {
  const { training, seeds } = value;
  if ((training.objective ?? 'dpo') !== 'dpo') {
    throw new SpecError([
      {
        where: locate(['training', 'objective']),
        message: `claims are about DPO, and this experiment ends with ${training.objective}`,
        hint: 'let the last stage be dpo, and write what comes before it under training.initial',
      },
    ]);
  }
  const withCorpus = (training.initial ?? []).findIndex(
    (stage) => 'corpus' in stage && stage.corpus !== undefined,
  );
  if (withCorpus >= 0) {
    throw new SpecError([
      {
        where: locate(['training', 'initial', withCorpus]),
        message: 'a stage on a corpus of its own is run by `dsteer train` alone',
        hint: 'train it first, and name its folder as the model',
      },
    ]);
  }
  await trainInitialStages(
    model,
    training,
    { pairs: data.train, context: value.data.maxTokens },
    { seed: seeds[0] ?? 0, store, progress },
  );
};

export const prepareEvidence = async (
  experiment: LoadedExperiment,
  { store, progress }: { readonly store?: ArtefactStore | undefined; readonly progress: Progress },
): Promise<PreparedEvidence> => {
  const { model, data } = await prepareExperiment(experiment, progress);
  try {
    await runInitialStages(experiment, model, data, { store, progress });
    const checkpoints = await openCheckpoints(experiment, data.heldOut, progress);
    return await evidenceOf({ experiment: experiment.value, data, model, checkpoints }, progress);
  } catch (error) {
    model.dispose();
    throw error;
  }
};
