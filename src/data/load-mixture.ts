import { closestName, InputError, type SourceLocation } from '../base/index.js';
import { attributes, isAttribute } from './attributes.js';
import { type MixturePart, mixPreferences } from './mix-preferences.js';
import type { FormatOptions } from './preference-outcome.js';
import type { PreferenceTuple } from './preference-tuple.js';
import { type PreferenceReport, readPreferenceFile } from './read-preferences.js';
import {
  isRegime,
  loadShippedPreferences,
  PREFERENCE_REGIMES,
  type PreferenceSplit,
} from './shipped-preferences.js';
import { splitListsBySource } from './split-by-source.js';

/** A part of a mixture as a specification names it. */
export interface MixturePartSpec extends Omit<MixturePart, 'tuples' | 'attribute'> {
  /** A shipped regime, or a .jsonl file. */
  readonly preferences: string;
  /** One of `attributes`; of a file only `sentiment`, which leaves tuples as they are. */
  readonly attribute?: string;
}

export interface LoadMixtureOptions {
  /** The path of a file that a part names. */
  readonly resolveFile: (name: string) => string;
  /** Share of the source documents of files that is held out. Default 0.5. */
  readonly heldOutShare?: number;
  /** Of which source goes to which part. Default 0. */
  readonly seed?: number | string;
  /** Where a key of a part stands, for errors. */
  readonly locate?: (part: number, key: string) => SourceLocation | undefined;
  /** How chat messages of files become texts. */
  readonly renderChat?: FormatOptions['renderChat'];
}

/** Both halves of a mixture, and what became of the records of its files, each file once. */
export interface LoadedMixture extends PreferenceSplit {
  readonly reports: readonly PreferenceReport[];
}

const checkPart = (
  { name, preferences, attribute = 'sentiment' }: MixturePartSpec,
  at: (key: string) => { where?: SourceLocation },
): void => {
  if (!isRegime(preferences) && !preferences.includes('.')) {
    const near = closestName(preferences, PREFERENCE_REGIMES);
    throw new InputError(`there is no shipped preference data ${preferences}`, {
      ...at('preferences'),
      hint: near ? `did you mean ${near}?` : `name one of ${PREFERENCE_REGIMES.join(', ')}, or a .jsonl file`,
    });
  }
  if (!isAttribute(attribute)) {
    const near = closestName(attribute, attributes);
    throw new InputError(`there is no attribute ${attribute}`, {
      ...at('attribute'),
      hint: `${near ? `did you mean ${near}? ` : ''}legal: ${attributes.join(', ')}`,
    });
  }
  if (!isRegime(preferences) && attribute !== 'sentiment') {
    throw new InputError(`part ${name} asks for ${attribute} of ${preferences}, which is no shipped data`, {
      ...at('attribute'),
      hint: 'completions of a file are taken as they are: leave the attribute out, and write completions that differ along it',
    });
  }
};

/** The halves of each name: shipped ones as shipped, files split by source so that no source changes sides. */
const loadSplits = async (
  names: readonly string[],
  { resolveFile, heldOutShare = 0.5, renderChat }: LoadMixtureOptions,
): Promise<{ splits: Map<string, PreferenceSplit>; reports: PreferenceReport[] }> => {
  const reports: PreferenceReport[] = [];
  const splits = new Map<string, PreferenceSplit>();
  const files = new Map<string, PreferenceTuple[]>();
  const settled = new Map<string, keyof PreferenceSplit>();
  for (const name of new Set(names)) {
    if (!isRegime(name)) {
      const { tuples, report } = await readPreferenceFile(
        resolveFile(name),
        renderChat === undefined ? {} : { renderChat },
      );
      files.set(name, tuples);
      reports.push(report);
      continue;
    }
    const split = await loadShippedPreferences(name);
    splits.set(name, split);
    for (const { source } of split.train) settled.set(source, 'train');
    for (const { source } of split.heldOut) settled.set(source, 'heldOut');
  }
  const fileSplits = splitListsBySource([...files.values()], heldOutShare, settled);
  for (const [index, name] of [...files.keys()].entries()) {
    splits.set(name, fileSplits[index] ?? { train: [], heldOut: [] });
  }
  return { splits, reports };
};

/**
 * Both halves of a mixture, alike in composition. No source document is in two parts, nor on both sides: sources of
 * shipped data stay on the side where they are shipped, in a file too, and those of files are split by `heldOutShare`.
 *
 * @throws InputError when a part names no regime or readable file, an attribute that does not exist or one of a file,
 * and as `mixPreferences` does
 */
export const loadMixture = async (
  parts: readonly MixturePartSpec[],
  options: LoadMixtureOptions,
): Promise<LoadedMixture> => {
  const { seed = 0, locate } = options;
  for (const [index, part] of parts.entries()) {
    checkPart(part, (key) => {
      const where = locate?.(index, key);
      return where === undefined ? {} : { where };
    });
  }
  const { splits, reports } = await loadSplits(
    parts.map(({ preferences }) => preferences),
    options,
  );
  const mix = (half: keyof PreferenceSplit): PreferenceTuple[] =>
    mixPreferences(
      parts.map(({ preferences, attribute, ...part }) => ({
        ...part,
        ...(attribute !== undefined && isAttribute(attribute) ? { attribute } : {}),
        tuples: splits.get(preferences)?.[half] ?? [],
      })),
      { seed },
    );
  return { train: mix('train'), heldOut: mix('heldOut'), reports };
};
