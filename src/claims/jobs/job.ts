/** A job: one experiment under one training seed, or the random cases of properties, and what to measure there. */
import type { AlternativeVector, ControlId, MetricId, Subject, VariantControl } from '../metrics/index.js';
import type { LoadedExperiment } from '../spec/load.js';
import type { LayerSelection } from '../spec/schema.js';

/** One quantity of one subject, with the number of bootstrap draws that its verdict rests on. */
export interface Task {
  readonly metric: MetricId;
  readonly layers: LayerSelection;
  readonly subject: Subject;
  readonly draws: number;
}

export interface Job {
  /** `many-frames/seed-100`, `properties/seed-100`: also its folder in the run directory. */
  readonly id: string;
  /** None for properties. */
  readonly experiment: LoadedExperiment | undefined;
  readonly seed: number;
  /** Control policies that any task needs, beside the DPO policy. */
  readonly variants: readonly VariantControl[];
  /** Vectors from elsewhere that any task needs. */
  readonly alternatives: readonly AlternativeVector[];
  readonly tasks: readonly Task[];
}

/** What one task found: the quantity on all prompts, and in each resample of them. */
export type TaskResult =
  | {
      readonly state: 'measured';
      readonly n: number;
      readonly estimate: number;
      /** NaN where a resample leaves the quantity undefined. */
      readonly draws: Float64Array;
      /** Results of equal names were drawn over the same prompts, and pair draw by draw. */
      readonly resampling: string;
      /** Every prompt is a source document of its own. */
      readonly independent: boolean;
      readonly counts?: { readonly successes: number; readonly trials: number };
      readonly details: Readonly<Record<string, number>>;
      readonly counterexample?: { readonly seed: number; readonly path: string; readonly value: string };
    }
  | { readonly state: 'failed'; readonly message: string };

export interface JobResult {
  /** Parameters of the model; none for properties. */
  readonly parameters: number | null;
  /** Policies that were not trained, since the store had them. */
  readonly reused: number;
  /** By `taskKey`. */
  readonly tasks: ReadonlyMap<string, TaskResult>;
}

export const taskKey = ({ metric, layers, subject, draws }: Task): string =>
  `${metric} @ ${typeof layers === 'object' ? `depth ${layers.depth.join('–')}` : layers} / ${subject} / ${draws}`;

/** Each task once, in order. */
export const distinctTasks = (tasks: readonly Task[]): Task[] => {
  const byKey = new Map(tasks.map((task) => [taskKey(task), task]));
  return [...byKey.values()];
};

export const subjects = (controls: readonly { readonly id: ControlId }[]): Subject[] => [
  'claim',
  ...controls.map(({ id }) => id),
];
