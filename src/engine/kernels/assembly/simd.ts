// Vector pieces that the kernels share. Everything is inlined; nothing allocates; no static data.

// @ts-ignore: decorator
@inline
export function splat(x: f32): v128 {
  return f32x4.splat(x);
}

/** a · b + c: rounded once where the build has relaxed SIMD (fused multiply-add), else twice. */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** Sum of the four lanes, in a fixed order. */
// @ts-ignore: decorator
@inline
export function sumLanes(v: v128): f32 {
  const folded = f32x4.add(v, i8x16.shuffle(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  return f32x4.extract_lane(folded, 0) + f32x4.extract_lane(folded, 1);
}

/** Largest of the four lanes. */
// @ts-ignore: decorator
@inline
export function maxLanes(v: v128): f32 {
  return max(
    max(f32x4.extract_lane(v, 0), f32x4.extract_lane(v, 1)),
    max(f32x4.extract_lane(v, 2), f32x4.extract_lane(v, 3)),
  );
}

// Constants of exp4. They lie on the heap and are loaded where they are used: V8 rebuilds a constant vector from
// immediates each time round a loop, at three instructions where a load is one.
let table: usize = 0;

// @ts-ignore: decorator
@inline
function constant(index: i32, x: f32): void {
  v128.store(table + ((<usize>index) << 4), splat(x));
}

/** Bytes of the constants. */
export function constantBytes(): i32 {
  return 13 * 16;
}

/** Writes the constants to `at`, a multiple of 16, where they must stay. To be called once, first of all. */
export function initialise(at: usize): void {
  table = at;
  constant(0, -86.9);
  constant(1, 88.3);
  constant(2, 1.4426950408889634);
  constant(3, 12582912.0);
  constant(4, 0.693359375);
  constant(5, -2.12194440e-4);
  constant(6, 0.008290144224243652);
  constant(7, 0.0418988517693644);
  constant(8, 0.1666764394456608);
  constant(9, 0.49999142753639586);
  constant(10, 0.9999997036702034);
  constant(11, 1);
  constant(12, -69);
}

/** Where the constants lie: to be read once a kernel and handed to `exp4`. */
// @ts-ignore: decorator
@inline
export function constants(): usize {
  return table;
}

/**
 * e^x in four lanes, relative error below 5e-7: x = n·ln 2 + r, the minimax polynomial of degree 5 in r, n put into the
 * exponent. Clamped to [-86.9, 88.3], so that n stays a normal exponent: below, the result is 1.8e-38 and not 0.
 */
// @ts-ignore: decorator
@inline
export function exp4(input: v128, at: usize): v128 {
  const x = f32x4.pmin(f32x4.pmax(input, v128.load(at)), v128.load(at, 16));
  // Adding 1.5·2^23 rounds to an integer and leaves it in the low bits.
  const magic = v128.load(at, 48);
  const shifted = f32x4.add(f32x4.mul(x, v128.load(at, 32)), magic);
  const n = f32x4.sub(shifted, magic);
  const r = f32x4.sub(f32x4.sub(x, f32x4.mul(n, v128.load(at, 64))), f32x4.mul(n, v128.load(at, 80)));
  // Estrin's order: the chain of dependent operations is what limits the loop.
  const square = f32x4.mul(r, r);
  const high = madd(v128.load(at, 96), r, v128.load(at, 112));
  const middle = madd(v128.load(at, 128), r, v128.load(at, 144));
  const low = madd(v128.load(at, 160), r, v128.load(at, 176));
  const p = madd(madd(high, square, middle), square, low);
  return i32x4.add(p, i32x4.shl(shifted, 23));
}

/** e^x by the same steps in one lane. */
// @ts-ignore: decorator
@inline
export function exp1(x: f32, at: usize): f32 {
  return f32x4.extract_lane(exp4(splat(x), at), 0);
}

/**
 * e^x in four lanes as weights of a softmax, whose largest is 1: 0 below e^−69 ≈ 1e-30, which no sum would notice. Smaller
 * ones become subnormal in the products that follow, and those are computed a hundred times as slowly.
 */
// @ts-ignore: decorator
@inline
export function weight4(x: v128, at: usize): v128 {
  return v128.andnot(exp4(x, at), f32x4.lt(x, v128.load(at, 192)));
}

/** `weight4` in one lane. */
// @ts-ignore: decorator
@inline
export function weight1(x: f32, at: usize): f32 {
  return f32x4.extract_lane(weight4(splat(x), at), 0);
}
