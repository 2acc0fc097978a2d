import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError, type Progress, ResourceError, silentProgress, UsageError } from '../base/index.js';
import { openAtomicFile, stableJson, writeFileAtomic } from '../store/index.js';
import type { HubDataset } from './hub-datasets.js';

export interface FetchOptions {
  readonly outFolder: string;
  /** Commit to fetch instead of the pinned one; its files are checked against the hashes that the hub has for it. */
  readonly revision?: string;
  /** Default: https://huggingface.co. */
  readonly hubUrl?: string;
  readonly progress?: Progress;
}

export interface FetchedFile {
  /** Within the repository, and within the folder that it was written to. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  /** It was there already, and was the right one. */
  readonly present: boolean;
}

/** A hash that a file must have, and how it is taken. */
interface Expected {
  readonly path: string;
  readonly algorithm: 'sha256' | 'git-blob';
  readonly digest: string;
}

const mebibyte = 2 ** 20;

/** Both hashes of some bytes as they come; git's is of a header with their number, then the bytes. */
const startHashes = (bytes: number) => {
  const sha256 = createHash('sha256');
  const blob = createHash('sha1').update(`blob ${bytes}\0`);
  return {
    update: (chunk: Uint8Array): void => {
      sha256.update(chunk);
      blob.update(chunk);
    },
    digests: () => ({ sha256: sha256.digest('hex'), 'git-blob': blob.digest('hex') }),
  };
};

const hashFile = async (path: string) => {
  const bytes = await stat(path).then(
    ({ size }) => size,
    // Nothing there is what most calls find.
    () => undefined,
  );
  if (bytes === undefined) return undefined;
  const hashes = startHashes(bytes);
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) hashes.update(chunk);
  return { bytes, ...hashes.digests() };
};

/** Errors of the hub carry its status; all others are of the network. */
const hubFault = (cause: unknown, what: string): ResourceError | InputError => {
  const status =
    typeof cause === 'object' && cause !== null && 'statusCode' in cause
      ? Number(cause.statusCode)
      : undefined;
  if (status === 404) {
    return new InputError(`${what}: the hub knows no such repository or revision`, {
      hint: 'give --revision the 40 digits of a commit of that repository, or leave it out',
      cause,
    });
  }
  const inner = cause instanceof Error && cause.cause instanceof Error ? ` (${cause.cause.message})` : '';
  const said = cause instanceof Error ? `${cause.message}${inner}` : String(cause);
  return new ResourceError(
    `${what}: ${status === undefined ? said : `the hub answers with status ${status}`}`,
    {
      hint: 'try again where the network reaches the hub; nothing was left half-written',
      cause,
    },
  );
};

/** What the hub says the files of a revision must be: SHA-256 of those in LFS, git's own hash of the others. */
const expectedOfRevision = async (
  dataset: HubDataset,
  revision: string,
  hubUrl: string | undefined,
): Promise<Expected[]> => {
  const { pathsInfo } = await import('@huggingface/hub');
  const what = `${dataset.repository}@${revision}`;
  const infos = await pathsInfo({
    repo: { type: 'dataset', name: dataset.repository },
    paths: dataset.files.map(({ path }) => path),
    revision,
    ...(hubUrl === undefined ? {} : { hubUrl }),
  }).catch((cause: unknown) => {
    throw hubFault(cause, what);
  });
  return dataset.files.map(({ path }) => {
    const info = infos.find((each) => each.path === path);
    const digest = info?.lfs?.oid ?? info?.oid;
    if (digest === undefined) {
      throw new InputError(`${what} has no file ${path}`, {
        hint: 'leave --revision out for the pinned one',
      });
    }
    return { path, algorithm: info?.lfs === undefined ? 'git-blob' : 'sha256', digest };
  });
};

/** The parts of a download as they come; what breaks it off is made a fault, what a reader throws is left alone. */
async function* partsOf(blob: Blob, broken: (cause: unknown) => Error): AsyncGenerator<Uint8Array> {
  try {
    yield* blob.stream() as unknown as AsyncIterable<Uint8Array>;
  } catch (cause) {
    throw broken(cause);
  }
}

const download = async (
  { path, algorithm, digest }: Expected,
  { repository }: HubDataset,
  revision: string,
  { outFolder, hubUrl, progress = silentProgress }: FetchOptions,
): Promise<FetchedFile> => {
  const { downloadFile } = await import('@huggingface/hub');
  const what = `${repository}@${revision}, ${path}`;
  const blob = await downloadFile({
    repo: { type: 'dataset', name: repository },
    path,
    revision,
    xet: false,
    ...(hubUrl === undefined ? {} : { hubUrl }),
  }).catch((cause: unknown) => {
    throw hubFault(cause, what);
  });
  if (blob === null) {
    throw new InputError(`${what}: the hub has no such file`, {
      hint: 'leave --revision out for the pinned one',
    });
  }
  const target = join(outFolder, path);
  const hashes = startHashes(blob.size);
  const stage = progress.stage(`fetch ${path}, MiB`, Math.ceil(blob.size / mebibyte));
  const file = await openAtomicFile(target);
  let bytes = 0;
  try {
    const broken = (cause: unknown) =>
      hubFault(cause, `${what}: interrupted after ${bytes} of ${blob.size} bytes`);
    for await (const part of partsOf(blob, broken)) {
      await file.write(part);
      hashes.update(part);
      const before = Math.floor(bytes / mebibyte);
      bytes += part.byteLength;
      stage.advance(Math.floor(bytes / mebibyte) - before);
    }
    const found = hashes.digests();
    if (found[algorithm] !== digest) {
      throw new InputError(
        `${what}: what came is not the file that was asked for (${bytes} bytes, ${algorithm} ${found[algorithm]} for ${digest})`,
        { hint: 'try again; if it stays so, the file was changed on its way or at the hub: do not use it' },
      );
    }
    await file.commit();
    return { path, bytes, sha256: found.sha256, present: false };
  } finally {
    await file.abandon();
    stage.end();
  }
};

/**
 * Downloads a data set from the Hugging Face hub: each file checked by its hash before it takes its name, those that are
 * there already and right left alone. Writes `fetched.json` beside them: repository, revision, licence, hashes.
 *
 * @throws UsageError when the revision is no commit, InputError when the hub has no such file or revision or a file is not
 * the one asked for, ResourceError when the hub cannot be reached or breaks off
 */
export const fetchDataset = async (dataset: HubDataset, options: FetchOptions): Promise<FetchedFile[]> => {
  const { outFolder, hubUrl, revision = dataset.revision } = options;
  if (!/^[0-9a-f]{40}$/.test(revision)) {
    throw new UsageError(`the revision ${JSON.stringify(revision)} is no commit`, {
      hint: 'give all 40 hexadecimal digits: a branch or a tag may point elsewhere tomorrow',
    });
  }
  const expected: readonly Expected[] =
    revision === dataset.revision
      ? dataset.files.map(({ path, sha256 }) => ({ path, algorithm: 'sha256', digest: sha256 }))
      : await expectedOfRevision(dataset, revision, hubUrl);
  const fetched: FetchedFile[] = [];
  for (const each of expected) {
    const found = await hashFile(join(outFolder, each.path));
    fetched.push(
      found !== undefined && found[each.algorithm] === each.digest
        ? { path: each.path, bytes: found.bytes, sha256: found.sha256, present: true }
        : await download(each, dataset, revision, options),
    );
  }
  const record = {
    repository: dataset.repository,
    revision,
    licence: dataset.licence,
    files: fetched.map(({ path, bytes, sha256 }) => ({ path, bytes, sha256 })),
  };
  await writeFileAtomic(join(outFolder, 'fetched.json'), stableJson(record));
  return fetched;
};
