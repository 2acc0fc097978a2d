// Rotary position embedding: pairs (x[i], x[i + half]) of each head, turned by the angle of the row's position.

import { splat } from './simd';

/** `sign` 1 turns forth, −1 back (the gradient). Returns the first row whose position has no angle, or −1. */
export function rotary(
  x: usize,
  cos: usize,
  sin: usize,
  positions: usize,
  y: usize,
  n: i32,
  heads: i32,
  half: i32,
  tableRows: i32,
  sign: f32,
): i32 {
  const bytes = (<usize>half) << 2;
  const whole = (<usize>(half & ~3)) << 2;
  const signs = splat(sign);
  for (let row: i32 = 0; row < n; row++) {
    const position = load<i32>(positions + ((<usize>row) << 2));
    if (position < 0 || position >= tableRows) return row;
    const c = cos + <usize>position * bytes;
    const s = sin + <usize>position * bytes;
    for (let head: i32 = 0; head < heads; head++) {
      let at: usize = 0;
      for (; at < whole; at += 16) {
        const first = v128.load(x + at);
        const second = v128.load(x + bytes + at);
        const cosine = v128.load(c + at);
        const sine = f32x4.mul(v128.load(s + at), signs);
        v128.store(y + at, f32x4.sub(f32x4.mul(first, cosine), f32x4.mul(second, sine)));
        v128.store(y + bytes + at, f32x4.add(f32x4.mul(second, cosine), f32x4.mul(first, sine)));
      }
      for (; at < bytes; at += 4) {
        const first = load<f32>(x + at);
        const second = load<f32>(x + bytes + at);
        const cosine = load<f32>(c + at);
        const sine = load<f32>(s + at) * sign;
        store<f32>(y + at, first * cosine - second * sine);
        store<f32>(y + bytes + at, second * cosine + first * sine);
      }
      x += 2 * bytes;
      y += 2 * bytes;
    }
  }
  return -1;
}
