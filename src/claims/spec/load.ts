/** Reads one YAML specification; every fault is reported at once, each with its line and column. */
import { readFile } from 'node:fs/promises';
import { type Document, isMap, isScalar, LineCounter, type Node, parseDocument } from 'yaml';
import type { z } from 'zod';
import { InputError, type SourceLocation, SpecError, type SpecIssue } from '../../base/index.js';
import { explainIssues } from './explain-issue.js';
import {
  type ClaimSpec,
  claimSchema,
  type ExperimentSpec,
  experimentSchema,
  type SuiteSpec,
  suiteSchema,
} from './schema.js';

/** A specification with the means to point into its file. */
export interface Loaded<Kind extends string, Value> {
  readonly kind: Kind;
  readonly file: string;
  readonly value: Value;
  /** Line and column of the node at `path`, or of its nearest ancestor. */
  locate(path: readonly PropertyKey[]): SourceLocation;
}

export type LoadedExperiment = Loaded<'experiment', ExperimentSpec>;
export type LoadedClaim = Loaded<'claim', ClaimSpec>;
export type LoadedSuite = Loaded<'suite', SuiteSpec>;
export type LoadedSpec = LoadedExperiment | LoadedClaim | LoadedSuite;

const maxBytes = 1 << 20;
const kinds = ['claim', 'experiment', 'suite'] as const;

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

/**
 * Parses specification text.
 *
 * @throws SpecError listing every fault of the YAML or of its values
 */
export const parseSpec = (source: string, file: string): LoadedSpec => {
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
  const locate = (path: readonly PropertyKey[]) => at(offsetOf(document, path));
  const parseAs = <Kind extends string, Schema extends z.ZodType>(
    kind: Kind,
    schema: Schema,
  ): Loaded<Kind, z.output<Schema>> => {
    const result = schema.safeParse(raw);
    if (result.success) return { kind, file, value: result.data, locate };
    const issues = explainIssues(result.error.issues, schema, raw).map(
      ({ path, key, message, hint }): SpecIssue => ({
        where: at(offsetOf(document, path, key)),
        message,
        ...(hint === undefined ? {} : { hint }),
      }),
    );
    throw new SpecError(issues);
  };
  const record = typeof raw === 'object' && raw !== null ? raw : {};
  const kind = kinds.find((candidate) => candidate in record);
  switch (kind) {
    case 'claim':
      return parseAs('claim', claimSchema);
    case 'experiment':
      return parseAs('experiment', experimentSchema);
    case 'suite':
      return parseAs('suite', suiteSchema);
    default:
      throw new SpecError([
        {
          where: at(0),
          message: 'this is no specification: it has none of the keys claim, experiment or suite',
          hint: 'begin the file with `claim: NAME`, `experiment: NAME` or `suite: NAME`',
        },
      ]);
  }
};

/** Reads and parses one specification file. */
export const loadSpec = async (file: string): Promise<LoadedSpec> => {
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
  return parseSpec(source, file);
};
