/** Evidence made by hand: hidden states are given, so that every metric's right answer is known beforehand. */
import { join } from 'node:path';
import type { HiddenStates } from '../../src/activations/index.js';
import { createRandom, type Random } from '../../src/base/index.js';
import { crossFitted } from '../../src/claims/evidence/cross-fitted-vectors.js';
import type { PolicyEvidence } from '../../src/claims/evidence/policy-evidence.js';
import type { SeedEvidence } from '../../src/claims/evidence/seed-evidence.js';
import type { Variant } from '../../src/claims/evidence/variant.js';
import { type ExperimentSpec, parseSpec } from '../../src/claims/index.js';
import type { AlternativeVector } from '../../src/claims/metrics/catalogue.js';
import { assetsFolder, type EncodedPreference, loadTokenizer, type Tokenizer } from '../../src/data/index.js';
import { crossFitVectors, displacements } from '../../src/geometry/index.js';
import { dot } from '../../src/linalg/index.js';
import type { LanguageModel } from '../../src/model/index.js';

/** Of tuples made in memory: nothing was left out. */
export const wholeData = (train: number, heldOut: number): SeedEvidence['data']['report'] => {
  const whole = (kept: number) => ({ maxLength: 64, kept, truncated: 0, tooLong: 0, firstTooLong: null });
  return {
    files: [],
    trainingDuplicates: 0,
    lengths: { train: whole(train), heldOut: whole(heldOut) },
    train,
    heldOut,
  };
};

/** An experiment on `data.preferences` that trains next to nothing; other keys of the file are appended as they are. */
export const experimentText = (name: string, preferences: string, more = ''): string => `experiment: ${name}
title: A tiny experiment
model: .
data:
  preferences: ${preferences}
training:
  learningRate: 0.01
  epochs: 1
  batchSize: 16
seeds: [100]
${more}`;

export const parseExperiment = (text: string, file = 'experiment.yaml') => {
  const spec = parseSpec(text, file);
  if (spec.kind !== 'experiment') throw new TypeError(`${file} is a ${spec.kind}`);
  return spec;
};

export const tinyExperiment = (): ExperimentSpec =>
  parseExperiment(experimentText('tiny', 'many-frames')).value;

/** Rows of hidden states; all of one length. */
export type Rows = readonly ArrayLike<number>[];

const flatten = (rows: Rows): Float32Array => Float32Array.from(rows.flatMap((row) => Array.from(row)));

export const normalVector = (random: Random, d: number, scale = 1): Float64Array =>
  Float64Array.from({ length: d }, () => scale * random.normal());

export const sum = (a: ArrayLike<number>, b: ArrayLike<number>, factor = 1): Float64Array =>
  Float64Array.from({ length: a.length }, (_, i) => (a[i] ?? 0) + factor * (b[i] ?? 0));

/** Every other row is of fold 0, and every row of a source of its own. */
export const alternatingFolds = (n: number): Uint8Array => Uint8Array.from({ length: n }, (_, i) => i % 2);

export interface SyntheticOptions {
  /** Gives W_U; it is never run. */
  readonly model: LanguageModel;
  /** Final hidden states of the base, n rows. */
  readonly base: Rows;
  /** Final hidden states of each policy. */
  readonly policies: Partial<Record<Variant, Rows>> & { readonly dpo: Rows };
  /** Residual streams [L][n] of base and DPO policy; the final hidden states stand for one layer if left out. */
  readonly residuals?: { readonly base: readonly Rows[]; readonly dpo: readonly Rows[] };
  /** Tokens of the two completions of each prompt; two arbitrary ones if left out. */
  readonly tokens?: readonly { readonly chosen: number; readonly rejected: number }[];
  readonly seed?: number;
  /** Vectors from elsewhere, the same at every site. */
  readonly alternatives?: Partial<Record<AlternativeVector, Float64Array>>;
}

/** Of the shipped base model. */
export const shippedTokenizer = (): Promise<Tokenizer> => loadTokenizer(join(assetsFolder(), 'model'));

export const syntheticEvidence = async (options: SyntheticOptions): Promise<SeedEvidence> => {
  const { model, base, policies, residuals, seed = 100 } = options;
  const n = base.length;
  const d = base[0]?.length ?? 0;
  const unembedding = await model.unembedding().data();
  const embedding = (token: number) => unembedding.subarray(token * d, (token + 1) * d);
  const tokens = options.tokens ?? base.map((_, i) => ({ chosen: i % 7, rejected: 7 + (i % 5) }));
  const policyOf = (final: Rows, layers: readonly Rows[]): PolicyEvidence => {
    const postNorm = flatten(final);
    const hidden: HiddenStates = {
      residual: layers.map(flatten),
      postNorm,
      n,
      hiddenSize: d,
      layers: layers.length,
    };
    return {
      model,
      hidden,
      completions: {
        states: postNorm,
        hiddenSize: d,
        prompts: n,
        promptOf: Int32Array.from({ length: n }, (_, i) => i),
        chosenTargets: Int32Array.from(tokens, ({ chosen }) => chosen),
        rejectedTargets: Int32Array.from(tokens, ({ rejected }) => rejected),
        residual: [],
      },
      margins: Float64Array.from(tokens, ({ chosen, rejected }, i) => {
        const h = postNorm.subarray(i * d, (i + 1) * d);
        return dot(h, embedding(chosen)) - dot(h, embedding(rejected));
      }),
    };
  };
  const basePolicy = policyOf(base, residuals?.base ?? [base]);
  const made = new Map<Variant, PolicyEvidence>();
  for (const [name, rows] of Object.entries(policies) as [Variant, Rows][]) {
    made.set(name, policyOf(rows, name === 'dpo' ? (residuals?.dpo ?? [rows]) : [rows]));
  }
  const variant = (name: Variant): PolicyEvidence => {
    const policy = made.get(name);
    if (policy === undefined) throw new RangeError(`no ${name}`);
    return policy;
  };
  const folds = alternatingFolds(n);
  const heldOut = tokens.map(
    ({ chosen, rejected }, i): EncodedPreference => ({
      id: `prompt-${i}`,
      source: `source-${i}`,
      prompt: Int32Array.of(0),
      chosen: Int32Array.of(chosen),
      rejected: Int32Array.of(rejected),
      truncated: false,
    }),
  );
  const displacement: SeedEvidence['displacement'] = (name, site) => {
    const at = ({ hidden }: PolicyEvidence) =>
      site === 'postNorm' ? hidden.postNorm : (hidden.residual[site - 1] ?? new Float32Array());
    return displacements(at(basePolicy), at(variant(name)), n, d);
  };
  return {
    experiment: tinyExperiment(),
    seed,
    data: {
      train: [],
      tokenizer: await shippedTokenizer(),
      heldOut,
      clusters: heldOut.map(({ source }) => source),
      folds,
      report: wholeData(0, heldOut.length),
    },
    layers: basePolicy.hidden.layers,
    base: basePolicy,
    variant,
    startOf: () => basePolicy,
    alternative: (name) => {
      const vector = options.alternatives?.[name];
      if (vector === undefined) throw new RangeError(`no ${name}`);
      return crossFitted([vector, vector], folds);
    },
    training: () => undefined,
    displacement,
    vectors: (name, site) => crossFitted(crossFitVectors(displacement(name, site), folds), folds),
    dispose: () => undefined,
  };
};

/** The same evidence with every steering vector turned round: the planted fault. */
export const withVectorsReversed = (evidence: SeedEvidence): SeedEvidence => ({
  ...evidence,
  vectors: (name, site) => {
    const [first, second] = evidence.vectors(name, site).byFold;
    const turned = (vector: Float64Array) => vector.map((value) => -value);
    return crossFitted([turned(first), turned(second)], evidence.data.folds);
  },
});

export const ones = (n: number): Float64Array => new Float64Array(n).fill(1);

/** Displacements that scatter around nothing. */
export const isotropicRows = (n: number, d: number, seed: string): Float64Array[] => {
  const random = createRandom(seed);
  return Array.from({ length: n }, () => normalVector(random, d));
};
