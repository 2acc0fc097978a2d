/** The schemas of the three kinds of specification: how evidence is made, what is asserted of it, what runs together. */
import { z } from 'zod';
import { controlIds, isPropertyMetric, metricCatalogue, metricIds } from '../metrics/catalogue.js';

const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]*$/, 'a name of lower-case letters, digits and hyphens, such as my-claim');
const text = z.string().min(1);
const count = z.int().min(1);

export const trainingSchema = z.strictObject({
  /** β of the DPO loss. */
  beta: z.number().positive().default(0.1),
  learningRate: z.number().positive(),
  epochs: count,
  /** Preference tuples a step. */
  batchSize: count,
  warmupSteps: z.int().min(0).default(0),
  schedule: z.enum(['constant', 'linear', 'cosine']).default('constant'),
  maxGradNorm: z.number().positive().default(1),
  weightDecay: z.number().min(0).default(0),
  embeddings: z.enum(['frozen', 'unfrozen']).default('frozen'),
});

export const experimentSchema = z.strictObject({
  experiment: name,
  title: text,
  description: text.optional(),
  /** `shipped`, or a Hugging Face model folder relative to this file. */
  model: text.default('shipped'),
  data: z.strictObject({
    /** A shipped regime (one-frame, many-frames, cloze) or a .jsonl file relative to this file. */
    preferences: text,
    /** Training tuples used; all of them where absent. */
    train: count.optional(),
    /** Held-out prompts used; all of them where absent. */
    heldOut: count.optional(),
    /** For a file without a split of its own: the share of source documents held out. */
    heldOutShare: z.number().gt(0).lt(1).default(0.5),
    /** Tokens of prompt and longer completion together; longer prompts are cut from the left. */
    maxTokens: count.default(64),
  }),
  training: trainingSchema,
  readout: z.enum(['prompt-last', 'response-last']).default('prompt-last'),
  seeds: z.array(z.int().min(0)).min(1),
});

const thresholdSchema = z
  .strictObject({ atLeast: z.number().optional(), atMost: z.number().optional() })
  .superRefine((threshold, context) => {
    if ((threshold.atLeast === undefined) === (threshold.atMost === undefined)) {
      context.addIssue({ code: 'custom', message: 'a threshold has exactly one bound: atLeast or atMost' });
    }
  })
  .transform((threshold) =>
    threshold.atLeast === undefined
      ? { atMost: threshold.atMost ?? Number.NaN }
      : { atLeast: threshold.atLeast },
  );

const expectation = z.enum(['holds', 'breaks']);

const layersSchema = z.union([
  z.enum(['final', 'upper']),
  z.int().min(1),
  z.strictObject({ depth: z.tuple([z.number().min(0).max(1), z.number().min(0).max(1)]) }),
]);

export const claimSchema = z
  .strictObject({
    claim: name,
    title: text,
    source: text,
    statement: text,
    metric: z.enum(metricIds),
    /** Where the metric reads: the final hidden state, the paper's upper layers, one layer, or a range of depth. */
    layers: layersSchema.default('final'),
    threshold: thresholdSchema,
    level: z.number().gt(0.5).lt(1).default(0.95),
    /** Bootstrap draws. */
    draws: z.int().min(2000).default(2000),
    cases: z
      .array(
        z.strictObject({
          experiment: name.optional(),
          expected: expectation,
          reason: text,
          controls: z.partialRecord(z.enum(controlIds), expectation),
        }),
      )
      .min(1),
  })
  .superRefine((claim, context) => {
    const { controls } = metricCatalogue[claim.metric];
    const isProperty = isPropertyMetric(claim.metric);
    claim.cases.forEach((oneCase, index) => {
      if (isProperty === (oneCase.experiment !== undefined)) {
        context.addIssue({
          code: 'custom',
          path: ['cases', index, 'experiment'],
          message: isProperty
            ? `metric ${claim.metric} is a property over random tensors and takes no experiment`
            : `metric ${claim.metric} needs the name of an experiment`,
        });
      }
      for (const id of Object.keys(oneCase.controls)) {
        if (!(controls as readonly string[]).includes(id)) {
          context.addIssue({
            code: 'custom',
            path: ['cases', index, 'controls', id],
            message: `metric ${claim.metric} has no control ${id}; it has ${controls.join(', ')}`,
          });
        }
      }
      if (Object.keys(oneCase.controls).length === 0) {
        context.addIssue({
          code: 'custom',
          path: ['cases', index, 'controls'],
          message: `a claim without a control says nothing; name one of ${controls.join(', ')}`,
        });
      }
    });
  });

export const suiteSchema = z.strictObject({
  suite: name,
  title: text,
  /** Names of claims, in the order of the report. */
  claims: z.array(name).min(1),
  /** Judge these experiments' cases only; every case where absent. */
  experiments: z.array(name).min(1).optional(),
});

export type TrainingSpec = z.infer<typeof trainingSchema>;
export type ExperimentSpec = z.infer<typeof experimentSchema>;
export type ClaimSpec = z.infer<typeof claimSchema>;
export type ClaimCase = ClaimSpec['cases'][number];
export type LayerSelection = ClaimSpec['layers'];
export type SuiteSpec = z.infer<typeof suiteSchema>;
