// Causal attention and its gradient: a block of queries of one head at a time, and of the keys only those that the block
// may see. The weights of a block live in scratch memory; going back they are made again from two numbers a row.

import { gemm, gemmScratchBytes } from './gemm';
import { constants, exp1, exp4, madd, splat, sumLanes } from './simd';
import { exponentials, largest, multiply } from './softmax';

const BLOCK: i32 = 32;

// @ts-ignore: decorator
@inline
function padded(length: i32): i32 {
  return (length + 7) & ~7;
}

/** Bytes of scratch that both kernels need for sequences of that length. */
export function attentionScratchBytes(length: i32): i32 {
  return gemmScratchBytes() + 16 + 2 * 4 * BLOCK * padded(length);
}

/** to[i] = e^(row[i] − most) · inverse. */
function weigh(row: usize, count: i32, most: f32, inverse: f32): void {
  const whole = (<usize>(count & ~3)) << 2;
  const bytes = (<usize>count) << 2;
  const mosts = splat(most);
  const inverses = splat(inverse);
  const table = constants();
  let at: usize = 0;
  for (; at < whole; at += 16) {
    v128.store(row + at, f32x4.mul(exp4(f32x4.sub(v128.load(row + at), mosts), table), inverses));
  }
  for (; at < bytes; at += 4) store<f32>(row + at, exp1(load<f32>(row + at) - most, table) * inverse);
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
 * Position i of a sequence sees keys 0..i but those of [fork, resume) if i ≥ resume: what follows `resume` continues the
 * first `fork` positions, beside what lies between. `forks` holds the two numbers of each sequence; 0 stands for none.
 * `stats` [batch·heads·length, 2] takes each row's largest score and the inverse of its sum.
 */
export function causalAttention(
  q: usize,
  k: usize,
  v: usize,
  out: usize,
  stats: usize,
  forks: usize,
  from: i32,
  to: i32,
  length: i32,
  heads: i32,
  keyHeads: i32,
  headDim: i32,
  scale: f32,
  scratch: usize,
): void {
  const wide = heads * headDim;
  const narrow = keyHeads * headDim;
  const ld = padded(length);
  const scores = (scratch + gemmScratchBytes() + 15) & ~15;
  const group = heads / keyHeads;
  for (let b: i32 = from; b < to; b++) {
    const fork = forks == 0 ? length : load<i32>(forks + ((<usize>b) << 3));
    const resume = forks == 0 ? length : load<i32>(forks + ((<usize>b) << 3) + 4);
    for (let h: i32 = 0; h < heads; h++) {
      const qAt = q + ((<usize>(b * length * wide + h * headDim)) << 2);
      const outAt = out + ((<usize>(b * length * wide + h * headDim)) << 2);
      const kAt = k + ((<usize>(b * length * narrow + (h / group) * headDim)) << 2);
      const vAt = v + ((<usize>(b * length * narrow + (h / group) * headDim)) << 2);
      let stat = stats + ((<usize>((b * heads + h) * length)) << 3);
      for (let first: i32 = 0; first < length; first += BLOCK) {
        const rows = min(BLOCK, length - first);
        const limit = first + rows;
        const skip = (<usize>(first * wide)) << 2;
        gemm(false, true, rows, limit, headDim, scale, qAt + skip, wide, kAt, narrow, 0, scores, ld, scratch);
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
          store<f32>(stat, most);
          store<f32>(stat + 4, inverse);
          stat += 8;
        }
        gemm(false, false, rows, headDim, limit, 1, scores, ld, vAt, narrow, 0, outAt + skip, wide, scratch);
      }
    }
  }
}

/** dq, dk, dv of sequences [from, to); the heads of a group add up in their key head. */
export function causalAttentionGrad(
  q: usize,
  k: usize,
  v: usize,
  stats: usize,
  dy: usize,
  dq: usize,
  dk: usize,
  dv: usize,
  forks: usize,
  from: i32,
  to: i32,
  length: i32,
  heads: i32,
  keyHeads: i32,
  headDim: i32,
  scale: f32,
  scratch: usize,
): void {
  const wide = heads * headDim;
  const narrow = keyHeads * headDim;
  const ld = padded(length);
  const weights = (scratch + gemmScratchBytes() + 15) & ~15;
  const slopes = weights + ((<usize>(BLOCK * ld)) << 2);
  const group = heads / keyHeads;
  const begin = (<usize>(from * length * narrow)) << 2;
  const bytes = (<usize>((to - from) * length * narrow)) << 2;
  memory.fill(dk + begin, 0, bytes);
  memory.fill(dv + begin, 0, bytes);
  for (let b: i32 = from; b < to; b++) {
    const fork = forks == 0 ? length : load<i32>(forks + ((<usize>b) << 3));
    const resume = forks == 0 ? length : load<i32>(forks + ((<usize>b) << 3) + 4);
    for (let h: i32 = 0; h < heads; h++) {
      const queryAt = (<usize>(b * length * wide + h * headDim)) << 2;
      const keyAt = (<usize>(b * length * narrow + (h / group) * headDim)) << 2;
      const kAt = k + keyAt;
      let stat = stats + ((<usize>((b * heads + h) * length)) << 3);
      for (let first: i32 = 0; first < length; first += BLOCK) {
        const rows = min(BLOCK, length - first);
        const limit = first + rows;
        const block = queryAt + ((<usize>(first * wide)) << 2);
        gemm(false, true, rows, limit, headDim, scale, q + block, wide, kAt, narrow, 0, weights, ld, scratch);
        gemm(false, true, rows, limit, headDim, 1, dy + block, wide, v + keyAt, narrow, 0, slopes, ld, scratch);
        for (let r: i32 = 0; r < rows; r++) {
          const offset = (<usize>(r * ld)) << 2;
          const row = weights + offset;
          const slope = slopes + offset;
          const count = first + r + 1;
          const whole = (count + 3) & ~3;
          const most = load<f32>(stat);
          const inverse = load<f32>(stat + 4);
          stat += 8;
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
        gemm(true, false, limit, headDim, rows, 1, weights, ld, dy + block, wide, 1, dv + keyAt, narrow, scratch);
        gemm(false, false, rows, headDim, limit, 1, slopes, ld, kAt, narrow, 0, dq + block, wide, scratch);
        gemm(true, false, limit, headDim, rows, 1, slopes, ld, q + block, wide, 1, dk + keyAt, narrow, scratch);
      }
    }
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
