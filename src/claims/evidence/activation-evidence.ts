/** Evidence from a file of hidden states. */
import { dirname, resolve } from 'node:path';
import { type ActivationFile, openActivations } from '../../activations/index.js';
import { InputError, type Progress } from '../../base/index.js';
import type { LoadedExperiment } from '../spec/load.js';
import { type DisplacementsBySite, differences, displacementEvidence } from './displacement-evidence.js';
import { minimumPrompts } from './experiment-data.js';
import type { SeedEvidence } from './seed-evidence.js';
import type { Site } from './variant.js';

/** The file of hidden states that an experiment names. */
export const activationsFileOf = ({ value, file }: LoadedExperiment): string | undefined =>
  value.activations && resolve(dirname(file), value.activations);

const readDisplacements = async (file: ActivationFile, progress: Progress): Promise<DisplacementsBySite> => {
  const read = new Map<Site, Float32Array>();
  const stage = progress.stage('reading hidden states', file.layers + (file.hasPostNorm ? 1 : 0));
  try {
    for await (const { layer, base, policy } of file) {
      read.set(layer, differences(base, policy));
      stage.advance();
    }
  } finally {
    stage.end();
  }
  return read;
};

/**
 * ΔH of each layer, [n, d] float32, stays in memory. Rows are taken as prompts of sources of their own.
 *
 * @throws InputError for a file that cannot be read, or of too few rows
 */
export const collectActivationEvidence = async (
  loaded: LoadedExperiment,
  seed: number,
  progress: Progress,
): Promise<{ readonly evidence: SeedEvidence; readonly hasFinal: boolean }> => {
  const path = activationsFileOf(loaded);
  if (path === undefined) throw new RangeError('the experiment names no hidden states');
  const file = await openActivations(path);
  const { n, d: width, layers, hasPostNorm: hasFinal } = file;
  try {
    if (n < minimumPrompts) {
      throw new InputError(`${n} hidden states a layer are too few: at least ${minimumPrompts} are needed`, {
        where: { file: path },
        hint: 'σ2/σ1 shrinks with the number of prompts: capture more of them',
      });
    }
    const evidence = displacementEvidence({
      experiment: loaded.value,
      seed,
      layers,
      width,
      clusters: Array.from({ length: n }, (_, row) => `row ${row}`),
      of: new Map([['dpo', await readDisplacements(file, progress)]]),
    });
    return { evidence, hasFinal };
  } finally {
    await file.close();
  }
};
