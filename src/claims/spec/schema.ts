/** The schemas of the three kinds of specification: how evidence is made, what is asserted of it, what runs together. */
import { z } from 'zod';
import { attributes } from '../../data/index.js';
import { objectives, preferenceLossNames } from '../../training/index.js';
import { controlIds, isPropertyMetric, metricCatalogue, metricIds } from '../metrics/catalogue.js';

const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]*$/, 'a name of lower-case letters, digits and hyphens, such as my-claim');
/** Members of a family of experiments carry their value in their name: `many-frames-beta-0.5`. */
const experimentName = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9.-]*$/,
    'a name of lower-case letters, digits, dots and hyphens, such as my-experiment',
  );
const text = z.string().min(1);
const count = z.int().min(1);

const loraSchema = z.strictObject({
  rank: count,
  alpha: z.number().positive(),
  /** Share of the adapters' inputs dropped in training. */
  dropout: z.number().min(0).lt(1).optional(),
  /** Modules by the end of their names, such as q_proj; PEFT's for the architecture where absent. */
  targetModules: z.array(text).min(1).optional(),
});

const stageSchema = z.strictObject({
  /** dpo: preferences, by `loss`; sft: the chosen answers; lm: plain text. */
  objective: z.enum(objectives).optional(),
  /** The loss of preferences; sigmoid (DPO) where absent. */
  loss: z.enum(preferenceLossNames).optional(),
  /** β of the DPO loss; of ORPO the weight of the odds ratio. */
  beta: z.number().positive().default(0.1),
  /** ε of cdpo and robust: the share of labels taken to be the wrong way round. */
  labelSmoothing: z.number().min(0).lt(0.5).optional(),
  /** γ of simpo. */
  gamma: z.number().min(0).optional(),
  /** Log-ratios divided by the tokens of their completion; true of ipo alone where absent. */
  lengthNormalised: z.boolean().optional(),
  /** Of lm: a text file relative to this file, instead of the prompts and chosen answers. */
  corpus: text.optional(),
  learningRate: z.number().positive(),
  epochs: count,
  /** Preference tuples a step. */
  batchSize: count,
  /** Of these, how many go through the model at once; all where absent. */
  microBatchSize: count.optional(),
  /** Compute activations a second time instead of keeping them. */
  recompute: z.boolean().optional(),
  optimiser: z.enum(['adamw', 'sgd']).optional(),
  warmupSteps: z.int().min(0).default(0),
  /** Instead of `warmupSteps`: a share of all steps. */
  warmupShare: z.number().min(0).max(1).optional(),
  schedule: z.enum(['constant', 'linear', 'cosine']).default('constant'),
  /** Where the schedule ends, as a share of the learning rate; 0 where absent. */
  finalRateShare: z.number().min(0).max(1).optional(),
  maxGradNorm: z.number().positive().default(1),
  weightDecay: z.number().min(0).default(0),
  embeddings: z.enum(['frozen', 'unfrozen']).default('frozen'),
  /** Learning rate of E and W_U as a factor of the others'; acts only where they are unfrozen. */
  embeddingRateFactor: z.number().min(0).default(1),
  /** Train low-rank adapters alone. */
  lora: loraSchema.optional(),
  /** Steps from one checkpoint of `dsteer train` to the next: a twentieth of all where absent, 0 for none. */
  checkpointEvery: z.int().min(0).optional(),
});

/** The last stage; those before it make the model that it begins with. */
export const trainingSchema = stageSchema.extend({
  /** Stages run first, in this order: base → SFT → DPO is one of `objective: sft`. */
  initial: z.array(stageSchema).min(1).optional(),
});

const mixturePartSchema = z.strictObject({
  /** Name of this sub-population in the report. */
  name: text,
  /** A shipped regime, or a .jsonl file relative to this file. */
  preferences: text,
  /** Of a shipped regime: the axis along which completions differ. */
  attribute: z.enum(attributes).default('sentiment'),
  /** Share of the source documents, relative to the other parts. */
  weight: z.number().positive().default(1),
  /** `flipped`: what the others prefer is rejected here. */
  labels: z.enum(['given', 'flipped']).default('given'),
  /** Words at the front of each prompt of this part. */
  cue: text.optional(),
});

const dataSchema = z
  .strictObject({
    /** A shipped regime (one-frame, many-frames, cloze) or a .jsonl file relative to this file. */
    preferences: text.optional(),
    /** Instead of `preferences`: several of them, told apart as sub-populations. */
    mixture: z.array(mixturePartSchema).min(1).optional(),
    /** Instead of either, beside `checkpoints`: prompts without answers, JSON lines as `dsteer extract` reads them. */
    prompts: text.optional(),
    /** Training tuples used; all of them where absent. */
    train: count.optional(),
    /** Held-out prompts used; all of them where absent. */
    heldOut: count.optional(),
    /** For a file without a split of its own: the share of source documents held out. */
    heldOutShare: z.number().gt(0).max(1).default(0.5),
    /** Tokens of prompt and longer completion together; longer prompts are cut from the left. */
    maxTokens: count.default(64),
  })
  .superRefine((data, context) => {
    const given = [data.preferences, data.mixture, data.prompts].filter((source) => source !== undefined);
    if (given.length !== 1) {
      context.addIssue({
        code: 'custom',
        message: 'give one of preferences, a mixture of several, or (of checkpoints) prompts',
      });
    }
  });

export const experimentSchema = z
  .strictObject({
    experiment: experimentName,
    title: text,
    description: text.optional(),
    /** `shipped`, `shipped/RUNG` for another of the shipped models, or a Hugging Face model folder relative to this file. */
    model: text.default('shipped'),
    /** Give W_U its own copy of E before anything else. */
    untie: z.boolean().default(false),
    /** A policy trained elsewhere: nothing is trained, and of `training` only what metrics read of it counts. */
    checkpoints: z
      .strictObject({
        /** A Hugging Face model folder relative to this file, of the same shape as `model`. */
        policy: text,
        /** What `model` was fine-tuned from: the control `sft` is then the shift from there to `model`. */
        sftBase: text.optional(),
      })
      .optional(),
    /** Hidden states captured elsewhere, relative to this file: no model and no data is read. */
    activations: text.optional(),
    data: dataSchema,
    training: trainingSchema,
    readout: z.enum(['prompt-last', 'response-last']).default('prompt-last'),
    /** How v* is estimated. */
    vector: z
      .strictObject({
        estimator: z.enum(['mean', 'leading-singular', 'principal', 'per-source']).default('mean'),
        /** Which principal direction, counted from 1. */
        component: count.default(1),
      })
      .prefault({}),
    /** Where and how v* is put in, for the metrics that steer. */
    steering: z
      .strictObject({
        layers: z.union([z.enum(['final', 'all', 'last-five']), count]).default('final'),
        kind: z.enum(['add', 'ablate']).default('add'),
      })
      .prefault({}),
    seeds: z.array(z.int().min(0)).min(1),
  })
  .superRefine(({ data, checkpoints }, context) => {
    if (data.prompts !== undefined && checkpoints === undefined) {
      context.addIssue({
        code: 'custom',
        path: ['data', 'prompts'],
        message:
          'prompts without answers train nothing: name checkpoints to compare on them, or give preferences',
      });
    }
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
    /** The correction for many hypotheses that its verdicts take part in. */
    family: z.enum(['headline', 'screen', 'none']).default('headline'),
    cases: z
      .array(
        z.strictObject({
          experiment: experimentName.optional(),
          /** Judge the metric in `experiment` less that in this one. */
          against: experimentName.optional(),
          /** Judge the metric's slope over these experiments, by log10 of their models' parameters. */
          trend: z.array(experimentName).min(3).optional(),
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
      const named = oneCase.experiment !== undefined || oneCase.trend !== undefined;
      if (isProperty === named) {
        context.addIssue({
          code: 'custom',
          path: ['cases', index, 'experiment'],
          message: isProperty
            ? `metric ${claim.metric} is a property over random tensors and takes no experiment`
            : `metric ${claim.metric} needs the name of an experiment`,
        });
      }
      if (oneCase.trend !== undefined && (oneCase.experiment ?? oneCase.against) !== undefined) {
        context.addIssue({
          code: 'custom',
          path: ['cases', index, 'trend'],
          message: 'a trend names its experiments itself: leave out experiment and against',
        });
      }
      if (oneCase.against !== undefined && oneCase.against === oneCase.experiment) {
        context.addIssue({
          code: 'custom',
          path: ['cases', index, 'against'],
          message: 'an experiment does not differ from itself',
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

const tableMetricSchema = z
  .union([z.enum(metricIds), z.strictObject({ metric: z.enum(metricIds), layers: layersSchema })])
  .transform((given) => (typeof given === 'string' ? { metric: given, layers: 'final' as const } : given));

const tableSchema = z
  .strictObject({
    table: name,
    title: text,
    /** One row each; the first is what the others are compared with, unless `baseline` names another. */
    experiments: z.array(experimentName).min(2),
    baseline: experimentName.optional(),
    metrics: z.array(tableMetricSchema).min(1),
  })
  .superRefine(({ experiments, baseline, metrics }, context) => {
    if (baseline !== undefined && !experiments.includes(baseline)) {
      context.addIssue({
        code: 'custom',
        path: ['baseline'],
        message: `the baseline ${baseline} is none of the table's experiments`,
      });
    }
    metrics.forEach(({ metric }, index) => {
      if (isPropertyMetric(metric)) {
        context.addIssue({
          code: 'custom',
          path: ['metrics', index],
          message: `${metric} is a property over random tensors and belongs to no experiment`,
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
  experiments: z.array(experimentName).min(1).optional(),
  /** Judge these controls only; every control of each case where absent. */
  controls: z.array(z.enum(controlIds)).min(1).optional(),
  /** Training seeds, instead of the experiments' own. */
  seeds: z.array(z.int().min(0)).min(1).optional(),
  /** Conditions side by side. */
  tables: z.array(tableSchema).optional(),
  /** What is expected of evidence that stands for the claims' own experiments: of `experiment`, or of the command line's. */
  given: z
    .strictObject({
      /** One experiment, shipped or beside this file. */
      experiment: experimentName.optional(),
      expected: expectation,
      reason: text,
      controls: z.partialRecord(z.enum(controlIds), expectation),
    })
    .optional(),
});

export type TrainingSpec = z.infer<typeof trainingSchema>;
export type ExperimentSpec = z.infer<typeof experimentSchema>;
export type ClaimSpec = z.infer<typeof claimSchema>;
export type ClaimCase = ClaimSpec['cases'][number];
export type LayerSelection = ClaimSpec['layers'];
export type ComparisonSpec = z.infer<typeof tableSchema>;
export type SuiteSpec = z.infer<typeof suiteSchema>;
