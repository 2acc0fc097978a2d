import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { assetsFolder } from '../../src/data/index.js';
import { sha256Hex } from '../../src/store/index.js';

const folder = assetsFolder();
const provenance = readFileSync(join(folder, 'PROVENANCE.md'), 'utf8');
const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name !== 'PROVENANCE.md')
  .map((entry) => join(entry.parentPath, entry.name))
  .map((path) => ({ name: relative(folder, path).replaceAll('\\', '/'), bytes: readFileSync(path) }));

describe('assets/PROVENANCE.md', () => {
  it('should list every shipped file with its hash (stale? npx tsx scripts/build-assets/write-provenance.ts)', () => {
    const listed = [...provenance.matchAll(/^\| (\S+\/\S+) \| [\d,]+ \| `([0-9a-f]{64})` \|$/gm)].map(
      ([, name, hash]) => [name, hash],
    );
    expect(Object.fromEntries(listed)).toEqual(
      Object.fromEntries(files.map(({ name, bytes }) => [name, sha256Hex(bytes)])),
    );
  });

  it('should attribute the sources and say that the pairs are no human preferences', () => {
    for (const text of ['Kotzias', 'CC BY 4.0', 'Hu and Bing Liu', 'public domain', 'MIT', 'Apache-2.0']) {
      expect(provenance).toContain(text);
    }
    expect(provenance).toContain('The preference pairs are constructed. They are not human preferences.');
  });

  it('should stand for at most 6 MB in all, and 4 MB of models beside the base', () => {
    const total = (within: readonly { readonly bytes: Uint8Array }[]): number =>
      within.reduce((sum, { bytes }) => sum + bytes.length, 0);
    expect(total(files)).toBeLessThanOrEqual(6e6);
    expect(total(files.filter(({ name }) => name.startsWith('models/')))).toBeLessThanOrEqual(4e6);
  });
});
