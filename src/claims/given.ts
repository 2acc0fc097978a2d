/** Models and preferences that the command line names, as an experiment: written into the run's folder, then read as any. */
import { stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { stringify } from 'yaml';
import { openActivations } from '../activations/index.js';
import { InputError } from '../base/index.js';
import { loadModelConfig } from '../model/index.js';
import { writeFileAtomic } from '../store/index.js';
import { checkCheckpoints } from './evidence/index.js';
import { type LoadedExperiment, loadSpec } from './spec/load.js';
import type { GivenExperiment } from './spec/select.js';

/** What evidence is made of instead of the claims' own experiments. */
export type GivenEvidence =
  | {
      readonly kind: 'checkpoints';
      /** Model folder before DPO. */
      readonly base: string;
      /** Model folder after it. */
      readonly policy: string;
      /** Model folder that `base` was fine-tuned from. */
      readonly sftBase?: string;
      /** Preference tuples, all of them held out. */
      readonly preferences: string;
    }
  | {
      readonly kind: 'prompts';
      readonly base: string;
      readonly policy: string;
      readonly sftBase?: string;
      /** JSON lines of prompts, as `dsteer extract` reads them. */
      readonly prompts: string;
    }
  | {
      readonly kind: 'activations';
      /** safetensors or PyTorch archive of base and policy [L, n, d]. */
      readonly activations: string;
    }
  | {
      readonly kind: 'model';
      readonly model: string;
      /** Preference tuples: half of the source documents train, half judge. */
      readonly preferences: string;
    };

/** The suite whose expectations stand for each kind. */
const suiteOf = {
  checkpoints: 'checkpoints',
  prompts: 'hidden-states',
  model: 'own-model',
  activations: 'hidden-states',
} as const;

/** Longest prompt and answer, in tokens, where the model takes more. */
const mostTokens = 512;

const fileHints = {
  preferences: 'name a .jsonl, .jsonl.gz or .parquet file; `dsteer data inspect FILE` shows what it holds',
  prompts: 'name a .jsonl file of lines {"prompt": "…"}',
} as const;

const requireFile = async (file: string, what: keyof typeof fileHints): Promise<void> => {
  if ((await stat(file).catch(() => undefined))?.isFile()) return;
  throw new InputError(`there is no such file of ${what}`, { where: { file }, hint: fileHints[what] });
};

/** Tokens of prompt and longer completion that a model is given. */
export const maxTokensOf = async (model: string): Promise<number> => {
  const config = await loadModelConfig(model);
  const context = 'maxPositions' in config ? config.maxPositions : undefined;
  return Math.min(mostTokens, typeof context === 'number' ? context : mostTokens);
};

const common = {
  experiment: 'given',
  extends: 'many-frames',
  description:
    'Written by dsteer verify; it can be edited, and run by a claim or suite that names it, with --allow-outside.',
};

const contentOf = async (given: GivenEvidence, from: (path: string) => string): Promise<object> => {
  if (given.kind === 'activations') {
    return { ...common, title: 'Hidden states captured elsewhere', activations: from(given.activations) };
  }
  const model = given.kind === 'model' ? given.model : given.base;
  return {
    ...common,
    title:
      given.kind === 'model'
        ? 'DPO of the model that the command line names'
        : 'Two checkpoints, compared as they are',
    model: from(model),
    ...(given.kind === 'model'
      ? {}
      : {
          checkpoints: {
            policy: from(given.policy),
            ...(given.sftBase === undefined ? {} : { sftBase: from(given.sftBase) }),
          },
        }),
    data: {
      ...(given.kind === 'prompts'
        ? { prompts: from(given.prompts) }
        : { preferences: from(given.preferences) }),
      heldOutShare: given.kind === 'model' ? 0.5 : 1,
      maxTokens: await maxTokensOf(model),
    },
  };
};

/**
 * Writes the experiment into `outFolder` and reads it back.
 *
 * @throws InputError before anything is written, where a file is missing or checkpoints cannot be compared
 */
export const writeGivenExperiment = async (
  given: GivenEvidence,
  outFolder: string,
): Promise<GivenExperiment> => {
  let lastLayer: number | undefined;
  if (given.kind === 'activations') {
    const file = await openActivations(given.activations);
    if (!file.hasPostNorm) lastLayer = file.layers;
    await file.close();
  } else if (given.kind === 'prompts') await requireFile(given.prompts, 'prompts');
  else await requireFile(given.preferences, 'preferences');
  if (given.kind === 'checkpoints' || given.kind === 'prompts') {
    const { base, policy, sftBase } = given;
    await checkCheckpoints(base, [policy, ...(sftBase === undefined ? [] : [sftBase])]);
  }
  const file = join(outFolder, 'given.yaml');
  const from = (path: string): string => {
    const name = relative(resolve(outFolder), resolve(path)).replaceAll('\\', '/');
    return name.startsWith('.') ? name : `./${name}`;
  };
  await writeFileAtomic(file, stringify(await contentOf(given, from), { lineWidth: 0 }));
  return { experiment: (await loadSpec(file)) as LoadedExperiment, suite: suiteOf[given.kind], lastLayer };
};
