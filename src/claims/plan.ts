/** The planner: from what is to be judged to the jobs that measure it; evidence that several claims share is made once. */
import { resolve } from 'node:path';
import { UsageError } from '../base/index.js';
import { distinctTasks, type Job, subjects, type Task } from './jobs/job.js';
import { alternativeVectors, variantControls } from './metrics/catalogue.js';
import type { LoadedExperiment } from './spec/load.js';
import type { ComparisonSpec } from './spec/schema.js';
import type { SelectedCase, SelectedTable, Selection } from './spec/select.js';

/** Bootstrap draws of a table's cells. */
export const tableDraws = 2000;

/** Seed of the random cases of properties, where none is asked for. */
const propertySeed = 100;

export const propertiesOf = (seed: number | undefined): { readonly id: string; readonly seed: number } => {
  const own = seed ?? propertySeed;
  return { id: `properties/seed-${own}`, seed: own };
};

export const jobIdOf = ({ value }: LoadedExperiment, seed: number): string =>
  `${value.experiment}/seed-${seed}`;

/** Training seeds of an experiment in a selection: asked for on the command line, by the suite, or its own. */
export const seedsOf = (
  experiment: LoadedExperiment,
  suiteSeeds: readonly number[] | undefined,
  seed: number | undefined,
): readonly number[] => (seed === undefined ? (suiteSeeds ?? experiment.value.seeds) : [seed]);

/** The quantities that a case is judged by, for the claim and each control. */
export const tasksOfCase = ({ claim, controls }: SelectedCase): Task[] => {
  const { metric, layers, draws } = claim.value;
  return subjects(controls).map((subject) => ({ metric, layers, subject, draws }));
};

export const tasksOfTable = ({ metrics }: ComparisonSpec): Task[] =>
  metrics.map(({ metric, layers }) => ({ metric, layers, subject: 'claim', draws: tableDraws }));

interface Request {
  readonly experiments: readonly LoadedExperiment[];
  readonly seeds: readonly number[] | undefined;
  readonly tasks: readonly Task[];
}

const requestsOf = ({ cases, tables }: Selection): Request[] => [
  ...cases.map((selected) => ({
    experiments: selected.experiments,
    seeds: selected.seeds,
    tasks: tasksOfCase(selected),
  })),
  ...tables.map(({ table, experiments, seeds }: SelectedTable) => ({
    experiments,
    seeds,
    tasks: tasksOfTable(table),
  })),
];

/** One job an experiment and seed, in the order in which they are first asked for; one for all properties. */
export const planJobs = (selection: Selection, seed?: number): Job[] => {
  const byId = new Map<
    string,
    { readonly experiment: LoadedExperiment | undefined; seed: number; tasks: Task[] }
  >();
  const addTo = (
    id: string,
    experiment: LoadedExperiment | undefined,
    jobSeed: number,
    tasks: readonly Task[],
  ) => {
    const job = byId.get(id) ?? { experiment, seed: jobSeed, tasks: [] };
    if (experiment && job.experiment && resolve(experiment.file) !== resolve(job.experiment.file)) {
      throw new UsageError(
        `two experiments are called ${experiment.value.experiment}: their evidence would mix`,
        {
          where: experiment.locate(['experiment']),
          hint: `the other stands in ${job.experiment.file}: rename one of them`,
        },
      );
    }
    job.tasks.push(...tasks);
    byId.set(id, job);
  };
  for (const { experiments, seeds, tasks } of requestsOf(selection)) {
    if (experiments.length === 0) {
      const properties = propertiesOf(seed);
      addTo(properties.id, undefined, properties.seed, tasks);
    }
    for (const experiment of experiments) {
      for (const own of seedsOf(experiment, seeds, seed)) {
        addTo(jobIdOf(experiment, own), experiment, own, tasks);
      }
    }
  }
  return [...byId].map(([id, { experiment, seed: jobSeed, tasks }]) => {
    const distinct = distinctTasks(tasks);
    const asked = new Set<string>(distinct.map(({ subject }) => subject));
    return {
      id,
      experiment,
      seed: jobSeed,
      tasks: distinct,
      variants: variantControls.filter((control) => asked.has(control)),
      alternatives: alternativeVectors.filter((control) => asked.has(control)),
    };
  });
};

/** Experiments of a plan, each once. */
export const experimentsOf = (jobs: readonly Job[]): LoadedExperiment[] => {
  const seen = new Map<string, LoadedExperiment>();
  for (const { experiment } of jobs) {
    if (experiment) seen.set(`${resolve(experiment.file)}\n${experiment.value.experiment}`, experiment);
  }
  return [...seen.values()];
};
