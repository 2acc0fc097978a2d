import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const source = resolve(dirname(fileURLToPath(import.meta.url)), '..', 'src');

/** A folder may import from those after it, through their index alone. */
const ORDER = [
  'vitest',
  'cli',
  'reports',
  'claims',
  'benchmarks',
  'steering',
  'behaviour',
  'geometry',
  'statistics',
  'activations',
  'training',
  'model',
  'data',
  'engine',
  'linalg',
  'store',
  'base',
];

interface SourceFile {
  /** From src, with slashes. */
  readonly path: string;
  readonly folder: string;
  /** Without comments. */
  readonly code: string;
  readonly imports: readonly string[];
  /** What is loaded when the file runs: `import type` is gone by then. */
  readonly loads: readonly string[];
}

/** Comments go, strings stay: quotes are stepped over so that `//` in a text is no comment. */
const withoutComments = (text: string): string =>
  text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*|(["'])(?:\\.|(?!\1)[^\\\n])*\1/g, (match) =>
    match.startsWith('/') ? ' ' : match,
  );

const importsOf = (code: string): string[] =>
  [...code.matchAll(/\b(?:from|import)\s*\(?\s*(['"])([^'"\n]+)\1/g)].map((match) => match[2] ?? '');

/** Only `import type` is gone at run time: `import { type A }` still loads the file. */
const withoutTypeImports = (code: string): string =>
  code.replace(/\b(?:import|export)\s+type\b[^;]*?\bfrom\s*(['"])[^'"\n]+\1/g, '');

/** AssemblyScript is a language of its own, compiled apart. */
const isOurs = (path: string): boolean => path.endsWith('.ts') && !path.includes(`kernels${sep}assembly`);

const files: readonly SourceFile[] = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter(isOurs)
  .map((name) => {
    const path = name.split(sep).join('/');
    const code = withoutComments(readFileSync(join(source, name), 'utf8'));
    return {
      path,
      folder: path.includes('/') ? (path.split('/')[0] ?? '') : '',
      code,
      imports: importsOf(code),
      loads: importsOf(withoutTypeImports(code)),
    };
  });

/** A relative import as a path from src; packages are `undefined`. */
const targetOf = (file: SourceFile, specifier: string): string | undefined =>
  specifier.startsWith('.')
    ? relative(source, resolve(source, dirname(file.path), specifier))
        .split(sep)
        .join('/')
        .replace(/\.js$/, '.ts')
    : undefined;

const relativeImports = files.flatMap((file) =>
  file.imports.flatMap((specifier) => {
    const target = targetOf(file, specifier);
    return target === undefined ? [] : [{ file, specifier, target, folder: target.split('/')[0] ?? '' }];
  }),
);

const outside = (...folders: readonly string[]): readonly SourceFile[] =>
  files.filter(({ folder }) => !folders.includes(folder));

const pathsWith = (some: readonly SourceFile[], pattern: RegExp): string[] =>
  some.filter(({ code }) => pattern.test(code)).map(({ path }) => path);

describe('the house', () => {
  it('has no folder that the order of imports does not name', () => {
    expect(files.length).toBeGreaterThan(0);
    const folders = new Set(files.map(({ folder }) => folder).filter((folder) => folder !== ''));
    expect([...folders].filter((folder) => !ORDER.includes(folder))).toEqual([]);
  });

  it('imports one way only', () => {
    const wrong = relativeImports
      .filter(({ file, folder }) => file.folder !== '' && folder !== file.folder)
      .filter(({ file, folder }) => ORDER.indexOf(folder) <= ORDER.indexOf(file.folder))
      .map(({ file, target }) => `${file.path} → ${target}`);
    expect(wrong).toEqual([]);
  });

  it('reaches into other folders through their index alone', () => {
    const wrong = relativeImports
      .filter(({ file, folder, target }) => folder !== file.folder && target !== `${folder}/index.ts`)
      .filter(({ file, folder }) => !(file.path === 'index.ts' && folder === 'cli'))
      .map(({ file, target }) => `${file.path} → ${target}`);
    expect(wrong).toEqual([]);
  });

  it('imports relative files that exist, named with .js', () => {
    const wrong = relativeImports
      .filter(({ specifier, target }) => !specifier.endsWith('.js') || !existsSync(join(source, target)))
      .map(({ file, specifier }) => `${file.path} → ${specifier}`);
    expect(wrong).toEqual([]);
  });

  it('has no circle among the files that a file loads', () => {
    const edges = new Map(files.map(({ path }) => [path, new Set<string>()]));
    for (const { file, specifier, target } of relativeImports) {
      if (file.loads.includes(specifier)) edges.get(file.path)?.add(target);
    }
    const state = new Map<string, 'open' | 'done'>();
    const circles: string[] = [];
    const visit = (path: string, trail: readonly string[]): void => {
      if (state.get(path) === 'done') return;
      if (state.get(path) === 'open') {
        circles.push([...trail.slice(trail.indexOf(path)), path].join(' → '));
        return;
      }
      state.set(path, 'open');
      for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
      state.set(path, 'done');
    };
    for (const path of edges.keys()) visit(path, []);
    expect(circles).toEqual([]);
  });

  it('knows tfjs and its backends in src/engine alone', () => {
    const others = outside('engine');
    const packages = others
      .filter(({ imports }) => imports.some((name) => name.startsWith('@tensorflow/')))
      .map(({ path }) => path);
    expect(packages).toEqual([]);
    expect(pathsWith(others, /\b(?:setBackend|getBackend|registerBackend|registerKernel)\b/)).toEqual([]);
    expect(pathsWith(others, /(?<!\[)(['"])(?:wasm|webgpu|blas|tensorflow|tensorflow-gpu)\1/)).toEqual([]);
  });

  it('reads tensors without waiting in src/engine alone', () => {
    expect(pathsWith(outside('engine'), /\b(?:dataSync|arraySync)\b/)).toEqual([]);
  });

  it('takes all randomness from a seed', () => {
    expect(pathsWith(files, /\bMath\.random\b/)).toEqual([]);
  });

  it('writes to the terminal from src/cli alone', () => {
    expect(pathsWith(outside('cli'), /\bconsole\.\w+\(|\bprocess\.(?:stdout|stderr)\b/)).toEqual([]);
  });

  it('ends a process from the file that it begins with alone', () => {
    const ending = pathsWith(outside('cli'), /\bprocess\.exit\b/);
    expect(ending.filter((path) => !path.endsWith('/worker-main.ts'))).toEqual([]);
  });

  it('silences neither the compiler nor the linter', () => {
    const texts = files.map(({ path }) => ({ path, text: readFileSync(join(source, path), 'utf8') }));
    const silencing = /@ts-(?:ignore|expect-error|nocheck)|biome-ignore/;
    expect(texts.filter(({ text }) => silencing.test(text)).map(({ path }) => path)).toEqual([]);
  });
});
