/** Parameters as variables of the running engine: made, found, copied. */
import { ComputationError, createRandom } from '../base/index.js';
import { tf } from '../engine/index.js';

export type Variables = ReadonlyMap<string, tf.Variable>;

export type ParameterShapes = ReadonlyMap<string, readonly number[]>;

/** How a fresh parameter is filled: a constant where `sd` is 0, else normal. */
export interface InitialValues {
  readonly mean: number;
  readonly sd: number;
}

/** Fresh parameters; each draws from a stream of its own name, so that equal seeds give equal weights. */
export const initialVariables = (
  shapes: ParameterShapes,
  initial: (name: string, shape: readonly number[]) => InitialValues,
  seed: number,
): Map<string, tf.Variable> => {
  const variables = new Map<string, tf.Variable>();
  for (const [name, shape] of shapes) {
    const { mean, sd } = initial(name, shape);
    const values = new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(mean);
    if (sd > 0) {
      const random = createRandom(seed).fork(name);
      for (let i = 0; i < values.length; i++) values[i] = mean + sd * random.normal();
    }
    const tensor = tf.tensor(values, [...shape]);
    variables.set(name, tf.variable(tensor));
    tensor.dispose();
  }
  return variables;
};

/** An independent copy: the library's own clone shares the data, which an optimiser that works in place would change twice. */
export const copyVariable = (variable: tf.Tensor, factor = 1): tf.Variable => {
  const copy = tf.tidy(() => tf.mul(variable, factor));
  const result = tf.variable(copy);
  copy.dispose();
  return result;
};

export const copyVariables = (variables: Variables): Map<string, tf.Variable> =>
  new Map([...variables].map(([name, variable]) => [name, copyVariable(variable)]));

/** Parameters by name, as tensors of their rank. */
export const parameterFinder = (variables: Variables) => {
  const find = (name: string): tf.Tensor => {
    const variable = variables.get(name);
    if (!variable) throw new ComputationError(`the model was built without its parameter ${name}`);
    return variable;
  };
  return {
    matrix: (name: string) => find(name) as tf.Tensor2D,
    vector: (name: string) => find(name) as tf.Tensor1D,
  };
};
