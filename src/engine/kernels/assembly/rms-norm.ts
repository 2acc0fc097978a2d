// Root-mean-square normalisation and its gradient, a row at a time.

import { splat, sumLanes } from './simd';

/** y = x · r · gain with r = 1 / √(mean(x²) + epsilon), kept in inverse [n]. */
export function rmsNorm(x: usize, gain: usize, y: usize, inverse: usize, n: i32, d: i32, epsilon: f32): void {
  const bytes = (<usize>d) << 2;
  const whole = (<usize>(d & ~3)) << 2;
  for (let row: i32 = 0; row < n; row++) {
    let squares = splat(0);
    let at: usize = 0;
    for (; at < whole; at += 16) {
      const v = v128.load(x + at);
      squares = f32x4.add(squares, f32x4.mul(v, v));
    }
    let sum = sumLanes(squares);
    for (; at < bytes; at += 4) {
      const v = load<f32>(x + at);
      sum += v * v;
    }
    const r: f32 = 1 / sqrt<f32>(sum / <f32>d + epsilon);
    store<f32>(inverse + ((<usize>row) << 2), r);
    const scale = splat(r);
    for (at = 0; at < whole; at += 16) {
      v128.store(y + at, f32x4.mul(f32x4.mul(v128.load(x + at), scale), v128.load(gain + at)));
    }
    for (; at < bytes; at += 4) store<f32>(y + at, load<f32>(x + at) * r * load<f32>(gain + at));
    x += bytes;
    y += bytes;
  }
}

/**
 * dx = base + r · gain · dy − x · r³ / d · Σ(gain · dy · x), and dgain = Σ dy · x · r over the rows. `base` [n, d] is the
 * gradient that reaches x by another way; 0 stands for none.
 */
export function rmsNormGrad(
  x: usize,
  gain: usize,
  inverse: usize,
  dy: usize,
  dx: usize,
  dgain: usize,
  base: usize,
  n: i32,
  d: i32,
): void {
  const bytes = (<usize>d) << 2;
  const whole = (<usize>(d & ~3)) << 2;
  memory.fill(dgain, 0, bytes);
  for (let row: i32 = 0; row < n; row++) {
    const r = load<f32>(inverse + ((<usize>row) << 2));
    const scale = splat(r);
    let dots = splat(0);
    let at: usize = 0;
    for (; at < whole; at += 16) {
      const product = f32x4.mul(v128.load(dy + at), v128.load(x + at));
      dots = f32x4.add(dots, f32x4.mul(product, v128.load(gain + at)));
      v128.store(dgain + at, f32x4.add(v128.load(dgain + at), f32x4.mul(product, scale)));
    }
    let dot = sumLanes(dots);
    for (; at < bytes; at += 4) {
      const product = load<f32>(dy + at) * load<f32>(x + at);
      dot += product * load<f32>(gain + at);
      store<f32>(dgain + at, load<f32>(dgain + at) + product * r);
    }
    const pull: f32 = (dot * r * r * r) / <f32>d;
    const pulls = splat(pull);
    for (at = 0; at < whole; at += 16) {
      let push = f32x4.mul(f32x4.mul(v128.load(dy + at), v128.load(gain + at)), scale);
      if (base != 0) push = f32x4.add(push, v128.load(base + at));
      v128.store(dx + at, f32x4.sub(push, f32x4.mul(v128.load(x + at), pulls)));
    }
    for (; at < bytes; at += 4) {
      const push = load<f32>(dy + at) * load<f32>(gain + at) * r + (base != 0 ? load<f32>(base + at) : 0);
      store<f32>(dx + at, push - load<f32>(x + at) * pull);
    }
    x += bytes;
    dy += bytes;
    dx += bytes;
    if (base != 0) base += bytes;
  }
}
