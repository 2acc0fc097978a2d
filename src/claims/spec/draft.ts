/** A specification file as YAML, before its kind's schema has seen it. */
import { readFile } from 'node:fs/promises';
import { type Document, isMap, isScalar, LineCounter, type Node, parseDocument } from 'yaml';
import { InputError, type SourceLocation, SpecError } from '../../base/index.js';

export const specKinds = ['claim', 'experiment', 'suite'] as const;
export type SpecKind = (typeof specKinds)[number];

export type RawMapping = Readonly<Record<string, unknown>>;

export interface Draft {
  readonly kind: SpecKind;
  readonly file: string;
  readonly raw: RawMapping;
  /** Line and column of the node at `path`, or of its nearest ancestor; of its key `key` where that is given. */
  locate(path: readonly PropertyKey[], key?: PropertyKey): SourceLocation;
  /** Whether the file itself has a node at `path`. */
  has(path: readonly PropertyKey[]): boolean;
}

const maxBytes = 1 << 20;

const offsetOf = (document: Document, path: readonly PropertyKey[], key?: PropertyKey): number => {
  for (let depth = path.length; depth >= 0; depth--) {
    const node = depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true);
    const range = (node as Node | null | undefined)?.range;
    if (!range) continue;
    if (depth === path.length && key !== undefined && isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && item.key.value === key);
      if (pair && isScalar(pair.key) && pair.key.range) return pair.key.range[0];
    }
    return range[0];
  }
  return 0;
};

export const isMapping = (value: unknown): value is RawMapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** @throws SpecError for a fault of the YAML, or a file that is none of the kinds */
export const parseDraft = (source: string, file: string): Draft => {
  const lineCounter = new LineCounter();
  const document = parseDocument(source, { lineCounter, prettyErrors: false, schema: 'core' });
  const at = (offset: number): SourceLocation => {
    const { line, col } = lineCounter.linePos(offset);
    return { file, line, column: col };
  };
  if (document.errors.length > 0) {
    throw new SpecError(
      document.errors.map((error) => ({ where: at(error.pos[0]), message: `YAML: ${error.message}` })),
    );
  }
  const raw: unknown = document.toJS({ maxAliasCount: 20 });
  const kind = isMapping(raw) ? specKinds.find((candidate) => candidate in raw) : undefined;
  if (!isMapping(raw) || kind === undefined) {
    throw new SpecError([
      {
        where: at(0),
        message: 'this is no specification: it has none of the keys claim, experiment or suite',
        hint: 'begin the file with `claim: NAME`, `experiment: NAME` or `suite: NAME`',
      },
    ]);
  }
  return {
    kind,
    file,
    raw,
    locate: (path, key) => at(offsetOf(document, path, key)),
    has: (path) => document.hasIn(path),
  };
};

/** @throws InputError where the file cannot be read; as `parseDraft` */
export const readDraft = async (file: string): Promise<Draft> => {
  let source: string;
  try {
    source = await readFile(file, 'utf8');
  } catch (cause) {
    throw new InputError(
      `cannot read the specification: ${(cause as NodeJS.ErrnoException).code ?? 'error'}`,
      {
        where: { file },
        hint: 'give the path of a YAML file, or the name of a shipped claim or suite',
        cause,
      },
    );
  }
  if (source.length > maxBytes) {
    throw new InputError('a specification is at most 1 MiB', { where: { file } });
  }
  return parseDraft(source, file);
};
