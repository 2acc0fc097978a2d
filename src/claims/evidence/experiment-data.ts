/** The preference tuples of an experiment, encoded, split by source document, with the folds of cross-fitting. */
import { basename, dirname, resolve } from 'node:path';
import { InputError, type Progress, silentProgress } from '../../base/index.js';
import {
  describeDrops,
  type EncodedPreference,
  type EncodedPreferences,
  encodePreferences,
  isRegime,
  type LengthReport,
  loadMixture,
  loadShippedPreferences,
  type ModelTokenizer,
  PREFERENCE_REGIMES,
  type PreferenceReport,
  type PreferenceSplit,
  readPreferenceFile,
  removeTrainingDuplicates,
  splitBySource,
  type Tokenizer,
} from '../../data/index.js';
import { assignFolds } from '../../geometry/index.js';
import type { LoadedExperiment } from '../spec/load.js';

/** What became of the records behind an experiment. */
export interface DataReport {
  /** Of each preference file of the user's: how its records were read. */
  readonly files: readonly PreferenceReport[];
  /** Training tuples left out because their prompts are held out as well. */
  readonly trainingDuplicates: number;
  /** Of each half: how many fitted the length, and how many prompts were cut or tuples left out for it. */
  readonly lengths: Readonly<Record<keyof PreferenceSplit, LengthReport>>;
  /** Tuples used. */
  readonly train: number;
  readonly heldOut: number;
}

export interface ExperimentData {
  readonly report: DataReport;
  readonly train: readonly EncodedPreference[];
  /** That encoded the tuples. */
  readonly tokenizer: Tokenizer;
  /** Prompts that no training tuple shares a source document with. */
  readonly heldOut: readonly EncodedPreference[];
  /** Source document of each held-out prompt. */
  readonly clusters: readonly string[];
  /** 0 or 1 a held-out prompt, by source document: each fold judges the other's vector. */
  readonly folds: Uint8Array;
}

const noteDrops = (reports: readonly PreferenceReport[], progress: Progress): void => {
  for (const report of reports) {
    for (const line of describeDrops(report)) progress.note(`${basename(report.file)}: ${line}`);
  }
};

const loadTuples = async (
  { value, file, locate }: LoadedExperiment,
  tokenizer: ModelTokenizer,
  progress: Progress,
): Promise<PreferenceSplit & Partial<Pick<DataReport, 'files' | 'trainingDuplicates'>>> => {
  const { preferences, mixture, heldOutShare } = value.data;
  const { chatTemplate } = tokenizer;
  const renderChat = chatTemplate === undefined ? {} : { renderChat: chatTemplate.render };
  const resolveFile = (name: string): string => resolve(dirname(file), name);
  if (mixture !== undefined) {
    const parts = mixture.map(({ cue, ...part }) => ({ ...part, ...(cue === undefined ? {} : { cue }) }));
    const { reports, ...split } = await loadMixture(parts, {
      resolveFile,
      heldOutShare,
      locate: (part, key) => locate(['data', 'mixture', part, key]),
      ...renderChat,
    });
    noteDrops(reports, progress);
    return { ...split, files: reports };
  }
  if (preferences === undefined) {
    throw new InputError('prompts without answers hold no preferences', {
      where: locate(['data', 'prompts']),
      hint: 'give data.preferences, or judge the checkpoints by a claim about hidden states alone',
    });
  }
  if (isRegime(preferences)) return loadShippedPreferences(preferences);
  if (!preferences.includes('.')) {
    throw new InputError(`there is no shipped preference data ${preferences}`, {
      where: locate(['data', 'preferences']),
      hint: `name one of ${PREFERENCE_REGIMES.join(', ')}, or a .jsonl file`,
    });
  }
  const { tuples, report } = await readPreferenceFile(resolveFile(preferences), renderChat);
  noteDrops([report], progress);
  const { train, heldOut, removed } = removeTrainingDuplicates(splitBySource(tuples, heldOutShare));
  if (removed.length > 0) {
    progress.note(
      `${preferences}: ${removed.length} training tuples left out, whose prompts are held out as well`,
    );
  }
  return { train, heldOut, files: [report], trainingDuplicates: removed.length };
};

/** Fewest held-out prompts worth a verdict: σ2/σ1 shrinks with n (rules of evidence). */
export const minimumPrompts = 64;

export const loadExperimentData = async (
  experiment: LoadedExperiment,
  tokenizer: ModelTokenizer,
  progress: Progress = silentProgress,
): Promise<ExperimentData> => {
  const { data, experiment: name } = experiment.value;
  const tuples = await loadTuples(experiment, tokenizer, progress);
  const encode = (half: keyof PreferenceSplit, limit: number | undefined): EncodedPreferences => {
    const result = encodePreferences(tokenizer, tuples[half], { maxLength: data.maxTokens, limit });
    const { report } = result;
    if (report.tooLong > 0) {
      progress.note(
        `${name}: ${report.tooLong} tuples left out, whose answers alone are longer than ${data.maxTokens} tokens`,
      );
    }
    return result;
  };
  const encoded = { train: encode('train', data.train), heldOut: encode('heldOut', data.heldOut) };
  const train = encoded.train.encoded;
  const heldOut = encoded.heldOut.encoded;
  const trains = experiment.value.checkpoints === undefined;
  if (heldOut.length < minimumPrompts || (trains && train.length === 0)) {
    throw new InputError(
      `${experiment.value.experiment} has ${train.length} training tuples and ${heldOut.length} held-out prompts; it needs at least ${trains ? 1 : 0} and ${minimumPrompts}`,
      { where: experiment.locate(['data']), hint: 'give more preference tuples, from more source documents' },
    );
  }
  const clusters = heldOut.map(({ source }) => source);
  const folds = assignFolds(clusters);
  if (new Set(folds).size < 2) {
    throw new InputError(
      `the held-out prompts of ${experiment.value.experiment} come from ${new Set(clusters).size} source documents, too few to cross-fit: each half has to judge the other's vector`,
      {
        where: experiment.locate(['data']),
        hint: 'give prompts from more source documents (field `source`)',
      },
    );
  }
  const report: DataReport = {
    files: tuples.files ?? [],
    trainingDuplicates: tuples.trainingDuplicates ?? 0,
    lengths: { train: encoded.train.report, heldOut: encoded.heldOut.report },
    train: train.length,
    heldOut: heldOut.length,
  };
  return { train, tokenizer, heldOut, clusters, folds, report };
};
