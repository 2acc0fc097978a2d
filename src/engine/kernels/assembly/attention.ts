// What causal attention does between its products, on a block of queries of one head: scores become weights, and going back
// slopes of weights become those of scores. Weights are made again from two numbers a row.

import { constants, madd, splat, sumLanes, weight1, weight4 } from './simd';
import { exponentials, largest, multiply } from './softmax';

/** to[i] = e^(row[i] − most) · inverse. */
function weigh(row: usize, count: i32, most: f32, inverse: f32): void {
  const whole = (<usize>(count & ~3)) << 2;
  const bytes = (<usize>count) << 2;
  const mosts = splat(most);
  const inverses = splat(inverse);
  const table = constants();
  let at: usize = 0;
  for (; at < whole; at += 16) {
    v128.store(row + at, f32x4.mul(weight4(f32x4.sub(v128.load(row + at), mosts), table), inverses));
  }
  for (; at < bytes; at += 4) store<f32>(row + at, weight1(load<f32>(row + at) - most, table) * inverse);
}

/** Zeros from `from` on up to `to`, by whole vectors past it: rows end at a multiple of 8. */
// @ts-ignore: decorator
@inline
function clear(row: usize, from: i32, to: i32): void {
  const end = row + ((<usize>((to + 3) & ~3)) << 2);
  let at = row + ((<usize>from) << 2);
  for (; (at & 15) != 0 && at < end; at += 4) store<f32>(at, 0);
  for (; at < end; at += 16) v128.store(at, splat(0));
}

/** The gap between two continuations; it may end anywhere. */
function clearGap(row: usize, from: i32, to: i32): void {
  memory.fill(row + ((<usize>from) << 2), 0, (<usize>(to - from)) << 2);
}

/** Entries after the last that is seen, up to whole vectors, so that no loop over a row needs a tail. */
// @ts-ignore: decorator
@inline
function hideTail(row: usize, count: i32, whole: i32): void {
  for (let i = count; i < whole; i++) store<f32>(row + ((<usize>i) << 2), -Infinity);
}

/**
 * Scores [rows, ld] of the queries from `first` on become their weights, in place. Query i sees keys 0..i but those of
 * [fork, resume) if i ≥ resume: what follows `resume` continues the first `fork` positions, beside what lies between. `ld` is
 * a multiple of 8, and keys are written up to the last query's. `stats` [rows, 2] takes each row's largest score and the
 * inverse of its sum.
 */
export function causalSoftmax(
  scores: usize,
  ld: i32,
  first: i32,
  rows: i32,
  fork: i32,
  resume: i32,
  stats: usize,
): void {
  const limit = first + rows;
  for (let r: i32 = 0; r < rows; r++) {
    const row = scores + ((<usize>(r * ld)) << 2);
    const count = first + r + 1;
    const whole = (count + 3) & ~3;
    let most: f32;
    let sum: f32;
    if (count > resume) {
      const rest = row + ((<usize>resume) << 2);
      most = max(largest(row, fork), largest(rest, count - resume));
      sum = exponentials(row, row, fork, most, 1) + exponentials(rest, rest, count - resume, most, 1);
      clearGap(row, fork, resume);
    } else {
      hideTail(row, count, whole);
      most = largest(row, whole);
      sum = exponentials(row, row, whole, most, 1);
    }
    const inverse: f32 = 1 / sum;
    multiply(row, whole, inverse);
    clear(row, count, limit);
    store<f32>(stats, most);
    store<f32>(stats + 4, inverse);
    stats += 8;
  }
}

/** Scores become weights again by `stats`, and slopes of the weights become slopes of the unscaled scores; both in place. */
export function causalSoftmaxGrad(
  scores: usize,
  slopes: usize,
  ld: i32,
  first: i32,
  rows: i32,
  fork: i32,
  resume: i32,
  stats: usize,
  scale: f32,
): void {
  const limit = first + rows;
  for (let r: i32 = 0; r < rows; r++) {
    const offset = (<usize>(r * ld)) << 2;
    const row = scores + offset;
    const slope = slopes + offset;
    const count = first + r + 1;
    const whole = (count + 3) & ~3;
    const most = load<f32>(stats);
    const inverse = load<f32>(stats + 4);
    stats += 8;
    if (count > resume) {
      weigh(row, fork, most, inverse);
      clearGap(row, fork, resume);
      weigh(row + ((<usize>resume) << 2), count - resume, most, inverse);
    } else {
      weigh(row, whole, most, inverse);
    }
    clear(row, count, limit);
    clear(slope, count, limit);
    pullBack(row, slope, whole, scale);
  }
}

/** slope = w · (slope − Σ w·slope) · scale over the first `count` entries of a row, a multiple of 4. */
// @ts-ignore: decorator
@inline
function pullBack(row: usize, slope: usize, count: i32, scale: f32): void {
  const bytes = (<usize>count) << 2;
  let dots = splat(0);
  for (let at: usize = 0; at < bytes; at += 16) {
    dots = madd(v128.load(row + at), v128.load(slope + at), dots);
  }
  const mean = splat(sumLanes(dots));
  const scales = splat(scale);
  for (let at: usize = 0; at < bytes; at += 16) {
    const pull = f32x4.mul(v128.load(row + at), scales);
    v128.store(slope + at, f32x4.mul(pull, f32x4.sub(v128.load(slope + at), mean)));
  }
}
