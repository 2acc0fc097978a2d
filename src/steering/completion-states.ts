import { type EncodedPair, lengthBuckets } from '../activations/index.js';
import { ComputationError, type Progress, silentProgress } from '../base/index.js';
import { gatherRows, tf } from '../engine/index.js';
import { arrangedBatch, type LanguageModel } from '../model/index.js';
import { type CompletionSequence, planCompletions } from './completion-rows.js';
import type { Intervention } from './intervention.js';
import { interventionHooks } from './intervention-hooks.js';

/**
 * The final hidden states from which a model predicts the completion tokens of preference pairs: M rows, with what
 * each has to predict. Collected once, they score any number of interventions at `postNorm` without the model.
 */
export interface CompletionStates {
  /** [M, d], after the final norm. */
  readonly states: Float32Array;
  readonly hiddenSize: number;
  /** Number of pairs; every result has one entry a pair. */
  readonly prompts: number;
  /** [M]: the pair each row belongs to. */
  readonly promptOf: Int32Array;
  /** [M]: token of the chosen completion that the row predicts, −1 for none. */
  readonly chosenTargets: Int32Array;
  /** [M]: token of the rejected completion that the row predicts, −1 for none. */
  readonly rejectedTargets: Int32Array;
  /** Residual stream at each pair's last prompt token, L arrays [prompts, d]; only where `captureResiduals` asks. */
  readonly residual: readonly Float32Array[];
}

export interface CompletionOptions {
  /** Also keep the residual stream after every block at the last prompt token. Default false. */
  readonly captureResiduals?: boolean;
  /** Sequences a forward pass; must not change the result beyond rounding. Default 32. */
  readonly batchSize?: number;
  readonly progress?: Progress;
  /** Interventions for all pairs. */
  readonly interventions?: readonly Intervention[];
  /**
   * Interventions by pair (cross-fitting steers one half with the other half's vector); takes the place of
   * `interventions`. Return the same array for pairs that share them: they are run together.
   */
  readonly interventionsFor?: (promptIndex: number) => readonly Intervention[];
}

interface StatesInProgress {
  readonly states: Float32Array;
  readonly residual: readonly Float32Array[];
}

/** Puts rows [k, d] of `values` where `targets` says, from row `from` of `values` on. */
const scatterRows = (
  into: Float32Array,
  values: Float32Array,
  from: number,
  targets: readonly number[],
  d: number,
): void => {
  targets.forEach((target, index) => {
    into.set(values.subarray((from + index) * d, (from + index + 1) * d), target * d);
  });
};

/** Tokens that go through the model. */
const tokensOf = ({ ids, encoder }: CompletionSequence): number => ids.length + (encoder?.length ?? 0);

const runSequences = async (
  model: LanguageModel,
  sequences: readonly CompletionSequence[],
  interventions: readonly Intervention[],
  { states, residual }: StatesInProgress,
): Promise<void> => {
  const batch = arrangedBatch(sequences);
  const reads = sequences.flatMap(({ promptLength, rows }, b) =>
    rows.flatMap((row, k) => (row < 0 ? [] : [{ row, position: b * batch.length + promptLength - 1 + k }])),
  );
  // One sequence of each pair reads the state that both completions share: the one at the last prompt token.
  const promptEnds = sequences.flatMap(({ promptIndex, promptLength, rows }, b) =>
    residual.length > 0 && (rows[0] ?? -1) >= 0
      ? [{ promptIndex, position: b * batch.length + promptLength - 1 }]
      : [],
  );
  const promptLengths = sequences.map(({ promptLength }) => promptLength);
  const indices = (items: readonly { readonly position: number }[]): tf.Tensor1D =>
    tf.tensor1d(
      Int32Array.from(items, ({ position }) => position),
      'int32',
    );
  const gathered = tf.tidy(() => {
    const captureResiduals = promptEnds.length > 0;
    const hooks = interventionHooks(model, interventions, promptLengths);
    const { final, residuals } = model.forward(batch, { ...hooks, captureResiduals });
    const parts = [gatherRows(final, indices(reads))];
    if (captureResiduals) {
      const ends = indices(promptEnds);
      parts.push(...residuals.map((stream) => gatherRows(stream, ends)));
    }
    return tf.concat(parts) as tf.Tensor2D;
  });
  try {
    const values = await gathered.data<'float32'>();
    const d = model.hiddenSize;
    scatterRows(
      states,
      values,
      0,
      reads.map(({ row }) => row),
      d,
    );
    const prompts = promptEnds.map(({ promptIndex }) => promptIndex);
    residual.forEach((stream, layer) => {
      scatterRows(stream, values, reads.length + layer * prompts.length, prompts, d);
    });
  } finally {
    gathered.dispose();
  }
};

/**
 * Runs a model over preference pairs and keeps the final hidden states at all positions that predict a completion
 * token. Interventions given here act inside the model, at any layer. Leaves no tensor behind; memory M·d floats.
 *
 * @throws InputError for an empty prompt or completion; UsageError for interventions that do not fit the model;
 *   ComputationError when a state is NaN or infinite
 */
export const collectCompletionStates = async (
  model: LanguageModel,
  encoded: readonly EncodedPair[],
  {
    batchSize = 32,
    progress = silentProgress,
    interventions = [],
    interventionsFor,
    captureResiduals = false,
  }: CompletionOptions = {},
): Promise<CompletionStates> => {
  const { rows, sequences } = planCompletions(model, encoded);
  const d = model.hiddenSize;
  const states = new Float32Array(rows.length * d);
  const residual = Array.from(
    { length: captureResiduals ? model.layers : 0 },
    () => new Float32Array(encoded.length * d),
  );
  const groups = new Map<readonly Intervention[], CompletionSequence[]>();
  for (const sequence of sequences) {
    const key = interventionsFor?.(sequence.promptIndex) ?? interventions;
    const group = groups.get(key);
    if (group) group.push(sequence);
    else groups.set(key, [sequence]);
  }
  const stage = progress.stage('completion states', sequences.length);
  try {
    for (const [groupInterventions, group] of groups) {
      const lengths = group.map(tokensOf);
      for (const indices of lengthBuckets(lengths, batchSize)) {
        const batch = indices.flatMap((index) => group[index] ?? []);
        await runSequences(model, batch, groupInterventions, { states, residual });
        stage.advance(
          batch.length,
          batch.reduce((sum, sequence) => sum + tokensOf(sequence), 0),
        );
      }
    }
  } finally {
    stage.end();
  }
  const bad = states.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    const promptIndex = rows[Math.floor(bad / d)]?.promptIndex;
    throw new ComputationError(`a final hidden state of preference ${promptIndex} is ${states[bad]}`, {
      hint: 'the weights may hold NaN, or λ is far too large',
    });
  }
  return {
    states,
    hiddenSize: d,
    prompts: encoded.length,
    promptOf: Int32Array.from(rows, ({ promptIndex }) => promptIndex),
    chosenTargets: Int32Array.from(rows, ({ chosenTarget }) => chosenTarget),
    rejectedTargets: Int32Array.from(rows, ({ rejectedTarget }) => rejectedTarget),
    residual,
  };
};
