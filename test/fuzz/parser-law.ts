/**
 * The law of every parser: a file, whatever it holds, becomes a value or an error of ours that says what and where. No
 * other error, no hanging, no memory far beyond the file's size, nothing executed, no prototype touched.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DsteerError, SpecError } from '../../src/base/index.js';
import { applyMutations, mutations } from './mutations.js';
import { watchAllocations } from './watch-allocations.js';

/** Inputs a parser: `DSTEER_FUZZ_RUNS=10000` is the nightly mode. */
export const fuzzRuns = Math.max(500, Number(process.env['DSTEER_FUZZ_RUNS'] ?? 500));

/** Of one input, on a busy machine; a quiet one takes milliseconds. */
const mostMilliseconds = 5000;
const mostBytes = (fileBytes: number): number => 2 ** 25 + 2048 * fileBytes;

/** A valid file; `wrap` puts the mutated part into what surrounds it, so that its checks pass. */
export interface Seed {
  readonly bytes: Uint8Array | string;
  readonly wrap?: (bytes: Uint8Array) => Uint8Array;
}

export interface ParserUnderLaw {
  /** Reads all that there is to read, and closes what it opened. */
  readonly parse: (file: string) => Promise<unknown>;
  readonly seeds: readonly Seed[] | (() => Promise<readonly Seed[]>);
  /** Name of the file, its ending included. */
  readonly name: string;
  /** The seeds themselves are hostile. */
  readonly refused?: boolean;
}

/** Made by whatever executes a command of a hostile file. */
export const canary = join(tmpdir(), `dsteer-fuzz-canary-${process.pid}`);

const judge = (error: unknown): void => {
  if (!(error instanceof DsteerError)) throw error;
  expect(error.message).not.toBe('');
  const places = error instanceof SpecError ? error.issues.map(({ where }) => where) : [error.where];
  expect(places.length).toBeGreaterThan(0);
  for (const place of places) expect(place?.file ?? '', `${error.message} says no place`).not.toBe('');
  expect(error.describe().length).toBeLessThan(100_000);
};

const withinTime = async <Result>(work: Promise<Result>, most: number): Promise<Result> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('LAW BROKEN: it hangs')), most);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};

export const obey = async (
  parse: ParserUnderLaw['parse'],
  file: string,
  bytes: Uint8Array,
  most = mostMilliseconds,
): Promise<void> => {
  await writeFile(file, bytes);
  const before = process.memoryUsage();
  const started = performance.now();
  // Inside out: a parser that hangs must not leave the watch on, for it would count what later files ask for.
  await watchAllocations(mostBytes(bytes.length), () => withinTime(parse(file), most)).catch(judge);
  expect(performance.now() - started, 'milliseconds').toBeLessThan(most);
  const after = process.memoryUsage();
  const grown = after.heapUsed - before.heapUsed + after.arrayBuffers - before.arrayBuffers;
  expect(grown, 'bytes of memory').toBeLessThan(2 ** 27 + mostBytes(bytes.length));
  expect(existsSync(canary), 'something was executed').toBe(false);
  for (const key in {}) expect(key, 'a prototype was touched').toBe('');
};

const bytesOf = (bytes: Uint8Array | string): Uint8Array =>
  typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes;

const describeInput = (bytes: Uint8Array): string => {
  const start = Buffer.from(bytes.subarray(0, 400));
  return `${bytes.length} bytes: ${JSON.stringify(start.toString('latin1'))}`;
};

/** `fuzzRuns` inputs: random bytes, random bytes behind the beginning of a valid file, and mutated valid files. */
export const itObeysTheLaw = (
  what: string,
  { parse, seeds: given, name, refused = false }: ParserUnderLaw,
): void => {
  let folder: string;
  let seeds: readonly Seed[];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dsteer-fuzz-'));
    seeds = typeof given === 'function' ? await given() : given;
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it(`should ${refused ? 'refuse' : 'read'} the files that inputs are made of`, async () => {
    for (const { bytes, wrap = (same: Uint8Array) => same } of seeds) {
      const file = join(folder, name);
      await writeFile(file, wrap(bytesOf(bytes)));
      if (refused) await expect(parse(file)).rejects.toThrow(DsteerError);
      else await parse(file);
    }
  });

  it(
    `should give a value or an error with a place for ${fuzzRuns} inputs: ${what}`,
    async () => {
      const random = fc.record({
        bytes: fc.uint8Array({ maxLength: 300 }),
        kept: fc.constantFrom(0, 4, 8, 64),
      });
      const mutated = fc.record({ seed: fc.nat(1000), changes: mutations });
      const input = fc.oneof({ weight: 1, arbitrary: random }, { weight: 9, arbitrary: mutated });
      const path = process.env['DSTEER_FUZZ_PATH'];
      const property = fc.asyncProperty(input, fc.nat(1000), async (drawn, other) => {
        const { bytes, wrap = (same: Uint8Array) => same } = seeds[other % seeds.length] ?? { bytes: '' };
        const valid = bytesOf(bytes);
        const content =
          'changes' in drawn
            ? wrap(applyMutations(valid, drawn.changes))
            : Buffer.concat([valid.subarray(0, drawn.kept), drawn.bytes]);
        try {
          await obey(parse, join(folder, name), content);
        } catch (cause) {
          throw new Error(
            `${cause instanceof Error ? (cause.stack ?? '') : String(cause)}\n${describeInput(content)}`,
          );
        }
      });
      const details = await fc.check(property, {
        numRuns: fuzzRuns,
        ...(path === undefined ? {} : { path }),
      });
      if (!details.failed) return;
      throw new Error(
        `${await fc.asyncDefaultReportMessage(details)}\n\n${String(details.errorInstance)}\n\nReplay: DSTEER_PROPERTY_SEED=${details.seed} DSTEER_FUZZ_PATH=${details.counterexamplePath} npx vitest run ${expect.getState().testPath}`,
      );
    },
    60_000 + fuzzRuns * 60,
  );
};
