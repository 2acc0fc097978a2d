// One AdamW update of one parameter, in place, and the sum of squares that clipping needs.

import { splat } from './simd';

export function adamw(
  parameter: usize,
  gradient: usize,
  first: usize,
  second: usize,
  size: i32,
  beta1: f32,
  rest1: f32,
  beta2: f32,
  rest2: f32,
  epsilon: f32,
  stepSize: f32,
  keep: f32,
  secondCorrection: f32,
  gradScale: f32,
): void {
  const inverse: f32 = 1 / secondCorrection;
  const whole = (<usize>(size & ~3)) << 2;
  const bytes = (<usize>size) << 2;
  let at: usize = 0;
  for (; at < whole; at += 16) {
    const g = f32x4.mul(v128.load(gradient + at), splat(gradScale));
    const m = f32x4.add(f32x4.mul(v128.load(first + at), splat(beta1)), f32x4.mul(g, splat(rest1)));
    const v = f32x4.add(f32x4.mul(v128.load(second + at), splat(beta2)), f32x4.mul(f32x4.mul(g, g), splat(rest2)));
    v128.store(first + at, m);
    v128.store(second + at, v);
    const denominator = f32x4.add(f32x4.sqrt(f32x4.mul(v, splat(inverse))), splat(epsilon));
    const step = f32x4.div(f32x4.mul(m, splat(stepSize)), denominator);
    v128.store(parameter + at, f32x4.sub(f32x4.mul(v128.load(parameter + at), splat(keep)), step));
  }
  for (; at < bytes; at += 4) {
    const g = load<f32>(gradient + at) * gradScale;
    const m = load<f32>(first + at) * beta1 + g * rest1;
    const v = load<f32>(second + at) * beta2 + g * g * rest2;
    store<f32>(first + at, m);
    store<f32>(second + at, v);
    const step = (m * stepSize) / (sqrt<f32>(v * inverse) + epsilon);
    store<f32>(parameter + at, load<f32>(parameter + at) * keep - step);
  }
}

/** Σ x² in double precision. */
export function sumSquares(x: usize, size: i32): f64 {
  const whole = (<usize>(size & ~3)) << 2;
  const bytes = (<usize>size) << 2;
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  let at: usize = 0;
  for (; at < whole; at += 16) {
    const v = v128.load(x + at);
    const a = f64x2.promote_low_f32x4(v);
    const b = f64x2.promote_low_f32x4(v128.shuffle<f32>(v, v, 2, 3, 2, 3));
    low = f64x2.add(low, f64x2.mul(a, a));
    high = f64x2.add(high, f64x2.mul(b, b));
  }
  const both = f64x2.add(low, high);
  let sum = f64x2.extract_lane(both, 0) + f64x2.extract_lane(both, 1);
  for (; at < bytes; at += 4) {
    const v = <f64>load<f32>(x + at);
    sum += v * v;
  }
  return sum;
}
