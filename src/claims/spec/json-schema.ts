/** The schemas of specifications as JSON Schema, for editors. What only code can check is left to `dsteer verify`. */
import { z } from 'zod';
import { claimSchema, experimentSchema, suiteSchema } from './schema.js';

type JsonSchema = Record<string, unknown>;

const own = (schema: z.ZodType): JsonSchema => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input' }) as JsonSchema;
  return rest;
};

/** An experiment may take from another what it does not say, and become a family. */
const inheriting = (experiment: JsonSchema): JsonSchema => {
  const properties = experiment['properties'] as JsonSchema;
  const loose = (schema: JsonSchema): JsonSchema => {
    const { required: _, ...rest } = schema;
    return rest;
  };
  return {
    ...experiment,
    properties: {
      ...properties,
      data: loose(properties['data'] as JsonSchema),
      training: loose(properties['training'] as JsonSchema),
      extends: {
        type: 'string',
        description: 'An experiment, shipped or beside this file, that gives what is not said here.',
      },
      vary: {
        type: 'object',
        description: 'A family: a member for each name, with what it sets differently.',
        additionalProperties: { type: 'object' },
      },
    },
    required: ['experiment'],
  };
};

/** One schema for every kind of file, told apart by its first key. */
export const specJsonSchema = (): JsonSchema => ({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'A specification of dsteer: an experiment, a claim or a suite',
  type: 'object',
  oneOf: [inheriting(own(experimentSchema)), own(claimSchema), own(suiteSchema)],
});
