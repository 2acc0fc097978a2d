/** Leaves the evidence behind: hidden states, steering vectors and tables that others can read. */
import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { readoutPositions, writeActivationPair } from '../../activations/index.js';
import { cosinesToVectors, steeringVector } from '../../geometry/index.js';
import { formatCsv, stableJson, writeFileAtomic, writeSafetensors } from '../../store/index.js';
import type { SeedEvidence } from './seed-evidence.js';
import type { Site } from './variant.js';

const finalVectors = (evidence: SeedEvidence) => {
  const whole = steeringVector(evidence.displacement('dpo', 'postNorm'));
  const { byFold } = evidence.vectors('dpo', 'postNorm');
  const width = whole.length;
  return {
    postNorm: { shape: [width], data: Float32Array.from(whole) },
    postNormByFold: { shape: [2, width], data: Float32Array.from([...byFold[0], ...byFold[1]]) },
  };
};

/**
 * v* of each layer as `residual` [L, d]; of the final hidden state `postNorm` [d] and `postNormByFold` [2, d].
 *
 * @param hasFinal whether there is a final hidden state
 */
export const writeVectors = async (path: string, evidence: SeedEvidence, hasFinal = true): Promise<void> => {
  const width = evidence.displacement('dpo', 1).columns;
  const layers = Array.from({ length: evidence.layers }, (_, index) => index + 1);
  const residual = new Float32Array(layers.length * width);
  for (const layer of layers) {
    residual.set(steeringVector(evidence.displacement('dpo', layer)), (layer - 1) * width);
  }
  await writeSafetensors(
    path,
    {
      residual: { shape: [layers.length, width], data: residual },
      ...(hasFinal ? finalVectors(evidence) : {}),
    },
    { metadata: { experiment: evidence.experiment.experiment, seed: String(evidence.seed) } },
  );
};

const writePrompts = async (path: string, evidence: SeedEvidence): Promise<void> => {
  const { data, base } = evidence;
  const site: Site = 'postNorm';
  const cosines = cosinesToVectors(evidence.displacement('dpo', site), evidence.vectors('dpo', site).judging);
  const policy = evidence.variant('dpo');
  const rows = data.heldOut.map((prompt, index) => [
    prompt.id,
    prompt.source,
    data.folds[index] ?? 0,
    base.margins[index] ?? 0,
    policy.margins[index] ?? 0,
    cosines[index] ?? 0,
  ]);
  await writeFileAtomic(
    path,
    formatCsv(
      ['prompt', 'source', 'fold', 'base_margin', 'policy_margin', 'cosine_to_steering_vector'],
      rows,
    ),
  );
};

const writeTraining = async (folder: string, evidence: SeedEvidence): Promise<void> => {
  for (const variant of ['dpo', 'shuffled-labels', 'flipped-labels', 'sft', 'dpo-after-sft'] as const) {
    const training = evidence.training(variant);
    if (training === undefined) continue;
    const [first] = training.metrics;
    const columns = Object.keys(first ?? {});
    const rows = training.metrics.map((step) => Object.values(step));
    await writeFileAtomic(join(folder, `training-${variant}.csv`), formatCsv(columns, rows));
  }
};

/** Writes the evidence of one experiment under one training seed into `folder`. */
export const writeSeedEvidence = async (folder: string, evidence: SeedEvidence): Promise<void> => {
  await mkdir(folder, { recursive: true });
  await writeActivationPair(join(folder, 'activations.safetensors'), {
    base: evidence.base.hidden,
    policy: evidence.variant('dpo').hidden,
    readout: evidence.experiment.readout,
    items: readoutPositions(evidence.data.heldOut, evidence.experiment.readout),
  });
  const { report } = evidence.data;
  // The file's place is this machine's; its hash is in the manifest.
  const files = report.files.map((read) => ({ ...read, file: basename(read.file) }));
  await writeFileAtomic(join(folder, 'data.json'), stableJson({ schema: 1, ...report, files }));
  await writeVectors(join(folder, 'steering-vectors.safetensors'), evidence);
  await writePrompts(join(folder, 'prompts.csv'), evidence);
  await writeTraining(folder, evidence);
};
