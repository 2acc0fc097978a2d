/** Claims in somebody's own test suite, by the built package and a vitest of its own. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureBuilt } from './built-cli.js';

const root = resolve(import.meta.dirname, '..', '..');
let folder = '';

const claim = (name: string, threshold: string, expected = 'holds'): string =>
  `claim: ${name}
title: A property that is judged
source: "arXiv:2512.11838"
statement: z_w − z_l = ⟨h, e_w − e_l⟩.
metric: logit-difference-identity
threshold: { ${threshold} }
family: none
cases:
  - expected: ${expected}
    reason: as a test has it
    controls: { other-tokens: breaks }
`;

const testFile = `
import { describe, expect, it } from 'vitest';
import { describeClaims } from 'dsteer/vitest';

describeClaims('logit-difference', { name: 'shipped' });
describeClaims(new URL('./wrong.yaml', import.meta.url), { out: 'kept' });
describeClaims('absent.yaml');
it('matches', () => {
  expect([[1, 0.1], [0.9, 0], [1, 0]]).toSteerAlong([1, 0], { atLeast: 0.5 });
});
it('does not match', () => {
  expect([[1, 0.1], [0.9, 0], [1, 0]]).toSteerAlong([0, 1]);
});
`;

interface Result {
  readonly fullName: string;
  readonly status: string;
  readonly failureMessages: readonly string[];
}

let results: Result[] = [];
let text = '';

beforeAll(async () => {
  ensureBuilt();
  folder = await mkdtemp(join(tmpdir(), 'dsteer-bridge-'));
  await mkdir(join(folder, 'node_modules'));
  await symlink(root, join(folder, 'node_modules', 'dsteer'), 'junction');
  await symlink(join(root, 'node_modules', 'vitest'), join(folder, 'node_modules', 'vitest'), 'junction');
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  await writeFile(join(folder, 'wrong.yaml'), claim('wrong', 'atMost: 0.5'));
  await writeFile(join(folder, 'claims.test.js'), testFile);
  text = await new Promise((done) => {
    const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
    const words = [vitest, 'run', '--root', folder, '--reporter=json', '--outputFile=results.json'];
    const { VITEST: _, ...environment } = process.env;
    execFile(process.execPath, words, { cwd: folder, env: environment }, (_error, stdout, stderr) =>
      done(stdout + stderr),
    );
  });
  const report = JSON.parse(await readFile(join(folder, 'results.json'), 'utf8'));
  results = report.testResults.flatMap(
    ({ assertionResults }: { assertionResults: Result[] }) => assertionResults,
  );
  text += JSON.stringify(results.map(({ fullName, failureMessages }) => [fullName, ...failureMessages]));
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

const resultOf = (name: RegExp): Result => {
  const found = results.find(({ fullName }) => name.test(fullName));
  if (found === undefined) throw new Error(`no test like ${name} ran: ${text}`);
  return found;
};

describe('dsteer/vitest', () => {
  it('passes a claim whose outcome is a pass', () => {
    expect(resultOf(/shipped logit-difference/).status).toBe('passed');
  });

  it('fails one that is not, with the numbers and the place in the file', () => {
    const { status, failureMessages } = resultOf(/wrong\.yaml wrong/);
    expect(status).toBe('failed');
    expect(failureMessages[0]).toMatch(/against ≤ 0\.5.*BREAKS, expected to hold/);
    expect(failureMessages[0]).toMatch(/wrong\.yaml:9/);
  });

  it('tells what cannot be read, beside the other tests of the file', () => {
    const { status, failureMessages } = resultOf(/absent\.yaml can be read/);
    expect(status).toBe('failed');
    expect(failureMessages[0]).toMatch(/absent\.yaml/);
  });

  it('keeps the reports where it is told to', async () => {
    const report = JSON.parse(await readFile(join(folder, 'kept', 'report.json'), 'utf8'));
    expect(report.totals).toMatchObject({ fail: 1 });
  });

  it('adds the matchers', () => {
    expect(resultOf(/^matches/).status).toBe('passed');
    expect(resultOf(/^does not match/).status).toBe('failed');
  });
});
