/** The operations in plain float64 JavaScript, by their definitions, and gradients by central differences. */

export interface Dense {
  readonly shape: readonly number[];
  readonly values: Float64Array;
}

const at = (values: ArrayLike<number>, i: number): number => values[i] ?? Number.NaN;
const extent = (x: Dense, axis: number): number => at(x.shape, axis);

const fill = (shape: readonly number[], value: (i: number, j: number) => number): Dense => {
  const [rows = 0, columns = 1] = shape;
  const values = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) values[i * columns + j] = value(i, j);
  return { shape, values };
};

const sum = (count: number, term: (i: number) => number): number => {
  let total = 0;
  for (let i = 0; i < count; i++) total += term(i);
  return total;
};

export const lookup = (table: Dense, ids: Int32Array): Dense => {
  const d = extent(table, 1);
  return fill([ids.length, d], (i, j) => at(table.values, at(ids, i) * d + j));
};

export const linear = (x: Dense, weight: Dense): Dense => {
  const k = extent(x, 1);
  return fill([extent(x, 0), extent(weight, 0)], (i, j) =>
    sum(k, (l) => at(x.values, i * k + l) * at(weight.values, j * k + l)),
  );
};

export const rmsNorm = (x: Dense, gain: Dense, epsilon: number): Dense => {
  const d = extent(x, 1);
  return fill(x.shape, (i, j) => {
    const mean = sum(d, (l) => at(x.values, i * d + l) ** 2) / d;
    return (at(x.values, i * d + j) / Math.sqrt(mean + epsilon)) * at(gain.values, j);
  });
};

export const layerNorm = (x: Dense, gain: Dense, bias: Dense, epsilon: number): Dense => {
  const d = extent(x, 1);
  return fill(x.shape, (i, j) => {
    const mean = sum(d, (l) => at(x.values, i * d + l)) / d;
    const variance = sum(d, (l) => (at(x.values, i * d + l) - mean) ** 2) / d;
    const standard = (at(x.values, i * d + j) - mean) / Math.sqrt(variance + epsilon);
    return standard * at(gain.values, j) + at(bias.values, j);
  });
};

export const geluNew = (x: Dense): Dense => {
  const columns = extent(x, 1);
  return fill(x.shape, (i, j) => {
    const v = at(x.values, i * columns + j);
    return 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3)));
  });
};

/** x·Φ(x); Φ by Simpson's rule on its density from 0. */
export const gelu = (x: Dense): Dense => {
  const columns = extent(x, 1);
  const steps = 400;
  return fill(x.shape, (i, j) => {
    const v = at(x.values, i * columns + j);
    const density = (u: number): number => Math.exp((-u * u) / 2) / Math.sqrt(2 * Math.PI);
    const area = sum(steps + 1, (k) => {
      const weight = k === 0 || k === steps ? 1 : k % 2 === 1 ? 4 : 2;
      return weight * density((v * k) / steps);
    });
    return v * (0.5 + (area * v) / steps / 3);
  });
};

export const rotary = (x: Dense, cos: Dense, sin: Dense, positions: Int32Array, headDim: number): Dense => {
  const width = extent(x, 1);
  const half = headDim / 2;
  return fill(x.shape, (i, j) => {
    const within = j % headDim;
    const angle = at(positions, i) * half + (within % half);
    const partner = within < half ? -at(x.values, i * width + j + half) : at(x.values, i * width + j - half);
    return at(x.values, i * width + j) * at(cos.values, angle) + partner * at(sin.values, angle);
  });
};

export interface AttentionShape {
  readonly batch: number;
  readonly length: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headDim: number;
  readonly window?: number;
  readonly forks?: Int32Array;
}

/** The keys that position `row` of its sequence sees, itself last. */
const seenKeys = (row: number, sequence: number, { length, forks }: AttentionShape): number[] => {
  const [fork = length, resume = length] = forks?.subarray(2 * sequence, 2 * sequence + 2) ?? [];
  const all = Array.from({ length: row + 1 }, (_, key) => key);
  return row < resume ? all : all.filter((key) => key < fork || key >= resume);
};

export const causalAttention = (q: Dense, k: Dense, v: Dense, shape: AttentionShape): Dense => {
  const { length, heads, keyValueHeads, headDim, window = length } = shape;
  const keyWidth = keyValueHeads * headDim;
  return fill(q.shape, (row, column) => {
    const head = Math.floor(column / headDim);
    const keyHead = Math.floor(head / (heads / keyValueHeads));
    const first = row - (row % length);
    const seen = seenKeys(row % length, Math.floor(row / length), shape).filter(
      (key) => key > (row % length) - window,
    );
    const scores = seen.map(
      (key) =>
        sum(
          headDim,
          (l) =>
            at(q.values, row * heads * headDim + head * headDim + l) *
            at(k.values, (first + key) * keyWidth + keyHead * headDim + l),
        ) / Math.sqrt(headDim),
    );
    const most = Math.max(...scores);
    const total = sum(seen.length, (i) => Math.exp(at(scores, i) - most));
    const mixed = sum(
      seen.length,
      (i) =>
        Math.exp(at(scores, i) - most) *
        at(v.values, (first + at(seen, i)) * keyWidth + keyHead * headDim + (column % headDim)),
    );
    return mixed / total;
  });
};

export interface BiasedAttentionShape {
  readonly queryLength: number;
  readonly keyLength: number;
  readonly heads: number;
  readonly headDim: number;
  readonly keyLengths: ArrayLike<number>;
  readonly causal: boolean;
}

export const biasedAttention = (
  q: Dense,
  k: Dense,
  v: Dense,
  bias: Dense | undefined,
  { queryLength, keyLength, heads, headDim, keyLengths, causal }: BiasedAttentionShape,
): Dense => {
  const width = heads * headDim;
  return fill(q.shape, (row, column) => {
    const [head, query] = [Math.floor(column / headDim), row % queryLength];
    const batch = Math.floor(row / queryLength);
    const first = batch * keyLength;
    const keys = Array.from({ length: at(keyLengths, batch) }, (_, key) => key);
    const seen = keys.filter((key) => !causal || key <= query);
    const scores = seen.map(
      (key) =>
        sum(
          headDim,
          (l) =>
            at(q.values, row * width + head * headDim + l) *
            at(k.values, (first + key) * width + head * headDim + l),
        ) + (bias ? at(bias.values, (head * queryLength + query) * keyLength + key) : 0),
    );
    const most = Math.max(...scores);
    const total = sum(seen.length, (i) => Math.exp(at(scores, i) - most));
    return (
      sum(
        seen.length,
        (i) => Math.exp(at(scores, i) - most) * at(v.values, (first + at(seen, i)) * width + column),
      ) / total
    );
  });
};

export const swiglu = (gate: Dense, up: Dense): Dense => {
  const columns = extent(gate, 1);
  return fill(gate.shape, (i, j) => {
    const g = at(gate.values, i * columns + j);
    return (g / (1 + Math.exp(-g))) * at(up.values, i * columns + j);
  });
};

export const targetLogps = (hidden: Dense, unembedding: Dense, targets: Int32Array): Dense => {
  const logits = linear(hidden, unembedding);
  const v = extent(unembedding, 0);
  return fill([targets.length], (i) => {
    const row = logits.values.subarray(i * v, (i + 1) * v);
    const most = Math.max(...row);
    return at(row, at(targets, i)) - most - Math.log(sum(v, (j) => Math.exp(at(row, j) - most)));
  });
};

/** d Σ(weights · f) / d inputs[which], by central differences of step 1e-5. */
export const numericalGradient = (
  f: (inputs: readonly Dense[]) => Dense,
  inputs: readonly Dense[],
  which: number,
  weights: Float64Array,
): Float64Array => {
  const step = 1e-5;
  const target = inputs[which];
  if (target === undefined) throw new RangeError(`there is no input ${which}`);
  const value = (i: number, by: number): number => {
    const values = target.values.slice();
    values[i] = at(values, i) + by;
    const moved = inputs.map((input, j) => (j === which ? { shape: input.shape, values } : input));
    const out = f(moved).values;
    return sum(out.length, (j) => at(out, j) * at(weights, j));
  };
  return target.values.map((_, i) => (value(i, step) - value(i, -step)) / (2 * step));
};

const sumOf = (x: Dense, y: Dense): Dense => ({
  shape: x.shape,
  values: x.values.map((value, i) => value + at(y.values, i)),
});

export const gatedFeedForward = (
  [x, gain, gate, up, down]: readonly [Dense, Dense, Dense, Dense, Dense],
  epsilon: number,
): Dense => {
  const normed = rmsNorm(x, gain, epsilon);
  return sumOf(x, linear(swiglu(linear(normed, gate), linear(normed, up)), down));
};

export interface AttentionBlockOptions {
  readonly shape: AttentionShape;
  readonly epsilon: number;
  readonly cos: Dense;
  readonly sin: Dense;
  readonly positions: Int32Array;
}

export const attentionBlock = (
  [x, gain, query, key, value, output]: readonly [Dense, Dense, Dense, Dense, Dense, Dense],
  { shape, epsilon, cos, sin, positions }: AttentionBlockOptions,
): Dense => {
  const normed = rmsNorm(x, gain, epsilon);
  const turn = (rows: Dense): Dense => rotary(rows, cos, sin, positions, shape.headDim);
  const mixed = causalAttention(
    turn(linear(normed, query)),
    turn(linear(normed, key)),
    linear(normed, value),
    shape,
  );
  return sumOf(x, linear(mixed, output));
};
