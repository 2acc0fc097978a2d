import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DsteerError, InputError, ResourceError, UsageError } from '../../src/base/index.js';
import { fetchDataset, type HubDataset, hubDatasets } from '../../src/data/index.js';
import { sha256Hex } from '../../src/store/index.js';
import { type Hub, startHub } from './hub-server.js';

const revision = 'a'.repeat(40);
const other = 'b'.repeat(40);

/** Large enough to come in several parts. */
const large = Buffer.concat(
  Array.from({ length: 4096 }, (_, index) => Buffer.alloc(1024, `${index} `.repeat(9))),
);
const small = Buffer.from(gzipSync('{"chosen": "a", "rejected": "b"}\n'));

const dataset: HubDataset = {
  repository: 'people/preferences',
  revision,
  licence: 'MIT',
  notice: 'none',
  files: [
    { path: 'base/train.jsonl.gz', sha256: sha256Hex(large) },
    { path: 'base/test.jsonl.gz', sha256: sha256Hex(small) },
  ],
};

let hub: Hub;
let outFolder: string;

beforeEach(async () => {
  hub = await startHub(dataset.repository, revision);
  hub.files.set('base/train.jsonl.gz', { content: large, lfs: true });
  hub.files.set('base/test.jsonl.gz', { content: small, lfs: false });
  outFolder = await mkdtemp(join(tmpdir(), 'dsteer-fetch-'));
});

afterEach(async () => {
  await hub.close();
  await rm(outFolder, { recursive: true });
});

const fetchFromHub = (more: { revision?: string } = {}, what = dataset) =>
  fetchDataset(what, { outFolder, hubUrl: hub.url, ...more });

const faultOf = async (work: Promise<unknown>): Promise<DsteerError> => {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(DsteerError);
  expect((thrown as DsteerError).hint).toBeTruthy();
  return thrown as DsteerError;
};

/** Every file under the folder, temporary ones too. */
const filesLeft = async (): Promise<string[]> =>
  (await readdir(outFolder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort();

describe('fetchDataset', () => {
  it('should write the files of the pinned revision, through a redirect or none, and say what it wrote', async () => {
    const fetched = await fetchFromHub();
    expect(fetched).toEqual([
      { path: 'base/train.jsonl.gz', bytes: large.length, sha256: sha256Hex(large), present: false },
      { path: 'base/test.jsonl.gz', bytes: small.length, sha256: sha256Hex(small), present: false },
    ]);
    expect((await readFile(join(outFolder, 'base/train.jsonl.gz'))).equals(large)).toBe(true);
    expect(gunzipSync(await readFile(join(outFolder, 'base/test.jsonl.gz'))).toString()).toContain('chosen');
    expect(JSON.parse(await readFile(join(outFolder, 'fetched.json'), 'utf8'))).toEqual({
      repository: 'people/preferences',
      revision,
      licence: 'MIT',
      files: fetched.map(({ path, bytes, sha256 }) => ({ path, bytes, sha256 })),
    });
    expect(await filesLeft()).toEqual(['fetched.json', 'test.jsonl.gz', 'train.jsonl.gz']);
    expect(hub.requests.some((request) => request.includes(`/resolve/${revision}/`))).toBe(true);
  });

  it('should leave alone what is there and right, and replace what is there and wrong', async () => {
    await fetchFromHub();
    await writeFile(join(outFolder, 'base/test.jsonl.gz'), 'something else');
    hub.requests.length = 0;
    const fetched = await fetchFromHub();
    expect(fetched.map(({ present }) => present)).toEqual([true, false]);
    expect((await readFile(join(outFolder, 'base/test.jsonl.gz'))).equals(small)).toBe(true);
    expect(hub.requests.filter((request) => request.includes('train'))).toEqual([]);
  });

  it('should refuse a file whose hash is not the pinned one, and leave what was there', async () => {
    const changed = Buffer.from(large);
    changed[1_000_000] = (changed[1_000_000] ?? 0) ^ 1;
    hub.files.set('base/train.jsonl.gz', { content: changed, lfs: true });
    await mkdir(join(outFolder, 'base'));
    await writeFile(join(outFolder, 'base/train.jsonl.gz'), 'mine');
    const fault = await faultOf(fetchFromHub());
    expect(fault).toBeInstanceOf(InputError);
    expect(fault.message).toContain('what came is not the file that was asked for');
    expect(fault.message).toContain(sha256Hex(changed));
    expect(await filesLeft()).toEqual(['train.jsonl.gz']);
    expect(await readFile(join(outFolder, 'base/train.jsonl.gz'), 'utf8')).toBe('mine');
  });

  it.each([
    ['breaks off', { breaksAfter: 1_500_000 }, ResourceError, /interrupted after \d+ of 4194304 bytes/],
    ['ends too early', { endsAfter: 1_500_000 }, InputError, /1500000 bytes/],
  ])('should leave nothing half-written when a download %s', async (_, flaw, kind, message) => {
    hub.files.set('base/train.jsonl.gz', { content: large, lfs: true, ...flaw });
    const fault = await faultOf(fetchFromHub());
    expect(fault).toBeInstanceOf(kind);
    expect(fault.message).toMatch(message);
    expect(await filesLeft()).toEqual([]);
    // The next try has the whole.
    hub.files.set('base/train.jsonl.gz', { content: large, lfs: true });
    await fetchFromHub();
    expect((await readFile(join(outFolder, 'base/train.jsonl.gz'))).equals(large)).toBe(true);
  });

  it('should name the file or the revision that the hub does not have', async () => {
    hub.files.delete('base/test.jsonl.gz');
    const noFile = await faultOf(fetchFromHub());
    expect(noFile).toBeInstanceOf(InputError);
    expect(noFile.message).toMatch(/base\/test\.jsonl\.gz: the hub has no such file/);
    const noRevision = await faultOf(fetchFromHub({}, { ...dataset, revision: other }));
    expect(noRevision).toBeInstanceOf(InputError);
    expect(noRevision.message).toMatch(/bbbb.*no such repository or revision/);
    expect((await faultOf(fetchFromHub({ revision: other }))).message).toMatch(/no such repository/);
  });

  it('should check another revision against the hashes that the hub has for it: of LFS and of git', async () => {
    const unpinned = { ...dataset, revision: other };
    const fetched = await fetchFromHub({ revision }, unpinned);
    expect(fetched.map(({ sha256 }) => sha256)).toEqual([sha256Hex(large), sha256Hex(small)]);
    expect(hub.requests[0]).toBe(`POST /api/datasets/people/preferences/paths-info/${revision}`);
    hub.requests.length = 0;
    const again = await fetchFromHub({ revision }, unpinned);
    expect(again.map(({ present }) => present)).toEqual([true, true]);
    expect(hub.requests).toHaveLength(1);
    hub.files.delete('base/test.jsonl.gz');
    expect((await faultOf(fetchFromHub({ revision }, unpinned))).message).toMatch(/has no file base\/test/);
  });

  it('should refuse a file of another revision that is not what the hub announced', async () => {
    hub.files.set('base/train.jsonl.gz', { content: large, lfs: true, endsAfter: 100 });
    hub.files.set('base/test.jsonl.gz', { content: small, lfs: false, endsAfter: 10 });
    const unpinned = { ...dataset, revision: other };
    expect((await faultOf(fetchFromHub({ revision }, unpinned))).message).toMatch(/100 bytes, sha256/);
    const last = { ...unpinned, files: dataset.files.slice(1) };
    expect((await faultOf(fetchFromHub({ revision }, last))).message).toMatch(/10 bytes, git-blob/);
    expect(await filesLeft()).toEqual([]);
  });

  it.each([
    'main',
    'v1',
    revision.slice(1),
    revision.toUpperCase(),
  ])('should refuse the revision %s, which is no commit', async (name) => {
    expect(await faultOf(fetchFromHub({ revision: name }))).toBeInstanceOf(UsageError);
    expect(hub.requests).toEqual([]);
  });

  it('should tell a hub that is out of order and one that is not there from faults of the user', async () => {
    hub.status = 503;
    const down = await faultOf(fetchFromHub());
    expect(down).toBeInstanceOf(ResourceError);
    expect(down.message).toMatch(/status 503/);
    const { url } = hub;
    await hub.close();
    const gone = await faultOf(fetchDataset(dataset, { outFolder, hubUrl: url }));
    expect(gone).toBeInstanceOf(ResourceError);
    expect(gone.exitCode).toBe(4);
    expect(gone.message).toMatch(/ECONNREFUSED/);
    expect(await filesLeft()).toEqual([]);
    hub = await startHub(dataset.repository, revision);
  });
});

describe('the catalogue of data sets', () => {
  it('should pin every one to a commit and every file to a SHA-256', () => {
    for (const { revision: pinned, files, repository, licence } of Object.values(hubDatasets)) {
      expect(pinned).toMatch(/^[0-9a-f]{40}$/);
      expect(repository).toMatch(/^\w+\/[\w-]+$/);
      expect(['MIT', 'Apache-2.0']).toContain(licence);
      for (const { path, sha256 } of files) {
        expect(sha256).toMatch(/^[0-9a-f]{64}$/);
        expect(path).toMatch(/^[\w-]+(?:\/[\w-]+)*\.[\w.]+$/);
      }
      expect(new Set(files.map(({ sha256 }) => sha256)).size).toBe(files.length);
    }
  });
});
