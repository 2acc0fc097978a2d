/** Turns a schema's complaint into a sentence with the legal values and the likeliest meaning. */
import { z } from 'zod';
import { closestName, showValue } from '../../base/index.js';

export interface ExplainedIssue {
  readonly path: readonly PropertyKey[];
  /** The key at `path` that is at fault, where the fault is in the key and not in its value. */
  readonly key?: string;
  readonly message: string;
  readonly hint?: string;
  /** The legal key that a misspelt one most likely meant. */
  readonly meant?: string;
}

const unwrap = (schema: unknown): unknown => {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault)
    return unwrap(schema.unwrap());
  if (schema instanceof z.ZodPipe) return unwrap(schema.in);
  return schema;
};

const schemaAt = (schema: unknown, path: readonly PropertyKey[]): unknown => {
  const inner = unwrap(schema);
  const [head, ...rest] = path;
  if (head === undefined) return inner;
  if (inner instanceof z.ZodObject) return schemaAt(inner.shape[String(head)], rest);
  if (inner instanceof z.ZodArray) return schemaAt(inner.element, rest);
  if (inner instanceof z.ZodRecord) return schemaAt(inner.valueType, rest);
  return undefined;
};

const legalKeys = (schema: unknown): string[] => {
  if (schema instanceof z.ZodObject) return Object.keys(schema.shape);
  if (schema instanceof z.ZodRecord && schema.keyType instanceof z.ZodEnum) {
    return schema.keyType.options.map(String);
  }
  return [];
};

const typesInWords: Readonly<Record<string, string>> = {
  number: 'a number',
  int: 'a whole number',
  string: 'text',
  boolean: 'true or false',
  array: 'a list',
  tuple: 'a list',
  object: 'a mapping',
  record: 'a mapping',
};

const unionHints: Readonly<Record<string, string>> = {
  layers: 'legal values: final, upper, a layer number, or { depth: [0.69, 0.94] }',
  'steering.layers': 'legal values: final, all, last-five, or a layer number',
};

const valueAt = (raw: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined,
    raw,
  );

const dotted = (path: readonly PropertyKey[]): string => path.map(String).join('.');
const suggestion = (given: string, legal: readonly string[]): string => {
  const closest = closestName(given, legal);
  return closest === undefined ? '' : `did you mean ${closest}? `;
};

const unknownKey = (
  path: readonly PropertyKey[],
  key: string,
  schema: unknown,
  topLevel: readonly string[],
): ExplainedIssue => {
  const legal = [...legalKeys(schemaAt(schema, path)), ...(path.length === 0 ? topLevel : [])];
  const meant = closestName(key, legal);
  return {
    path,
    key,
    message: `unknown key ${key}${path.length === 0 ? '' : ` in ${dotted(path)}`}`,
    hint: `${suggestion(key, legal)}legal keys: ${legal.join(', ')}`,
    ...(meant === undefined ? {} : { meant }),
  };
};

const explainOne = (
  issue: z.core.$ZodIssue,
  schema: unknown,
  raw: unknown,
  topLevel: readonly string[],
): ExplainedIssue[] => {
  const { path } = issue;
  const place = path.length === 0 ? 'the file' : dotted(path);
  const given = valueAt(raw, path);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(path, key, schema, topLevel));
    case 'invalid_key':
      return [unknownKey(path.slice(0, -1), String(path.at(-1)), schema, topLevel)];
    case 'invalid_value': {
      const legal = issue.values.map(String);
      const what = given === undefined ? `${place} is missing` : `${place} cannot be ${showValue(given)}`;
      return [
        {
          path,
          message: what,
          hint: `${suggestion(typeof given === 'string' ? given : showValue(given), legal)}legal values: ${legal.join(', ')}`,
        },
      ];
    }
    case 'invalid_type': {
      const wanted = typesInWords[issue.expected] ?? issue.expected;
      return [
        {
          path,
          message:
            given === undefined
              ? `${place} is missing: it takes ${wanted}`
              : `${place} takes ${wanted}, not ${showValue(given)}`,
          ...(issue.expected === 'number' || issue.expected === 'int'
            ? { hint: 'legal values: numbers written without quotes, such as 0.9' }
            : {}),
        },
      ];
    }
    case 'invalid_union':
      return [
        {
          path,
          message: `${place} cannot be ${showValue(given)}`,
          hint: unionHints[place] ?? 'see the documentation of this key',
        },
      ];
    default:
      return [{ path, message: `${place}: ${issue.message}` }];
  }
};

/**
 * Every fault in words; `topLevel` names keys that are legal though the schema does not know them. That a key is missing is not said again where it stands there misspelt.
 */
export const explainIssues = (
  issues: readonly z.core.$ZodIssue[],
  schema: unknown,
  raw: unknown,
  topLevel: readonly string[] = [],
): ExplainedIssue[] => {
  const explained = issues.flatMap((issue) => explainOne(issue, schema, raw, topLevel));
  const meant = new Set(explained.flatMap((one) => (one.meant ? [dotted([...one.path, one.meant])] : [])));
  return explained.filter(({ path, key }) => key !== undefined || !meant.has(dotted(path)));
};
