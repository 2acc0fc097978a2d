/** Evidence from checkpoints on prompts without answers. */
import { dirname, join, resolve } from 'node:path';
import {
  extractHiddenStates,
  type HiddenStates,
  hashReadItems,
  type ReadItem,
  readExtractInput,
  writeActivationPair,
} from '../../activations/index.js';
import { ComputationError, InputError, type Progress } from '../../base/index.js';
import { loadTokenizer } from '../../data/index.js';
import { type LanguageModel, loadModel } from '../../model/index.js';
import type { LoadedExperiment } from '../spec/load.js';
import { checkCheckpoints } from './check-checkpoints.js';
import { type DisplacementsBySite, differences, displacementEvidence } from './displacement-evidence.js';
import { minimumPrompts } from './experiment-data.js';
import { checkpointFoldersOf, modelFolderOf, modelFoldersOf } from './model-folder.js';
import { createNoisePolicy } from './noise-policy.js';
import type { SeedEvidence } from './seed-evidence.js';
import type { Site, Variant } from './variant.js';

/** The file of prompts that an experiment names instead of preferences. */
export const promptsFileOf = ({ value, file }: LoadedExperiment): string | undefined =>
  value.data.prompts && resolve(dirname(file), value.data.prompts);

const between = (base: HiddenStates, policy: HiddenStates): DisplacementsBySite => {
  const bySite = new Map<Site, Float32Array>([['postNorm', differences(base.postNorm, policy.postNorm)]]);
  base.residual.forEach((states, index) => {
    bySite.set(index + 1, differences(states, policy.residual[index] ?? new Float32Array(0)));
  });
  return bySite;
};

const readPrompts = async (loaded: LoadedExperiment, file: string): Promise<ReadItem[]> => {
  const tokenizer = await loadTokenizer(modelFolderOf(loaded));
  const items = await readExtractInput(file, { readout: loaded.value.readout, tokenizer });
  if (items.length >= minimumPrompts) return items;
  throw new InputError(`${items.length} prompts are too few: at least ${minimumPrompts} are needed`, {
    where: { file },
    hint: 'σ2/σ1 shrinks with the number of prompts: give more of them',
  });
};

export interface PromptEvidenceOptions {
  readonly seed: number;
  /** Control policies to make: noise, and as `sft` the shift from the checkpoint before SFT. */
  readonly variants: readonly Variant[];
  readonly progress: Progress;
  /** Where the hidden states are kept as activations.safetensors. */
  readonly folder: string;
}

/**
 * Reads base and policy at each prompt's readout. Equal prompts count as one source.
 *
 * @throws InputError for prompts that cannot be read or are too few, or checkpoints that cannot be compared
 */
export const collectPromptEvidence = async (
  loaded: LoadedExperiment,
  { seed, variants, progress, folder }: PromptEvidenceOptions,
): Promise<SeedEvidence> => {
  const file = promptsFileOf(loaded);
  const folders = checkpointFoldersOf(loaded);
  if (file === undefined || folders === undefined) {
    throw new RangeError('the experiment names no prompts, or no checkpoints');
  }
  await checkCheckpoints(modelFolderOf(loaded), modelFoldersOf(loaded).slice(1));
  const items = await readPrompts(loaded, file);
  const open: LanguageModel[] = [];
  const opened = async (model: Promise<LanguageModel>): Promise<LanguageModel> => {
    open.push(await model);
    return model;
  };
  try {
    const base = await opened(loadModel(modelFolderOf(loaded)));
    const policy = await opened(loadModel(folders.policy));
    const read = (model: LanguageModel) => extractHiddenStates(model, items, { progress });
    const [before, after] = [await read(base), await read(policy)];
    await writeActivationPair(join(folder, 'activations.safetensors'), {
      base: before,
      policy: after,
      readout: loaded.value.readout,
      items,
    });
    const of = new Map<Variant, DisplacementsBySite>([['dpo', between(before, after)]]);
    const makeControl = async (name: Variant): Promise<DisplacementsBySite | undefined> => {
      if (name === 'sft' && folders.sftBase !== undefined) {
        return between(await read(await opened(loadModel(folders.sftBase))), before);
      }
      if (name !== 'placebo-noise' && name !== 'massive-noise') return undefined;
      const noise = { base, policy, items, baseStates: before.postNorm, policyStates: after.postNorm, seed };
      return between(before, await read(await opened(createNoisePolicy(name, noise))));
    };
    for (const name of variants.filter((variant) => variant !== 'dpo')) {
      try {
        const made = await makeControl(name);
        if (made !== undefined) of.set(name, made);
      } catch (error) {
        if (!(error instanceof ComputationError)) throw error;
        progress.warn(`no ${name}: ${error.message}`);
      }
    }
    const { layers, hiddenSize: width } = before;
    const clusters = items.map((item) => hashReadItems([item]));
    return displacementEvidence({ experiment: loaded.value, seed, layers, width, clusters, of });
  } finally {
    for (const model of open) model.dispose();
  }
};
