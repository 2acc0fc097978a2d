/** Folders of runs put together: reports, manifests, and the evidence of every job. */

import { constants } from 'node:fs';
import { cp, mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { z } from 'zod';
import { InputError, UsageError } from '../base/index.js';
import type { RunManifest, RunReport } from '../claims/index.js';
import { mergeReports } from './merge.js';
import { readReport } from './report-json.js';
import { writeReports } from './write-reports.js';

/** What made a run; where its parts were made by several machines or commits, each part's own as well. */
export type MergedManifest = RunManifest & { readonly parts?: readonly RunManifest[] };

const manifestSchema = z.looseObject({
  schema: z.literal(1),
  commit: z.string().nullable(),
  engine: z.looseObject({ name: z.string() }),
  hardware: z.looseObject({}),
  seeds: z.array(z.number()),
  inputs: z.array(z.object({ file: z.string(), sha256: z.string() })),
});

const readManifest = async (folder: string): Promise<RunManifest> => {
  const file = join(folder, 'manifest.json');
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'));
    manifestSchema.parse(value);
    // Checked above; parsing would sort its keys.
    return value as RunManifest;
  } catch (cause) {
    throw new InputError('there is no readable manifest here', {
      where: { file },
      hint: 'give folders that `dsteer verify --out` wrote',
      cause,
    });
  }
};

/** @throws InputError where two parts were made from different contents of one file */
const mergeManifests = (manifests: readonly RunManifest[], seeds: readonly number[]): MergedManifest => {
  const [first] = manifests;
  if (first === undefined) throw new UsageError('nothing to merge');
  const inputs = new Map<string, string>();
  for (const { file, sha256 } of manifests.flatMap((manifest) => manifest.inputs)) {
    const other = inputs.get(file);
    if (other !== undefined && other !== sha256) {
      throw new InputError('the runs were made from different contents of this file', {
        where: { file },
        hint: 'run all shards from the same specifications, data and models',
      });
    }
    inputs.set(file, sha256);
  }
  const origin = ({ versions, commit, engine, hardware }: RunManifest): string =>
    JSON.stringify([versions, commit, engine, hardware]);
  const isOne = new Set(manifests.map(origin)).size === 1;
  return {
    ...first,
    seeds,
    inputs: [...inputs]
      .map(([file, sha256]) => ({ file, sha256 }))
      .sort((a, b) => (a.file < b.file ? -1 : 1)),
    ...(isOne ? {} : { parts: manifests }),
  };
};

/** Folders of jobs in a run: `EXPERIMENT/seed-N`. */
const jobFolders = async (run: string): Promise<string[]> => {
  const folders: string[] = [];
  for (const entry of (await readdir(run, { withFileTypes: true })).filter((one) => one.isDirectory())) {
    for (const job of await readdir(join(run, entry.name), { withFileTypes: true })) {
      if (job.isDirectory() && /^seed-\d+$/.test(job.name)) folders.push(join(entry.name, job.name));
    }
  }
  return folders.sort();
};

/** A job that several parts share left the same evidence in each: the first one's is taken. */
const copyEvidence = async (parts: readonly string[], out: string): Promise<void> => {
  const copied = new Set<string>();
  for (const part of parts) {
    for (const job of await jobFolders(part)) {
      if (copied.has(job)) continue;
      copied.add(job);
      await mkdir(join(out, job), { recursive: true });
      await cp(join(part, job), join(out, job), { recursive: true, mode: constants.COPYFILE_FICLONE });
    }
  }
};

const isWithin = (inner: string, outer: string): boolean => {
  const path = relative(resolve(outer), resolve(inner));
  return !isAbsolute(path) && path.split(sep)[0] !== '..';
};

/**
 * Merges the runs of several folders into one folder: `report.json` and every view of it, the manifest, and the evidence.
 *
 * @param folders of finished runs, each with `report.json` and `manifest.json`
 * @param finish what becomes of the merged report before it is written, such as holding it against a baseline
 * @throws UsageError where `out` is one of them; InputError where they are not parts of one run
 */
export const mergeRuns = async (
  folders: readonly string[],
  out: string,
  finish: (report: RunReport) => RunReport = (report) => report,
): Promise<RunReport> => {
  const clash = folders.find((folder) => isWithin(out, folder));
  if (clash !== undefined) {
    throw new UsageError(`${out} lies in ${clash}, which is merged`, { hint: 'choose a folder of its own' });
  }
  const taken = await stat(join(out, 'report.json')).catch(() => undefined);
  if (taken !== undefined) {
    throw new UsageError(`${out} holds a report already`, {
      hint: 'choose a new folder, or remove that one',
    });
  }
  const parts: { readonly file: string; readonly report: RunReport }[] = [];
  const manifests: RunManifest[] = [];
  for (const folder of folders) {
    parts.push({ file: folder, report: await readReport(folder) });
    manifests.push(await readManifest(folder));
  }
  const report = finish(mergeReports(parts));
  await copyEvidence(folders, out);
  await writeReports(out, { report, manifest: mergeManifests(manifests, report.run.seeds) });
  return report;
};
