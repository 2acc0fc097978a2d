/** L2-regularised logistic regression on sparse features, by Newton's method. */
import { ComputationError, UsageError } from '../base/index.js';

/** A row of features: values at ascending, distinct indices. */
export interface SparseRow {
  readonly indices: Int32Array;
  readonly values: Float64Array;
}

export interface LogisticOptions {
  /** λ of the penalty λ/2·‖w‖² on the sum of the log-losses; the intercept goes free. Default 1. */
  readonly penalty?: number;
  /** Whether a row without features may have another score than 0. Default true. */
  readonly intercept?: boolean;
  /** Newton stops once no part of the gradient is larger. Default 1e-6 times the number of rows. */
  readonly tolerance?: number;
}

export interface LogisticModel {
  /** [d] */
  readonly weights: Float64Array;
  readonly intercept: number;
}

export const sigmoid = (x: number): number =>
  x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));

/** log(1 + eˣ) without overflow. */
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** w·x + b. */
export const logisticScore = (
  { weights, intercept }: LogisticModel,
  { indices, values }: SparseRow,
): number => {
  let score = intercept;
  for (let k = 0; k < indices.length; k++) score += (weights[indices[k] ?? -1] ?? 0) * (values[k] ?? 0);
  return score;
};

const innerProduct = (a: Float64Array, b: Float64Array): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
};

const maxNewtonSteps = 50;

/** Parameters hold the weights and, last, the intercept. */
interface Problem {
  readonly rows: readonly SparseRow[];
  readonly labels: ArrayLike<number>;
  readonly features: number;
  readonly penalty: number;
  readonly intercept: boolean;
}

const scoresOf = ({ rows, features }: Problem, parameters: Float64Array): Float64Array => {
  const model = { weights: parameters.subarray(0, features), intercept: parameters[features] ?? 0 };
  return Float64Array.from(rows, (row) => logisticScore(model, row));
};

/** Xᵀc with a last entry of Σc, plus `penalty` times the weights of `parameters`. */
const transposed = (
  { rows, features, penalty, intercept }: Problem,
  coefficients: Float64Array,
  parameters: Float64Array,
): Float64Array => {
  const result = new Float64Array(features + 1);
  for (let i = 0; i < features; i++) result[i] = penalty * (parameters[i] as number);
  rows.forEach(({ indices, values }, row) => {
    const c = coefficients[row] ?? 0;
    for (let k = 0; k < indices.length; k++) {
      const index = indices[k] ?? 0;
      result[index] = (result[index] ?? 0) + c * (values[k] ?? 0);
    }
    if (intercept) result[features] = (result[features] ?? 0) + c;
  });
  return result;
};

const lossOf = (problem: Problem, parameters: Float64Array): number => {
  const weights = parameters.subarray(0, problem.features);
  let loss = (problem.penalty / 2) * innerProduct(weights, weights);
  scoresOf(problem, parameters).forEach((score, row) => {
    loss += softplus(score) - (problem.labels[row] ?? 0) * score;
  });
  return loss;
};

/** Solves H·s = −g by conjugate gradients; H = XᵀDX + penalty is only ever multiplied with. */
const newtonStep = (problem: Problem, curvatures: Float64Array, gradient: Float64Array): Float64Array => {
  const step = new Float64Array(gradient.length);
  const residual = gradient.map((value) => -value);
  let direction = Float64Array.from(residual);
  let squared = innerProduct(residual, residual);
  const enough = 1e-16 * squared;
  for (let k = 0; k < 2 * gradient.length && squared > enough; k++) {
    const along = scoresOf(problem, direction).map((value, row) => value * (curvatures[row] ?? 0));
    const product = transposed(problem, along, direction);
    const curvature = innerProduct(direction, product);
    // Flat to rounding: nothing is left to gain along it.
    if (!(curvature > 0)) break;
    const length = squared / curvature;
    for (let i = 0; i < step.length; i++) {
      step[i] = (step[i] as number) + length * (direction[i] as number);
      residual[i] = (residual[i] as number) - length * (product[i] as number);
    }
    const next = innerProduct(residual, residual);
    direction = direction.map((value, i) => (residual[i] ?? 0) + (next / squared) * value);
    squared = next;
  }
  return step;
};

/**
 * The weights that minimise Σ log(1 + e^s) − y·s + λ/2·‖w‖², s = w·x + b: convex, so they do not depend on any seed.
 *
 * @param rows one an example
 * @param labels 0 or 1 an example; both must occur
 * @param features number of weights
 * @throws UsageError for labels of one kind only; ComputationError if Newton's method does not converge
 */
export const fitLogistic = (
  rows: readonly SparseRow[],
  labels: ArrayLike<number>,
  features: number,
  { penalty = 1, intercept = true, tolerance = 1e-6 * rows.length }: LogisticOptions = {},
): LogisticModel => {
  const positives = Array.from(labels).filter((label) => label === 1).length;
  if (rows.length !== labels.length || positives === 0 || positives === rows.length) {
    throw new UsageError(
      `${rows.length} examples with ${positives} positive ones cannot train a classifier: it needs both kinds`,
    );
  }
  if (!(penalty > 0)) throw new UsageError(`the penalty must be positive, not ${penalty}`);
  const problem: Problem = { rows, labels, features, penalty, intercept };
  let parameters: Float64Array = new Float64Array(features + 1);
  let loss = lossOf(problem, parameters);
  for (let iteration = 0; iteration < maxNewtonSteps; iteration++) {
    const chances = scoresOf(problem, parameters).map(sigmoid);
    const gradient = transposed(
      problem,
      chances.map((chance, row) => chance - (labels[row] ?? 0)),
      parameters,
    );
    if (gradient.every((value) => Math.abs(value) <= tolerance)) {
      return { weights: parameters.slice(0, features), intercept: parameters[features] ?? 0 };
    }
    const curvatures = chances.map((chance) => chance * (1 - chance));
    const step = newtonStep(problem, curvatures, gradient);
    const slope = innerProduct(step, gradient);
    for (let size = 1; ; size /= 2) {
      const next = parameters.map((value, i) => value + size * (step[i] ?? 0));
      const nextLoss = lossOf(problem, next);
      // Armijo's rule; near the optimum the gain drowns in rounding, and the whole step is right.
      if (nextLoss <= loss + 1e-4 * size * slope || Math.abs(slope) < 1e-10 * (1 + loss)) {
        parameters = next;
        loss = nextLoss;
        break;
      }
      if (size < 1e-10) {
        throw new ComputationError('the classifier does not converge: no step lowers its loss', {
          hint: 'the features may hold NaN or infinity',
        });
      }
    }
  }
  throw new ComputationError(`the classifier did not converge in ${maxNewtonSteps} steps`);
};
