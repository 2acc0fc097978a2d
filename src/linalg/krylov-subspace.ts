/** An orthonormal basis under growth, the operator's image of each of its vectors, and the projected operator. */

import { createRandom } from '../base/index.js';
import { leadingEigen } from './leading-eigen.js';
import { addScaled, inner } from './vectors.js';

/** A symmetric linear map of R^size. */
export interface SymmetricOperator {
  readonly size: number;
  /** Writes A·vector into `out`; both [size]. */
  apply(vector: Float64Array, out: Float64Array): void;
}

/** A direction of which less than this is left after projection adds nothing but rounding. */
const DEPENDENT = 1e-10;

/** Projecting once loses digits where less than this share of a vector is new; then it is done twice. */
const CANCELLED = 1e-2;

/** Subtracts from `vector` what lies in the span of `basis` (orthonormal); returns what share of it is left. */
const projectOut = (vector: Float64Array, basis: readonly Float64Array[]): number => {
  const before = Math.sqrt(inner(vector, vector));
  if (before === 0) return 0;
  for (let pass = 0; ; pass++) {
    for (const q of basis) addScaled(vector, -inner(vector, q), q);
    const left = Math.sqrt(inner(vector, vector)) / before;
    if (left > CANCELLED || left < DEPENDENT || pass === 1) return left;
  }
};

export interface RitzPairs {
  /** All eigenvalues of the projected operator, descending. */
  readonly values: Float64Array;
  /** The first few eigenvectors' coefficients over the basis. */
  readonly coefficients: readonly Float64Array[];
}

export class KrylovSubspace {
  products = 0;
  #basis: Float64Array[] = [];
  #images: Float64Array[] = [];
  /** Lower triangle of Q·A·Qᵀ, a row a vector. */
  #projected: Float64Array[] = [];
  readonly #operator: SymmetricOperator;
  readonly #random = createRandom('krylov-subspace');

  constructor(operator: SymmetricOperator) {
    this.#operator = operator;
  }

  get dimension(): number {
    return this.#basis.length;
  }

  /** A vector [size] of length near 1 that points anywhere. */
  noise(): Float64Array {
    const scale = Math.sqrt(12 / this.#operator.size);
    const vector = new Float64Array(this.#operator.size);
    for (let i = 0; i < vector.length; i++) vector[i] = scale * (this.#random.next() - 0.5);
    return vector;
  }

  /** Adds what is new in `vector` (overwritten), or in noise where nothing is, while there is room in the space. */
  extend(vector: Float64Array): void {
    if (this.dimension >= this.#operator.size) return;
    let fresh = vector;
    while (!(projectOut(fresh, this.#basis) > DEPENDENT)) fresh = this.noise();
    const length = Math.sqrt(inner(fresh, fresh));
    for (let i = 0; i < fresh.length; i++) fresh[i] = (fresh[i] as number) / length;
    const image = new Float64Array(fresh.length);
    this.#operator.apply(fresh, image);
    this.products++;
    this.#basis.push(fresh);
    this.#images.push(image);
    const row = new Float64Array(this.dimension);
    for (let j = 0; j < row.length; j++) row[j] = inner(this.#basis[j] as Float64Array, image);
    this.#projected.push(row);
  }

  /** Adds the images of the last `block` vectors: the next power of the operator. */
  grow(block: number): void {
    for (const image of this.#images.slice(-block)) this.extend(image.slice());
  }

  /** The projected operator's eigenvalues and its first k eigenvectors. */
  ritz(k: number): RitzPairs {
    const m = this.dimension;
    const lower = new Float64Array(m * m);
    for (let i = 0; i < m; i++) lower.set(this.#projected[i] as Float64Array, i * m);
    const { values, vectors } = leadingEigen(lower, m, k);
    return { values, coefficients: vectors };
  }

  /** Σ coefficient_j · q_j, a vector of the full space. */
  vector(coefficients: Float64Array): Float64Array {
    return this.#combine(this.#basis, coefficients);
  }

  /** Σ coefficient_j · A·q_j, its image. */
  image(coefficients: Float64Array): Float64Array {
    return this.#combine(this.#images, coefficients);
  }

  #combine(vectors: readonly Float64Array[], coefficients: Float64Array): Float64Array {
    const out = new Float64Array(this.#operator.size);
    for (let j = 0; j < vectors.length; j++)
      addScaled(out, coefficients[j] as number, vectors[j] as Float64Array);
    return out;
  }

  /** Starts anew from the first `keep` Ritz vectors and the next power of the last `block` vectors. */
  restart(keep: number, block: number): void {
    const { values, coefficients } = this.ritz(keep);
    const next = this.#images.slice(-block).map((image) => image.slice());
    for (const vector of next) projectOut(vector, this.#basis);
    const basis = coefficients.map((row) => this.vector(row));
    this.#images = coefficients.map((row) => this.image(row));
    this.#basis = basis;
    this.#projected = basis.map((_, i) => {
      const row = new Float64Array(i + 1);
      row[i] = values[i] as number;
      return row;
    });
    for (const vector of next) this.extend(vector);
  }
}
