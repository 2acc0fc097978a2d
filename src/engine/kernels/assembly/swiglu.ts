// silu(gate) · up and its gradient.

import { constants, exp1, exp4, splat } from './simd';

export function swiglu(gate: usize, up: usize, out: usize, size: i32): void {
  const table = constants();
  const one = splat(1);
  const whole = (<usize>(size & ~3)) << 2;
  const bytes = (<usize>size) << 2;
  let at: usize = 0;
  for (; at < whole; at += 16) {
    const g = v128.load(gate + at);
    const denominator = f32x4.add(one, exp4(f32x4.neg(g), table));
    v128.store(out + at, f32x4.div(f32x4.mul(g, v128.load(up + at)), denominator));
  }
  for (; at < bytes; at += 4) {
    const g = load<f32>(gate + at);
    store<f32>(out + at, (g * load<f32>(up + at)) / (1 + exp1(-g, table)));
  }
}

/** With s the sigmoid of the gate: dgate = dy · up · s · (1 + gate · (1 − s)), dup = dy · gate · s. */
export function swigluGrad(gate: usize, up: usize, dy: usize, dgate: usize, dup: usize, size: i32): void {
  const table = constants();
  const one = splat(1);
  const whole = (<usize>(size & ~3)) << 2;
  const bytes = (<usize>size) << 2;
  let at: usize = 0;
  for (; at < whole; at += 16) {
    const g = v128.load(gate + at);
    const d = v128.load(dy + at);
    const s = f32x4.div(one, f32x4.add(one, exp4(f32x4.neg(g), table)));
    const silu = f32x4.mul(g, s);
    const slope = f32x4.mul(s, f32x4.add(one, f32x4.sub(g, silu)));
    v128.store(dgate + at, f32x4.mul(f32x4.mul(d, v128.load(up + at)), slope));
    v128.store(dup + at, f32x4.mul(d, silu));
  }
  for (; at < bytes; at += 4) {
    const g = load<f32>(gate + at);
    const d = load<f32>(dy + at);
    const s: f32 = 1 / (1 + exp1(-g, table));
    store<f32>(dgate + at, d * load<f32>(up + at) * (s * (1 + g - g * s)));
    store<f32>(dup + at, d * g * s);
  }
}

/** `swigluGrad` without memory of its own: gate becomes dgate, up becomes dup, and dy what `swiglu` gave. */
export function swigluGradInPlace(gate: usize, up: usize, dy: usize, size: i32): void {
  const table = constants();
  const one = splat(1);
  const whole = (<usize>(size & ~3)) << 2;
  const bytes = (<usize>size) << 2;
  let at: usize = 0;
  for (; at < whole; at += 16) {
    const g = v128.load(gate + at);
    const u = v128.load(up + at);
    const d = v128.load(dy + at);
    const s = f32x4.div(one, f32x4.add(one, exp4(f32x4.neg(g), table)));
    const silu = f32x4.mul(g, s);
    const slope = f32x4.mul(s, f32x4.add(one, f32x4.sub(g, silu)));
    v128.store(gate + at, f32x4.mul(f32x4.mul(d, u), slope));
    v128.store(up + at, f32x4.mul(d, silu));
    v128.store(dy + at, f32x4.mul(silu, u));
  }
  for (; at < bytes; at += 4) {
    const g = load<f32>(gate + at);
    const u = load<f32>(up + at);
    const d = load<f32>(dy + at);
    const s: f32 = 1 / (1 + exp1(-g, table));
    store<f32>(gate + at, d * u * (s * (1 + g - g * s)));
    store<f32>(up + at, d * g * s);
    store<f32>(dy + at, g * s * u);
  }
}
