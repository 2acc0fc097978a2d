import type { z } from 'zod';
import { InputError, showValue } from '../base/index.js';
import type { JsonLine } from './json-lines.js';

type Issue = z.core.$ZodIssue;

const kindOf = (value: unknown): string => {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  const kinds: Readonly<Record<string, string>> = {
    string: 'text',
    number: 'a number',
    boolean: 'true or false',
    object: 'an object',
  };
  return kinds[typeof value] ?? typeof value;
};

const expectedKinds: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  boolean: 'true or false',
  object: 'an object',
  array: 'a list',
};

const valueAt = (value: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null ? (inner as Record<PropertyKey, unknown>)[key] : undefined,
    value,
  );

/** `chosen[1].role` */
const nameOf = (path: readonly PropertyKey[]): string =>
  path.reduce<string>((name, key) => {
    if (typeof key === 'number') return `${name}[${key}]`;
    return name === '' ? String(key) : `${name}.${String(key)}`;
  }, '');

/** Where none of several shapes fits, the one that came furthest into the value tells what is wrong. */
const deepestOf = (issue: Issue): Issue => {
  if (issue.code !== 'invalid_union') return issue;
  const inner = issue.errors
    .flat()
    .map((each) => deepestOf(each))
    .sort((a, b) => b.path.length - a.path.length)[0];
  return inner === undefined || inner.path.length === 0
    ? issue
    : ({ ...inner, path: [...issue.path, ...inner.path] } as Issue);
};

const describeIssue = (first: Issue, record: unknown): string => {
  const issue = deepestOf(first);
  if (issue.path.length === 0) return `expected a JSON object, not ${kindOf(record)}`;
  const name = `"${nameOf(issue.path)}"`;
  const value = valueAt(record, issue.path);
  if (value === undefined) return `${name} is missing`;
  if (issue.code === 'invalid_type') {
    return `${name} must be ${expectedKinds[issue.expected] ?? issue.expected}, not ${kindOf(value)}`;
  }
  if (issue.code === 'invalid_union') {
    const legal = issue.errors.flatMap(([branch]) =>
      branch?.code === 'invalid_type' ? [expectedKinds[branch.expected] ?? branch.expected] : [],
    );
    return `${name} must be ${legal.join(' or ')}, not ${kindOf(value)}`;
  }
  if (issue.code === 'invalid_value') {
    return `${name} is ${showValue(value)}; legal: ${issue.values.map(String).join(', ')}`;
  }
  return `${name}: ${issue.message}`;
};

/**
 * @param shape what a record should look like, as the cure
 * @throws InputError with file and line when a record has another shape
 */
export const parseRecord = <T>(
  schema: z.ZodType<T>,
  { value, line }: JsonLine,
  file: string,
  shape: string,
): T => {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new InputError(issue === undefined ? 'not a record' : describeIssue(issue, value), {
    where: { file, line },
    hint: shape,
  });
};

/** Gives errors that know of no place the one of the record at hand. */
export const atRecord = <T>(file: string, line: number, work: () => T): T => {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof InputError) || error.where !== undefined) throw error;
    throw new InputError(error.message, {
      where: { file, line },
      cause: error,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
};
