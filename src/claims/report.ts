/**
 * The report model: what `report.json` holds and every reporter is a view of. The field names and their meaning are
 * the contract; a reader needs nothing else to judge a run.
 */

export type Expected = 'holds' | 'breaks';
export type Verdict = Expected | 'inconclusive' | 'error';
export type Outcome = 'pass' | 'fail' | 'inconclusive' | 'error';

/** A claim holds where its whole interval lies on the right side of this bound. */
export type Threshold = { readonly atLeast: number } | { readonly atMost: number };

export type Interval = readonly [lower: number, upper: number];

/** The smallest failing case of a property, with what it takes to replay it. */
export interface Counterexample {
  readonly seed: number;
  readonly path: string;
  readonly value: string;
}

/** One quantity held against one threshold: the fields that claims and their controls share. */
export interface Judgement {
  readonly expected: Expected;
  readonly verdict: Verdict;
  readonly outcome: Outcome;
  readonly metric: string;
  readonly threshold: Threshold;
  /** `null` where the quantity could not be computed; `error` then says why. */
  readonly estimate: number | null;
  readonly interval: Interval | null;
  /** Confidence level of every interval beside it. */
  readonly level: number;
  /** How many prompts (or random cases) were judged. */
  readonly n: number;
  readonly seeds: readonly number[];
  /** The estimate for each training seed by itself: variation that the interval over prompts does not hold. */
  readonly seedEstimates: readonly number[];
  /** Standard deviation of `seedEstimates`: spread over training seeds, apart from prompt sampling. `null` for one seed. */
  readonly seedSd: number | null;
  /** Further numbers about the same quantity (median, number of flips, rank p …). */
  readonly details: Readonly<Record<string, number>>;
  readonly counterexample?: Counterexample;
  readonly error?: string;
}

/** A control: the same quantity without the preference signal, or with the law's premise broken. */
export interface ControlReport extends Judgement {
  readonly id: string;
  readonly title: string;
  /** `control`: has to be beaten for the claim to be specific. `companion`: shown beside it, an upper bound or a relative. */
  readonly role: 'control' | 'companion';
  /** Claim minus control on the same prompts, from paired draws. */
  readonly difference: number | null;
  readonly differenceInterval: Interval | null;
  /** The claim beats this control: the whole interval of the difference lies on the claim's side. */
  readonly beaten: boolean;
}

/**
 * What the quantity of a claim is, where it is not the metric itself: the metric in this experiment less that in another
 * (`against`), or its slope over experiments by the decimal logarithm of the number of parameters (`trend`).
 */
export type Comparison =
  | { readonly kind: 'against'; readonly experiment: string; readonly paired: boolean }
  | { readonly kind: 'trend'; readonly experiments: readonly string[] };

/** Which correction for many hypotheses a claim takes part in: Holm's, Benjamini and Hochberg's, or none. */
export type Family = 'headline' | 'screen' | 'none';

/** Where a claim's specification stands; lines count from 1. */
export interface SpecLocation {
  /** From the package for shipped specifications, from the working directory for the user's own; with slashes. */
  readonly file: string;
  readonly line: number;
}

/** What tells one judged case of a claim from every other of a run. */
export interface CaseName {
  readonly id: string;
  readonly experiment: string | null;
  readonly comparison:
    | { readonly kind: 'against'; readonly experiment: string }
    | { readonly kind: 'trend'; readonly experiments: readonly string[] }
    | null;
}

/** What was found of one case, and how far its estimate may move without anybody being asked. */
export interface AcceptedCase extends CaseName {
  readonly verdict: Exclude<Verdict, 'error'>;
  readonly estimate: number;
  readonly band: Interval;
  /** What it came from: the version of dsteer, the engine, the training seeds. */
  readonly dsteer: string;
  readonly engine: string;
  readonly seeds: readonly number[];
  /** Words of whoever edited the entry. */
  readonly note?: string;
}

/** An earlier run that later ones are held against: `dsteer.baseline.json`. */
export interface Baseline {
  readonly schema: 1;
  /** What the run was asked for that it was made of. */
  readonly targets: readonly string[];
  readonly claims: readonly AcceptedCase[];
}

/**
 * How a claim stands to the baseline. `left`: its estimate lies beyond the accepted band; `verdict`: it is within, and the
 * verdict is another; `new`: the baseline does not know it. The first two make the claim fail.
 */
export type Standing =
  | ({ readonly state: 'within' | 'left' | 'verdict' } & Pick<AcceptedCase, 'verdict' | 'estimate' | 'band'>)
  | { readonly state: 'new' };

/** The baseline that a run was held against, whole, so that merged parts can be held against it again. */
export interface BaselineReport {
  readonly file: string;
  readonly accepted: Baseline;
  /** Cases of the baseline that the run did not judge; none in a shard, whose other parts may judge them. */
  readonly missing: readonly CaseName[];
  /** What makes the comparison one of unlike things: another engine, other seeds. */
  readonly notes: readonly string[];
}

/** A claim as judged in one experiment. */
export interface ClaimReport extends Judgement {
  readonly id: string;
  /** The case of the specification that was judged; reports written before it was recorded lack it. */
  readonly location?: SpecLocation;
  readonly title: string;
  /** Section of the paper that makes the claim. */
  readonly source: string;
  readonly statement: string;
  /** Name of the experiment that made the evidence; `null` for properties over random tensors. */
  readonly experiment: string | null;
  /** `null` where the quantity is the metric in `experiment` alone. */
  readonly comparison: Comparison | null;
  /** Which population is judged: prompts, layers, readout, centring, in words. */
  readonly population: string;
  /** Why the outcome is expected, in the words of the specification. */
  readonly reason: string;
  readonly family: Family;
  /** One-sided, against the threshold, in the direction of the estimate; `null` without an interval. */
  readonly pValue: number | null;
  /** The same, corrected within the family of this run; a verdict whose corrected p is too large is inconclusive. */
  readonly adjustedP: number | null;
  /** It beats every one of its controls (companions aside), and none of them passes its threshold as well. */
  readonly specific: boolean;
  readonly controls: readonly ControlReport[];
  /** Only in a run that was held against a baseline. */
  readonly baseline?: Standing;
}

/** One metric under one condition of a comparison. */
export interface ComparisonCell {
  readonly estimate: number | null;
  readonly interval: Interval | null;
  readonly seedEstimates: readonly number[];
  /** Less the baseline's; `null` in the baseline itself. */
  readonly difference: number | null;
  readonly differenceInterval: Interval | null;
  /** The difference is taken draw by draw, over the same prompts. */
  readonly paired: boolean;
  readonly details: Readonly<Record<string, number>>;
  readonly error?: string;
}

/** One condition of a comparison: an experiment. */
export interface ComparisonRow {
  readonly experiment: string;
  readonly label: string;
  readonly n: number;
  readonly seeds: readonly number[];
  /** Parameters of the model. */
  readonly parameters: number | null;
  /** In the order of the table's metrics. */
  readonly cells: readonly ComparisonCell[];
}

export interface ComparisonTable {
  readonly id: string;
  readonly title: string;
  /** Experiment that the others are compared with. */
  readonly baseline: string;
  readonly metrics: readonly { readonly id: string; readonly title: string }[];
  readonly rows: readonly ComparisonRow[];
}

export type Totals = Readonly<Record<Outcome, number>>;

/** Which part of a run a report holds, and where its parts stand in the whole. */
export interface Shard {
  /** 1 … count. */
  readonly index: number;
  readonly count: number;
  /** Position of each claim of this report, and of each table, in the whole run, from 0. */
  readonly claims: readonly number[];
  readonly tables: readonly number[];
  readonly whole: { readonly claims: number; readonly tables: number; readonly seeds: readonly number[] };
}

export interface RunInformation {
  readonly dsteer: string;
  /** What was asked for: suite, claims or files. */
  readonly targets: readonly string[];
  readonly engine: string;
  readonly seeds: readonly number[];
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly seconds: number;
  /** Only in a report of a part. */
  readonly shard?: Shard;
}

export interface RunReport {
  readonly schema: 1;
  readonly run: RunInformation;
  readonly claims: readonly ClaimReport[];
  readonly tables: readonly ComparisonTable[];
  readonly totals: Totals;
  /** Only in a run that was held against a baseline. */
  readonly baseline?: BaselineReport;
}
