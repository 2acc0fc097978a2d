import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..', '..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
let packed: string[] = [];

beforeAll(() => {
  const told = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  packed = JSON.parse(told)[0].files.map(({ path }: { path: string }) => path);
});

/** What a user has a use for, and nothing of how it was made. */
const wanted = [
  /^(package\.json|README\.md|CHANGELOG\.md|LICENSE)$/,
  /^dist\/[\w/-]+\.(js|d\.ts)$/,
  /^dist\/engine\/kernels\/kernels(-fused)?\.wasm$/,
  /^specs\/[\w/-]+\.yaml$/,
  /^schemas\/dsteer\.schema\.json$/,
  /^docs\/[\w/.-]+\.(md|yml|yaml)$/,
  /^assets\/PROVENANCE\.md$/,
  /^assets\/(model|models|preferences)\/[\w./-]+\.(json|jsonl|jsonl\.gz|safetensors|txt|md)$/,
];

describe('the package', () => {
  it('should hold nothing but what is used', () => {
    expect(packed.length).toBeGreaterThan(100);
    expect(packed.filter((path) => !wanted.some((pattern) => pattern.test(path)))).toEqual([]);
  });

  it('should hold whatever it names as an entry', () => {
    const targets = Object.values(
      manifest.exports as Record<string, string | Record<string, string>>,
    ).flatMap((target) => (typeof target === 'string' ? [target] : Object.values(target)));
    for (const path of [
      ...targets,
      ...Object.values(manifest.bin as Record<string, string>),
      manifest.types,
    ]) {
      expect(packed).toContain((path as string).replace('./', ''));
    }
  });

  it('should run nothing at its installation, and be published with its provenance', () => {
    const names = Object.keys(manifest.scripts);
    expect(names.filter((name) => /^(pre|post)?install$/.test(name))).toEqual([]);
    expect(manifest.publishConfig).toMatchObject({ provenance: true });
  });

  it('should have every dependency locked, from a registry and with its hash', () => {
    const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
    const installed = Object.entries(
      packages as Record<string, { integrity?: string; link?: boolean }>,
    ).filter(([path]) => path !== '');
    expect(existsSync(join(root, 'package-lock.json'))).toBe(true);
    expect(installed.filter(([, { integrity }]) => !integrity).map(([path]) => path)).toEqual([]);
  });
});
