// Pieces of a softmax over a row, and log-softmax over a vocabulary.

import { constants, exp1, exp4, maxLanes, splat, sumLanes, weight1, weight4 } from './simd';

export function largest(row: usize, count: i32): f32 {
  const whole = (<usize>(count & ~3)) << 2;
  const bytes = (<usize>count) << 2;
  let most: f32 = -Infinity;
  let at: usize = 0;
  if (whole > 0) {
    let many = v128.load(row);
    for (at = 16; at < whole; at += 16) many = f32x4.max(many, v128.load(row + at));
    most = maxLanes(many);
  }
  for (; at < bytes; at += 4) most = max(most, load<f32>(row + at));
  return most;
}

/** to = e^(scale·(row − most)); returns the sum. */
export function exponentials(row: usize, to: usize, count: i32, most: f32, scale: f32): f32 {
  const whole = (<usize>(count & ~3)) << 2;
  const bytes = (<usize>count) << 2;
  const mosts = splat(most);
  const scales = splat(scale);
  const table = constants();
  let sums = splat(0);
  let at: usize = 0;
  for (; at < whole; at += 16) {
    const e = weight4(f32x4.mul(f32x4.sub(v128.load(row + at), mosts), scales), table);
    v128.store(to + at, e);
    sums = f32x4.add(sums, e);
  }
  let sum = sumLanes(sums);
  for (; at < bytes; at += 4) {
    const e = weight1((load<f32>(row + at) - most) * scale, table);
    store<f32>(to + at, e);
    sum += e;
  }
  return sum;
}

export function multiply(row: usize, count: i32, factor: f32): void {
  const whole = (<usize>(count & ~3)) << 2;
  const bytes = (<usize>count) << 2;
  const factors = splat(factor);
  let at: usize = 0;
  for (; at < whole; at += 16) v128.store(row + at, f32x4.mul(v128.load(row + at), factors));
  for (; at < bytes; at += 4) store<f32>(row + at, load<f32>(row + at) * factor);
}

/**
 * For each row of logits [n, v]: its largest entry and Σ e^(entry − largest), and the logit of its target. Returns the
 * first row whose target is outside the vocabulary, or −1.
 */
export function logSumExp(
  logits: usize,
  targets: usize,
  most: usize,
  sums: usize,
  picked: usize,
  n: i32,
  v: i32,
): i32 {
  const bytes = (<usize>v) << 2;
  const whole = (<usize>(v & ~3)) << 2;
  const table = constants();
  for (let row: i32 = 0; row < n; row++) {
    const at = (<usize>row) << 2;
    const target = load<i32>(targets + at);
    if (target < 0 || target >= v) return row;
    const top = largest(logits, v);
    const tops = splat(top);
    let many = splat(0);
    let j: usize = 0;
    for (; j < whole; j += 16) many = f32x4.add(many, exp4(f32x4.sub(v128.load(logits + j), tops), table));
    let sum = sumLanes(many);
    for (; j < bytes; j += 4) sum += exp1(load<f32>(logits + j) - top, table);
    store<f32>(most + at, top);
    store<f32>(sums + at, sum);
    store<f32>(picked + at, load<f32>(logits + ((<usize>target) << 2)));
    logits += bytes;
  }
  return -1;
}

/** d(logits) [n, v] = (onehot(target) − softmax(logits)) · dy a row, to `to`, which may be `logits` itself. */
export function targetLogpsGrad(
  logits: usize,
  targets: usize,
  lse: usize,
  dy: usize,
  to: usize,
  n: i32,
  v: i32,
): void {
  const bytes = (<usize>v) << 2;
  const whole = (<usize>(v & ~3)) << 2;
  const table = constants();
  for (let row: i32 = 0; row < n; row++) {
    const at = (<usize>row) << 2;
    const shift = load<f32>(lse + at);
    const shifts = splat(shift);
    const slope = load<f32>(dy + at);
    const slopes = splat(-slope);
    let j: usize = 0;
    for (; j < whole; j += 16) {
      v128.store(to + j, f32x4.mul(weight4(f32x4.sub(v128.load(logits + j), shifts), table), slopes));
    }
    for (; j < bytes; j += 4) store<f32>(to + j, -slope * weight1(load<f32>(logits + j) - shift, table));
    const target = to + ((<usize>load<i32>(targets + at)) << 2);
    store<f32>(target, load<f32>(target) + slope);
    logits += bytes;
    to += bytes;
  }
}

/** e^x elementwise: what the other kernels compute with, for tests. */
export function exponential(x: usize, y: usize, n: i32): void {
  const table = constants();
  for (let i: i32 = 0; i < n; i++) {
    const at = (<usize>i) << 2;
    store<f32>(y + at, exp1(load<f32>(x + at), table));
  }
}
