/** Steering vectors by fold, and which of them judges a prompt. */
export interface CrossFittedVectors {
  /** The vector of fold 0 and of fold 1, [d] each. */
  readonly byFold: readonly [Float64Array, Float64Array];
  /** The vector that judges prompt `index`: estimated on the other fold. */
  readonly judging: (index: number) => Float64Array;
  /** The same in float32, as interventions take it. */
  readonly steering: (index: number) => Float32Array;
}

/** Vectors of two folds as a judge of prompts. */
export const crossFitted = (byFold: CrossFittedVectors['byFold'], folds: Uint8Array): CrossFittedVectors => {
  const single = byFold.map((vector) => Float32Array.from(vector)) as [Float32Array, Float32Array];
  const otherFold = (index: number): 0 | 1 => (folds[index] === 0 ? 1 : 0);
  return {
    byFold,
    judging: (index) => byFold[otherFold(index)],
    steering: (index) => single[otherFold(index)],
  };
};

/** The same vectors, each changed alike. */
export const mapVectors = (
  { byFold: [first, second] }: CrossFittedVectors,
  change: (vector: Float64Array) => Float64Array,
  folds: Uint8Array,
): CrossFittedVectors => crossFitted([change(first), change(second)], folds);
