// C [m, n] = alpha · op(A) · op(B) + beta · C, packed panels and a 4 × 8 tile in registers (Goto & van de Geijn 2008).

import { madd, splat } from './simd';

const MR: i32 = 4;
const NR: i32 = 8;
const KC: i32 = 256;
const MC: i32 = 128;
const NC: i32 = 512;

/** Bytes of scratch that `gemm` needs. */
export function gemmScratchBytes(): i32 {
  return 4 * (KC * MC + KC * NC + MR * NR) + 64;
}

/** Rows [from, from + rows) of op(A), columns [at, at + depth), as panels of 4 rows, depth-major. */
function packA(trans: bool, a: usize, lda: i32, from: i32, rows: i32, at: i32, depth: i32, to: usize): void {
  for (let i: i32 = 0; i < rows; i += MR) {
    const present = min(MR, rows - i);
    if (trans) {
      let source = a + ((<usize>(at * lda + from + i)) << 2);
      const stride = (<usize>lda) << 2;
      if (present == MR) {
        for (let p: i32 = 0; p < depth; p++) {
          v128.store(to, v128.load(source));
          source += stride;
          to += 16;
        }
      } else {
        for (let p: i32 = 0; p < depth; p++) {
          for (let r: i32 = 0; r < MR; r++) {
            store<f32>(to + (r << 2), r < present ? load<f32>(source + (r << 2)) : 0);
          }
          source += stride;
          to += 16;
        }
      }
    } else {
      const stride = (<usize>lda) << 2;
      const r0 = a + ((<usize>((from + i) * lda + at)) << 2);
      if (present == MR) {
        const r1 = r0 + stride;
        const r2 = r1 + stride;
        const r3 = r2 + stride;
        let p: i32 = 0;
        let byte: usize = 0;
        for (; p + 4 <= depth; p += 4) {
          const x0 = v128.load(r0 + byte);
          const x1 = v128.load(r1 + byte);
          const x2 = v128.load(r2 + byte);
          const x3 = v128.load(r3 + byte);
          const lo01 = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5);
          const hi01 = v128.shuffle<f32>(x0, x1, 2, 6, 3, 7);
          const lo23 = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5);
          const hi23 = v128.shuffle<f32>(x2, x3, 2, 6, 3, 7);
          v128.store(to, v128.shuffle<f32>(lo01, lo23, 0, 1, 4, 5));
          v128.store(to, v128.shuffle<f32>(lo01, lo23, 2, 3, 6, 7), 16);
          v128.store(to, v128.shuffle<f32>(hi01, hi23, 0, 1, 4, 5), 32);
          v128.store(to, v128.shuffle<f32>(hi01, hi23, 2, 3, 6, 7), 48);
          to += 64;
          byte += 16;
        }
        for (; p < depth; p++) {
          store<f32>(to, load<f32>(r0 + byte));
          store<f32>(to, load<f32>(r1 + byte), 4);
          store<f32>(to, load<f32>(r2 + byte), 8);
          store<f32>(to, load<f32>(r3 + byte), 12);
          to += 16;
          byte += 4;
        }
      } else {
        for (let p: i32 = 0; p < depth; p++) {
          let source = r0 + ((<usize>p) << 2);
          for (let r: i32 = 0; r < MR; r++) {
            store<f32>(to + (r << 2), r < present ? load<f32>(source) : 0);
            source += stride;
          }
          to += 16;
        }
      }
    }
  }
}

/** Rows [at, at + depth) of op(B), columns [from, from + columns), as panels of 8 columns, depth-major. */
function packB(trans: bool, b: usize, ldb: i32, at: i32, depth: i32, from: i32, columns: i32, to: usize): void {
  const stride = (<usize>ldb) << 2;
  for (let j: i32 = 0; j < columns; j += NR) {
    const present = min(NR, columns - j);
    if (!trans) {
      let source = b + ((<usize>(at * ldb + from + j)) << 2);
      if (present == NR) {
        for (let p: i32 = 0; p < depth; p++) {
          v128.store(to, v128.load(source));
          v128.store(to, v128.load(source, 16), 16);
          source += stride;
          to += 32;
        }
      } else {
        for (let p: i32 = 0; p < depth; p++) {
          for (let r: i32 = 0; r < NR; r++) {
            store<f32>(to + (r << 2), r < present ? load<f32>(source + (r << 2)) : 0);
          }
          source += stride;
          to += 32;
        }
      }
    } else {
      const first = b + ((<usize>((from + j) * ldb + at)) << 2);
      let p: i32 = 0;
      if (present == NR) {
        for (; p + 4 <= depth; p += 4) {
          const byte = (<usize>p) << 2;
          for (let half: i32 = 0; half < 2; half++) {
            const r0 = first + <usize>(half * 4) * stride + byte;
            const x0 = v128.load(r0);
            const x1 = v128.load(r0 + stride);
            const x2 = v128.load(r0 + 2 * stride);
            const x3 = v128.load(r0 + 3 * stride);
            const lo01 = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5);
            const hi01 = v128.shuffle<f32>(x0, x1, 2, 6, 3, 7);
            const lo23 = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5);
            const hi23 = v128.shuffle<f32>(x2, x3, 2, 6, 3, 7);
            const out = to + ((<usize>half) << 4);
            v128.store(out, v128.shuffle<f32>(lo01, lo23, 0, 1, 4, 5));
            v128.store(out, v128.shuffle<f32>(lo01, lo23, 2, 3, 6, 7), 32);
            v128.store(out, v128.shuffle<f32>(hi01, hi23, 0, 1, 4, 5), 64);
            v128.store(out, v128.shuffle<f32>(hi01, hi23, 2, 3, 6, 7), 96);
          }
          to += 128;
        }
      }
      for (; p < depth; p++) {
        let source = first + ((<usize>p) << 2);
        for (let r: i32 = 0; r < NR; r++) {
          store<f32>(to + (r << 2), r < present ? load<f32>(source) : 0);
          source += stride;
        }
        to += 32;
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function put(c: usize, sum: v128, alpha: v128, beta: f32): void {
  const scaled = f32x4.mul(alpha, sum);
  if (beta == 0) v128.store(c, scaled);
  else if (beta == 1) v128.store(c, f32x4.add(scaled, v128.load(c)));
  else v128.store(c, f32x4.add(scaled, f32x4.mul(splat(beta), v128.load(c))));
}

/** A 4 × 8 tile: C = alpha · Σ a bᵀ + beta · C. */
function tile(depth: i32, a: usize, b: usize, alpha: f32, beta: f32, c: usize, ldc: usize): void {
  let c00 = splat(0);
  let c01 = splat(0);
  let c10 = splat(0);
  let c11 = splat(0);
  let c20 = splat(0);
  let c21 = splat(0);
  let c30 = splat(0);
  let c31 = splat(0);
  const end = a + ((<usize>depth) << 4);
  while (a < end) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const a0 = v128.load32_splat(a);
    c00 = madd(a0, b0, c00);
    c01 = madd(a0, b1, c01);
    const a1 = v128.load32_splat(a, 4);
    c10 = madd(a1, b0, c10);
    c11 = madd(a1, b1, c11);
    const a2 = v128.load32_splat(a, 8);
    c20 = madd(a2, b0, c20);
    c21 = madd(a2, b1, c21);
    const a3 = v128.load32_splat(a, 12);
    c30 = madd(a3, b0, c30);
    c31 = madd(a3, b1, c31);
    a += 16;
    b += 32;
  }
  const scale = splat(alpha);
  put(c, c00, scale, beta);
  put(c + 16, c01, scale, beta);
  c += ldc;
  put(c, c10, scale, beta);
  put(c + 16, c11, scale, beta);
  c += ldc;
  put(c, c20, scale, beta);
  put(c + 16, c21, scale, beta);
  c += ldc;
  put(c, c30, scale, beta);
  put(c + 16, c31, scale, beta);
}

export function gemm(
  transA: bool,
  transB: bool,
  m: i32,
  n: i32,
  k: i32,
  alpha: f32,
  a: usize,
  lda: i32,
  b: usize,
  ldb: i32,
  beta: f32,
  c: usize,
  ldc: i32,
  scratch: usize,
): void {
  const packedA = (scratch + 15) & ~15;
  const packedB = packedA + 4 * KC * MC;
  const edge = packedB + 4 * KC * NC;
  for (let jc: i32 = 0; jc < n; jc += NC) {
    const columns = min(NC, n - jc);
    for (let pc: i32 = 0; pc < k; pc += KC) {
      const depth = min(KC, k - pc);
      const keep: f32 = pc == 0 ? beta : 1;
      packB(transB, b, ldb, pc, depth, jc, columns, packedB);
      for (let ic: i32 = 0; ic < m; ic += MC) {
        const rows = min(MC, m - ic);
        packA(transA, a, lda, ic, rows, pc, depth, packedA);
        for (let jr: i32 = 0; jr < columns; jr += NR) {
          const panelB = packedB + ((<usize>(jr * depth)) << 2);
          const wide = min(NR, columns - jr);
          for (let ir: i32 = 0; ir < rows; ir += MR) {
            const panelA = packedA + ((<usize>(ir * depth)) << 2);
            const high = min(MR, rows - ir);
            const out = c + ((<usize>((ic + ir) * ldc + jc + jr)) << 2);
            if (high == MR && wide == NR) {
              tile(depth, panelA, panelB, alpha, keep, out, (<usize>ldc) << 2);
              continue;
            }
            tile(depth, panelA, panelB, alpha, 0, edge, NR << 2);
            for (let i: i32 = 0; i < high; i++) {
              for (let j: i32 = 0; j < wide; j++) {
                const at = out + ((<usize>(i * ldc + j)) << 2);
                const sum = load<f32>(edge + ((<usize>(i * NR + j)) << 2));
                store<f32>(at, keep == 0 ? sum : sum + keep * load<f32>(at));
              }
            }
          }
        }
      }
    }
  }
}
