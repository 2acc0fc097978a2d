/** The runner: experiment → evidence → measurement → verdict → report. */
import { join } from 'node:path';
import { DsteerError, dsteerVersion, type Progress } from '../base/index.js';
import { type EngineName, startEngine, tf } from '../engine/index.js';
import { collectExperimentEvidence, type ExperimentEvidence, writeEvidence } from './evidence/index.js';
import { judge, type Measured } from './judge.js';
import { createManifest, type RunManifest } from './manifest.js';
import {
  type ControlId,
  describeLayers,
  isPropertyMetric,
  type Measurement,
  measureOnPrompts,
  measureOnTensors,
  metricCatalogue,
  type Subject,
} from './metrics/index.js';
import { planEvidence } from './plan.js';
import type { ClaimReport, Expected, RunReport } from './report.js';
import { loadCatalogue, type SelectedCase, selectCases } from './spec/catalogue.js';
import { combineOutcomes, isSpecific, totalsOf } from './verdict.js';

export interface VerifyOptions {
  /** Claim names, suite names or YAML files; none means the suite. */
  readonly targets: readonly string[];
  readonly suite?: string;
  readonly engine: EngineName | 'auto';
  /** Replaces the seeds of every experiment. */
  readonly seed?: number;
  /** Where evidence is written. */
  readonly outFolder: string;
  readonly progress: Progress;
}

export interface Verification {
  readonly report: RunReport;
  readonly manifest: RunManifest;
}

/** Seed of the random cases of properties, where no seed is asked for. */
const propertySeed = 100;

const attempt = async (
  seeds: readonly number[],
  measure: (seedIndex: number) => Promise<Measurement>,
): Promise<Measured> => {
  try {
    const measurements: Measurement[] = [];
    for (const index of seeds.keys()) measurements.push(await measure(index));
    return { state: 'measured', seeds, measurements };
  } catch (error) {
    if (!(error instanceof DsteerError) || error.exitCode !== 1) throw error;
    return { state: 'failed', seeds, message: error.message };
  }
};

const measurerOf = (
  { claim, claimCase }: SelectedCase,
  evidence: ExperimentEvidence | undefined,
  seed: number,
): ((subject: Subject) => Promise<Measured>) => {
  const { metric, layers } = claim.value;
  if (isPropertyMetric(metric))
    return (subject) => attempt([seed], () => measureOnTensors[metric](subject, seed));
  if (evidence === undefined)
    throw new RangeError(`no evidence for ${claim.value.claim} in ${claimCase.experiment}`);
  return (subject) =>
    attempt(evidence.seeds, (index) => {
      const own = evidence.bySeed[index];
      if (own === undefined) throw new RangeError(`no evidence for seed ${evidence.seeds[index]}`);
      return measureOnPrompts[metric]({ evidence: own, layers }, subject);
    });
};

const populationOf = ({ claim, claimCase, experiment }: SelectedCase): string => {
  const { metric, layers } = claim.value;
  if (isPropertyMetric(metric)) return metricCatalogue[metric].title;
  return `${metricCatalogue[metric].title}; held-out prompts of ${claimCase.experiment} at ${experiment?.value.readout}, ${describeLayers(layers)}, uncentred, cross-fitted`;
};

const judgeCase = async (
  selected: SelectedCase,
  evidence: ExperimentEvidence | undefined,
  seed: number,
): Promise<ClaimReport> => {
  const { claim, claimCase } = selected;
  const { claim: id, title, source, statement, metric, threshold, level, draws } = claim.value;
  const measure = measurerOf(selected, evidence, seed);
  const controls = [];
  for (const [control, expected] of Object.entries(claimCase.controls) as [ControlId, Expected][]) {
    controls.push({ id: control, expected, measured: await measure(control) });
  }
  const judged = judge(
    { metric, threshold, level, draws },
    claimCase.expected,
    await measure('claim'),
    controls,
  );
  return {
    id,
    title,
    source,
    statement,
    experiment: claimCase.experiment ?? null,
    population: populationOf(selected),
    reason: claimCase.reason,
    ...judged.own,
    outcome: combineOutcomes(
      judged.own.outcome,
      judged.controls.map(({ outcome }) => outcome),
    ),
    specific: isSpecific(judged.controls),
    controls: judged.controls,
  };
};

/**
 * Verifies claims: makes the evidence that they need, measures, judges, and writes the evidence into `outFolder`.
 *
 * @throws UsageError or SpecError before any work is done; ResourceError where the engine is missing
 */
export const verify = async (options: VerifyOptions): Promise<Verification> => {
  const started = new Date();
  const { progress, seed, outFolder } = options;
  const targets = [...(options.suite === undefined ? [] : [options.suite]), ...options.targets];
  if (targets.length === 0) targets.push('quick');
  const cases = await selectCases(targets, await loadCatalogue());
  const engine = await startEngine(options.engine);
  progress.note(`engine ${engine.name}`);
  const claims: (ClaimReport | undefined)[] = cases.map(() => undefined);
  const report = async (index: number, evidence?: ExperimentEvidence): Promise<void> => {
    const selected = cases[index];
    if (selected) claims[index] = await judgeCase(selected, evidence, seed ?? propertySeed);
  };
  for (const [index, { experiment }] of cases.entries()) if (experiment === undefined) await report(index);
  const plans = planEvidence(cases, seed);
  for (const plan of plans) {
    const evidence = await collectExperimentEvidence(plan, progress);
    const stage = progress.stage(`judging ${plan.experiment.value.experiment}`, plan.cases.length);
    for (const index of plan.cases) {
      await report(index, evidence);
      stage.advance();
    }
    stage.end();
    await writeEvidence(join(outFolder, plan.experiment.value.experiment), evidence);
    evidence.dispose();
  }
  const judged = claims.filter((claim) => claim !== undefined);
  const finished = new Date();
  return {
    manifest: await createManifest({
      cases,
      plans,
      engine,
      seed: seed ?? propertySeed,
      tfjs: tf.version['tfjs-core'],
    }),
    report: {
      schema: 1,
      run: {
        dsteer: dsteerVersion,
        targets,
        engine: engine.name,
        seeds: [...new Set(plans.flatMap(({ seeds }) => seeds))],
        startedAt: started.toISOString(),
        finishedAt: finished.toISOString(),
        seconds: (finished.getTime() - started.getTime()) / 1000,
      },
      claims: judged,
      totals: totalsOf(judged),
    },
  };
};
