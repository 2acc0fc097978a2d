/** Stopping at the first number that is not finite, and naming where it came from. */
import { ComputationError } from '../base/index.js';
import type { tf } from '../engine/index.js';

type Named = Iterable<readonly [name: string, tensor: tf.Tensor]>;

/** The first tensor that holds a NaN or an infinity. */
export const firstNonFinite = async (tensors: Named): Promise<string | undefined> => {
  for (const [name, tensor] of tensors) {
    if ((await tensor.data()).some((value) => !Number.isFinite(value))) return name;
  }
  return undefined;
};

export interface Divergence {
  readonly step: number;
  readonly loss: number;
  /** Places of the batch's examples in the data. */
  readonly examples: readonly number[];
  readonly weights: Named;
  readonly gradients: Named;
}

const listed = (examples: readonly number[]): string => {
  const shown = examples.slice(0, 8).join(', ');
  return examples.length > 8 ? `${shown} and ${examples.length - 8} more` : shown;
};

/** The error that names step, tensor and batch. Weights come first: from a bad one everything is bad. */
export const describeDivergence = async ({
  step,
  loss,
  examples,
  weights,
  gradients,
}: Divergence): Promise<ComputationError> => {
  const weight = await firstNonFinite(weights);
  const gradient = weight === undefined ? await firstNonFinite(gradients) : undefined;
  const place =
    weight !== undefined
      ? `the weight ${weight}`
      : gradient !== undefined
        ? `the gradient of ${gradient}`
        : 'no single tensor';
  return new ComputationError(
    `training diverged at step ${step}: the loss is ${loss}; not finite: ${place}; the batch: examples ${listed(examples)} (counted from 0)`,
    {
      hint: 'lower the learning rate, clip the gradient harder, or look at these examples',
    },
  );
};
