import { createRandom, InputError } from '../base/index.js';
import { allotSources } from './allot-sources.js';
import { attributePreferences } from './attribute-preferences.js';
import type { Attribute } from './attributes.js';
import type { PreferenceTuple } from './preference-tuple.js';
import { relabel } from './relabel.js';
import { type SourceGroup, sourceGroups } from './source-groups.js';

/** One sub-population of a mixture. */
export interface MixturePart {
  /** Its name, which its tuples carry as `population`. */
  readonly name: string;
  /** What it draws from; parts may draw from the same tuples. */
  readonly tuples: readonly PreferenceTuple[];
  /** Share of the sources, relative to the other parts'. Default 1. */
  readonly weight?: number;
  /** The axis along which completions differ, for tuples like the shipped ones. Default `sentiment`: as they are. */
  readonly attribute?: Attribute;
  /** `flipped`: completions exchanged. Default `given`. */
  readonly labels?: 'given' | 'flipped';
  /** Words at the front of each prompt, such as "Critic:"; they outlive the cutting of long prompts. */
  readonly cue?: string;
}

/** Sources this near in the lists are shared out together, so that the start of a mixture is composed as the whole. */
const blockSize = 64;

/** Where each source first occurs, as a share of its list's length: lists of any lengths run side by side. */
const sourcePositions = (parts: readonly MixturePart[]): Map<string, number> => {
  const positions = new Map<string, number>();
  for (const { tuples } of parts) {
    for (const [index, { source }] of tuples.entries()) {
      const position = index / tuples.length;
      positions.set(source, Math.min(positions.get(source) ?? position, position));
    }
  }
  return positions;
};

/**
 * A sequence with `counts[k]` times the number k, each spread evenly: the next is always the one that lags most behind
 * its share. What the counts leave of `length` is undefined, spread alike.
 */
const evenly = (counts: readonly number[], length: number): (number | undefined)[] => {
  const all = [...counts, length - counts.reduce((sum, count) => sum + count, 0)];
  const given = all.map(() => 0);
  return Array.from({ length }, (_, position) => {
    const lags = all.map((count, k) => (count * (position + 1)) / length - (given[k] ?? 0));
    const next = all.reduce(
      (best, count, k) =>
        (given[k] ?? 0) < count &&
        ((lags[k] ?? 0) > (lags[best] ?? 0) || (given[best] ?? 0) >= (all[best] ?? 0))
          ? k
          : best,
      0,
    );
    given[next] = (given[next] ?? 0) + 1;
    return next < counts.length ? next : undefined;
  });
};

/** A source's place in line: by block of position, then by label of the sentence, then by lot. */
const lineUp = (
  { sources, lists }: SourceGroup,
  positions: ReadonlyMap<string, number>,
  labels: ReadonlyMap<string, string>,
  seed: number | string,
): string[] => {
  const random = createRandom(seed).fork('mixture').fork(lists.join());
  const inOrder = [...sources].sort((a, b) => (positions.get(a) ?? 0) - (positions.get(b) ?? 0));
  const line: string[] = [];
  for (let from = 0; from < inOrder.length; from += blockSize) {
    const block = random.shuffle(inOrder.slice(from, from + blockSize));
    const present = [...new Set(block.map((source) => labels.get(source)))].sort();
    line.push(...present.flatMap((label) => block.filter((source) => labels.get(source) === label)));
  }
  return line;
};

/** The part of each source that is used. */
const partOfSource = (parts: readonly MixturePart[], seed: number | string): Map<string, number> => {
  const groups = sourceGroups(parts.map(({ tuples }) => tuples));
  const taken = allotSources(
    groups,
    parts.map(({ weight }) => weight ?? 1),
  );
  const positions = sourcePositions(parts);
  const labels = new Map(
    parts.flatMap(({ tuples }) => tuples.map(({ source, polarity }) => [source, polarity ?? ''] as const)),
  );
  const partOf = new Map<string, number>();
  for (const [index, group] of groups.entries()) {
    const line = lineUp(group, positions, labels, seed);
    for (const [place, part] of evenly(taken[index] ?? [], line.length).entries()) {
      const source = line[place];
      if (part !== undefined && source !== undefined) partOf.set(source, part);
    }
  }
  return partOf;
};

const withCue = (tuple: PreferenceTuple, cue: string): PreferenceTuple => ({
  ...tuple,
  prompt: tuple.prompt === '' || /^\s/.test(tuple.prompt) ? cue + tuple.prompt : `${cue} ${tuple.prompt}`,
  cue,
});

const checkParts = (parts: readonly MixturePart[]): void => {
  if (parts.length === 0) throw new InputError('a mixture needs at least one part');
  for (const [index, { name, weight = 1, cue }] of parts.entries()) {
    if (name === '' || name.includes('/') || parts.findIndex((part) => part.name === name) < index) {
      throw new InputError(
        `the name "${name}" of part ${index + 1} of the mixture is empty, used twice or has a /`,
        {
          hint: 'give each part a name of its own',
        },
      );
    }
    if (!(weight > 0 && Number.isFinite(weight))) {
      throw new InputError(`the weight of part ${name} is ${weight}`, {
        hint: 'a weight is a number above 0; leave the part out to have none of it',
      });
    }
    if (cue !== undefined && cue.trim() === '') {
      throw new InputError(`the cue of part ${name} is empty`, {
        hint: 'leave the cue out, or give words that tell this part from the others, such as "Critic:"',
      });
    }
  }
};

/**
 * One set of preferences out of several parts. Each source goes to one part at most, drawn by `seed`; the parts' numbers
 * of sources stand in the exact proportion of their weights (largest remainders), and of a part with more sources than
 * that the rest is not used. Parts of the same tuples thus share these out; they keep the tuples' order, whatever
 * the parts are, so that mixtures of the same tuples can be compared prompt by prompt. Labels of source sentences are
 * balanced between parts. Ids become `name/id`.
 *
 * Conflicting preferences: one attribute, `labels` flipped in some parts, and a `cue` that tells which. Orthogonal ones:
 * an attribute a part.
 *
 * @throws InputError when a name is empty or used twice, a weight is not positive, a cue is empty, or a part gets no source
 */
export const mixPreferences = (
  parts: readonly MixturePart[],
  { seed = 0 }: { readonly seed?: number | string } = {},
): PreferenceTuple[] => {
  checkParts(parts);
  const partOf = partOfSource(parts, seed);
  const mixed = parts.flatMap(({ name, tuples, attribute = 'sentiment', labels = 'given', cue }, part) => {
    const own = tuples.flatMap((tuple, index) =>
      partOf.get(tuple.source) === part ? [{ tuple, position: index / tuples.length }] : [],
    );
    if (own.length === 0) {
      throw new InputError(`part ${name} of the mixture gets no source document`, {
        hint: 'give more preferences, from more source documents, or weights that differ less',
      });
    }
    const varied = relabel(
      attributePreferences(
        own.map(({ tuple }) => tuple),
        attribute,
      ),
      labels,
      seed,
    );
    return varied.map((tuple, index) => ({
      position: own[index]?.position ?? 0,
      tuple: {
        ...(cue === undefined ? tuple : withCue(tuple, cue.trim())),
        id: `${name}/${tuple.id}`,
        population: name,
      },
    }));
  });
  return mixed.sort((a, b) => a.position - b.position).map(({ tuple }) => tuple);
};
