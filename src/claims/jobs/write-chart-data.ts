/** `charts.json` of a job: what the report's pictures are drawn from. */
import { join } from 'node:path';
import { ComputationError, createRandom } from '../../base/index.js';
import { isDegenerate } from '../../behaviour/index.js';
import { cosinesToVectors, shuffleRows, spectrumStatistics } from '../../geometry/index.js';
import { type Matrix, singularValues } from '../../linalg/index.js';
import { prefersChosen } from '../../steering/index.js';
import { stableJson, writeFileAtomic } from '../../store/index.js';
import type { PolicyEvidence } from '../evidence/policy-evidence.js';
import type { SeedEvidence } from '../evidence/seed-evidence.js';
import type { Site, Variant } from '../evidence/variant.js';
import { interventionsByPrompt, steerPolicy } from '../metrics/steered-policy.js';
import { continueTexts, screenOf, spreadPrompts } from '../metrics/steered-texts.js';

const fileName = 'charts.json';

/** Shuffles behind the null band of a layer: its lowest and highest are drawn. */
const nullDraws = 20;
const drawnSingularValues = 24;
const samplePrompts = 6;
const sweptLambdas = [-1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 1, 1.25, 1.5];

const cosineVariants = ['dpo', 'sft', 'shuffled-labels', 'flipped-labels', 'placebo-noise'] as const;

/** Six digits: more than a picture shows. */
const rounded = (value: number): number => Number(value.toPrecision(6));
const roundedAll = (values: ArrayLike<number>): number[] => Array.from(values, rounded);
const finiteOrNull = (value: number): number | null => (Number.isFinite(value) ? rounded(value) : null);

const wasMade = (evidence: SeedEvidence, name: Variant): boolean => {
  try {
    evidence.variant(name);
    return true;
  } catch (error) {
    // Not asked for, or could not be made: its own rows say so.
    if (error instanceof RangeError || error instanceof ComputationError) return false;
    throw error;
  }
};

const cosinesOf = (evidence: SeedEvidence) =>
  cosineVariants
    .filter((name) => wasMade(evidence, name))
    .map((subject) => ({
      subject,
      values: roundedAll(
        cosinesToVectors(
          evidence.displacement(subject, 'postNorm'),
          evidence.vectors(subject, 'postNorm').judging,
        ),
      ).filter(Number.isFinite),
    }));

const nullSpectra = (delta: Matrix, seed: string): Float64Array[] => {
  const random = createRandom(seed);
  return Array.from({ length: nullDraws }, () => singularValues(shuffleRows(delta, random)));
};

const bandOf = (values: readonly number[]): [number, number] => [
  rounded(Math.min(...values)),
  rounded(Math.max(...values)),
];

const spectraOf = (evidence: SeedEvidence) => {
  const sites: Site[] = [...Array.from({ length: evidence.layers }, (_, i) => i + 1), 'postNorm'];
  return sites.map((site) => {
    const delta = evidence.displacement('dpo', site);
    const own = singularValues(delta);
    const nulls = nullSpectra(delta, `null band ${evidence.seed} ${site}`);
    const statistics = spectrumStatistics(own);
    const nullStatistics = nulls.map((values) => spectrumStatistics(values));
    const name = site === 'postNorm' ? ('post-norm' as const) : site;
    return {
      layer: {
        site: name,
        sigma2OverSigma1: finiteOrNull(statistics.sigma2OverSigma1),
        spectralEntropyShare: finiteOrNull(statistics.spectralEntropyShare),
        nullSigma2OverSigma1: bandOf(nullStatistics.map((one) => one.sigma2OverSigma1)),
        nullSpectralEntropyShare: bandOf(nullStatistics.map((one) => one.spectralEntropyShare)),
      },
      spectrum: {
        site: name,
        singularValues: roundedAll(own.slice(0, drawnSingularValues)),
        nullSingularValues: roundedAll((nulls[0] ?? new Float64Array()).slice(0, drawnSingularValues)),
      },
    };
  });
};

const sweepOf = async (evidence: SeedEvidence) => {
  const vectorsAt = (site: Site) => evidence.vectors('dpo', site);
  const lambdas =
    evidence.experiment.steering.kind === 'ablate' ? sweptLambdas.filter((l) => l <= 0) : sweptLambdas;
  const points = [];
  for (const lambda of lambdas) {
    const margins =
      lambda === 0 ? evidence.base.margins : await steerPolicy(evidence, evidence.base, vectorsAt, lambda);
    const share = Array.from(margins).filter(prefersChosen).length / margins.length;
    const mean = margins.reduce((sum, margin) => sum + margin, 0) / margins.length;
    points.push({ lambda, margin: rounded(mean), accuracy: rounded(share) });
  }
  return { n: evidence.data.heldOut.length, points };
};

const samplesOf = async (evidence: SeedEvidence) => {
  const { heldOut, tokenizer } = evidence.data;
  const indices = spreadPrompts(evidence, samplePrompts);
  const vectorsAt = (site: Site) => evidence.vectors('dpo', site);
  const write = ({ model }: PolicyEvidence, lambda?: number): Promise<Int32Array[]> =>
    continueTexts(
      model,
      heldOut,
      indices,
      lambda === undefined ? undefined : interventionsByPrompt(evidence, model, vectorsAt, lambda),
    );
  const policy = evidence.variant('dpo');
  const adds = evidence.experiment.steering.kind === 'add';
  if (!adds) return undefined;
  const texts = {
    base: await write(evidence.base),
    steered: await write(evidence.base, 1),
    policy: await write(policy),
    inverted: await write(policy, -1),
  };
  const screen = screenOf(policy.model);
  return indices.map((index, k) => {
    const writers = Object.entries(texts) as [keyof typeof texts, Int32Array[]][];
    const textOf = (ids: Int32Array | undefined): string => tokenizer.decode(ids ?? new Int32Array());
    return {
      prompt: textOf(heldOut[index]?.prompt),
      base: textOf(texts.base[k]),
      steered: textOf(texts.steered[k]),
      steeredLambda: 1,
      policy: textOf(texts.policy[k]),
      inverted: textOf(texts.inverted[k]),
      invertedLambda: -1,
      degenerate: writers.flatMap(([name, own]) =>
        isDegenerate(own[k] ?? new Int32Array(), screen) ? [name] : [],
      ),
    };
  });
};

/** Writes what there is to draw of one experiment under one training seed into its folder. */
export const writeChartData = async (folder: string, evidence: SeedEvidence): Promise<void> => {
  const spectra = spectraOf(evidence);
  const samples = await samplesOf(evidence);
  const vectorsAt = (site: Site) => evidence.vectors('dpo', site);
  const policy = evidence.variant('dpo');
  const inverted = await steerPolicy(evidence, policy, vectorsAt, -1);
  const data = {
    schema: 1,
    experiment: evidence.experiment.experiment,
    seed: evidence.seed,
    cosines: cosinesOf(evidence),
    layers: {
      null: 'the entries of each row shuffled: as many displacements of the same lengths, without a direction in common',
      rows: spectra.map(({ layer }) => layer),
    },
    spectra: spectra.map(({ spectrum }) => spectrum),
    sweep: await sweepOf(evidence),
    margins: {
      base: roundedAll(evidence.base.margins),
      policy: roundedAll(policy.margins),
      inverted: roundedAll(inverted),
    },
    ...(samples === undefined ? {} : { samples }),
  };
  await writeFileAtomic(join(folder, fileName), stableJson(data));
};
