import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InputError, UsageError } from '../../src/base/index.js';
import {
  type ClaimReport,
  combineOutcomes,
  correctForMany,
  outcomeOf,
  type RunManifest,
  type RunReport,
  totalsOf,
  verdictOf,
} from '../../src/claims/index.js';
import {
  applyBaseline,
  mergeReports,
  mergeRuns,
  reportJson,
  updateBaseline,
  writeReports,
} from '../../src/reports/index.js';
import { writeExampleEvidence } from './example-evidence.js';
import {
  exampleClaim,
  exampleControl,
  exampleManifest,
  exampleReport,
  exampleTable,
} from './example-report.js';

const threshold = { atLeast: 0.9 };

/** A claim as it is judged by itself, before any correction. */
const judged = (
  name: number,
  {
    lower,
    width,
    p,
    family,
    control,
  }: {
    readonly lower: number;
    readonly width: number;
    readonly p: number;
    readonly family: ClaimReport['family'];
    readonly control: 'pass' | 'fail';
  },
): ClaimReport => {
  const interval = [lower, lower + width] as const;
  const verdict = verdictOf(interval, threshold);
  return exampleClaim({
    id: `claim-${name}`,
    threshold,
    estimate: lower + width / 2,
    interval,
    verdict,
    outcome: combineOutcomes(outcomeOf(verdict, 'holds'), [control]),
    family,
    pValue: p,
    adjustedP: p,
    controls: [exampleControl({ outcome: control, verdict: control === 'pass' ? 'breaks' : 'holds' })],
  });
};

const claimFields = fc.record({
  lower: fc.double({ min: 0.8, max: 0.99, noNaN: true }),
  width: fc.double({ min: 0, max: 0.1, noNaN: true }),
  p: fc.constantFrom(0.0005, 0.004, 0.012, 0.02, 0.024, 0.4),
  family: fc.constantFrom('headline' as const, 'screen' as const, 'none' as const),
  control: fc.constantFrom('pass' as const, 'fail' as const),
});

/** The run of these claims and tables, corrected over them. */
const runOf = (
  claims: readonly ClaimReport[],
  tables: RunReport['tables'],
  run: Partial<RunReport['run']> = {},
): RunReport => {
  const corrected = correctForMany(claims);
  return {
    ...exampleReport,
    run: { ...exampleReport.run, ...run },
    claims: corrected,
    tables,
    totals: totalsOf(corrected),
  };
};

const shardsOf = (
  claims: readonly ClaimReport[],
  tables: RunReport['tables'],
  count: number,
  shardOf: (position: number) => number,
) =>
  Array.from({ length: count }, (_, index) => {
    const mine = (length: number): number[] =>
      Array.from({ length }, (_one, position) => position).filter((position) => shardOf(position) === index);
    const [ownClaims, ownTables] = [mine(claims.length), mine(tables.length)];
    const report = runOf(
      ownClaims.map((position) => claims[position] as ClaimReport),
      ownTables.map((position) => tables[position] as RunReport['tables'][number]),
      {
        seeds: [100 + index],
        startedAt: `2026-01-02T03:04:0${index}.000Z`,
        finishedAt: `2026-01-02T03:05:0${index}.000Z`,
        shard: {
          index: index + 1,
          count,
          claims: ownClaims,
          tables: ownTables,
          whole: { claims: claims.length, tables: tables.length, seeds: exampleReport.run.seeds },
        },
      },
    );
    return { file: `shard-${index + 1}`, report };
  });

const withoutTimes = (report: RunReport): string =>
  reportJson(report).replace(/"(startedAt|finishedAt|seconds)": [^\n]*/g, '"$1": …');

describe('merging shards', () => {
  it('gives the report of the whole run, byte for byte but for times', () => {
    fc.assert(
      fc.property(
        fc.array(claimFields, { minLength: 1, maxLength: 9 }),
        fc.integer({ min: 1, max: 4 }),
        fc.nat(),
        (fields, count, salt) => {
          const claims = fields.map((one, index) => judged(index, one));
          const tables = [exampleTable(), exampleTable({ id: 'second' })];
          const shards = shardsOf(claims, tables, count, (position) => (position * 7 + salt) % count);
          const read = shards.map(({ file, report }) => ({ file, report: JSON.parse(reportJson(report)) }));
          expect(withoutTimes(mergeReports([...read].reverse()))).toBe(withoutTimes(runOf(claims, tables)));
        },
      ),
    );
  });

  it('holds the whole run against the baseline that its shards were held against, byte for byte', () => {
    fc.assert(
      fc.property(
        fc.array(claimFields, { minLength: 1, maxLength: 6 }),
        fc.array(claimFields, { maxLength: 8 }),
        fc.integer({ min: 1, max: 3 }),
        (fields, old, count) => {
          const claims = fields.map((one, index) => judged(index, one));
          const before = old.map((one, index) => judged(index, one));
          const { baseline } = updateBaseline(runOf(before, []));
          const hold = (report: RunReport): RunReport => applyBaseline(report, baseline, 'b.json');
          const shards = shardsOf(claims, [], count, (position) => position % count).map(
            ({ file, report }) => ({
              file,
              report: JSON.parse(reportJson(hold(report))),
            }),
          );
          const whole = hold(runOf(claims, []));
          expect(whole.baseline?.missing).toHaveLength(Math.max(0, old.length - fields.length));
          expect(withoutTimes(mergeReports(shards))).toBe(withoutTimes(whole));
        },
      ),
    );
  });

  it('refuses shards of which one was held against another baseline, or against none', () => {
    const { baseline } = updateBaseline(exampleReport);
    const [first, ...rest] = three();
    if (first === undefined) throw new Error('a shard is wanted');
    const held = { ...first, report: applyBaseline(first.report, baseline, 'b.json') };
    expect(() => mergeReports([held, ...rest])).toThrow('another baseline');
    expect(() => mergeReports([...rest, held])).toThrow('another baseline');
  });

  it('takes a verdict back that a shard alone could give and the whole run cannot', () => {
    const fields = { lower: 0.91, width: 0.01, p: 0.02, family: 'headline', control: 'pass' } as const;
    const claims = [judged(0, fields), judged(1, fields)];
    const shards = shardsOf(claims, [], 2, (position) => position);
    expect(shards.map(({ report }) => report.claims[0]?.verdict)).toEqual(['holds', 'holds']);
    const merged = mergeReports(shards);
    expect(merged.claims.map(({ verdict, adjustedP }) => [verdict, adjustedP])).toEqual([
      ['inconclusive', 0.04],
      ['inconclusive', 0.04],
    ]);
    expect(merged.totals.inconclusive).toBe(2);
    expect(merged.run).not.toHaveProperty('shard');
    expect(merged.run).toMatchObject({
      startedAt: '2026-01-02T03:04:00.000Z',
      finishedAt: '2026-01-02T03:05:01.000Z',
      seconds: 2 * exampleReport.run.seconds,
    });
  });

  const three = () =>
    shardsOf(
      [0, 1, 2].map((name) =>
        judged(name, { lower: 0.91, width: 0, p: 0.001, family: 'none', control: 'pass' }),
      ),
      [],
      3,
      (position) => position,
    );

  it.each([
    ['one is missing', () => three().slice(1), 'shard 1 of 3 is missing'],
    ['one is given twice', () => [...three(), ...three().slice(2)], 'shard 3 of 3 is given twice'],
    ['one is no shard', () => [...three(), { file: 'x', report: exampleReport }], 'this is no shard'],
    [
      'one was asked for something else',
      () =>
        three().map((part, index) =>
          index === 1
            ? { ...part, report: { ...part.report, run: { ...part.report.run, targets: ['full'] } } }
            : part,
        ),
      'the targets of this run is full',
    ],
    [
      'one has lost a claim',
      () =>
        three().map((part, index) =>
          index === 1 ? { ...part, report: { ...part.report, claims: [] } } : part,
        ),
      '1 places for 0 claims',
    ],
  ])('is refused where %s', (_case, parts, message) => {
    expect(() => mergeReports(parts())).toThrow(InputError);
    expect(() => mergeReports(parts())).toThrow(message);
  });
});

describe('merging whole runs', () => {
  it('joins different claims in the order given, and refuses the same twice', () => {
    const [a, b] = [exampleClaim({ id: 'a' }), exampleClaim({ id: 'b' })].map((claim, index) => ({
      file: String(index),
      report: runOf([claim], [], { seeds: [100 + index] }),
    })) as [{ file: string; report: RunReport }, { file: string; report: RunReport }];
    const merged = mergeReports([b, a]);
    expect(merged.claims.map(({ id }) => id)).toEqual(['b', 'a']);
    expect(merged.run.seeds).toEqual([101, 100]);
    expect(() => mergeReports([a, b, a])).toThrow('a (many-frames) is judged in 0 as well');
  });

  it('adds seconds up to the millisecond, as the parts tell them', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 1e8 }), { minLength: 1, maxLength: 5 }),
        (milliseconds) => {
          const parts = milliseconds.map((own, index) => ({
            file: String(index),
            report: runOf([exampleClaim({ id: `claim-${index}` })], [], { seconds: own / 1000 }),
          }));
          const whole = milliseconds.reduce((sum, own) => sum + own, 0);
          expect(mergeReports(parts).run.seconds).toBe(whole / 1000);
        },
      ),
    );
  });
});

describe('merging folders', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dsteer-merge-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const manifest = (changes: Partial<RunManifest> = {}): RunManifest =>
    exampleManifest({ inputs: [{ file: 'specs/b.yaml', sha256: 'bb' }], ...changes });

  const writeShards = async (second: Partial<RunManifest> = {}): Promise<string[]> => {
    const claims = [0, 1].map((name) =>
      judged(name, { lower: 0.91, width: 0, p: 0.001, family: 'none', control: 'pass' }),
    );
    const shards = shardsOf(claims, [exampleTable()], 2, (position) => position);
    const folders: string[] = [];
    for (const [index, { file, report }] of shards.entries()) {
      const own = join(folder, file);
      await mkdir(own);
      await writeExampleEvidence(own);
      await writeReports(own, { report, manifest: manifest(index === 1 ? second : {}) });
      folders.push(own);
    }
    return folders;
  };

  it('writes the report with every view of it, the manifest and the evidence', async () => {
    const inputs = [{ file: 'specs/a.yaml', sha256: 'aa' }];
    const out = join(folder, 'whole');
    const report = await mergeRuns(await writeShards({ inputs }), out);
    expect(await readFile(join(out, 'report.json'), 'utf8')).toBe(reportJson(report));
    expect(await readFile(join(out, 'report.html'), 'utf8')).toContain(
      'id="many-frames-seed-100-cosines-title"',
    );
    expect(await readFile(join(out, 'many-frames', 'seed-100', 'prompts.csv'), 'utf8')).toContain(
      'base_margin',
    );
    const merged = JSON.parse(await readFile(join(out, 'manifest.json'), 'utf8'));
    expect(merged.inputs.map(({ file }: { file: string }) => file)).toEqual(['specs/a.yaml', 'specs/b.yaml']);
    expect(merged.seeds).toEqual(exampleReport.run.seeds);
    expect(merged).not.toHaveProperty('parts');
  });

  it('keeps the manifests of parts that other machines or commits made', async () => {
    const out = join(folder, 'whole');
    await mergeRuns(await writeShards({ commit: 'abc' }), out);
    const merged = JSON.parse(await readFile(join(out, 'manifest.json'), 'utf8'));
    expect(merged.parts.map(({ commit }: RunManifest) => commit)).toEqual([null, 'abc']);
  });

  it('refuses parts that were made from different contents of one file', async () => {
    const folders = await writeShards({ inputs: [{ file: 'specs/b.yaml', sha256: 'other' }] });
    await expect(mergeRuns(folders, join(folder, 'whole'))).rejects.toThrow('different contents');
  });

  it('writes over no run, neither one of the parts nor another', async () => {
    const folders = await writeShards();
    await expect(mergeRuns(folders, folders[0] ?? '')).rejects.toThrow(UsageError);
    await expect(mergeRuns(folders, join(folders[1] ?? '', 'inside'))).rejects.toThrow(UsageError);
    await mkdir(join(folder, 'taken'));
    await writeFile(join(folder, 'taken', 'report.json'), 'mine');
    await expect(mergeRuns(folders, join(folder, 'taken'))).rejects.toThrow('holds a report already');
  });
});
