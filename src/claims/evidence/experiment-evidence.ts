/** The evidence of one experiment: base model, data and reference once, then every training seed. */
import { dirname, join, resolve } from 'node:path';
import type { Progress } from '../../base/index.js';
import { assetsFolder, loadTokenizer, type Tokenizer } from '../../data/index.js';
import { type LanguageModel, loadModel } from '../../model/index.js';
import { referenceLogps } from '../../training/index.js';
import type { EvidencePlan } from '../plan.js';
import type { LoadedExperiment } from '../spec/load.js';
import { type ExperimentData, loadExperimentData } from './experiment-data.js';
import { collectPolicyEvidence } from './policy-evidence.js';
import { collectSeedEvidence, type SeedEvidence } from './seed-evidence.js';

export interface ExperimentEvidence {
  readonly seeds: readonly number[];
  readonly bySeed: readonly SeedEvidence[];
  dispose(): void;
}

/** The model folder that an experiment names. */
export const modelFolderOf = ({ value, file }: LoadedExperiment): string =>
  value.model === 'shipped' ? join(assetsFolder(), 'model') : resolve(dirname(file), value.model);

/** Everything of an experiment that exists before training. The caller disposes the model. */
export const prepareExperiment = async (
  experiment: LoadedExperiment,
): Promise<{ model: LanguageModel; tokenizer: Tokenizer; data: ExperimentData; modelFolder: string }> => {
  const modelFolder = modelFolderOf(experiment);
  const tokenizer = await loadTokenizer(modelFolder);
  const data = await loadExperimentData(experiment, tokenizer);
  return { model: await loadModel(modelFolder), tokenizer, data, modelFolder };
};

export const collectExperimentEvidence = async (
  plan: EvidencePlan,
  progress: Progress,
): Promise<ExperimentEvidence> => {
  const { experiment, seeds, variants } = plan;
  const { model, data } = await prepareExperiment(experiment);
  const base = await collectPolicyEvidence(model, data.heldOut, experiment.value.readout, progress);
  const reference = await referenceLogps(model, data.train);
  const bySeed: SeedEvidence[] = [];
  for (const seed of seeds) {
    bySeed.push(
      await collectSeedEvidence({
        experiment: experiment.value,
        seed,
        data,
        baseModel: model,
        base,
        reference,
        variants,
        progress,
      }),
    );
  }
  return {
    seeds,
    bySeed,
    dispose: () => {
      for (const evidence of bySeed) evidence.dispose();
      model.dispose();
    },
  };
};
