import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, it, type TestContext } from 'vitest';
import { DsteerError, silentProgress } from '../base/index.js';
import { type ClaimReport, type ListedCase, listCases, verify } from '../claims/index.js';
import type { EngineName } from '../engine/index.js';
import { caseKey, caseTitle, claimSentence, writeReports } from '../reports/index.js';
import { cacheFolder } from '../store/index.js';

/** What a claim's evidence may take, all of it is made before the first test. */
const defaultTimeout = 10 * 60_000;

export interface DescribeClaimsOptions {
  /** Default: the targets. */
  readonly name?: string;
  /** Default `auto`. */
  readonly engine?: EngineName | 'auto';
  /** Replaces the seeds of every experiment. */
  readonly seed?: number;
  /** An inconclusive verdict fails its test. Default false: it is skipped, with the reason. */
  readonly strict?: boolean;
  /** Folder for the reports and the evidence, which a later run goes on from. Default: they are not kept. */
  readonly out?: string;
  /** Let specifications name files outside their folders. Default false. */
  readonly allowOutside?: boolean;
  /** Milliseconds for making the evidence. Default: ten minutes. */
  readonly timeout?: number;
}

const nameOf = (target: string | URL): string => (target instanceof URL ? fileURLToPath(target) : target);

/** With all that the command line would tell. */
const told = (error: unknown): unknown => {
  if (!(error instanceof DsteerError)) return error;
  const whole = new Error(error.describe(), { cause: error });
  whole.name = error.name;
  return whole;
};

/** vitest shows the place in the specification as it shows that of an assertion. */
const failureOf = (claim: ClaimReport): Error => {
  const error = new Error(`${claim.outcome}: ${claim.title}. ${claimSentence(claim)}`);
  error.name = 'ClaimError';
  const { location } = claim;
  if (location !== undefined) {
    error.stack = `${error.name}: ${error.message}\n    at ${claim.id} (${resolve(location.file)}:${location.line}:1)`;
  }
  return error;
};

const judge = (claim: ClaimReport, isStrict: boolean, { skip }: TestContext): void => {
  if (claim.outcome === 'pass') return;
  if (claim.outcome === 'inconclusive' && !isStrict) skip(`inconclusive: ${claimSentence(claim)}`);
  throw failureOf(claim);
};

/**
 * Claims as tests, one for each case of each claim: it passes where the claim's outcome is a pass, and is skipped where the
 * evidence does not decide, unless `strict`. The evidence of all is made once, before the first of them.
 *
 * @param targets specification files (paths from the working directory, or URLs), or names of shipped claims and suites
 */
export const describeClaims = (
  targets: string | URL | readonly (string | URL)[],
  options: DescribeClaimsOptions = {},
): void => {
  const names = (targets instanceof URL || typeof targets === 'string' ? [targets] : targets).map(nameOf);
  const {
    engine = 'auto',
    seed,
    strict = false,
    out,
    allowOutside = false,
    timeout = defaultTimeout,
  } = options;
  describe(options.name ?? `claims of ${names.join(', ')}`, async () => {
    let cases: readonly ListedCase[];
    try {
      cases = await listCases(names);
    } catch (error) {
      // Thrown from here it would take every other test of its file with it.
      it('can be read', () => {
        throw told(error);
      });
      return;
    }
    const judged = new Map<string, ClaimReport>();
    let temporary: string | undefined;

    beforeAll(async () => {
      if (out === undefined) temporary = await mkdtemp(join(tmpdir(), 'dsteer-vitest-'));
      const outFolder = out ?? temporary ?? '';
      const cache = cacheFolder(process.env);
      const made = await verify({
        targets: names,
        engine,
        outFolder,
        allowOutside,
        progress: silentProgress,
        ...(seed === undefined ? {} : { seed }),
        ...(cache === undefined ? {} : { cache }),
      }).catch((error: unknown) => {
        throw told(error);
      });
      if (out !== undefined) await writeReports(out, made);
      for (const claim of made.report.claims) judged.set(caseKey(claim), claim);
    }, timeout);

    afterAll(async () => {
      if (temporary !== undefined) await rm(temporary, { recursive: true, force: true });
    });

    for (const one of cases) {
      it(caseTitle(one), (context) => {
        const claim = judged.get(caseKey(one));
        if (claim === undefined) throw new Error(`${caseTitle(one)} was not judged`);
        judge(claim, strict, context);
      });
    }
  });
};
