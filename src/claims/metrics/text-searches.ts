/** The search for each vector's λ ceiling with the texts it wrote: done once for all metrics of a seed's evidence. */
import type { SeedEvidence } from '../evidence/seed-evidence.js';
import type { Variant } from '../evidence/variant.js';
import type { Subject } from './context.js';
import { type Measurement, ones } from './measurement.js';
import { interventionsByPrompt } from './steered-policy.js';
import {
  ceilingOf,
  continueTexts,
  promptsContinued,
  type SteeredTexts,
  screenOf,
  searchCeiling,
} from './steered-texts.js';
import { subjectVectors, type VectorsAt } from './subject-vectors.js';

/** Random directions whose texts are written: each takes its own search. */
export const directionsWritten = 3;
/** Past the ceiling: at this multiple of it. */
const pastCeiling = 2;
/**
 * Safely below it, where text is sound and still much like the base's: at this multiple, or at λ = 1 if that is less. At half
 * of the ceiling text is sound too, but other text: nothing of the overlap is left to lose.
 */
const belowCeiling = 0.25;

/**
 * The search for one vector's ceiling, with texts written without it, below the ceiling and past it. λ = 1 alone would be no
 * place to start from: v*, estimated at the prompt's end and added to every token written, can be past its ceiling there.
 */
export interface Oversteering {
  readonly points: readonly SteeredTexts[];
  readonly ceiling: number;
  /** λ of `below`. */
  readonly lambdaBelow: number;
  readonly unsteered: readonly Int32Array[];
  readonly below: readonly Int32Array[];
  readonly past: readonly Int32Array[];
}

const oversteer = async (evidence: SeedEvidence, vectorsAt: VectorsAt): Promise<Oversteering> => {
  const indices = promptsContinued(evidence);
  const { model } = evidence.base;
  const textsAt = (lambda: number): Promise<Int32Array[]> =>
    continueTexts(
      model,
      evidence.data.heldOut,
      indices,
      interventionsByPrompt(evidence, model, vectorsAt, lambda),
    );
  const points = await searchCeiling(textsAt, screenOf(model));
  const ceiling = ceilingOf(points, ones(indices.length));
  const known = async (lambda: number): Promise<readonly Int32Array[]> =>
    points.find((point) => point.lambda === lambda)?.texts ?? (await textsAt(lambda));
  const lambdaBelow = Math.min(1, belowCeiling * ceiling);
  return {
    points,
    ceiling,
    lambdaBelow,
    unsteered: await known(0),
    below: await known(lambdaBelow),
    past: await known(pastCeiling * ceiling),
  };
};

/** v* of a subject, or of the random-direction control a few of the random vectors. */
export const writingVectors = (evidence: SeedEvidence, subject: Subject): readonly VectorsAt[] =>
  subjectVectors(evidence, subject).families.slice(0, directionsWritten);

/** Searches done, as several metrics ask for the same; forgotten together with the evidence. */
const searches = new WeakMap<SeedEvidence, Map<Subject, Promise<Oversteering[]>>>();

/** One search for v*, or one for each of a few random directions of its norm. */
export const searchesOf = (evidence: SeedEvidence, subject: Subject): Promise<Oversteering[]> => {
  const known = searches.get(evidence) ?? new Map<Subject, Promise<Oversteering[]>>();
  searches.set(evidence, known);
  const search = async (): Promise<Oversteering[]> => {
    const found: Oversteering[] = [];
    for (const vectorsAt of writingVectors(evidence, subject)) {
      found.push(await oversteer(evidence, vectorsAt));
    }
    return found;
  };
  const made = known.get(subject) ?? search();
  known.set(subject, made);
  return made;
};

/** Texts of policies by themselves, written once; forgotten together with the evidence. */
const policyTexts = new WeakMap<SeedEvidence, Map<Variant, Promise<Int32Array[]>>>();

/** What the policy that a subject is judged on writes by itself behind the prompts that are continued. */
export const policyTextsOf = (evidence: SeedEvidence, subject: Subject): Promise<Int32Array[]> => {
  const known = policyTexts.get(evidence) ?? new Map<Variant, Promise<Int32Array[]>>();
  policyTexts.set(evidence, known);
  const { variant } = subjectVectors(evidence, subject);
  const made =
    known.get(variant) ??
    continueTexts(evidence.variant(variant).model, evidence.data.heldOut, promptsContinued(evidence));
  known.set(variant, made);
  return made;
};

export const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Source document of each prompt that is continued. */
export const clustersContinued = (evidence: SeedEvidence): string[] =>
  promptsContinued(evidence).map((index) => evidence.data.clusters[index] ?? '');

/** Generated tokens as text, without the token that ended it. */
export const textOf = ({ data, base }: SeedEvidence, tokens: Int32Array): string => {
  const { eosTokenIds } = base.model.config;
  const ends = eosTokenIds.includes(tokens.at(-1) ?? -1);
  return data.tokenizer.decode(ends ? tokens.subarray(0, -1) : tokens);
};

/** A measurement of the prompts that are continued, averaged over vectors. */
export const overContinued = (
  evidence: SeedEvidence,
  statistics: readonly Measurement['statistic'][],
  details: Measurement['details'],
): Measurement => {
  const clusters = clustersContinued(evidence);
  return {
    n: clusters.length,
    clusters,
    statistic: (weights) => meanOf(statistics.map((statistic) => statistic(weights))),
    details,
  };
};
