/** The first specifications of a user's own: a suite that `dsteer verify` finds, and the experiment that it judges. */
import { existsSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { InputError, UsageError } from '../base/index.js';
import { inspectPreferences, isRegime, loadTokenizer, PREFERENCE_REGIMES } from '../data/index.js';
import { surveyModel } from '../model/index.js';
import { writeFileAtomic } from '../store/index.js';
import { maxTokensOf } from './given.js';

/** The suite that `dsteer verify` runs in a folder that has one. */
export const projectFile = 'dsteer.yaml';
const experimentFile = 'experiment.yaml';

/** Below this, σ2/σ1 says little, and no claim is judged. */
const fewestPairs = 128;

export interface InitOptions {
  readonly folder: string;
  /** A Hugging Face model folder. Default: the shipped model. */
  readonly model?: string;
  /** A preference file, or the name of a shipped regime. Default: a shipped one. */
  readonly preferences?: string;
  /** Replace what is there. Default: that is refused. */
  readonly force?: boolean;
  /** First line of each file: where an editor finds their JSON Schema. */
  readonly schema?: string;
}

export interface InitResult {
  readonly files: readonly string[];
  /** The command to run next. */
  readonly next: string;
  readonly notes: readonly string[];
}

const shippedSuite = `suite: own
title: The claims on the shipped model, where every prompt ends alike
# Names of claims: shipped ones (README, docs/evidence.md), or those of YAML files beside this one.
claims:
  - held-out-vectors
  - preference-learnt
  - logit-difference
  - gradient-law
  - cosine-concentration
  - rank-one-dominance
  - leading-direction
  - steering-installs
  - inversion-recovery
# Experiments whose cases of these claims are judged: one-frame, many-frames, cloze, or your own.
experiments: [one-frame]
# What each claim has to beat, trained and measured beside it.
controls: [placebo-noise, shuffled-labels, sft, random-directions, pre-norm, after-divergence, in-sample]
# Training seeds. Several show what varies between runs.
seeds: [100]
`;

const ownSuite = `suite: own
title: The headline claims on my model and preferences
# Names of claims: shipped ones (README, docs/evidence.md), or those of YAML files beside this one.
claims:
  - preference-learnt
  - cosine-concentration
  - rank-one-dominance
  - entropy-collapse
  - leading-direction
  - steering-installs
  - inversion-recovery
  - inversion-recovery-margin
  - inversion-recovery-energy
# All of them are judged on this experiment, ${experimentFile}. What is expected of them says what passes: write
# \`breaks\` where you found a claim to break, with the reason.
given:
  experiment: own
  expected: holds
  reason: The paper asserts it of every policy that DPO made.
  controls:
    placebo-noise: breaks
    shuffled-labels: breaks
    sft: breaks
    random-directions: breaks
    shuffled-rows: breaks
`;

const ownExperiment = (model: string, preferences: string, maxTokens: number): string => `experiment: own
title: DPO of my model on my preferences
# shipped, or a Hugging Face model folder (llama, mistral, qwen2, gpt2, gpt_neox, t5), relative to this file.
model: ${JSON.stringify(model)}
data:
  # ${PREFERENCE_REGIMES.join(', ')}, or a file: HH, OASST1 or prompt/chosen/rejected as jsonl, jsonl.gz or parquet.
  preferences: ${JSON.stringify(preferences)}
  # For a file: the share of source documents that vectors are estimated and judged on. The others train.
  heldOutShare: 0.5
  # Tokens of prompt and longer answer together.
  maxTokens: ${maxTokens}
training:
  beta: 0.1
  learningRate: 1.0e-4
  epochs: 2
  batchSize: 16
  warmupSteps: 8
  schedule: constant
  # frozen: E and W_U stay as they are, as the paper has it.
  embeddings: frozen
readout: prompt-last
seeds: [100]
`;

const isOutside = (path: string): boolean => path.startsWith('..') || resolve(path) === path;

const checkPreferences = async (file: string, notes: string[]): Promise<void> => {
  const { report } = await inspectPreferences(file, { examples: 0 });
  if (report.kept === 0) {
    throw new InputError('none of its records is a usable preference', {
      where: { file },
      hint: `\`dsteer data inspect ${file}\` says why each is dropped`,
    });
  }
  if (report.kept < fewestPairs) {
    notes.push(`${file} has ${report.kept} usable pairs; from ${fewestPairs} on, claims can be told`);
  }
};

/**
 * Writes `dsteer.yaml`, and for a model or preferences of the user's own `experiment.yaml`.
 *
 * @throws UsageError where files are there already; InputError for a model or preferences that cannot be read. Nothing is
 *   written then
 */
export const initProject = async ({
  folder,
  model,
  preferences,
  force = false,
  schema,
}: InitOptions): Promise<InitResult> => {
  const notes: string[] = [];
  const isOwn = model !== undefined || preferences !== undefined;
  const names = isOwn ? [projectFile, experimentFile] : [projectFile];
  const present = names.filter((name) => existsSync(join(folder, name)));
  if (present.length > 0 && !force) {
    throw new UsageError(`${present.join(' and ')} would be replaced`, {
      where: { file: folder },
      hint: 'choose another folder, or say --force',
    });
  }
  if (model !== undefined) {
    await surveyModel(model);
    await loadTokenizer(model);
  }
  const ownFile = preferences !== undefined && !isRegime(preferences) ? preferences : undefined;
  if (ownFile !== undefined) await checkPreferences(ownFile, notes);
  const from = (path: string): string => {
    const name = relative(resolve(folder), resolve(path)).replaceAll('\\', '/');
    return name.startsWith('.') ? name : `./${name}`;
  };
  const head = schema === undefined ? '' : `# yaml-language-server: $schema=${schema}\n`;
  const files = names.map((name) => join(folder, name));
  const contents = isOwn
    ? [
        ownSuite,
        ownExperiment(
          model === undefined ? 'shipped' : from(model),
          ownFile === undefined ? (preferences ?? 'many-frames') : from(ownFile),
          model === undefined ? 64 : await maxTokensOf(model),
        ),
      ]
    : [shippedSuite];
  // The experiment first: the suite that names it never stands without it.
  for (const [index, file] of [...files.entries()].reverse()) {
    await writeFileAtomic(file, `${head}${contents[index] ?? ''}`);
  }
  const outside = [model, ownFile].some((path) => path !== undefined && isOutside(from(path)));
  if (outside) {
    notes.push(
      'what lies outside the folder is read only with --allow-outside, so that a stranger’s specification cannot read your files',
    );
  }
  return { files, next: `dsteer verify${outside ? ' --allow-outside' : ''}`, notes };
};
