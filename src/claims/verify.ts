/** The runner: specification → jobs → measurements → verdicts → report. */
import { dsteerVersion, type Progress, UsageError } from '../base/index.js';
import { type EngineInfo, type EngineName, startEngine, tf } from '../engine/index.js';
import { compare, type TableSource } from './compare.js';
import { correctForMany } from './correct.js';
import { requireContainedPaths } from './evidence/index.js';
import { type GivenEvidence, writeGivenExperiment } from './given.js';
import { createInputHasher, type InputHash, inputFilesOf, portableName } from './inputs.js';
import type { Job, JobResult, Task } from './jobs/job.js';
import { taskKey } from './jobs/job.js';
import { readJobFile, writeJobFile } from './jobs/job-file.js';
import { requestOf } from './jobs/request.js';
import { runJobs } from './jobs/run-jobs.js';
import { differenceOf, judge, overSeeds, type Quantity, trendOf } from './judge.js';
import { createManifest, type RunManifest } from './manifest.js';
import { describeLayers, isPropertyMetric, metricCatalogue, type Subject } from './metrics/index.js';
import { experimentsOf, jobIdOf, planJobs, propertiesOf, seedsOf } from './plan.js';
import type { CaseName, ClaimReport, Comparison, RunReport } from './report.js';
import { type ShardRequest, seedsOfRun, shardOf } from './shard.js';
import { loadCatalogue } from './spec/catalogue.js';
import type { LoadedExperiment } from './spec/load.js';
import { type SelectedCase, type Selection, select, selectGiven } from './spec/select.js';
import { combineOutcomes, isSpecific, totalsOf } from './verdict.js';

export interface VerifyOptions {
  /** Claim names, suite names or YAML files; none means the suite. */
  readonly targets: readonly string[];
  readonly suite?: string;
  /** Models and preferences that stand for the experiments of the claims. */
  readonly given?: GivenEvidence;
  readonly engine: EngineName | 'auto';
  /** Replaces the seeds of every experiment. */
  readonly seed?: number;
  /** Judge one part of what is asked for. */
  readonly shard?: ShardRequest;
  /** Worker processes at most; default: one a core. */
  readonly jobs?: number;
  /** Let specifications name files outside their folders. Default: that is refused. */
  readonly allowOutside?: boolean;
  /** Folder of the artefact store: policies that were trained before are taken from it. Default: none is used. */
  readonly cache?: string;
  /** Where evidence is written; an unfinished run of the same request there is taken up. */
  readonly outFolder: string;
  readonly progress: Progress;
}

export interface Verification {
  readonly report: RunReport;
  readonly manifest: RunManifest;
}

/** Results of all jobs, as quantities over seeds. */
const createResults = (results: ReadonlyMap<string, JobResult>, seed: number | undefined) => {
  const resultOf = (id: string, task: Task) =>
    results.get(id)?.tasks.get(taskKey(task)) ?? {
      state: 'failed' as const,
      message: `${id} has not measured ${taskKey(task)}`,
    };
  return {
    ofExperiment: (experiment: LoadedExperiment, seeds: readonly number[], task: Task): Quantity =>
      overSeeds(
        seeds,
        seeds.map((one) => resultOf(jobIdOf(experiment, one), task)),
      ),
    ofProperty: (task: Task): Quantity => {
      const properties = propertiesOf(seed);
      return overSeeds([properties.seed], [resultOf(properties.id, task)]);
    },
    parametersOf: (experiment: LoadedExperiment, seeds: readonly number[]): number | null =>
      results.get(jobIdOf(experiment, seeds[0] ?? 0))?.parameters ?? null,
  };
};

type Results = ReturnType<typeof createResults>;

/** What a case asks for one subject: the metric, its difference between two experiments, or its trend over several. */
const quantityOf = (
  { claim, claimCase, experiments, seeds }: SelectedCase,
  results: Results,
  subject: Subject,
  seed: number | undefined,
): Quantity & { readonly paired?: boolean } => {
  const { metric, layers, draws } = claim.value;
  const task: Task = { metric, layers, subject, draws };
  const [first, second] = experiments;
  if (first === undefined) return results.ofProperty(task);
  const own = experiments.map((experiment) => {
    const ownSeeds = seedsOf(experiment, seeds, seed);
    return {
      parameters: results.parametersOf(experiment, ownSeeds),
      quantity: results.ofExperiment(experiment, ownSeeds, task),
    };
  });
  if (claimCase.trend !== undefined) return trendOf(own);
  const [quantity, against] = own.map((one) => one.quantity) as [Quantity, Quantity | undefined];
  return second === undefined || against === undefined ? quantity : differenceOf(quantity, against);
};

const populationOf = ({ claim, claimCase, experiments }: SelectedCase): string => {
  const { metric, layers } = claim.value;
  const { title } = metricCatalogue[metric];
  const [first] = experiments;
  if (isPropertyMetric(metric) || first === undefined) return title;
  const names = experiments.map(({ value }) => value.experiment);
  const quantity =
    claimCase.trend !== undefined
      ? `slope by log10 of the parameters, over ${names.join(', ')}, of: ${title}`
      : claimCase.against === undefined
        ? title
        : `${names.join(' less ')}: ${title}`;
  return `${quantity}; held-out prompts of ${names[0]} at ${first.value.readout}, ${describeLayers(layers)}, uncentred, cross-fitted`;
};

const comparisonOf = ({ claimCase }: SelectedCase, paired: boolean): Comparison | null => {
  if (claimCase.trend !== undefined) return { kind: 'trend', experiments: claimCase.trend };
  if (claimCase.against === undefined) return null;
  return { kind: 'against', experiment: claimCase.against, paired };
};

const judgeCase = (selected: SelectedCase, results: Results, seed: number | undefined): ClaimReport => {
  const { claim, claimCase } = selected;
  const { claim: id, title, source, statement, metric, threshold, level, family } = claim.value;
  const quantity = quantityOf(selected, results, 'claim', seed);
  const judged = judge(
    { metric, threshold, level },
    claimCase.expected,
    quantity,
    selected.controls.map((control) => ({
      ...control,
      quantity: quantityOf(selected, results, control.id, seed),
    })),
  );
  const { line = 1 } = claim.locate(['cases', claim.value.cases.indexOf(claimCase)]);
  return {
    id,
    location: { file: portableName(claim.file), line },
    title,
    source,
    statement,
    experiment: claimCase.experiment ?? null,
    comparison: comparisonOf(selected, quantity.state === 'measured' && quantity.paired === true),
    population: populationOf(selected),
    reason: claimCase.reason,
    ...judged.own,
    family,
    pValue: judged.pValue,
    adjustedP: judged.pValue,
    outcome: combineOutcomes(
      judged.own.outcome,
      judged.controls.map(({ outcome }) => outcome),
    ),
    specific: isSpecific(judged.controls),
    controls: judged.controls,
  };
};

/** Runs what an earlier run in the same folder has not done yet. */
const collectResults = async (
  jobs: readonly Job[],
  inputs: ReadonlyMap<LoadedExperiment | undefined, readonly InputHash[]>,
  engine: EngineInfo,
  { outFolder, cache, progress, jobs: workers }: VerifyOptions,
): Promise<Map<string, JobResult>> => {
  const results = new Map<string, JobResult>();
  const requests = new Map<string, string>();
  for (const job of jobs) {
    const request = await requestOf(job, engine.name, inputs.get(job.experiment) ?? []);
    requests.set(job.id, request);
    const kept = await readJobFile(outFolder, job, request, progress);
    if (kept) results.set(job.id, kept);
  }
  if (results.size > 0)
    progress.note(`${results.size} of ${jobs.length} jobs kept from an earlier run in this folder`);
  let reused = 0;
  await runJobs(
    jobs.filter(({ id }) => !results.has(id)),
    {
      engine: engine.name,
      outFolder,
      cache,
      progress,
      ...(workers === undefined ? {} : { workers }),
      onResult: async (job, result) => {
        results.set(job.id, result);
        reused += result.reused;
        await writeJobFile(outFolder, job, requests.get(job.id) ?? '', result);
      },
    },
  );
  if (reused > 0) {
    const what = reused === 1 ? '1 trained policy comes' : `${reused} trained policies come`;
    progress.note(`${what} from the cache, ${cache}`);
  }
  return results;
};

const selectAsked = async (
  targets: string[],
  { given, outFolder }: Pick<VerifyOptions, 'given' | 'outFolder'>,
): Promise<Selection> => {
  const catalogue = await loadCatalogue();
  if (given !== undefined) {
    return selectGiven(targets, catalogue, await writeGivenExperiment(given, outFolder));
  }
  if (targets.length === 0) targets.push('quick');
  return select(targets, catalogue);
};

/** A case that a run of these targets would judge. */
export interface ListedCase extends CaseName {
  readonly title: string;
}

/**
 * The cases that `verify` would judge, in its order: nothing is made or measured.
 *
 * @param targets claim names, suite names or YAML files
 * @throws UsageError or SpecError as `verify` does
 */
export const listCases = async (targets: readonly string[]): Promise<ListedCase[]> => {
  const { cases } = await selectAsked([...targets], { outFolder: '' });
  return cases.map((selected) => {
    const { claim, claimCase } = selected;
    return {
      id: claim.value.claim,
      title: claim.value.title,
      experiment: claimCase.experiment ?? null,
      comparison: comparisonOf(selected, false),
    };
  });
};

/**
 * Verifies claims: makes the evidence that they need, measures, judges, and writes the evidence into `outFolder`.
 *
 * @throws UsageError or SpecError before any work is done; ResourceError where the engine is missing
 */
export const verify = async (options: VerifyOptions): Promise<Verification> => {
  const started = new Date();
  const { progress, seed } = options;
  const targets = [...(options.suite === undefined ? [] : [options.suite]), ...options.targets];
  const whole = await selectAsked(targets, options);
  const part = options.shard && shardOf(whole, options.shard, seed);
  const selection = part?.selection ?? whole;
  const jobs = planJobs(selection, seed);
  if (planJobs(whole, seed).length === 0) {
    throw new UsageError(`${targets.join(', ')} selects no case of any claim`, {
      hint: 'the suite may name experiments that its claims have no case for',
    });
  }
  const experiments = experimentsOf(jobs);
  // Paths of given evidence come from the command line, and are its user's own.
  if (options.given === undefined && options.allowOutside !== true) await requireContainedPaths(experiments);
  const hashInputs = createInputHasher();
  const inputs = new Map<LoadedExperiment | undefined, readonly InputHash[]>();
  for (const experiment of experiments)
    inputs.set(experiment, await hashInputs(await inputFilesOf(experiment)));
  const engine = await startEngine(options.engine);
  progress.note(`engine ${engine.name}`);
  const results = createResults(await collectResults(jobs, inputs, engine, options), seed);
  const claims = correctForMany(selection.cases.map((selected) => judgeCase(selected, results, seed)));
  const tables = selection.tables.map((selected) => {
    const source: TableSource = {
      quantity: results.ofExperiment,
      seedsOf: (experiment) => seedsOf(experiment, selected.seeds, seed),
      parametersOf: (experiment) => results.parametersOf(experiment, source.seedsOf(experiment)),
    };
    return compare(selected, source);
  });
  const finished = new Date();
  const seeds = seedsOfRun(selection, seed);
  const claimFiles = selection.cases.map(({ claim }) => claim.file);
  return {
    manifest: createManifest({
      engine,
      seeds: seeds.length > 0 ? seeds : [propertiesOf(seed).seed],
      inputs: await hashInputs([...claimFiles, ...(await Promise.all(experiments.map(inputFilesOf))).flat()]),
      tfjs: tf.version['tfjs-core'],
    }),
    report: {
      schema: 1,
      run: {
        dsteer: dsteerVersion,
        targets,
        engine: engine.name,
        seeds,
        startedAt: started.toISOString(),
        finishedAt: finished.toISOString(),
        seconds: (finished.getTime() - started.getTime()) / 1000,
        ...(part === undefined ? {} : { shard: part.shard }),
      },
      claims,
      tables,
      totals: totalsOf(claims),
    },
  };
};
