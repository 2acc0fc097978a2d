/** Everything of an experiment that exists before training: model, data, reference, what the base makes of the prompts. */
import type { Progress } from '../../base/index.js';
import { loadTokenizer, type Tokenizer } from '../../data/index.js';
import { type LanguageModel, loadModel, untieEmbeddings } from '../../model/index.js';
import { type CompletionStates, collectCompletionStates } from '../../steering/index.js';
import { type ReferenceLogps, referenceLogps } from '../../training/index.js';
import type { LoadedExperiment } from '../spec/load.js';
import type { ExperimentSpec } from '../spec/schema.js';
import { type ExperimentData, loadExperimentData } from './experiment-data.js';
import { type ForeignPrompts, readForeignPrompts } from './foreign-prompts.js';
import { modelFolderOf } from './model-folder.js';
import { collectPolicyEvidence, type PolicyEvidence } from './policy-evidence.js';

export interface PreparedExperiment {
  readonly model: LanguageModel;
  readonly tokenizer: Tokenizer;
  readonly data: ExperimentData;
  readonly modelFolder: string;
}

/** Model, tokenizer and data of an experiment. The caller disposes the model. */
export const prepareExperiment = async (experiment: LoadedExperiment): Promise<PreparedExperiment> => {
  const modelFolder = modelFolderOf(experiment);
  const tokenizer = await loadTokenizer(modelFolder);
  const data = await loadExperimentData(experiment, tokenizer);
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
  { experiment, data, model }: Pick<PreparedEvidence, 'experiment' | 'data' | 'model'>,
  progress: Progress,
): Promise<PreparedEvidence> => ({
  experiment,
  data,
  model,
  base: await collectPolicyEvidence(model, data.heldOut, experiment.readout, progress),
  reference: await referenceLogps(model, data.train),
  foreign: once(() => readForeignPrompts(experiment, data.tokenizer, model)),
  trainingStates: once(() => collectCompletionStates(model, data.train)),
  dispose: () => model.dispose(),
});

export const prepareEvidence = async (
  experiment: LoadedExperiment,
  progress: Progress,
): Promise<PreparedEvidence> => {
  const { model, data } = await prepareExperiment(experiment);
  try {
    return await evidenceOf({ experiment: experiment.value, data, model }, progress);
  } catch (error) {
    model.dispose();
    throw error;
  }
};
