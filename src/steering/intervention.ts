import { UsageError } from '../base/index.js';

/** A steering vector [d]; float64 ones are used as they are on rows, and rounded where a tensor needs them. */
export type Vector = Float32Array | Float64Array;

/** Where an intervention acts: after block 1..L (before the final norm), or on the final hidden state. */
export type Site = number | 'postNorm';

/**
 * What is done to a hidden state h by a vector v: `add` gives h + λv, `ablate` gives h − λ⟨h,v̂⟩v̂ (λ = 1 removes the
 * direction, and doing it twice changes nothing more).
 */
export type InterventionKind = 'add' | 'ablate';

export interface Intervention {
  readonly kind: InterventionKind;
  /** Block 1..L or `postNorm`. The residual stream after block L is not the final hidden state. */
  readonly at: Site;
  /** [d]. λ belongs to this vector, not to a model: rescaling the vector rescales λ. */
  readonly vector: Vector;
  /** Any number for `add`; at least 0 for `ablate`, where a negative one would strengthen the direction. */
  readonly lambda: number;
  /** Scale every changed row back to the norm it had. Default false. */
  readonly normPreserving?: boolean;
  /** `completion`: from the last prompt token on, the positions whose outputs predict completion tokens. */
  readonly positions: 'all' | 'completion';
}

/** An intervention on rows, wherever they come from. */
export type RowIntervention = Pick<Intervention, 'kind' | 'vector' | 'lambda' | 'normPreserving'>;

const squaredNorm = (values: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i] ?? 0) ** 2;
  return sum;
};

/** @throws UsageError for a vector of another size than d, values that are not finite, and senseless λ */
export const checkRowIntervention = ({ kind, vector, lambda }: RowIntervention, d: number): void => {
  if (vector.length !== d) {
    throw new UsageError(`a vector of ${vector.length} dimensions cannot steer hidden states of ${d}`);
  }
  if (!Number.isFinite(lambda)) throw new UsageError(`λ must be a finite number, not ${lambda}`);
  if (!vector.every(Number.isFinite)) throw new UsageError('a steering vector must be finite');
  if (kind === 'ablate' && squaredNorm(vector) === 0) {
    throw new UsageError('a zero vector has no direction to ablate');
  }
  if (kind === 'ablate' && lambda < 0) {
    throw new UsageError(`ablation with λ = ${lambda} would strengthen the direction, not remove it`, {
      hint: 'take λ ≥ 0, or add the vector instead',
    });
  }
};

/** @throws UsageError as `checkRowIntervention`, and for a layer that the model does not have */
export const checkIntervention = (
  intervention: Intervention,
  { hiddenSize, layers }: { readonly hiddenSize: number; readonly layers: number },
): void => {
  const { at } = intervention;
  if (at !== 'postNorm' && !(Number.isInteger(at) && at >= 1 && at <= layers)) {
    throw new UsageError(`there is no layer ${at} to steer`, { hint: `layers 1 to ${layers}, or postNorm` });
  }
  checkRowIntervention(intervention, hiddenSize);
};

/** The coefficient c of h + c·v. */
const coefficient = (row: Float32Array, { kind, vector, lambda }: RowIntervention): number => {
  if (kind === 'add') return lambda;
  let dot = 0;
  for (let i = 0; i < row.length; i++) dot += (row[i] ?? 0) * (vector[i] ?? 0);
  return (-lambda * dot) / squaredNorm(vector);
};

/** Changes one row [d] in place, in float64 but for the stored values. The intervention must have been checked. */
export const steerRow = (row: Float32Array, intervention: RowIntervention): void => {
  const c = coefficient(row, intervention);
  const { vector, normPreserving = false } = intervention;
  const before = normPreserving ? squaredNorm(row) : 0;
  for (let i = 0; i < row.length; i++) row[i] = (row[i] ?? 0) + c * (vector[i] ?? 0);
  if (!normPreserving) return;
  const after = squaredNorm(row);
  if (after === 0) return;
  const scale = Math.sqrt(before / after);
  for (let i = 0; i < row.length; i++) row[i] = (row[i] ?? 0) * scale;
};
