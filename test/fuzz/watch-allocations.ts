/** Adds up what is asked for in typed arrays and buffers, whether or not it is ever touched. */

const arrays = [
  'ArrayBuffer',
  'Uint8Array',
  'Int8Array',
  'Uint16Array',
  'Int16Array',
  'Uint32Array',
  'Int32Array',
  'Float32Array',
  'Float64Array',
  'BigUint64Array',
  'BigInt64Array',
] as const;

type Constructor = new (...words: unknown[]) => object;

/** Bytes of every `new Xyz(length)` while `work` runs, together, before any of them is made. */
export const watchAllocations = async <Result>(
  limit: number,
  work: () => Promise<Result>,
): Promise<Result> => {
  let total = 0;
  const count = (bytes: number): void => {
    total += bytes;
    if (total > limit) throw new Error(`LAW BROKEN: ${total} bytes were asked for; the law allows ${limit}`);
  };
  const globals = globalThis as unknown as Record<string, Constructor>;
  const kept = new Map<string, Constructor>();
  const { alloc, allocUnsafe } = Buffer;
  for (const name of arrays) {
    const original = globals[name];
    if (original === undefined) continue;
    kept.set(name, original);
    const width = 'BYTES_PER_ELEMENT' in original ? Number(original.BYTES_PER_ELEMENT) : 1;
    globals[name] = new Proxy(original, {
      construct: (target, words: unknown[], asked) => {
        const [length] = words;
        if (typeof length === 'number' && length > 0) count(length * width);
        return Reflect.construct(target, words, asked === globals[name] ? target : asked) as object;
      },
    });
  }
  Buffer.alloc = ((size: number, ...words: []) => {
    count(size);
    return alloc(size, ...words);
  }) as typeof Buffer.alloc;
  Buffer.allocUnsafe = (size) => {
    count(size);
    return allocUnsafe(size);
  };
  try {
    return await work();
  } finally {
    Object.assign(Buffer, { alloc, allocUnsafe });
    for (const [name, original] of kept) globals[name] = original;
  }
};
