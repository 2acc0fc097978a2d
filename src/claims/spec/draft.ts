/** A specification file as YAML, before its kind's schema has seen it. */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  Lexer,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from 'yaml';
import { type SourceLocation, SpecError, type SpecIssue, showValue } from '../../base/index.js';
import { readText } from '../../store/index.js';

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

/** More of either is no specification; the limits bound what a hostile file can cost. */
const limits = { bytes: 1 << 20, aliases: 64, expandedValues: 100_000, depth: 100, faults: 10 } as const;

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

/** What a key names; anything but text is shown as it would be in an error. */
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : showValue(value));

/** Where nodes nest too deeply, or aliases stand for more than a file of this size could hold. */
const findExcess = (
  document: Document,
): { readonly offset: number; readonly message: string } | undefined => {
  let excess: { offset: number; message: string } | undefined;
  let aliases = 0;
  const stop = (node: unknown, message: string): symbol => {
    excess = { offset: (node as Node).range?.[0] ?? 0, message };
    return visit.BREAK;
  };
  visit(document, {
    Node: (_, node, path) => {
      if (path.length > 2 * limits.depth)
        return stop(node, `YAML: it nests more than ${limits.depth} levels`);
      if (isAlias(node) && ++aliases > limits.aliases) {
        return stop(node, `YAML: it has more than ${limits.aliases} aliases`);
      }
      return undefined;
    },
  });
  return excess;
};

/** Values that aliases expand to; each of them is shared, so this counts without making them. */
const countValues = (value: unknown, counts: Map<unknown, number>): number => {
  if (typeof value !== 'object' || value === null) return 1;
  const known = counts.get(value);
  if (known !== undefined) return known;
  // Whatever holds itself is counted as endless.
  counts.set(value, Number.POSITIVE_INFINITY);
  const count = Object.values(value).reduce<number>((sum, inner) => sum + countValues(inner, counts), 1);
  counts.set(value, count);
  return count;
};

const flowStarts = ['[', '{'];
const flowEnds = [']', '}'];
/** Marks of the lexer's own (byte order, document, scalar) stand for nothing in the text, or for one character of it. */
const isMark = (token: string): boolean => ['\u0002', '\u0018', '\u001f'].includes(token);

/** Where brackets nest too deeply: the parser takes seconds to find out by itself. */
const findDeepFlow = (source: string): number | undefined => {
  // As most files do: what has no more brackets than that, in quotes and comments too, cannot nest them deeper.
  if ((source.match(/[[{]/g)?.length ?? 0) <= limits.depth) return undefined;
  let [offset, depth] = [0, 0];
  for (const token of new Lexer().lex(source)) {
    if (flowStarts.includes(token)) depth++;
    else if (flowEnds.includes(token)) depth--;
    if (depth > limits.depth) return offset;
    if (!isMark(token)) offset += token.length;
  }
  return undefined;
};

/** As the parser does on its way. */
const countLines = (source: string, lineCounter: LineCounter): void => {
  lineCounter.addNewLine(0);
  for (let end = source.indexOf('\n'); end >= 0; end = source.indexOf('\n', end + 1)) {
    lineCounter.addNewLine(end + 1);
  }
};

interface Parsed {
  readonly document: Document;
  readonly raw: unknown;
}

const parseYaml = (
  source: string,
  lineCounter: LineCounter,
  fault: (offset: number, message: string) => SpecIssue,
): Parsed => {
  const refuse = (offset: number, message: string): never => {
    throw new SpecError([fault(offset, message)]);
  };
  const deep = findDeepFlow(source);
  if (deep !== undefined) {
    countLines(source, lineCounter);
    return refuse(deep, `YAML: it nests more than ${limits.depth} deep`);
  }
  let document: Document;
  try {
    document = parseDocument(source, {
      lineCounter,
      prettyErrors: false,
      schema: 'core',
      customTags: [],
      merge: false,
      stringKeys: true,
      logLevel: 'silent',
    });
  } catch (cause) {
    // The parser calls itself for what is nested.
    return refuse(0, cause instanceof RangeError ? 'YAML: it nests too deeply' : `YAML: ${String(cause)}`);
  }
  // A warning is of a tag that is not known: values would silently be of another type than they say.
  const faults = [...document.errors, ...document.warnings].slice(0, limits.faults);
  if (faults.length > 0) {
    throw new SpecError(faults.map(({ pos, message }) => fault(pos[0], `YAML: ${message}`)));
  }
  const excess = findExcess(document);
  if (excess !== undefined) return refuse(excess.offset, excess.message);
  let raw: unknown;
  try {
    raw = document.toJS({ maxAliasCount: -1 });
  } catch (cause) {
    return refuse(0, `YAML: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  if (countValues(raw, new Map()) > limits.expandedValues) {
    return refuse(0, `YAML: its aliases stand for more than ${limits.expandedValues} values`);
  }
  return { document, raw };
};

/** @throws SpecError for a fault of the YAML, or a file that is none of the kinds */
export const parseDraft = (source: string, file: string): Draft => {
  const lineCounter = new LineCounter();
  const at = (offset: number): SourceLocation => {
    const { line, col } = lineCounter.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const { document, raw } = parseYaml(source, lineCounter, (offset, message) => ({
    where: at(offset),
    message,
  }));
  const kind = isMapping(raw) ? specKinds.find((candidate) => Object.hasOwn(raw, candidate)) : undefined;
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

/** @throws InputError where the file cannot be read, or is larger than 1 MiB; as `parseDraft` */
export const readDraft = async (file: string): Promise<Draft> =>
  parseDraft(
    await readText(file, {
      maxBytes: limits.bytes,
      hint: 'give the path of a YAML file of at most 1 MiB, or the name of a shipped claim or suite',
    }),
    file,
  );
