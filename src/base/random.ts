/** Seeded randomness: one generator (sfc32), named streams, the same bytes on every machine. */

export interface Random {
  /** Uniform in [0, 1), 32 bits. */
  next(): number;
  /** Standard normal. */
  normal(): number;
  /** Uniform integer in [0, bound). */
  integer(bound: number): number;
  /** A shuffled copy (Fisher–Yates). */
  shuffle<T>(items: readonly T[]): T[];
  /** An independent stream named by `label`. */
  fork(label: string | number): Random;
}

/** FNV-1a over the UTF-16 units of a text, as an unsigned 32-bit number. */
const hashText = (text: string): number => {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0;
};

/**
 * A generator for `seed`; equal seeds and labels give equal streams.
 *
 * @param seed any number or text; distinct seeds give independent streams
 */
export const createRandom = (seed: number | string): Random => {
  const name = String(seed);
  let a = hashText(`${name}#a`) | 0;
  let b = hashText(`${name}#b`) | 0;
  let c = hashText(`${name}#c`) | 0;
  let counter = 1;
  const bits = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return sum >>> 0;
  };
  for (let i = 0; i < 16; i++) bits();
  let spare: number | undefined;
  const random: Random = {
    next: () => bits() / 2 ** 32,
    normal: () => {
      if (spare !== undefined) {
        const value = spare;
        spare = undefined;
        return value;
      }
      const radius = Math.sqrt(-2 * Math.log(1 - random.next()));
      const angle = 2 * Math.PI * random.next();
      spare = radius * Math.sin(angle);
      return radius * Math.cos(angle);
    },
    integer: (bound) => Math.floor(random.next() * bound),
    shuffle: (items) => {
      const copy = [...items];
      for (let i = copy.length - 1; i > 0; i--) {
        const j = random.integer(i + 1);
        const held = copy[i] as (typeof copy)[number];
        copy[i] = copy[j] as (typeof copy)[number];
        copy[j] = held;
      }
      return copy;
    },
    fork: (label) => createRandom(`${name}/${label}`),
  };
  return random;
};
