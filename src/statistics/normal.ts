/** The standard normal distribution. */

import { UsageError } from '../base/index.js';

/** Value of the polynomial with these coefficients, the constant first. */
const polynomial = (coefficients: readonly number[], x: number): number =>
  coefficients.reduceRight((sum, coefficient) => sum * x + coefficient, 0);

// Wichura (1988), "Algorithm AS 241: the percentage points of the normal distribution", routine PPND16.
const CENTRAL = {
  numerator: [
    3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946, 45921.95393154987,
    67265.7709270087, 33430.57558358813, 2509.0809287301227,
  ],
  denominator: [
    1, 42.31333070160091, 687.1870074920579, 5394.196021424751, 21213.794301586597, 39307.89580009271,
    28729.085735721943, 5226.495278852546,
  ],
};
const MIDDLE = {
  numerator: [
    1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045, 1.2704582524523684,
    0.2417807251774506, 0.022723844989269184, 7.745450142783414e-4,
  ],
  denominator: [
    1, 2.053191626637759, 1.6763848301838038, 0.6897673349851, 0.14810397642748008, 0.015198666563616457,
    5.475938084995345e-4, 1.0507500716444169e-9,
  ],
};
const TAIL = {
  numerator: [
    6.657904643501103, 5.463784911164114, 1.7848265399172913, 0.29656057182850487, 0.026532189526576124,
    0.0012426609473880784, 2.7115555687434876e-5, 2.0103343992922881e-7,
  ],
  denominator: [
    1, 0.599832206555888, 0.1369298809227358, 0.014875361290850615, 7.868691311456133e-4,
    1.8463183175100548e-5, 1.421511758316446e-7, 2.0442631033899397e-15,
  ],
};

const ratio = ({ numerator, denominator }: typeof CENTRAL, x: number): number =>
  polynomial(numerator, x) / polynomial(denominator, x);

/**
 * The z with P(Z ≤ z) = p, to about 1e-16.
 *
 * @throws {UsageError} if p is not in (0, 1)
 */
export const normalQuantile = (p: number): number => {
  if (!(p > 0 && p < 1)) throw new UsageError(`a normal quantile needs a probability in (0, 1), not ${p}`);
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) return q * ratio(CENTRAL, 0.180625 - q * q);
  const r = Math.sqrt(-Math.log(q < 0 ? p : 1 - p));
  const z = r <= 5 ? ratio(MIDDLE, r - 1.6) : ratio(TAIL, r - 5);
  return q < 0 ? -z : z;
};

// Cody (1969), "Rational Chebyshev approximations for the error function", as coefficients of erfc for |x| > 0.46875.
const ERFC_MIDDLE = {
  numerator: [
    1230.3393547979972, 2051.0783778260716, 1712.0476126340707, 881.952221241769, 298.6351381974001,
    66.11919063714163, 8.883149794388377, 0.5641884969886701, 2.1531153547440383e-8,
  ],
  denominator: [
    1230.3393548037495, 3439.3676741437216, 4362.619090143247, 3290.7992357334597, 1621.3895745666903,
    537.1811018620099, 117.6939508913125, 15.744926110709835, 1,
  ],
};
const ERFC_TAIL = {
  numerator: [
    -6.587491615298378e-4, -0.016083785148742275, -0.12578172611122926, -0.36034489994980445,
    -0.30532663496123236, -0.016315387137302097,
  ],
  denominator: [
    0.0023352049762686918, 0.06051834131244132, 0.5279051029514285, 1.8729528499234604, 2.568520192289822, 1,
  ],
};
const ERF_CENTRAL = {
  numerator: [
    3209.3775891384694, 377.485237685302, 113.86415415105016, 3.1611237438705655, 0.18577770618460315,
  ],
  denominator: [2844.236833439171, 1282.6165260773723, 244.02463793444417, 23.601290952344122, 1],
};

/** P(Z > z) of a standard normal Z, with a relative error near 1e-15 until it underflows. */
export const normalTail = (z: number): number => {
  const x = z / Math.SQRT2;
  const size = Math.abs(x);
  if (Number.isNaN(z)) return Number.NaN;
  if (size <= 0.46875) return (1 - x * ratio(ERF_CENTRAL, x * x)) / 2;
  const scaled =
    size <= 4
      ? ratio(ERFC_MIDDLE, size)
      : (1 / Math.sqrt(Math.PI) + ratio(ERFC_TAIL, 1 / (size * size)) / (size * size)) / size;
  // exp(−x²) in two factors, the first exact, so that rounding x² costs nothing.
  const coarse = Math.trunc(size * 16) / 16;
  const tail = (Math.exp(-coarse * coarse) * Math.exp(-(size - coarse) * (size + coarse)) * scaled) / 2;
  return x > 0 ? tail : 1 - tail;
};
