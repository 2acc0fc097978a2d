// Rows of a table by index, and adding rows back where they came from.

/** out [n, d] = table[ids]. Returns the first row whose index is outside the table, or −1. */
export function gatherRows(table: usize, ids: usize, out: usize, n: i32, d: i32, tableRows: i32): i32 {
  const bytes = (<usize>d) << 2;
  for (let row: i32 = 0; row < n; row++) {
    const id = load<i32>(ids + ((<usize>row) << 2));
    if (id < 0 || id >= tableRows) return row;
    memory.copy(out, table + <usize>id * bytes, bytes);
    out += bytes;
  }
  return -1;
}

/** out [tableRows, d] = Σ of the rows [n, d] that name each; indices outside are left out. */
export function scatterAddRows(rows: usize, ids: usize, out: usize, n: i32, d: i32, tableRows: i32): void {
  const bytes = (<usize>d) << 2;
  const whole = (<usize>(d & ~3)) << 2;
  memory.fill(out, 0, <usize>tableRows * bytes);
  for (let row: i32 = 0; row < n; row++) {
    const id = load<i32>(ids + ((<usize>row) << 2));
    if (id >= 0 && id < tableRows) {
      const to = out + <usize>id * bytes;
      let at: usize = 0;
      for (; at < whole; at += 16) v128.store(to + at, f32x4.add(v128.load(to + at), v128.load(rows + at)));
      for (; at < bytes; at += 4) store<f32>(to + at, load<f32>(to + at) + load<f32>(rows + at));
    }
    rows += bytes;
  }
}

/** out = a + b elementwise. */
export function add(a: usize, b: usize, out: usize, size: i32): void {
  const whole = (<usize>(size & ~3)) << 2;
  const bytes = (<usize>size) << 2;
  let at: usize = 0;
  for (; at < whole; at += 16) v128.store(out + at, f32x4.add(v128.load(a + at), v128.load(b + at)));
  for (; at < bytes; at += 4) store<f32>(out + at, load<f32>(a + at) + load<f32>(b + at));
}

/** Bytes as they are. */
export function copy(from: usize, to: usize, bytes: i32): void {
  memory.copy(to, from, bytes);
}
