/** `dsteer.baseline.json`: small, sorted, and the same bytes for the same content, so that its changes can be reviewed. */

import { LineCounter, type Node, parseDocument } from 'yaml';
import { InputError, type SourceLocation } from '../../base/index.js';
import type { AcceptedCase, Baseline } from '../../claims/index.js';
import { findJsonFault, readText, stableJson, writeFileAtomic } from '../../store/index.js';
import { caseKey, caseTitle } from '../groups.js';
import { baselineSchema } from './baseline-schema.js';

const HINT = 'write it anew with `dsteer verify --baseline FILE --update-baseline`, or mend that place';

/** JSON is YAML, and this parser remembers where everything stood. */
const parseWithPlaces = (text: string, lineCounter: LineCounter) => {
  try {
    return parseDocument(text, { lineCounter, prettyErrors: false, logLevel: 'silent' });
  } catch {
    // It calls itself for what is nested, and what nests that deeply is no baseline anywhere.
    return undefined;
  }
};

/** Where `path` stands in the text, or the nearest thing around it. */
const locate = (text: string, file: string, path: readonly PropertyKey[]): SourceLocation => {
  const lineCounter = new LineCounter();
  const document = parseWithPlaces(text, lineCounter);
  for (let depth = path.length; depth > 0; depth--) {
    const range = (document?.getIn(path.slice(0, depth), true) as Node | undefined)?.range;
    if (!range) continue;
    const { line, col } = lineCounter.linePos(range[0]);
    return { file, line, column: col };
  }
  return { file, line: 1, column: 1 };
};

const syntaxPlace = (text: string, file: string): SourceLocation => {
  const before = text.slice(0, findJsonFault(text) ?? 0).split('\n');
  return { file, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
};

const parseJson = (text: string, file: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new InputError('this baseline is not JSON from here on', {
      where: syntaxPlace(text, file),
      hint: HINT,
      cause,
    });
  }
};

/** @throws InputError with the place where the text is no baseline, or accepts one case twice */
export const parseBaseline = (text: string, file: string): Baseline => {
  const read = baselineSchema.safeParse(parseJson(text, file));
  if (!read.success) {
    const [issue] = read.error.issues;
    const path = issue?.path ?? [];
    throw new InputError(
      `this is not a baseline of schema 1: ${path.length === 0 ? '' : `${path.join('.')}: `}${issue?.message ?? ''}`,
      { where: locate(text, file, path), hint: HINT },
    );
  }
  const seen = new Set<string>();
  read.data.claims.forEach((one, index) => {
    if (seen.has(caseKey(one))) {
      throw new InputError(`${caseTitle(one)} is accepted twice`, {
        where: locate(text, file, ['claims', index]),
        hint: 'keep one of the two entries',
      });
    }
    seen.add(caseKey(one));
  });
  return sorted(read.data);
};

/** @throws InputError where there is no file, or it is no baseline */
export const readBaseline = async (file: string): Promise<Baseline> =>
  parseBaseline(
    await readText(file, {
      maxBytes: 2 ** 20,
      hint: `write it with \`dsteer verify --baseline ${file} --update-baseline\``,
    }),
    file,
  );

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** In the order of the file, whatever order they were edited into: by claim, then by what made the evidence. */
const sorted = (baseline: Baseline): Baseline => ({
  ...baseline,
  claims: [...baseline.claims].sort((a, b) => compare(caseKey(a), caseKey(b))),
});

/** Keys in the order in which they are read. */
const inOrder = ({ note, ...entry }: AcceptedCase): AcceptedCase => ({
  id: entry.id,
  experiment: entry.experiment,
  comparison: entry.comparison,
  verdict: entry.verdict,
  estimate: entry.estimate,
  band: entry.band,
  dsteer: entry.dsteer,
  engine: entry.engine,
  seeds: entry.seeds,
  ...(note === undefined ? {} : { note }),
});

/** Lists of numbers on one line each. No text can look like one: a line break in a text is escaped. */
const onOneLine = (json: string): string =>
  json.replace(
    /\[\n\s+(-?[\d.e+-]+(?:,\n\s+-?[\d.e+-]+)*)\n\s+\]/g,
    (_, numbers: string) => `[${numbers.replace(/,\n\s+/g, ', ')}]`,
  );

/** The file's text. */
export const baselineJson = (baseline: Baseline): string => {
  const { targets, claims } = sorted(baseline);
  return onOneLine(stableJson({ schema: 1, targets, claims: claims.map(inOrder) }));
};

/** Writes the file so that a reader sees the old content or the new one. */
export const writeBaseline = (file: string, baseline: Baseline): Promise<void> =>
  writeFileAtomic(file, baselineJson(baseline));
