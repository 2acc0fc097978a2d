/** Evidence from a file of hidden states alone: what the geometry of displacements can be asked, without a model. */
import { dirname, resolve } from 'node:path';
import { type ActivationFile, openActivations } from '../../activations/index.js';
import { ComputationError, InputError, type Progress } from '../../base/index.js';
import { assignFolds, estimateVectors } from '../../geometry/index.js';
import { type Matrix, matrix } from '../../linalg/index.js';
import type { LoadedExperiment } from '../spec/load.js';
import { crossFitted } from './cross-fitted-vectors.js';
import { minimumPrompts } from './experiment-data.js';
import type { SeedEvidence } from './seed-evidence.js';
import type { Site, Variant } from './variant.js';

/** The file of hidden states that an experiment names. */
export const activationsFileOf = ({ value, file }: LoadedExperiment): string | undefined =>
  value.activations && resolve(dirname(file), value.activations);

/** h_policy − h_base in float32: half the memory, and its rounding is that of the states themselves. */
const differences = (base: Float32Array, policy: Float32Array): Float32Array =>
  base.map((value, index) => (policy[index] ?? Number.NaN) - value);

const readDisplacements = async (
  file: ActivationFile,
  progress: Progress,
): Promise<ReadonlyMap<Site, Float32Array>> => {
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

const noModel = (what: string): never => {
  throw new ComputationError(`hidden states alone hold no ${what}`, {
    hint: 'give the checkpoints themselves: --base DIR --policy DIR --preferences FILE',
  });
};

/**
 * ΔH of each layer, [n, d] float32, stays in memory; one layer at a time is widened to float64. Rows are taken as prompts
 * of sources of their own.
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
  const { value: experiment } = loaded;
  const file = await openActivations(path);
  const { n, d, layers } = file;
  let read: ReadonlyMap<Site, Float32Array>;
  try {
    if (n < minimumPrompts) {
      throw new InputError(`${n} hidden states a layer are too few: at least ${minimumPrompts} are needed`, {
        where: { file: path },
        hint: 'σ2/σ1 shrinks with the number of prompts: capture more of them',
      });
    }
    read = await readDisplacements(file, progress);
  } finally {
    await file.close();
  }
  const clusters = Array.from({ length: n }, (_, row) => `row ${row}`);
  const folds = assignFolds(clusters);
  const displacement = (variant: Variant, site: Site): Matrix => {
    if (variant !== 'dpo') return noModel(`policy for ${variant}`);
    const values = read.get(site);
    if (values === undefined) return noModel('final hidden state (basePostNorm and policyPostNorm)');
    return matrix(n, d, Float64Array.from(values));
  };
  const estimated = new Map<Site, ReturnType<SeedEvidence['vectors']>>();
  const evidence: SeedEvidence = {
    experiment,
    seed,
    data: {
      train: [],
      heldOut: [],
      clusters,
      folds,
      get tokenizer() {
        return noModel('text');
      },
      get report() {
        return noModel('text');
      },
    },
    layers,
    get base() {
      return noModel('model');
    },
    variant: () => noModel('model'),
    startOf: () => noModel('model'),
    training: () => undefined,
    displacement,
    vectors: (variant, site) => {
      const known =
        estimated.get(site) ??
        crossFitted(estimateVectors(displacement(variant, site), folds, clusters, experiment.vector), folds);
      estimated.set(site, known);
      return known;
    },
    alternative: (name) => noModel(`model to make ${name} with`),
    dispose: () => undefined,
  };
  return { evidence, hasFinal: file.hasPostNorm };
};
