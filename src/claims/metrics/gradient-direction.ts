/** Do the gradients of different prompts point one way, and does v* go that way? */
import { createRandom } from '../../base/index.js';
import { relabel } from '../../data/index.js';
import { cosine, matrix } from '../../linalg/index.js';
import { mean, quantile, weightedMean } from '../../statistics/index.js';
import type { SeedEvidence } from '../evidence/seed-evidence.js';
import type { Measure, Subject } from './context.js';
import { foldMeans } from './fold-means.js';
import { autodiffGradients, type LawSite, sharedSites, takeRows } from './hidden-gradients.js';
import { type Measurement, ones } from './measurement.js';
import { rankAmong } from './random-directions.js';
import { subjectVectors } from './subject-vectors.js';

/** The tokens of a subject: the prompts' own, in shuffled order of preference, or any two others of the vocabulary. */
const sitesFor = ({ base, seed }: SeedEvidence, subject: Subject): LawSite[] => {
  const sites = sharedSites(base);
  if (subject === 'shuffled-labels') return relabel(sites, 'shuffled', seed);
  if (subject !== 'other-tokens') return sites;
  const random = createRandom(seed).fork('other-tokens');
  const { vocabularySize } = base.model;
  return sites.map((site) => {
    const chosen = random.integer(vocabularySize);
    return { ...site, chosen, rejected: (chosen + 1 + random.integer(vocabularySize - 1)) % vocabularySize };
  });
};

/** Of each site, what its prompt has. */
const foldsOf = (sites: readonly LawSite[], folds: Uint8Array): Uint8Array =>
  Uint8Array.from(sites, ({ prompt }) => folds[prompt] ?? 0);
const weightsOf = (sites: readonly LawSite[], weights: Float64Array): Float64Array =>
  Float64Array.from(sites, ({ prompt }) => weights[prompt] ?? 0);

/**
 * `gradient-direction-cosine`: mean over held-out prompts of cos(g_i, ḡ), g_i autodiff's ∇_h of the DPO loss at the final
 * hidden state of the base, where both completions are predicted from one state, and ḡ the mean of the other fold's. At
 * the base, where training starts, every margin m is 0 and no prompt weighs more than another.
 */
export const measureGradientDirection: Measure = async ({ evidence }, subject) => {
  const { base, data, experiment } = evidence;
  const { clusters, folds } = data;
  const width = base.hidden.hiddenSize;
  const sites = sitesFor(evidence, subject);
  const margins = sites.map(({ prompt }) => base.margins[prompt] ?? Number.NaN);
  const gradients = await autodiffGradients(
    takeRows(
      base.completions.states,
      sites.map(({ row }) => row),
      width,
    ),
    sites,
    base,
    { policyMargins: margins, referenceMargins: margins, beta: experiment.training.beta },
    { throughNorm: false, chosenOnly: false },
  );
  const byFold = foldMeans(
    matrix(sites.length, width, Float64Array.from(gradients)),
    foldsOf(sites, folds),
    ones(sites.length),
  );
  const cosines = Float64Array.from(sites, ({ prompt }, index) =>
    cosine(gradients.subarray(index * width, (index + 1) * width), byFold[folds[prompt] === 0 ? 1 : 0]),
  );
  return {
    n: clusters.length,
    clusters,
    statistic: (weights) => weightedMean(cosines, weightsOf(sites, weights)),
    details: {
      prompts: sites.length,
      median: quantile(cosines, 0.5),
      p05: quantile(cosines, 0.05),
      shareAbove09: cosines.filter((value) => value >= 0.9).length / cosines.length,
      foldMeansCosine: cosine(...byFold),
    },
  };
};

type FoldMeans = ReturnType<typeof foldMeans>;

/** Mean e_w − e_l by fold in each resample: the same for every subject, and forgotten together with the evidence. */
const meansByEvidence = new WeakMap<SeedEvidence, WeakMap<Float64Array, FoldMeans>>();
const meansOf = (evidence: SeedEvidence): WeakMap<Float64Array, FoldMeans> => {
  const known = meansByEvidence.get(evidence) ?? new WeakMap<Float64Array, FoldMeans>();
  meansByEvidence.set(evidence, known);
  return known;
};

/**
 * `gradient-steering-alignment`: cos(v*, mean of e_w − e_l), v* of one fold and the tokens of the other, averaged over the
 * two ways round; W_U is the base's. Descent of the DPO loss goes along e_w − e_l.
 */
export const measureSteeringAlignment: Measure = async ({ evidence }, subject) => {
  const { base, data } = evidence;
  const { clusters, folds } = data;
  const width = base.hidden.hiddenSize;
  const sites = sitesFor(evidence, subject === 'other-tokens' ? subject : 'claim');
  const unembedding = await base.model.unembedding().data<'float32'>();
  const differences = matrix(sites.length, width);
  sites.forEach(({ chosen, rejected }, index) => {
    for (let j = 0; j < width; j++) {
      differences.data[index * width + j] =
        (unembedding[chosen * width + j] ?? Number.NaN) - (unembedding[rejected * width + j] ?? Number.NaN);
    }
  });
  const siteFolds = foldsOf(sites, folds);
  const known = subject === 'other-tokens' ? new WeakMap<Float64Array, FoldMeans>() : meansOf(evidence);
  const alignment =
    (vectors: readonly (readonly [Float64Array, Float64Array])[]): Measurement['statistic'] =>
    (weights) => {
      const means = known.get(weights) ?? foldMeans(differences, siteFolds, weightsOf(sites, weights));
      known.set(weights, means);
      return mean(vectors.map((byFold) => (cosine(byFold[0], means[1]) + cosine(byFold[1], means[0])) / 2));
    };
  const { families } = subjectVectors(evidence, subject === 'other-tokens' ? 'claim' : subject);
  const judging = families.map((vectorsAt) => vectorsAt('postNorm').byFold);
  const measurement: Measurement = {
    n: clusters.length,
    clusters,
    statistic: alignment(judging),
    details: { prompts: sites.length },
  };
  if (subject !== 'random-directions') return measurement;
  const all = ones(clusters.length);
  const own = alignment([evidence.vectors('dpo', 'postNorm').byFold])(all);
  return {
    ...measurement,
    details: rankAmong(
      own,
      judging.map((byFold) => alignment([byFold])(all)),
    ),
  };
};
