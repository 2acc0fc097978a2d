/** Oracles that lie beside the repository, and are absent from a published package. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const sharedFolder = join(import.meta.dirname, '..', '..', '..', 'shared');
export const fixturesFolder = join(sharedFolder, 'fixtures');
export const fixturesPresent = existsSync(join(fixturesFolder, 'models', 'llama', 'expected.json'));
export const storiesFolder = join(sharedFolder, 'realdata', 'models', 'stories260K');
export const storiesPresent = existsSync(join(storiesFolder, 'golden.json'));
/** Ends a test's title, so that a skipped one says why. */
export const needsFixtures = fixturesPresent ? '' : ' (skipped: ../shared/fixtures is not here)';
export const needsStories = storiesPresent ? '' : ' (skipped: ../shared/realdata is not here)';

export const readJson = <T>(...path: string[]): T => JSON.parse(readFileSync(join(...path), 'utf8')) as T;

/** Largest absolute difference; a different length or a NaN is infinitely wrong. */
export const maxDifference = (actual: ArrayLike<number>, expected: ArrayLike<number>): number => {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (let i = 0; i < actual.length; i++) {
    const difference = Math.abs((actual[i] ?? Number.NaN) - (expected[i] ?? Number.NaN));
    worst = difference <= worst ? worst : Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
  }
  return worst;
};
